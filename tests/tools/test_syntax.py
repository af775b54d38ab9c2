from __future__ import annotations

import pytest

from qwright.tools.syntax import broken_by, first_error

GOOD = {
    "a.py": "def f(x):\n    return x\n",
    "a.pyi": "def f(x: int) -> int: ...\n",
    "a.js": "const f = (x) => x ?? 1;\n",
    "a.jsx": "const a = <b c={d}>e</b>;\n",
    "a.ts": "interface A { x: number }\n",
    "a.tsx": "const a: A = <b c={d}>e</b>;\n",
    "a.go": "package a\n\nfunc f() int {\n\treturn 1\n}\n",
    "a.rs": "fn f() -> i32 { 1 }\n",
    "a.c": "int f(void) { return 1; }\n",
    "a.h": "#pragma once\nint f(void);\n",
    "a.cpp": "template <class T> struct A { T x; };\n",
    "A.java": "class A { int f() { return 1; } }\n",
    "a.json": '{"a": [1, 2]}\n',
    "a.yaml": "a: 1\nb: [1, 2]\n",
    "a.toml": "[a]\nb = 1\n",
    "a.sh": "if true; then\n  echo hi\nfi\n",
    "a.html": "<!doctype html><p>a</p>\n",
    "a.css": "a { color: red; }\n",
}
BAD = {
    "a.py": ("x = 1\ny = (2,\nz = 3\n", 2),
    "a.js": ("const a = 1;\nconst b = f(1, 2;\n", 2),
    "a.ts": ("interface A {\n  x: number\n  y: \n}\n", 3),
    "a.tsx": ("const a = <b>\n  {c d}\n</b>;\n", 2),
    "a.go": ("package a\n\nfunc f( int {\n}\n", 3),
    "a.rs": ("fn f() -> i32 {\n  let x = 1\n  x\n}\n", 2),
    "a.c": ("int f(void) {\n  int x = 1\n  return x;\n}\n", 2),
    "a.cpp": ("int f() {\n  return 1\n}\n", 2),
    "A.java": ("class A {\n  int x = ;\n}\n", 2),
    "a.json": ('{\n "a": [1, 2\n}\n', 2),
    "a.yaml": ("a: 1\nb: [1, 2\nc: 3\n", 2),
    "a.toml": ("[a]\nx = \ny = 2\n", 2),
    "a.sh": ("echo (\n", 1),
    "a.css": ("a { color: red;\nb { x: y }\n", 2),
}


@pytest.mark.parametrize("path", GOOD)
def test_good_files_parse(path: str) -> None:
    assert first_error(path, GOOD[path].encode()) is None


@pytest.mark.parametrize("path", BAD)
def test_a_broken_file_is_reported_where_it_breaks(path: str) -> None:
    text, line = BAD[path]
    problem = first_error(path, text.encode())
    assert problem is not None
    assert problem.line == line
    assert problem.text == text.split("\n")[line - 1].strip()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("def f(x):\n\ndef g():\n    pass\n", 3, "expected an indented block"),
        ("def f(x):\n", 1, "expected an indented block"),
        ("def f():\n    x = 1\n        y = 2\n", 3, "unexpected indent"),
        ("def f():\n        x = 1\n    return x\n", 3, "unindent"),
        ("def f(x)\n    return x\n", 1, "expected ':'"),
        ("try:\n    x = 1\ny = 2\n", 3, "expected 'except'"),
        ("x = 1\nelse:\n    y = 2\n", 2, "invalid syntax"),
        ("```python\nx = 1\n```\n", 1, "invalid syntax"),
        ("<<<<<<< HEAD\nx = 1\n", 1, "invalid syntax"),
    ],
)
def test_what_breaks_python_is_named(text: str, line: int, reason: str) -> None:
    problem = first_error("a.py", text.encode())
    assert problem is not None
    assert problem.line == line
    assert reason in problem.reason


@pytest.mark.parametrize(
    "text",
    [
        "type X = int\ndef f[T](x: T) -> T: ...\n",
        "x = t'{a}'\n",
        "try:\n    pass\nexcept A, B:\n    pass\n",
        "x = '\\d'\n",
        "# -*- coding: latin-1 -*-\nx = 'é'\n",
        "\ufeffx = 1\n",
        "x = " + "-" * 5000 + "1\n",
    ],
)
def test_newer_and_odd_python_is_left_alone(text: str) -> None:
    assert first_error("a.py", text.encode()) is None


def test_the_column_counts_characters() -> None:
    problem = first_error("a.py", 'é = "äöü" b\n'.encode())
    assert problem is not None
    assert (problem.line, problem.column) == (1, 11)
    problem = first_error("a.json", '{"ä": "ö", "ü": }'.encode())
    assert problem is not None
    assert problem.line == 1
    assert problem.column > 10


def test_unknown_and_large_files_are_not_parsed() -> None:
    assert first_error("a.xyz", b"((((") is None
    assert first_error("Makefile", b"((((") is None
    assert first_error("a.py", b"(" * 1_000_001) is None
    assert first_error("a.py", b"(" * 1_000) is not None


def test_only_what_a_change_broke_is_reported() -> None:
    good, bad, worse = b"x = 1\n", b"x = (\n", b"x = ((\n"
    assert broken_by("a.py", good, bad) is not None
    assert broken_by("a.py", None, bad) is not None
    assert broken_by("a.py", bad, worse) is None
    assert broken_by("a.py", bad, good) is None
