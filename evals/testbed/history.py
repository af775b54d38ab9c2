"""Repositories of one commit: nothing of what came later, or before, is in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from qwright.evals.testbed.address import public
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.plumbing import GitFailedError, Plumbing

BRANCH = "refs/heads/main"
_SECONDS = 1800.0
_WHOLE_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BY = "qwright <qwright@localhost> 946684800 +0000"
"""The same for every bed, so that equal files have equal commits."""
_ELSEWHERE = (
    *("GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
)
"""Variables of a git hook that qwright may have been started from."""
_TRACES = ("FETCH_HEAD", "ORIG_HEAD", "logs", "branches", "description", "hooks")


def commit_everything(directory: Path) -> str:
    """Make `directory` a repository whose one commit has all of its files; the commit.

    As `git add -A -f` without any configuration; nested repositories lose their .git first.
    Raises WorkspaceError.
    """
    for inner in list(_named_git(directory)):
        shutil.rmtree(inner) if inner.is_dir() and not inner.is_symlink() else inner.unlink()
    git = _empty(directory)
    names = b"".join(os.fsencode(path) + b"\0" for path in _files(directory))
    git.run("update-index", "-z", "--add", "--stdin", stdin=names, timeout=_SECONDS)
    tree = git.run("write-tree").decode().strip()
    text = f"tree {tree}\nauthor {_BY}\ncommitter {_BY}\n\nThe files of the task\n"
    commit = git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
    return _finish(directory, git, commit.decode().strip())


def fetch_commit(url: str, commit: str, directory: Path) -> str:
    """Make `directory` (empty) a checkout of one commit of a repository, without its history.

    `url` is anything `git fetch` takes, a bundle too. The commit keeps its id; its parents are
    not there. Raises WorkspaceError.
    """
    scratch = directory.with_name(directory.name + ".source")
    git = _empty(directory)
    try:
        whole = _shallow(git, url, commit) if _WHOLE_ID.fullmatch(commit) else ""
        if not whole:
            whole = _fetch_all(url, commit, scratch)
            if not _shallow(git, str(scratch), whole):
                raise WorkspaceError(f"{public(url)}: commit {commit} cannot be fetched")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    git.run("read-tree", "--reset", "-u", whole, timeout=_SECONDS)
    return _finish(directory, git, whole)


def adopt_commit(old: Path, directory: Path) -> str:
    """Give `directory`, whose files are there already, the one commit that HEAD of `old` names.

    `old` is a .git folder that nobody vouches for: only its objects are used. Raises
    WorkspaceError.
    """
    if _has_links(old):
        raise WorkspaceError(
            "the image's repository has links in its .git: nothing is read from it"
        )
    commit = _head(old)
    scratch = directory.with_name(directory.name + ".source")
    bare = Plumbing(scratch)
    git = _empty(directory)
    try:
        scratch.mkdir()
        bare.run("init", "-q", "--bare", "--template=", str(scratch))
        shutil.rmtree(scratch / "objects")
        (old / "objects").rename(scratch / "objects")
        (scratch / "objects" / "info" / "alternates").unlink(missing_ok=True)
        if (old / "shallow").is_file():
            shutil.copyfile(old / "shallow", scratch / "shallow")
        if not _shallow(git, str(scratch), commit):
            raise WorkspaceError(f"commit {commit} of the image's repository is damaged")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    git.run("read-tree", commit)
    _exclude_rest(directory, git)
    return _finish(directory, git, commit)


def head_commit(directory: Path) -> str:
    """The commit of a test bed. Raises WorkspaceError."""
    return Plumbing(directory / ".git").run("rev-parse", BRANCH).decode().strip()


def tree_of(directory: Path, commit: str) -> str:
    """The tree of a commit of a test bed. Raises WorkspaceError."""
    git = Plumbing(directory / ".git")
    return git.run("rev-parse", f"{commit}^{{tree}}").decode().strip()


def has_object(directory: Path, name: str) -> bool:
    """Whether a commit or tree of this name is in the repository."""
    try:
        Plumbing(directory / ".git").run("rev-parse", "-q", "--verify", f"{name}^{{object}}")
    except GitFailedError:
        return False
    return True


def _empty(directory: Path) -> Plumbing:
    store = directory / ".git"
    store.mkdir(mode=0o755)
    bare = Plumbing(store)
    bare.run("init", "-q", "--bare", "--template=", str(store))
    bare.run("symbolic-ref", "HEAD", BRANCH)
    bare.run("config", "--file", str(store / "config"), "core.bare", "false")
    (store / "info").mkdir(exist_ok=True)
    return Plumbing(store, directory)


def _finish(directory: Path, git: Plumbing, commit: str) -> str:
    git.run("update-ref", BRANCH, commit)
    git.run("update-index", "-q", "--refresh", codes=(0, 1), timeout=_SECONDS)
    for name in _TRACES:
        trace = directory / ".git" / name
        if trace.is_dir():
            shutil.rmtree(trace)
        else:
            trace.unlink(missing_ok=True)
    return commit


def _exclude_rest(directory: Path, git: Plumbing) -> None:
    """What an image has beside its commit is nobody's change: ignore it by name."""
    command = ("ls-files", "-z", "-o", "--exclude-per-directory=.gitignore")
    rest = os.fsdecode(git.run(*command, timeout=_SECONDS)).split("\0")[:-1]
    lines = "".join(f"/{_pattern(path)}\n" for path in rest if "\n" not in path)
    (directory / ".git" / "info" / "exclude").write_text(lines, errors="surrogateescape")


def _pattern(path: str) -> str:
    return re.sub(r"([\\*?\[\] ])", r"\\\1", path)


def _shallow(git: Plumbing, url: str, commit: str) -> str:
    """Fetch the commit alone; "" when the server does not give it, or by its short name."""
    place = str(Path(url).resolve()) if Path(url).is_dir() else url
    if Path(place).is_file():
        return ""
    arguments = ("fetch", "-q", "--depth=1", "--no-tags", "--no-write-fetch-head")
    code, _ = _run_git(git.git_dir, *arguments, "--", place, commit)
    return commit if code == 0 else ""


def _fetch_all(url: str, commit: str, scratch: Path) -> str:
    """Fetch all of a repository to `scratch`; the whole id of the commit in it."""
    bare = Plumbing(scratch)
    scratch.mkdir()
    bare.run("init", "-q", "--bare", "--template=", str(scratch))
    place = str(Path(url).resolve()) if Path(url).exists() else url
    if Path(place).is_file():
        code, said = _run_git(scratch, "bundle", "unbundle", place)
    else:
        code, said = _run_git(scratch, "fetch", "-q", "--", place, "+refs/*:refs/*")
    if code != 0:
        raise WorkspaceError(f"cannot fetch {public(url)}: {said}")
    try:
        return bare.run("rev-parse", "-q", "--verify", f"{commit}^{{commit}}").decode().strip()
    except GitFailedError as error:
        raise WorkspaceError(
            f"{public(url)} has no commit {commit}: check the row's commit"
        ) from error


def _run_git(store: Path, *arguments: str) -> tuple[int, str]:
    """Git as the user runs it (credentials, proxies), for `store`, which is ours; code and reason.

    The user's own git, since what it fetches from is the user's to reach.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    environment |= {
        "GIT_DIR": str(store),
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    quiet = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false")
    try:
        done = subprocess.run(
            ["git", *quiet, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, f"no answer within {_SECONDS:.0f} s"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    reasons = [line for line in lines if line.startswith("fatal: ")] or lines[-1:]
    return done.returncode, public(reasons[0]) if reasons else f"exit code {done.returncode}"


def _head(old: Path) -> str:
    """The commit that HEAD of a .git folder names, read without running git on it."""
    try:
        said = (old / "HEAD").read_text().strip()
        if not said.startswith("ref: "):
            return _checked(said)
        name = said.removeprefix("ref: ")
        loose = old / name
        if name.startswith("refs/") and ".." not in name and loose.is_file():
            return _checked(loose.read_text().strip())
        for line in (old / "packed-refs").read_text().splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name:
                return _checked(commit)
    except (OSError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"the image's repository cannot be read: {error}") from error
    raise WorkspaceError("the image's repository has no commit")


def _has_links(folder: Path) -> bool:
    return folder.is_symlink() or any(
        os.path.islink(f"{above}/{name}")
        for above, folders, names in os.walk(folder)
        for name in (*folders, *names)
    )


def _checked(commit: str) -> str:
    if not _WHOLE_ID.fullmatch(commit):
        raise WorkspaceError("the image's repository has no commit")
    return commit


def _files(directory: Path) -> Iterator[str]:
    for above, folders, names in os.walk(directory):
        folders.sort()
        links = [name for name in folders if os.path.islink(f"{above}/{name}")]
        if above == str(directory):
            folders.remove(".git")
        for name in sorted((*links, *names)):
            yield os.path.relpath(f"{above}/{name}", directory)


def _named_git(directory: Path) -> Iterator[Path]:
    for above, folders, names in os.walk(directory):
        for name in (*folders, *names):
            if name == ".git":
                yield Path(above, name)
        folders[:] = [name for name in folders if name != ".git"]
