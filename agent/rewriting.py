"""What a small model is offered when the files it is to change are short and in its prompt.

Mostly it may change one line, chosen among those there are: that costs it some forty tokens, so
that many can be tried, and the verify command picks the one that is right. Now and then it may
write the file anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qwright.agent.model import ToolSpec
from qwright.tools.base import Tool, spec
from qwright.tools.edit import Edit
from qwright.tools.write_file import WriteFile

_DECLARES = re.compile(r"\s*((def|class|import|from|func|fn|package)\b|#|//|/?\*|@|[\"']{3})")
"""Lines that say what there is and do nothing: a small model likes to pick them, and in vain."""


def offer(files: Mapping[str, str], tried: Mapping[str, int], *, anew: bool) -> list[ToolSpec]:
    """One line of `files` to replace or, where `anew` or nothing else can be had, a whole file."""
    return (not anew and one_line(files, tried)) or whole_file(files)


def whole_file(files: Mapping[str, str]) -> list[ToolSpec]:
    """The one tool for writing one of `files` (path to text) anew."""
    return [_narrowed(WriteFile, path=list(files))]


def one_line(files: Mapping[str, str], tried: Mapping[str, int]) -> list[ToolSpec]:
    """For each file a tool that replaces a line of it; none for a file without distinct lines.

    Only the lines tried least are on offer (`tried` counts them), so that the model's favourites
    come first and every line gets its turn.
    """
    lines = {path: list(dict.fromkeys(_distinct(text))) for path, text in files.items()}
    least = min((tried.get(line, 0) for group in lines.values() for line in group), default=0)
    choices = {
        path: [line for line in group if tried.get(line, 0) == least]
        for path, group in lines.items()
    }
    return [
        _narrowed(Edit, path=[path], old_string=lines) for path, lines in choices.items() if lines
    ]


def _distinct(text: str) -> Iterator[str]:
    """Each line as edit would find it: with the line above where alone it is not distinct."""
    before = ""
    for line in text.splitlines():
        both = f"{before}\n{line}"
        does = line.strip() and not _DECLARES.match(line)
        if does and text.count(line) == 1:
            yield line
        elif does and before.strip() and text.count(both) == 1:
            yield both
        before = line


def _narrowed(tool: type[Tool], **choices: Sequence[str]) -> ToolSpec:
    known = spec(tool)
    properties: dict[str, Any] = known["parameters"]["properties"]
    narrow = {name: {**properties[name], "enum": values} for name, values in choices.items()}
    parameters = {**known["parameters"], "properties": {**properties, **narrow}}
    return ToolSpec(known["name"], known["description"], parameters)
