"""Small JSON files in qwright's own directories, written so that a crash leaves old or new."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any, cast

from qwright.sandbox.errors import WorkspaceError


def write_json(file: Path, value: dict[str, Any]) -> None:
    """Write `value` to `file` (mode 0600) by a temporary file, fsync and rename.

    Strings may hold undecodable bytes of file names (surrogate escapes). Raises WorkspaceError.
    """
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(opened, "w", encoding="ascii") as out:
            json.dump(value, out, ensure_ascii=True, indent=1)
            out.flush()
            os.fsync(out.fileno())
        temporary.rename(file)
        sync_directory(file.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise WorkspaceError(f"cannot write {file}: {error.strerror}") from error


def read_json(file: Path) -> dict[str, Any]:
    """Read what `write_json` wrote. Raises WorkspaceError."""
    try:
        value: object = json.loads(file.read_text(encoding="ascii"))
    except OSError as error:
        raise WorkspaceError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise WorkspaceError(f"{file} is damaged: {error}") from error
    if not isinstance(value, dict):
        raise WorkspaceError(f"{file} is damaged: not an object")
    return cast("dict[str, Any]", value)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
