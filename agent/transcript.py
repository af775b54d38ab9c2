"""What the model was sent, on disk as it happens: a session is gone on with from here.

One JSON object a line: {"add": message, "step": n}, {"keep": k} (back to the first k messages) or
{"replace": [message, ...]} (a compaction). Nothing is ever taken out of the file, so the
conversation can go back to any point of it, before a compaction too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from qwright.agent.messages import Message
from qwright.sandbox.errors import WorkspaceError

LOST = "[no result: qwright ended while this call ran; look at what it left before you go on]"


class Transcript:
    """The file `path` of one session; it need not exist yet. One process writes at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = 0
        self._messages = list[Message]()
        self._torn = False
        for line in self._read():
            self._lines += 1
            self._torn = not line.endswith(b"\n")
            self._messages = _folded(self._messages, line)

    def messages(self) -> list[Message]:
        """The conversation as it stands, every call with a result."""
        return paired(self._messages)

    def mark(self) -> int:
        """The point reached now, for `at` and `back_to`. Grows with every change."""
        return self._lines

    def at(self, mark: int) -> list[Message]:
        """The conversation as it stood at a mark, every call with a result."""
        found = list[Message]()
        for line in islice(self._read(), mark):
            found = _folded(found, line)
        return paired(found)

    def back_to(self, mark: int) -> None:
        """Make the conversation what it was at a mark."""
        self.follow(self.at(mark))

    def follow(self, messages: Sequence[Message], step: int = 0) -> None:
        """Write down how the conversation differs now. `step` is that of the last checkpoint.

        Raises WorkspaceError; what was not written then is written the next time.
        """
        same = _common(self._messages, messages)
        new = messages[same:]
        if same == len(self._messages):
            self._write(*({"add": _plain(one), "step": step} for one in new))
        elif new:
            self._write({"replace": [_plain(one) for one in messages]})
        else:
            self._write({"keep": same})
        self._messages = list(messages)

    def _read(self) -> Iterator[bytes]:
        if self._path.exists():
            with self._path.open("rb") as file:
                yield from file

    def _write(self, *entries: dict[str, Any]) -> None:
        if not entries:
            return
        lines = [json.dumps(one) + "\n" for one in entries]
        before = self._path.stat().st_size if self._path.exists() else 0
        try:
            with self._path.open("a", encoding="ascii") as file:
                # What a killed process wrote last may lack its end: it stays a line of its own.
                file.write("\n" * self._torn + "".join(lines))
        except OSError as error:
            with suppress(OSError):
                os.truncate(self._path, before)
            raise WorkspaceError(f"cannot write {self._path}: {error.strerror}") from error
        self._torn = False
        self._lines += len(lines)


def paired(messages: Sequence[Message], lost: str = LOST) -> list[Message]:
    """The messages, with the result `lost` for every call that has none."""
    found, waiting = list[Message](), list[str]()
    for message in messages:
        if message.role == "tool" and message.tool_call_id in waiting:
            waiting.remove(message.tool_call_id)
        elif waiting:
            found += _results(waiting, lost)
            waiting = []
        found.append(message)
        waiting += [call.id for call in message.tool_calls]
    return [*found, *_results(waiting, lost)]


def _results(calls: Sequence[str], text: str) -> list[Message]:
    return [Message(role="tool", content=text, tool_call_id=one) for one in calls]


def _folded(messages: list[Message], line: bytes) -> list[Message]:
    """The conversation after one line; a line that cannot be read changes nothing."""
    try:
        entry = cast("dict[str, Any]", json.loads(line))
        if "add" in entry:
            messages.append(Message.model_validate(entry["add"]))
        elif "keep" in entry:
            return messages[: entry["keep"]]
        elif "replace" in entry:
            return [Message.model_validate(one) for one in entry["replace"]]
    except (ValueError, TypeError, ValidationError):
        pass
    return messages


def _common(old: Sequence[Message], new: Sequence[Message]) -> int:
    """How many messages from the beginning are the same."""
    pairs = enumerate(zip(old, new, strict=False))
    shorter = min(len(old), len(new))
    return next((n for n, (a, b) in pairs if a is not b and a != b), shorter)


def _plain(message: Message) -> dict[str, Any]:
    return message.model_dump(mode="json", exclude_defaults=True)
