"""Rows of a data set: read from files of several kinds, with errors that name the place."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from qwright.agent.errors import ConfigError

INSTALL = "`pip install 'qwright[eval]'`"
_FINE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,199}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row, and where it was found."""

    where: str
    """As "file:line", for messages."""
    folder: Path
    """What relative paths in the row are relative to."""
    data: Mapping[str, Any]

    def error(self, words: str) -> ConfigError:
        """An error to raise: the row's place, then `words`."""
        return ConfigError(f"{self.where}: {words}")

    def id(self, column: str) -> str:
        """The row's id, which becomes the name of a folder. Raises ConfigError."""
        found = self.text(column)
        if not _FINE_ID.fullmatch(found):
            shown = ascii(found[:60])
            raise self.error(
                f"{column} {shown} is no id: use letters, digits and . _ - + @, at most 200"
            )
        return found

    def text(self, column: str) -> str:
        """A column that must be text and not empty. Raises ConfigError."""
        found = self.optional(column)
        if not found:
            raise self.error(f"{column} is missing")
        return found

    def optional(self, column: str) -> str:
        """A text column; "" where there is none. Raises ConfigError when it is no text."""
        found: object = self.data.get(column)
        if found is not None and not isinstance(found, str):
            raise self.error(f"{column} must be text")
        return found or ""

    def number(self, column: str, otherwise: float) -> float:
        """A column of seconds. Raises ConfigError unless it is a number above 0."""
        found = self.data.get(column)
        if found is None:
            return otherwise
        if isinstance(found, bool) or not isinstance(found, int | float) or not found > 0:
            raise self.error(f"{column} must be a number above 0")
        return float(found)

    def names(self, column: str) -> tuple[str, ...]:
        """A list of texts, as a list or as JSON. Raises ConfigError when it is missing."""
        found: object = self.data.get(column)
        if isinstance(found, str):
            try:
                found = json.loads(found)
            except ValueError as error:
                raise self.error(f"{column} is no list in JSON: {error}") from error
        if found is None:
            raise self.error(f"{column} is missing")
        listed = _list(found)
        if listed is None or not all(isinstance(one, str) for one in listed):
            raise self.error(f"{column} must be a list of texts")
        return tuple(map(str, listed))

    def texts(self, column: str) -> dict[str, str]:
        """An object of texts, such as files by path. Raises ConfigError."""
        found = self.mapping(column)
        if not found or not all(isinstance(one, str) for one in found.values()):
            raise self.error(f"{column} must be an object of path to text, and not empty")
        return cast("dict[str, str]", found)

    def mapping(self, column: str) -> dict[str, Any] | None:
        """A column that is an object, or None where there is none. Raises ConfigError."""
        found: object = self.data.get(column)
        if found is not None and not isinstance(found, dict):
            raise self.error(f"{column} must be an object")
        return cast("dict[str, Any] | None", found)


class _Table(Protocol):
    def to_pylist(self) -> list[dict[str, Any]]: ...


class _Parquet(Protocol):
    def read_table(self, source: Path) -> _Table: ...


class _Datasets(Protocol):
    def load_dataset(self, path: str, *, split: str) -> _Saved: ...
    def load_from_disk(self, dataset_path: str) -> object: ...


class _Saved(Protocol):
    def __iter__(self) -> Iterator[dict[str, Any]]: ...


def read_file(file: Path) -> list[Row]:
    """The rows of a .json, .jsonl or .parquet file. Raises ConfigError."""
    try:
        match file.suffix:
            case ".jsonl":
                return list(_lines(file))
            case ".json":
                return _listed(file, json.loads(file.read_text("utf-8")))
            case ".parquet":
                return _numbered(file, _parquet(file))
            case _:
                raise ConfigError(f"{file}: give a .json, .jsonl or .parquet file, or a folder")
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror or error}") from error
    except ValueError as error:  # of JSON, of UTF-8, and pyarrow's own
        raise ConfigError(f"{file} is damaged: {_first_line(error)}") from error


def read_saved(folder: Path, split: str) -> list[Row]:
    """The rows of a data set that the datasets library has saved. Raises ConfigError."""
    try:
        found = _datasets().load_from_disk(str(folder))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder} is no data set: {_first_line(error)}") from error
    if isinstance(found, dict):
        splits = cast("dict[str, _Saved]", found)
        if split not in splits:
            raise ConfigError(f"{folder} has no split {split}: it has {', '.join(sorted(splits))}")
        found = splits[split]
    return _numbered(folder, list(cast(_Saved, found)))


def read_hub(name: str, split: str) -> list[Row]:
    """The rows of a data set of the Hugging Face hub; needs the network. Raises ConfigError."""
    import httpx2

    library = _datasets()
    try:
        found = list(library.load_dataset(name, split=split))
    except (OSError, ValueError, RuntimeError, httpx2.HTTPError) as error:
        raise ConfigError(
            f"cannot load the data set {name} ({split}): {_first_line(error)}; "
            "check its name and the network, or give a file"
        ) from error
    return _numbered(Path(name), found)


def _datasets() -> _Datasets:
    return cast(_Datasets, _library("datasets"))


def _library(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(f"this kind of data set needs {INSTALL}") from error


def _parquet(file: Path) -> list[dict[str, Any]]:
    return cast(_Parquet, _library("pyarrow.parquet")).read_table(file).to_pylist()


def _lines(file: Path) -> Iterator[Row]:
    for number, line in enumerate(file.read_text("utf-8").split("\n"), 1):
        if line.strip():
            where = f"{file}:{number}"
            try:
                found: object = json.loads(line)
            except ValueError as error:
                raise ConfigError(f"{where}: no JSON: {error}") from error
            yield _row(where, file.parent, found)


def _listed(file: Path, found: object) -> list[Row]:
    listed = _list(found)
    if listed is None:
        raise ConfigError(f"{file} must hold a list of rows")
    return _numbered(file, listed)


def _numbered(file: Path, found: list[Any]) -> list[Row]:
    return [_row(f"{file}: row {number}", file.parent, row) for number, row in enumerate(found, 1)]


def _row(where: str, folder: Path, found: object) -> Row:
    if not isinstance(found, dict):
        raise ConfigError(f"{where}: a row must be an object")
    return Row(where, folder, cast("dict[str, Any]", found))


def _list(found: object) -> list[Any] | None:
    return cast("list[Any]", found) if isinstance(found, list) else None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
