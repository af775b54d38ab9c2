"""One task of an eval, whatever it was written as: prompt, files, and how an answer is judged."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FilesSource(_Frozen):
    """Files given with the row itself."""

    kind: Literal["files"] = "files"
    files: dict[str, str]
    """Path to text."""
    executable: tuple[str, ...] = ()


class DirectorySource(_Frozen):
    """A folder of this machine; its files belong to the instance's hash."""

    kind: Literal["directory"] = "directory"
    path: Path


class SdistSource(_Frozen):
    """A source distribution of PyPI."""

    kind: Literal["sdist"] = "sdist"
    name: str
    version: str
    sha256: str
    root: str
    """The folder inside the archive that is the workspace."""
    tree: str | None = None
    """The git tree the files must have; None: not checked."""


class GitSource(_Frozen):
    """A repository at a commit: anything `git fetch` takes, paths and bundles included."""

    kind: Literal["git"] = "git"
    url: str
    commit: str


class ImageSource(_Frozen):
    """A folder inside the instance's own image."""

    kind: Literal["image"] = "image"
    path: str = "/testbed"


Source = Annotated[
    FilesSource | DirectorySource | SdistSource | GitSource | ImageSource,
    Field(discriminator="kind"),
]


class TestGrading(_Frozen):
    """SWE-bench's way: a script runs the tests, a log parser of the swebench package reads it."""

    __test__ = False
    kind: Literal["tests"] = "tests"
    eval_script: str
    """Bash, as SWE-bench 5 has it: restores the tests, prints both markers; runs in the mount."""
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    log_parser: str
    """A key of swebench's PARSER_REGISTRY."""
    eval_type: Literal["pass_and_fail", "fail_only"] = "pass_and_fail"
    test_paths: tuple[str, ...] = ()
    """Files and folders (ending in "/") of the tests: an answer's changes to them are dropped."""
    complete: bool = False
    """Every test that runs is in one of the two lists: no other one excuses a bad exit code."""


class CommandGrading(_Frozen):
    """Exit code 0 of a command is success; what an answer did to `restored` is undone before."""

    kind: Literal["command"] = "command"
    command: str
    restored: tuple[str, ...] = ()
    """Files and folders (ending in "/") that are as in the source, or gone if new."""


class RewardGrading(_Frozen):
    """Harbor's way: `tests/test.sh` writes /logs/verifier/reward.txt or reward.json."""

    kind: Literal["reward"] = "reward"
    tests: Path
    """The folder that is copied to /tests after the agent has finished."""


Grading = Annotated[TestGrading | CommandGrading | RewardGrading, Field(discriminator="kind")]


class Instance(_Frozen):
    """One task. Plain data: it goes to workers as JSON."""

    id: str
    prompt: str
    source: Source
    grading: Grading
    gold: str | None = None
    """The patch that is known to be right."""
    verify: str | None = None
    """A command the agent may judge itself by; None where the tests are hidden."""
    image: str | None = None
    """A container image; None: qwright's own."""
    build: Path | None = None
    """A folder with a Dockerfile that `image` is built from when it is not there."""
    mount: str = "/testbed"
    """Where the files lie in the container."""
    env: dict[str, str] = {}
    setup: tuple[str, ...] = ()
    """Commands run once, with network, before the agent sees the container."""
    network: Literal["none", "full"] = "none"
    """Of the agent's commands; grading never has any."""
    timeout: float = 1800.0
    """Seconds that grading may take."""
    needs: tuple[str, ...] = ()
    """Programs the image must have, such as "node"."""
    metadata: dict[str, JsonValue] = {}
    """What the row says beside: repo, version, base_commit, language, difficulty."""

    def digest(self) -> str:
        """SHA-256 (hex) of all the task consists of: the files of its folders, not their place."""
        fields = self.model_dump(mode="json", exclude={"metadata", "build"})
        if isinstance(self.source, DirectorySource):
            fields["source"] = "directory"
        if isinstance(self.grading, RewardGrading):
            fields["grading"] = "reward"
        content = hashlib.sha256(json.dumps(fields, sort_keys=True).encode())
        for folder in self._folders():
            content.update(folder_digest(folder))
        return content.hexdigest()

    def _folders(self) -> Iterator[Path]:
        if isinstance(self.source, DirectorySource):
            yield self.source.path
        if isinstance(self.grading, RewardGrading):
            yield self.grading.tests
        if self.build is not None:
            yield self.build


def files_of(folder: Path) -> list[str]:
    """The files and links of a task's folder, relative to it, sorted."""
    found: list[str] = []
    for above, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(f"{above}/{name}")]
        folders[:] = [name for name in folders if name not in _NOT_OURS]
        for name in (*links, *names):
            mode = os.lstat(f"{above}/{name}").st_mode
            if name not in _NOT_OURS and (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                found.append(os.path.relpath(f"{above}/{name}", folder))
    return sorted(found)


def folder_digest(folder: Path) -> bytes:
    """SHA-256 of the names, kinds and bytes of a task's folder."""
    content = hashlib.sha256()
    for path in files_of(folder):
        file = folder / path
        data = os.fsencode(os.readlink(file)) if file.is_symlink() else file.read_bytes()
        head = f"{path}\0{file.lstat().st_mode & 0o120100:o}\0{len(data)}\0"
        content.update(head.encode(errors="surrogateescape") + data)
    return content.digest()


_NOT_OURS = ("__pycache__", ".git")
