"""todo_write: the model's own list of what is left to do, shown to people and kept for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from qwright.tools.base import Tool, ToolResult

if TYPE_CHECKING:
    from qwright.sandbox.workspace import Workspace

_MARKS = {"pending": "[ ]", "in_progress": "[>]", "completed": "[x]"}


class Todo(BaseModel):
    """One step of a plan."""

    model_config = ConfigDict(extra="ignore", frozen=True)  # other agents taught ids and priorities
    content: str
    status: Literal["pending", "in_progress", "completed"] = "pending"


class TodoWrite(Tool):
    """Keep the list of steps of a longer task. Give the whole list each time."""

    name: ClassVar[str] = "todo_write"
    todos: list[Todo] = Field(description="All steps, in order")

    async def run(self, workspace: Workspace) -> ToolResult:
        shown = [f"{_MARKS[todo.status]} {' '.join(todo.content.split())}" for todo in self.todos]
        left = sum(todo.status != "completed" for todo in self.todos)
        details = {"todos": [todo.model_dump() for todo in self.todos], "left": left}
        return ToolResult("\n".join(shown) or "The list is empty.", details)
