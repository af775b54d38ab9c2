"""What is about to be done to the user's files, written down before the first of them changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from qwright.sandbox.durable import read_json, write_json
from qwright.sandbox.errors import WorkspaceError

State = Literal["started", "done", "undoing", "undone"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A file of the user's: git mode, and the blob in the session's store."""

    mode: int
    blob: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """One path before and after; None is no file."""

    path: str
    before: Recorded | None
    after: Recorded | None


@dataclass(frozen=True, slots=True)
class Journal:
    """One application of a result to the user's files."""

    file: Path
    source: str
    result: str
    """The commit that was applied."""
    state: State
    created: str
    paths: tuple[Replaced, ...]
    base: str = ""
    """The commit from which it was applied; "" in journals of old."""

    def mark(self, state: State) -> Journal:
        """Change the state, durably. Raises WorkspaceError."""
        marked = replace(self, state=state)
        _save(marked)
        return marked


def begin(
    directory: Path, source: Path, base: str, result: str, paths: Sequence[Replaced]
) -> Journal:
    """Write a new journal durably. Raises WorkspaceError."""
    directory.mkdir(mode=0o700, exist_ok=True)
    file = directory / f"{len(_files(directory)) + 1:06d}.json"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    journal = Journal(file, str(source), result, "started", now, tuple(paths), base)
    _save(journal)
    return journal


def latest(directory: Path) -> Journal | None:
    """The newest journal that was not undone. Raises WorkspaceError when it is damaged."""
    for file in reversed(_files(directory)):
        journal = _load(file)
        if journal.state != "undone":
            return journal
    return None


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob("[0-9]*.json"))


def _save(journal: Journal) -> None:
    value = asdict(journal)
    del value["file"]
    write_json(journal.file, value)


def _load(file: Path) -> Journal:
    value = read_json(file)
    try:
        paths = tuple(
            Replaced(item["path"], _recorded(item["before"]), _recorded(item["after"]))
            for item in value["paths"]
        )
        head = (value["source"], value["result"], value["state"], value["created"])
        return Journal(file, *head, paths, value.get("base", ""))
    except (KeyError, TypeError) as error:
        raise WorkspaceError(f"{file} is damaged: what was applied cannot be undone") from error


def _recorded(value: dict[str, Any] | None) -> Recorded | None:
    return None if value is None else Recorded(value["mode"], value["blob"])
