"""What is sent to a model and saved: messages and tool calls."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class ToolCall(BaseModel):
    """A call a model asked for. `arguments` is the decoded JSON object, not yet validated."""

    model_config = ConfigDict(frozen=True)
    id: str
    name: str
    arguments: dict[str, Any]
    error: str | None = None
    """Why the call cannot be run (its text did not parse); then `arguments` is empty."""


class Image(BaseModel):
    """A picture in a user's message. `data` is base64, `media_type` such as image/png."""

    model_config = ConfigDict(frozen=True)
    media_type: str
    data: str
    name: str = ""
    """The path it was read from, for people."""


class Message(BaseModel):
    """One turn of the conversation. `content` is always a string, never None."""

    model_config = ConfigDict(frozen=True)
    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    images: tuple[Image, ...] = ()
    """For role "user" only."""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    """For role "tool": which call this answers."""
    asked: str = ""
    """For role "user": the person's own words in it; the rest, and where this is empty all of it,
    was put there by the loop."""
    reasoning: str = ""
    """What a thinking model thought; sent back in its own field where a profile asks for it."""
