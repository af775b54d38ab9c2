"""One task of an eval, whatever it was written as: prompt, files, and how an answer is judged."""

from __future__ import annotations

import hashlib
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
        """SHA-256 (hex) of all that makes the task what it is, files of folders included."""
        content = hashlib.sha256(self.model_dump_json(exclude={"metadata"}).encode())
        for folder in self._folders():
            for file in _files(folder):
                data = file.read_bytes() if file.is_file() else b""
                name = file.relative_to(folder).as_posix()
                content.update(f"{name} {len(data)} ".encode() + data)
        return content.hexdigest()

    def _folders(self) -> Iterator[Path]:
        if isinstance(self.source, DirectorySource):
            yield self.source.path
        if isinstance(self.grading, RewardGrading):
            yield self.grading.tests
        if self.build is not None:
            yield self.build


def _files(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file() or path.is_symlink()]
    return sorted(path for path in found if "__pycache__" not in path.parts)
