"""Commit to the user's own repository as the user would: their git, hooks, identity, signing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.tree import shown
from qwright.sandbox.user_repo import UserRepo

_RUN_ON_COMMIT = (".husky/*", ".pre-commit-config.yaml", "lefthook.y*ml", ".lefthook*")
_OF_A_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"),
)
_GRACE = 10.0
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit in the user's repository."""

    commit: str
    summary: str
    """The short name and the subject."""
    output: str
    """What git and the hooks said."""


def commit(
    source: Path, paths: Collection[str], message: str, *, timeout: float = 600.0
) -> Committed:
    """Commit just these paths, relative to `source`, as they are in the work tree.

    New files are added, absent ones removed; what is staged otherwise stays staged and is not
    committed. `timeout` in seconds is for all hooks together. Raises WorkspaceError when there is
    nothing to commit, when git or a hook refuses, or when one of the paths is itself a hook; the
    index is then as it was.
    """
    repo = UserRepo.find(source)
    if repo is None:
        raise WorkspaceError(f"{source} is no git repository: run git init there to commit")
    if not message.strip():
        raise WorkspaceError("the commit message is empty: write one")
    new, wanted = _sorted(repo, paths)
    if not wanted:
        raise WorkspaceError("nothing to commit: these files are as in the last commit")
    _require_no_hook(repo, wanted)
    git = _Git(repo.root, timeout)
    if new:
        git.run("add", "--intent-to-add", paths=new)
    try:
        output = git.commit(wanted, message)
    except BaseException:
        if new:
            git.run("rm", "-q", "-f", "--cached", "--ignore-unmatch", paths=new)
        raise
    name = repo.run("rev-parse", "HEAD").decode().strip()
    shape = ("--no-show-signature", "--no-patch", "--format=%h %s")
    summary = repo.run("log", "-1", *shape).decode(errors="replace").strip()
    return Committed(name, summary, output)


def recent_subjects(source: Path, count: int) -> list[str]:
    """The subjects of the last commits, newest first; none without a repository."""
    repo = UserRepo.find(source)
    if repo is None or repo.head() is None:
        return []
    raw = repo.run("log", f"-{count}", "--no-merges", "--no-show-signature", "--format=%s")
    return raw.decode(errors="replace").splitlines()


def _sorted(repo: UserRepo, paths: Collection[str]) -> tuple[list[str], list[str]]:
    """Those git does not know yet, and all those that a commit would change."""
    indexed = _names(repo.run("ls-files", "-z"))
    if repo.head() is None:
        differing = indexed
    else:
        differing = _names(repo.run("diff", "--name-only", "--no-renames", "-z", "HEAD"))
    present = [path for path in paths if os.path.lexists(repo.root / path)]
    new = [path for path in present if path not in indexed]
    return new, [path for path in paths if path in differing or path in new]


def _require_no_hook(repo: UserRepo, paths: Collection[str]) -> None:
    # What ran in the sandbox so far would run outside it, before anybody has looked.
    root, hooks = os.path.realpath(repo.root), os.path.realpath(repo.root / _hooks(repo))
    # A hook is often a link to a file of the repository.
    files = [os.path.realpath(entry) for entry in Path(hooks).glob("*")]
    run = {os.path.relpath(file, root) for file in files}
    for path in paths:
        known = path in run or any(fnmatchcase(path, pattern) for pattern in _RUN_ON_COMMIT)
        if known or path.startswith(f"{os.path.relpath(hooks, root)}/"):
            raise WorkspaceError(
                f"this commit would run {shown(path)}, which the session changed: look at it, then "
                "commit with git yourself"
            )


def _hooks(repo: UserRepo) -> str:
    # The last value is UserRepo's own, which runs no hooks.
    configured = repo.run("config", "--path", "--null", "--get-all", "core.hooksPath")
    places = os.fsdecode(configured).split("\0")[:-2]
    if places:
        return places[-1]
    common = repo.run("rev-parse", "--git-common-dir").rstrip(b"\n")
    return os.path.join(os.fsdecode(common), "hooks")


def _names(raw: bytes) -> set[str]:
    return set(os.fsdecode(raw).split("\0")[:-1])


class _Git:
    """The user's git with everything they have configured, in the root of their repository."""

    def __init__(self, root: Path, timeout: float) -> None:
        self._root = root
        self._timeout = timeout

    def commit(self, paths: Sequence[str], message: str) -> str:
        with tempfile.NamedTemporaryFile("w", prefix="qwright-message-", encoding="utf-8") as file:
            file.write(message.strip() + "\n")
            file.flush()
            return self.run("commit", "--only", "--file", file.name, paths=paths)

    def run(self, command: str, *options: str, paths: Sequence[str]) -> str:
        """What git and its hooks printed. Raises WorkspaceError with the last line of it."""
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        arguments = ("--pathspec-from-file=-", "--pathspec-file-nul")
        with subprocess.Popen(
            ["git", "--no-pager", "--literal-pathspecs", command, *options, *arguments],
            cwd=self._root,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as git:
            try:
                raw, _ = git.communicate(names, self._timeout)
            except BaseException as error:
                _end(git)
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                text = f"git {command} did not end within {self._timeout:.0f} s: look at its hooks"
                raise WorkspaceError(text) from None
        output = _ESCAPE.sub("", raw.decode(errors="replace")).strip()
        if git.returncode != 0:
            raise WorkspaceError(f"git {command} refused: {_reason(output, git.returncode)}")
        return output


def _environment() -> dict[str, str]:
    # Run from a git hook or alias, qwright itself is told of a repository and an index.
    kept = {name: value for name, value in os.environ.items() if name not in _OF_A_REPOSITORY}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true"}


def _reason(output: str, code: int) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("hint:")]
    return (told or lines or [f"exit code {code}"])[-1].strip()


def _end(git: subprocess.Popen[bytes]) -> None:
    # On SIGTERM git takes its locks away; what its hooks started ends with the group.
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(git.pid, number)
        with suppress(subprocess.TimeoutExpired):
            git.wait(_GRACE)
