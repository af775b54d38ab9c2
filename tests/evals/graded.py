"""Small instances that are graded in real containers, and patches made by real git."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qwright.evals.instance import FilesSource, Grading, Instance, TestGrading
from qwright.evals.testbed.prepare import Testbed, prepare
from tests.sandbox.repos import git

BROKEN = "def add(a, b):\n    return a - b\n"
FIXED = "def add(a, b):\n    return a + b\n"
TESTS = """\
from lib import add


def test_add():
    assert add(1, 2) == 3


def test_zero():
    assert add(0, 0) == 0
"""
FILES = {
    "lib.py": BROKEN,
    "test_lib.py": TESTS,
    "README": "A sum.\n",
    "pyproject.toml": "[project]\nname = 'sum'\n\n[tool.pytest.ini_options]\naddopts = '-q'\n",
}
FAIL, PASS = "test_lib.py::test_add", "test_lib.py::test_zero"
PYTEST = "python3 -m pytest -rA -p no:cacheprovider test_lib.py"


def script(command: str) -> str:
    """An eval script in SWE-bench's form."""
    return (
        "#!/bin/bash\nset -uxo pipefail\ncd /testbed\n: '>>>>> Start Test Output'\n"
        f"{command}\n: '>>>>> End Test Output'\n"
    )


def by_tests(command: str = PYTEST, parser: str = "parse_log_pytest_v2") -> TestGrading:
    return TestGrading(
        eval_script=script(command),
        fail_to_pass=(FAIL,),
        pass_to_pass=(PASS,),
        log_parser=parser,
        test_paths=("test_lib.py",),
    )


@dataclass(frozen=True)
class Beds:
    """Makes test beds below one folder."""

    folder: Path

    def make(
        self,
        grading: Grading | None = None,
        files: Mapping[str, str] = FILES,
        identity: str = "tests__sum-1",
        timeout: float = 120.0,
        image: str | None = None,
    ) -> Testbed:
        instance = Instance(
            id=identity,
            prompt="Make the sum right.",
            source=FilesSource(files=dict(files)),
            grading=grading or by_tests(),
            timeout=timeout,
            image=image,
        )
        return asyncio.run(prepare(instance, self.folder / "cache", print))

    def patch(self, testbed: Testbed, changes: Mapping[str, str | bytes | None]) -> str:
        """The patch that gives files this content, or removes them."""
        work = self.folder / "work"
        shutil.copytree(testbed.directory, work, symlinks=True)
        for path in (work, *work.rglob("*")):
            path.chmod(path.stat().st_mode | 0o200)
        for name, content in changes.items():
            file = work / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.unlink()
            else:
                file.write_bytes(content.encode() if isinstance(content, str) else content)
        git(work, "add", "-A", "-f")
        text = git(work, "diff", "--cached", "--binary", "HEAD")
        shutil.rmtree(work)
        return text
