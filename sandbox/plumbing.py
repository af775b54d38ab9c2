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
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

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
    "core.looseCompression": "1",
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


class GitFailedError(WorkspaceError):
    """A git command failed, or took longer than it may."""

    def __init__(self, message: str, code: int, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.timed_out = timed_out


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
        environment = dict(_ENVIRONMENT)
        environment["GIT_DIR"] = str(self.git_dir)
        environment["GIT_INDEX_FILE"] = str(index or self.git_dir / "index")
        if self._work_tree is not None:
            environment["GIT_WORK_TREE"] = str(self._work_tree)
        directory = self._work_tree or self.git_dir
        return run_git(arguments, environment, directory, stdin=stdin, timeout=timeout, codes=codes)


def run_git(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    *,
    stdin: bytes | None = None,
    timeout: float = 120.0,
    codes: Sequence[int] = (0,),
) -> tuple[bytes, bytes]:
    """Run git with exactly `environment` and the safe configuration; returns stdout, stderr.

    Raises GitFailedError.
    """
    command = [_git(), "--no-pager", *arguments]
    feed = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env={**environment, **_as_variables()},
            capture_output=True,
            timeout=timeout,
            check=False,
            **feed,
        )
    except subprocess.TimeoutExpired as error:
        line = f"git {arguments[0]} did not end within {timeout:.0f} s"
        raise GitFailedError(line, 124, timed_out=True) from error
    if done.returncode not in codes:
        text = done.stderr.decode(errors="backslashreplace").strip()
        reason = text.splitlines()[-1] if text else f"exit code {done.returncode}"
        raise GitFailedError(f"git {arguments[0]} failed: {reason}", done.returncode)
    return done.stdout, done.stderr


@cache
def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise WorkspaceError("git is not installed: install it with your package manager")
    return found


@cache
def _as_variables() -> Mapping[str, str]:
    variables = {"GIT_CONFIG_COUNT": str(len(_OVERRIDES))}
    for number, (key, value) in enumerate(_OVERRIDES.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables
