"""task.toml and the texts beside it, read with one-line errors."""

from __future__ import annotations

import tomllib
from pathlib import Path

from qwright.agent.errors import ConfigError
from qwright.evals.datasets.rows import Row


def read_task(folder: Path) -> Row:
    """The task.toml of a folder. Raises ConfigError."""
    file = folder / "task.toml"
    try:
        return Row(str(file), folder, tomllib.loads(read_text(file)))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is no TOML: {error}") from error


def read_text(file: Path) -> str:
    """A text file, line ends as they are. Raises ConfigError."""
    try:
        return file.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is no UTF-8 text") from error
