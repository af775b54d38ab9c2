"""The grader's parts by themselves: what it drops, what it strikes out, what it believes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwright.agent.errors import ConfigError
from qwright.evals.grade import channel, script, swebench_border
from qwright.evals.grade.applying import Applied
from qwright.evals.grade.channel import GOOD, Changes, Outcomes
from qwright.evals.grade.filtering import dropped
from qwright.evals.grade.log import graded
from qwright.evals.grade.script import Script, Secrets
from qwright.evals.instance import FilesSource, Instance, TestGrading
from tests.evals.graded import by_tests

START, END = "b1946ac92492d2347c6235b4d2611184", "591785b794601e212b260e25925636fd"
OWN = Secrets(START, END)


def instance(parser: str = "parse_log_pytest_v2", *tests: str) -> Instance:
    grading = by_tests(parser=parser).model_copy(update={"test_paths": tests})
    return Instance(id="a", prompt="b", source=FilesSource(files={}), grading=grading)


def dropped_from(base: Path, changed: list[str], **configuration: str) -> list[str]:
    texts = {name.replace("_", "."): text for name, text in configuration.items()}
    given_tests = instance("parse_log_pytest", "tests/test_a.py", "checks/")
    return dropped(given_tests, base, Applied(True, "", tuple(changed), texts))


@pytest.mark.parametrize(
    "path",
    [
        *("tests/test_a.py", "checks/deep/data.json", "checks", "conftest.py", "a/b/conftest.py"),
        *("pytest.ini", "a/.pytest.ini", "sitecustomize.py", "lib/x.pth", "a/.git/config"),
        *("pytest.py", "_pytest/runner.py", "json.py", "src/typing/__init__.py", "re.so"),
        *("jest.config.mjs", ".mocharc.json", ".cargo/config.toml", "pluggy.pyc"),
    ],
)
def test_what_decides_how_tests_run_is_dropped(tmp_path: Path, path: str) -> None:
    assert dropped_from(tmp_path, [path, "src/own.py"]) == [path]


@pytest.mark.parametrize(
    "path",
    [
        *("lib.py", "tests/test_b.py", "tests/test_a.py.orig", "checks.py", "own/json.py"),
        *("src/own/types.py", "json.txt", "docs/conf.py", "own/pytest_plugin.py", "types/data.c"),
    ],
)
def test_all_else_counts(tmp_path: Path, path: str) -> None:
    (tmp_path / "types").mkdir()
    assert dropped_from(tmp_path, [path]) == []


def test_a_module_that_was_there_may_be_changed(tmp_path: Path) -> None:
    (tmp_path / "src" / "_pytest").mkdir(parents=True)
    (tmp_path / "queue.py").write_text("")
    assert dropped_from(tmp_path, ["src/_pytest/new.py", "queue.py"]) == []


def test_of_shared_configuration_only_the_runners_part_matters(tmp_path: Path) -> None:
    before = "[project]\nname = 'a'\n[tool.pytest.ini_options]\naddopts = '-q'\n"
    (tmp_path / "pyproject.toml").write_text(before)
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = a\n")
    same = before.replace("'a'", "'b'")
    changed = ["pyproject.toml"]
    assert dropped_from(tmp_path, changed, pyproject_toml=same) == []
    hidden = "tool.\"py\\u0074est\".ini_options.addopts = '-p evil'\n[project]\nname = 'a'\n"
    for text in (hidden, before + "xfail_strict = false\n", "[project]\n", "not = [toml"):
        assert dropped_from(tmp_path, changed, pyproject_toml=text) == changed
    assert dropped_from(tmp_path, changed) == changed
    both = ["setup.cfg", "tox.ini"]
    fine, bad = "[metadata]\nname = b\n", "[pytest]\naddopts = -p evil\n"
    assert dropped_from(tmp_path, both, setup_cfg=fine, tox_ini=bad) == ["tox.ini"]


KEY = b"k" * 32
BEGUN: tuple[str, dict[str, object]] = ("begin", {"loaded": []})
ENDED: list[tuple[str, dict[str, object]]] = [
    ("finish", {"status": 0, "canaries": [False]}),
    ("end", {}),
]


def record(lines: list[tuple[str, dict[str, object]]], key: bytes) -> bytes:
    """What the plugin would have written."""
    signer = hashlib.blake2b(key=key, digest_size=16)
    text = b""
    for line in lines:
        data = json.dumps(line).encode()
        signer.update(data)
        text += signer.hexdigest().encode() + b" " + data + b"\n"
    return text


def read(files: Mapping[str, bytes], key: bytes = KEY, *changed: str) -> Outcomes:
    changes = Changes("/testbed", Path("/nonexistent"), frozenset(changed))
    return channel.read(files, {"0": key}, changes)


def outcome(test: str, status: str, **more: object) -> tuple[str, dict[str, object]]:
    facts: dict[str, object] = {"id": test, "shown": test, "status": status, "honest": True}
    return ("outcome", facts | more)


def test_outcomes_are_believed_only_when_signed_and_finished() -> None:
    whole = record([BEGUN, outcome("t::a", "PASSED"), *ENDED], KEY)

    def trusted(data: bytes, with_key: bytes = KEY) -> bool:
        return read({"run.0": data}, with_key).trusted

    assert trusted(whole)
    assert not trusted(whole, b"x" * 32)
    assert not trusted(whole.replace(b"PASSED", b"FAILED"))
    lines = whole.splitlines(keepends=True)
    assert not trusted(b"".join(lines[:-1]))
    assert not trusted(b"".join([*lines[:1], *lines[2:]]))
    assert read({"key.0": KEY}).runs == 0
    assert read({}).faults == ["a record of outcomes is gone"]
    assert read({"run.0": whole}).found == {"t::a": {"PASSED"}}


def test_what_a_patched_file_asked_for_is_no_outcome() -> None:
    skipped = [outcome("t::a", "SKIPPED", origin="/testbed/lib.py"), outcome("t::b", "XFAIL")]
    data = record([BEGUN, *skipped, *ENDED], KEY)
    assert read({"run.0": data}, KEY, "lib.py").asked == ["t::a"]
    assert read({"run.0": data}, KEY, "other.py").asked == []
    hook: dict[str, object] = {
        "name": "pytest_x",
        "file": "/testbed/lib.py",
        "genuine": True,
    }
    for kind in ("plugin", "known", "changed"):
        told = record([BEGUN, (kind, hook), *ENDED], KEY)
        assert read({"run.0": told}, KEY, "lib.py").faults
        assert not read({"run.0": told}, KEY, "other.py").faults


def test_a_change_is_excused_by_the_file_that_it_is_in() -> None:
    fact: dict[str, object] = {"name": "a", "file": "/usr/lib/other.py", "genuine": True}
    told = record([BEGUN, ("changed", fact), *ENDED], KEY)
    assert read({"run.0": told}).trusted
    told = record([BEGUN, ("changed", fact | {"genuine": False}), *ENDED], KEY)
    assert not read({"run.0": told}).trusted


def test_markers_without_the_secret_are_none() -> None:
    made = script.instrument(by_tests().eval_script, OWN, "/testbed", ("test lib.py",))
    assert made.watched
    assert f">>>>> Start Test Output {START}" in made.text
    assert "'./test lib.py'" in made.text
    outcomes = Outcomes(runs=1, finished=1, found={"t::a": {"PASSED"}})
    output = (
        "+ : '>>>>> Start Test Output'\r\n"
        f"+ : '>>>>> Start Test Output {START}'\nPASSED t::a\rPASSED t::b\n"
        f">>>>> Test Exit Code: 0\n+ : '>>>>> End Test Output {END}'\n"
        f">>>>> Test Exit Code {END}: 1\n"
    )
    parse = partial(swebench_border.statuses, instance())
    log = graded(output, made, parse, outcomes).text
    assert log.splitlines() == [
        "| + : '>>>> > Start Test Output'",
        "+ : '>>>>> Start Test Output'",
        "PASSED t::a",
        "| PASSED t::b",
        "| >>>> > Test Exit Code: 0",
        "+ : '>>>>> End Test Output'",
        ">>>>> Test Exit Code: 1",
    ]


@pytest.mark.parametrize(
    ("command", "watched"),
    [
        ("pytest -rA a", True),
        ("/opt/env/bin/pytest a", True),
        ("python3 -m pytest a", True),
        ("(cd a && pytest)", True),
        ("python -m unittest", False),
        ("tox -e py -- pytest", False),
        ("python3 -I -m pytest a", False),
        ("./pytest-all.sh", False),
    ],
)
def test_where_pytest_must_have_been_heard(command: str, watched: bool) -> None:
    assert script.watched(command) is watched
    closed = any(word in command for word in ("tox", "-I"))
    text = script.instrument(by_tests(command).eval_script, OWN, "/testbed", ()).text
    assert ("PYTEST_ADDOPTS" in text) is not closed


def test_tests_that_changed_while_they_ran_are_named() -> None:
    before = b"aa  ./tests/a\nbb  ./tests/b\ncc  ./tests/c\n"
    after = b"aa  ./tests/a\nxx  ./tests/b\ndd  ./tests/new\n"
    assert script.changed_tests({"before": before, "after": after}) == ["tests/b", "tests/c"]
    assert script.changed_tests({"before": before}) == []


def test_an_unknown_parser_is_a_fault_of_the_data_set() -> None:
    with pytest.raises(ConfigError, match=r"no log parser 'parse_log_none'"):
        swebench_border.eval_script(instance("parse_log_none"), "")


WORDS = ["PASSED", "FAILED", "ok", "not ok", "XFAIL", "SKIPPED", "✓", "PASS:", "[ok]:", "--- PASS:"]
NAMES = ["t.py::a", "t.py::b[x y]", "1 - a", "TestA (0.1s)", "test a ... ok", "(1 ms)", ": SUCCESS"]
NOISE = ["\x1b[32m", "| ", " ", "\t", "\r", "\n", " - ", ">>>>> End Test Output", "{", '"', "<"]
LINE = st.lists(st.sampled_from([*WORDS, *NAMES, *NOISE]), max_size=8).map(" ".join)


# Slow to import, so not before a test needs it.
PARSERS = st.deferred(lambda: st.sampled_from(sorted(swebench_border.parsers())))


@settings(max_examples=400, deadline=None)
@given(lines=st.lists(LINE, max_size=6), parser=PARSERS)
def test_no_parser_reads_a_success_that_was_not_confirmed(lines: list[str], parser: str) -> None:
    """Whatever a patch prints, in whatever runner's form."""
    told = instance(parser)
    assert isinstance(told.grading, TestGrading)
    output = "\n".join(
        [f": '>>>>> Start Test Output {START}'", *lines, f": '>>>>> End Test Output {END}'"]
    )
    parse = partial(swebench_border.statuses, told)
    outcomes = Outcomes(runs=1, finished=1, found={"t.py::a": {"FAILED"}})
    log = graded(output, Script("", OWN, watched=True), parse, outcomes).text
    assert log.count(">>>>> End Test Output") == 1
    assert not GOOD & set(parse(log.split("\n")).values())
