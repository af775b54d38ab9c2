"""The user's own git repository: read as it is, and written only when a branch is asked for.

The user's configuration holds here (ignore files, identity, filters of a branch), but no hook
and no fsmonitor runs and no lock is taken.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qwright.sandbox.errors import WorkspaceError

if TYPE_CHECKING:
    import git

_QUIET = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "core.untrackedCache=keep", "-c", "gc.auto=0", "-c", "maintenance.auto=false"),
)
_GITLINK = "160000"


@dataclass(frozen=True, slots=True)
class Listing:
    """The files git sees, relative to the repository's root; directories end nowhere."""

    tracked: list[str]
    untracked: list[str]
    """Not ignored either."""
    repositories: list[str]
    """Directories that are repositories of their own: submodules and nested ones."""


class UserRepo:
    """A repository with a work tree, found from any directory inside it."""

    def __init__(self, repo: git.Repo, root: Path) -> None:
        self.root = root
        self._repo = repo

    @classmethod
    def find(cls, source: Path) -> UserRepo | None:
        """The repository around `source`, or None. Raises WorkspaceError for a bare one."""
        import git

        try:
            repo = git.Repo(source, search_parent_directories=True, expand_vars=False)
        except git.InvalidGitRepositoryError:
            return None
        except git.NoSuchPathError as error:
            raise WorkspaceError(f"{source}: no such directory") from error
        if repo.working_tree_dir is None:
            raise WorkspaceError(f"{source} is a bare repository: start in a checkout of it")
        return cls(repo, Path(repo.working_tree_dir))

    def head(self) -> str | None:
        """The commit that is checked out; None before the first commit."""
        code, out, _ = self._execute("rev-parse", "--verify", "-q", "HEAD^{commit}")
        return out.decode().strip() if code == 0 else None

    def listing(self) -> Listing:
        """The files of the work tree that belong to the user's work. Raises WorkspaceError."""
        tracked: dict[str, None] = {}
        repositories: dict[str, None] = {}
        for line in _split(self.run("ls-files", "-z", "-s")):
            head, path = line.split("\t", 1)
            (repositories if head.startswith(_GITLINK) else tracked)[path] = None
        untracked: list[str] = []
        for path in _split(self.run("ls-files", "-z", "-o", "--exclude-standard")):
            if path.endswith("/"):
                repositories[path.rstrip("/")] = None
            else:
                untracked.append(path)
        return Listing(list(tracked), untracked, list(repositories))

    def excludes(self) -> list[str]:
        """The lines of the user's ignore files outside the tree: global and info/exclude."""
        code, out, _ = self._execute("config", "--path", "--get", "core.excludesFile")
        configured = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        files = [
            Path(os.fsdecode(out.rstrip(b"\n"))) if code == 0 else Path(configured, "git/ignore")
        ]
        info = self.run("rev-parse", "--git-path", "info/exclude").rstrip(b"\n")
        files.append(self.root / os.fsdecode(info))
        return [line for file in files if file.is_file() for line in _lines(file)]

    def commit(self, tree: str, parent: str | None, message: str) -> str:
        """Make a commit object (no ref moves) as the user, or as qwright without an identity."""
        arguments = ["commit-tree", tree, *(("-p", parent) if parent else ())]
        text = message.encode(errors="backslashreplace")
        identity: dict[str, str] = {}
        for role in ("AUTHOR", "COMMITTER"):
            if not self.succeeds("var", f"GIT_{role}_IDENT"):
                identity[f"GIT_{role}_NAME"] = "qwright"
                identity[f"GIT_{role}_EMAIL"] = "qwright@localhost"
        return self.run(*arguments, stdin=text, environment=identity).decode().strip()

    def succeeds(self, *arguments: str) -> bool:
        """Whether a git command ends with exit code 0."""
        return self._execute(*arguments)[0] == 0

    def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run git in the root and return its stdout. Raises WorkspaceError."""
        code, out, said = self._execute(*arguments, stdin=stdin, environment=environment)
        if code != 0:
            lines = said.strip().splitlines() or [f"exit code {code}"]
            raise WorkspaceError(f"git {arguments[0]} failed in {self.root}: {lines[0]}")
        return out

    def _execute(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes, str]:
        command = [self._repo.git.GIT_PYTHON_GIT_EXECUTABLE, *_QUIET]
        command += [f"--git-dir={self._repo.git_dir}", f"--work-tree={self.root}", *arguments]
        with tempfile.TemporaryFile() as feed:
            feed.write(stdin or b"")
            feed.seek(0)
            return self._repo.git.execute(
                command,
                feed,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env={"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", **(environment or {})},
            )


def _split(raw: bytes) -> list[str]:
    return os.fsdecode(raw).split("\0")[:-1]


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
