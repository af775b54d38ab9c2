"""Git's plumbing over a tree that a container can write.

This is the only place where git runs on such a tree, and it runs with an environment made from
nothing: no configuration of the tree, the user or the system is read, no hook, filter, external
diff or fsmonitor can be named, and no repository is ever discovered. Porcelain and `git add` are
not used, since they run filters of nested repositories.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, cast

from qwright.sandbox.errors import WorkspaceError

_OVERRIDES = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.preloadIndex": "true",
    "core.quotePath": "true",
    "core.autocrlf": "false",
    "core.safecrlf": "false",
    "core.fileMode": "true",
    "core.symlinks": "true",
    "core.ignoreCase": "false",
    "core.precomposeUnicode": "false",
    "core.trustctime": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.fsync": "committed",
    "core.fsyncMethod": "batch",
    "core.compression": "1",
    "pack.compression": "1",
    "core.bigFileThreshold": "64m",
    "diff.ignoreSubmodules": "all",
    "protocol.allow": "never",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "safe.bareRepository": "explicit",
    "fastimport.unpackLimit": "1",
}

_ENVIRONMENT = {
    "PATH": os.defpath,
    "LC_ALL": "C",
    "TZ": "UTC",
    "HOME": "/nonexistent",
    "XDG_CONFIG_HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_ASKPASS": "false",
    "GIT_EDITOR": "false",
    "GIT_PAGER": "cat",
    "GIT_SSH_COMMAND": "false",
    "GIT_AUTHOR_NAME": "qwright",
    "GIT_AUTHOR_EMAIL": "qwright@localhost",
    "GIT_COMMITTER_NAME": "qwright",
    "GIT_COMMITTER_EMAIL": "qwright@localhost",
}


_FULL = 1_000_000
"""Bytes free under which a failure is taken to be for want of space."""


class GitFailedError(WorkspaceError):
    """A git command failed, or took longer than it may."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
        """The exit code; 124 for a timeout."""


class Plumbing:
    """Git with an explicit store, work tree and index."""

    def __init__(self, git_dir: Path, work_tree: Path | None = None) -> None:
        self.git_dir = git_dir
        self._work_tree = work_tree

    def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        index: Path | None = None,
        timeout: float = 120.0,
        codes: Sequence[int] = (0,),
    ) -> bytes:
        """Run one git command and return its stdout; stdin is closed unless bytes are given.

        `timeout` is in seconds, `codes` are the exit codes that mean success. Raises
        GitFailedError.
        """
        done, _ = self.run_both(*arguments, stdin=stdin, index=index, timeout=timeout, codes=codes)
        return done

    def run_both(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        index: Path | None = None,
        timeout: float = 120.0,
        codes: Sequence[int] = (0,),
    ) -> tuple[bytes, bytes]:
        """As `run`; returns stdout and stderr."""
        try:
            done = subprocess.run(
                [_git(), "--no-pager", *arguments],
                cwd=self._work_tree or self.git_dir,
                env=self._environment(index),
                stdin=subprocess.DEVNULL if stdin is None else None,
                input=stdin,
                capture_output=True,
                timeout=timeout,
                check=False,
                process_group=0,  # Ctrl-C must not end a step half recorded
            )
        except subprocess.TimeoutExpired as error:
            line = f"git {arguments[0]} did not end within {timeout:.0f} s"
            raise GitFailedError(line, 124) from error
        if done.returncode not in codes:
            raise self._failure(arguments[0], done.returncode, done.stderr)
        return done.stdout, done.stderr

    def feed(self, *arguments: str, chunks: Iterable[bytes], durable: bool = True) -> None:
        """Run one git command on a long stdin. Raises GitFailedError.

        Without `durable` what it writes may be lost with the machine (not with the process).
        """
        environment = self._environment(None)
        if not durable:
            environment.update(_as_variables({**_OVERRIDES, "core.fsync": "none"}))
        with tempfile.TemporaryFile() as said:
            git = subprocess.Popen(
                [_git(), "--no-pager", *arguments],
                cwd=self._work_tree or self.git_dir,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                process_group=0,
            )
            try:
                # A git that gave up closes its end; its exit code and stderr then say why.
                with suppress(BrokenPipeError), cast("IO[bytes]", git.stdin) as stdin:
                    for chunk in chunks:
                        stdin.write(chunk)
            except BaseException:
                git.kill()
                raise
            finally:
                code = git.wait()
            said.seek(0)
            if code != 0:
                raise self._failure(arguments[0], code, said.read())

    def _environment(self, index: Path | None) -> dict[str, str]:
        environment = {**_ENVIRONMENT, **_as_variables(_OVERRIDES)}
        environment["GIT_DIR"] = str(self.git_dir)
        environment["GIT_INDEX_FILE"] = str(index or self.git_dir / "index")
        if self._work_tree is not None:
            environment["GIT_WORK_TREE"] = str(self._work_tree)
        return environment

    def _failure(self, command: str, code: int, said: bytes) -> GitFailedError:
        text = said.decode(errors="backslashreplace").strip()
        reason = text.splitlines()[-1] if text else f"exit code {code}"
        line = f"git {command} failed: {reason}"
        # Git's own words for a full disk are many, and some do not mention it.
        if shutil.disk_usage(self.git_dir).free < _FULL:
            place = self.git_dir.parent
            line = (
                f"no space left in {place}, make room or set QWRIGHT_HOME to another disk ({line})"
            )
        return GitFailedError(line, code)


@cache
def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise WorkspaceError("git is not installed: install it with your package manager")
    return found


def _as_variables(overrides: Mapping[str, str]) -> dict[str, str]:
    variables = {"GIT_CONFIG_COUNT": str(len(overrides))}
    for number, (key, value) in enumerate(overrides.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables
