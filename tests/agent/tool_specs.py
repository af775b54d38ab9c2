"""The tools that the recorded streams were made with."""

from __future__ import annotations

from typing import Any

from qwright.agent.model import ToolSpec

_STRING = {"type": "string"}
_INTEGER = {"type": "integer"}


def _tool(name: str, description: str, required: list[str], **properties: Any) -> ToolSpec:
    schema = {"type": "object", "properties": properties, "required": required}
    return ToolSpec(name, description, schema)


READ = _tool("read_file", "Read a file.", ["path"], path=_STRING, start=_INTEGER, end=_INTEGER)
EDIT = _tool(
    "edit", "Replace text.", ["path", "old", "new"], path=_STRING, old=_STRING, new=_STRING
)
RUN = _tool(
    "run_shell_command",
    "Run a command.",
    ["command"],
    command=_STRING,
    timeout={"type": "number"},
    background={"type": "boolean"},
)
SEARCH = _tool(
    "grep_search",
    "Search.",
    [],
    pattern={"anyOf": [_STRING, {"type": "null"}]},
    mode={"enum": ["files", 'say "hi"\n']},
    globs={"type": "array", "items": _STRING},
)
STATUS = _tool("status", "Show the state.", [])
TOOLS = (READ, EDIT, RUN, SEARCH, STATUS)
