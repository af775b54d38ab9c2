"""What a tool is: pydantic arguments, and `run(workspace)` that returns a ToolResult."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from qwright.sandbox.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave. `text` goes to the model, `details` (plain JSON data) to people."""

    text: str
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    is_error: bool = False


class Tool(BaseModel):
    """A call's validated arguments. The class docstring is the description the model reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str]
    may_write: ClassVar[bool] = False
    """Whether a call can change files, so that a checkpoint follows it."""

    async def run(self, workspace: Workspace) -> ToolResult:
        """Act on the workspace. A model's mistake is a ToolResult with `is_error`."""
        raise NotImplementedError
