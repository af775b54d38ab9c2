from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from qwright.tools import ALL_TOOLS
from qwright.tools.base import Tool, ToolResult, parse_call, spec
from qwright.tools.todo_write import TodoWrite
from tests.tools.rig import FileWorkspace


def write(root: Path, *todos: dict[str, Any]) -> ToolResult:
    tool = parse_call(ALL_TOOLS, "todo_write", {"todos": list(todos)})
    assert isinstance(tool, Tool), tool
    return asyncio.run(tool.run(FileWorkspace(root)))


def test_the_list_comes_back_a_line_a_step(tmp_path: Path) -> None:
    result = write(
        tmp_path,
        {"content": "read\nit", "status": "completed"},
        {"content": "mend it", "status": "in_progress", "id": "2", "priority": "high"},
        {"content": "test it"},
    )
    assert result.text == "[x] read it\n[>] mend it\n[ ] test it"
    assert result.details["left"] == 2
    assert [todo["status"] for todo in result.details["todos"]][2] == "pending"
    assert write(tmp_path).text == "The list is empty."


@pytest.mark.parametrize(
    "todos", ["read it", [{"status": "pending"}], [{"content": "a", "status": "?"}]]
)
def test_a_list_of_another_shape_is_refused(todos: object) -> None:
    answer = parse_call(ALL_TOOLS, "todo_write", {"todos": todos})
    assert isinstance(answer, ToolResult)
    assert answer.is_error


def test_a_model_is_told_the_shape_of_a_step() -> None:
    shape = spec(TodoWrite)["parameters"]["properties"]["todos"]["items"]
    assert shape["required"] == ["content"]
    assert shape["properties"]["status"]["enum"] == ["pending", "in_progress", "completed"]
    assert shape["additionalProperties"] is False
