from __future__ import annotations

import asyncio
import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qwright.agent import cli
from qwright.agent.embedded.fetch import import_root
from qwright.agent.errors import ConfigError, ModelAuthError, ModelConnectionError
from qwright.agent.events import StopReason
from qwright.agent.exits import Exit, of_error, of_reason
from qwright.sandbox.accept import ConflictError
from qwright.sandbox.errors import PathError, QwrightError, SandboxError

Fail = Callable[[BaseException], None]


@pytest.fixture(name="home", autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Makes every command end with an exception."""

    def arm(error: BaseException) -> None:
        async def raising(args: object) -> int:
            await asyncio.sleep(0)
            raise error

        monkeypatch.setattr("qwright.agent.commands.sessions.run", raising)

    return arm


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), Exit.USAGE),
        (ModelAuthError("x"), Exit.AUTH),
        (ModelConnectionError("x"), Exit.MODEL),
        (SandboxError("x"), Exit.SANDBOX),
        (PathError("x"), Exit.SANDBOX),
        (ConflictError("x", ["a"]), Exit.NOT_APPLIED),
    ],
)
def test_an_error_is_one_line_and_a_code(
    fail: Fail, capsys: pytest.CaptureFixture[str], error: QwrightError, code: Exit
) -> None:
    fail(type(error)("what is wrong:\n\x1b[31mwhat to do", *error.args[1:], *_paths(error)))
    assert cli.main(["sessions"]) == code == of_error(error)
    assert capsys.readouterr().err == "qwright: what is wrong: what to do\n"


def _paths(error: QwrightError) -> list[list[str]]:
    return [error.paths] if isinstance(error, ConflictError) else []


def test_every_reason_to_end_has_a_code() -> None:
    from typing import get_args

    reasons: tuple[StopReason, ...] = get_args(StopReason)
    codes = {reason: of_reason(reason) for reason in reasons}
    assert [reason for reason in reasons if codes[reason] == Exit.DONE] == ["done"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_failure_of_the_machine_is_no_bug(
    fail: Fail, capsys: pytest.CaptureFixture[str], home: Path, number: int
) -> None:
    import os

    fail(OSError(number, os.strerror(number), "/some/file"))
    assert cli.main(["sessions"]) == Exit.SANDBOX
    said = capsys.readouterr().err
    assert os.strerror(number) in said
    assert "/some/file" in said
    assert "QWRIGHT_HOME" in said
    assert not list(home.rglob("*bug*"))


def test_a_bug_becomes_a_report(fail: Fail, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    fail(ZeroDivisionError("by \ud800"))
    assert cli.main(["sessions"]) == Exit.BUG
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    [report] = home.rglob("*bug*")
    assert str(report) in said
    text = report.read_text()
    assert "Traceback" in text
    assert "ZeroDivisionError" in text


def test_a_bug_is_reported_somewhere_when_the_state_directory_is_full(
    fail: Fail,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", "/dev/null/home")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fail(KeyError("x"))
    assert cli.main(["sessions"]) == Exit.BUG
    [report] = tmp_path.glob("*bug*")
    assert str(report) in capsys.readouterr().err
    monkeypatch.setattr("tempfile.tempdir", "/dev/null/nowhere")
    assert cli.main(["sessions"]) == Exit.BUG
    assert "KeyError: 'x'" in capsys.readouterr().err


def test_an_interrupt_outside_of_a_run(fail: Fail, capsys: pytest.CaptureFixture[str]) -> None:
    fail(KeyboardInterrupt())
    assert cli.main(["sessions"]) == Exit.INTERRUPTED
    assert capsys.readouterr().err == "qwright: interrupted\n"


def test_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sessions", "burn"]) == Exit.USAGE
    assert capsys.readouterr().err.count("\n") == 1


HEAVY = ("openai", "docker", "git", "rich", "tree_sitter", "huggingface_hub", "xllamacpp")


def test_help_and_version_import_nothing_heavy() -> None:
    code = (
        "import sys; from qwright.agent.arguments import parse\n"
        "try: parse([sys.argv[1]])\n"
        "except SystemExit: pass\n"
        "from qwright.agent import cli, oneshot\n"
        "print([name for name in sys.argv[2:] if name in sys.modules], file=sys.stderr)"
    )
    for flag in ("--help", "--version"):
        done = subprocess.run(
            [sys.executable, "-c", code, flag, *HEAVY],
            env={"PYTHONPATH": import_root()},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == "[]\n"
