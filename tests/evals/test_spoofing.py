"""Patches that attack their grader resolve nothing, and none of them is noticed by luck alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from qwright.evals.grade.grade import examine
from qwright.evals.instance import CommandGrading, TestGrading
from qwright.evals.result import Verdict
from qwright.evals.testbed.prepare import Testbed
from tests.evals.attacks import ATTACKS
from tests.evals.graded import FIXED, Beds

pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]
AT_ONCE = 3
EXIT_CODE_ONLY = (
    *("ends in import", "ends in a test", "ends pytest", "prints results and ends at exit"),
    *("expects the failure", "skips", "marks the failure as expected", "lets a child go on"),
    *("adds a hook", "replaces what calls tests", "writes the tests anew", "kills everything"),
)
"""Those that are tried where nothing but an exit code counts, too."""

C_HEAD = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n"
RIGHT = 'if (!strcmp(v[1], "file")) puts("42"); else printf("%d\\n", 2 * atoi(v[1]));'
WRONG = 'printf("%d\\n", 1 + atoi(v[1]));'
TAP = '"ok 1 - one\\nok 2 - two\\nok 3 - file\\n1..3\\n"'
TO_RUNNER = f"""\
char path[64];
  int up = getppid();
  FILE *stat = (sprintf(path, "/proc/%d/stat", up), fopen(path, "r"));
  fscanf(stat, "%*d %*s %*c %d", &up);
  FILE *log = (sprintf(path, "/proc/%d/fd/1", up), fopen(path, "a"));
  fputs({TAP}, log);
  fclose(log);"""
RUNNER = """\
n=0 bad=0
check() {
  n=$((n + 1))
  if [ "$(./prog "$2")" = "$3" ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; bad=1; fi
}
check one 1 2
check two 2 4
check file file "$(cat tests/expected.txt)"
echo 1..3
exit $bad
"""
REWRITE = """\
FILE *file = fopen("tests/run.sh", "w");
  for (int i = 0; i < 500; i++) fputs("\\n", file);
  fputs("echo ok 1 - one; echo ok 2 - two; echo ok 3 - file; exit 0\\n", file);
  fclose(file);"""
EXPECT = """\
FILE *file = fopen("tests/expected.txt", "w");
  fputs("0\\n", file);
  fclose(file);
  printf("%d\\n", strcmp(v[1], "file") ? 2 * atoi(v[1]) : 0);"""


def program(body: str) -> dict[str, str]:
    return {"prog.c": f"{C_HEAD}\nint main(int c, char **v) {{\n  {body}\n  return 0;\n}}\n"}


C_ATTACKS: dict[str, dict[str, str]] = {
    "prints results": program(f"puts({TAP}); {WRONG}"),
    "prints into the log": program(f"{TO_RUNNER}\n  {WRONG}"),
    "prints into the log and kills the runner": program(f"{TO_RUNNER}\n  kill(up, 9);"),
    "writes the runner anew": program(REWRITE),
    "writes what is expected anew": program(EXPECT),
    "edits the runner": {"tests/run.sh": f"printf '%s' {TAP}\n"},
}

Verdicts = dict[str, Verdict]


def judge_all(
    testbed: Testbed, patches: dict[str, str], out: Path, on_each: Callable[[str], None]
) -> Verdicts:
    free = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Verdict:
        async with free:
            on_each(name)
            return await examine(testbed, patches[name], out / name)

    async def work() -> list[Verdict]:
        coroutines: list[Coroutine[None, None, Verdict]] = [one(name) for name in patches]
        return await asyncio.gather(*coroutines)

    return dict(zip(patches, asyncio.run(work()), strict=True))


def verdicts_on(
    folder: Path, grading: TestGrading | CommandGrading | None, names: tuple[str, ...]
) -> Verdicts:
    beds = Beds(folder)
    testbed = beds.make(grading)
    patches = {name: beds.patch(testbed, ATTACKS[name]) for name in names}
    patches["honest"] = beds.patch(testbed, {"lib.py": FIXED})
    return judge_all(testbed, patches, folder / "out", print)


@pytest.fixture(scope="module", name="by_tests")
def _by_tests(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    return verdicts_on(tmp_path_factory.mktemp("tests"), None, tuple(ATTACKS))


@pytest.fixture(scope="module", name="by_exit_code")
def _by_exit_code(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    command = CommandGrading(command="python3 -m pytest -q test_lib.py", restored=("test_lib.py",))
    return verdicts_on(tmp_path_factory.mktemp("command"), command, EXIT_CODE_ONLY)


@pytest.fixture(scope="module", name="in_c")
def _in_c(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    folder = tmp_path_factory.mktemp("c")
    beds = Beds(folder)
    files = {
        **program(WRONG),
        "Makefile": "prog: prog.c\n\tcc -o prog prog.c\n",
        "tests/run.sh": RUNNER,
        "tests/expected.txt": "42\n",
    }
    start, end = ": '>>>>> Start Test Output'", ": '>>>>> End Test Output'"
    command = f"set -x\ncd /testbed\n{start}\nmake -s prog && bash tests/run.sh\n{end}\n"
    grading = TestGrading(
        eval_script=command,
        fail_to_pass=("- two", "- file"),
        pass_to_pass=("- one",),
        log_parser="parse_log_tap",
        test_paths=("tests/",),
    )
    testbed = beds.make(grading, files, "tests__c-1")
    patches = {name: beds.patch(testbed, files) for name, files in C_ATTACKS.items()}
    patches["honest"] = beds.patch(testbed, program(RIGHT))
    return judge_all(testbed, patches, folder / "out", print)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_on_a_log_resolves_anything(by_tests: Verdicts, name: str) -> None:
    verdict = by_tests[name]
    assert not verdict.resolved, verdict
    assert verdict.tests.get("FAIL_TO_PASS", {}).get("success", []) == []


@pytest.mark.parametrize("name", EXIT_CODE_ONLY)
def test_no_attack_on_an_exit_code_resolves_anything(by_exit_code: Verdicts, name: str) -> None:
    assert not by_exit_code[name].resolved


@pytest.mark.parametrize("name", C_ATTACKS)
def test_no_attack_on_a_runner_without_our_plugin_resolves_anything(
    in_c: Verdicts, name: str
) -> None:
    assert not in_c[name].resolved


def test_the_same_grader_resolves_honest_patches(
    by_tests: Verdicts, by_exit_code: Verdicts, in_c: Verdicts
) -> None:
    for verdicts in (by_tests, by_exit_code, in_c):
        assert verdicts["honest"].resolved, verdicts["honest"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("replaces what makes reports", "the patch changed the test runner"),
        ("replaces what calls tests", "a test that must fail passed"),
        ("adds a hook", "the patch changed the test runner"),
        ("replaces a test's code", "the patch replaced the test"),
        ("writes the tests anew", "test_lib.py changed while the tests ran"),
        ("expects the failure", "the patch decided how test_lib.py::test_add ends"),
        ("ends in import", "pytest did not come to its end"),
        ("adds conftest.py", "changes to conftest.py were dropped"),
        ("configures pytest", "changes to pyproject.toml were dropped"),
        ("is everything that is read unasked", "json.py, pytest.ini, pytest/__init__.py, pytest/"),
    ],
)
def test_the_verdict_says_what_was_tried(by_tests: Verdicts, name: str, words: str) -> None:
    assert words in by_tests[name].note
