"""A session as a file to read or to pass on: markdown, one HTML page, or its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from qwright.agent.errors import ConfigError
from qwright.agent.eventlog import read_events
from qwright.agent.export_parts import Part, parts_of
from qwright.agent.language import say
from qwright.agent.viewer.page import page
from qwright.agent.viewer.view import facts_of, title_of
from qwright.sandbox.session_dir import Session
from qwright.tools.sanitise import shown_name

Format = Literal["markdown", "html", "jsonl"]
FORMATS: Mapping[str, Format] = {
    "markdown": "markdown",
    "html": "html",
    "jsonl": "jsonl",
    "md": "markdown",
    "htm": "html",
}
"""By what a person may call them."""
SUFFIXES: Mapping[Format, str] = {"markdown": ".md", "html": ".html", "jsonl": ".jsonl"}
_HEADS = {"prompt": "You", "answer": "qwright", "thought": "Thoughts"}


def export(session: Session, fmt: Format, target: Path) -> None:
    """Write what was said and done in `session` to the new file `target`.

    Raises ConfigError when the file exists or cannot be written.
    """
    events = session.path / "events.jsonl"
    match fmt:
        case "markdown":
            lines = _markdown(session, parts_of(read_events(events)))
        case "html":
            lines = [page(title_of(session), facts_of(session), read_events(events))]
        case "jsonl":
            lines = (event.model_dump_json() + "\n" for event in read_events(events))
    try:
        with target.open("x", encoding="utf-8", errors="replace") as file:
            file.writelines(lines)
    except FileExistsError:
        raise ConfigError(say("chat.exists", file=shown_name(str(target)))) from None
    except OSError as error:
        file, why = shown_name(str(target)), error.strerror
        raise ConfigError(say("chat.unwritable", file=file, why=why)) from None


def _markdown(session: Session, parts: Iterator[Part]) -> Iterator[str]:
    yield f"# {title_of(session)}\n\n"
    yield from (f"- {name}: {value}\n" for name, value in facts_of(session) if value)
    for part in parts:
        yield "\n"
        match part.kind:
            case "prompt" | "answer":
                yield f"## {_HEADS[part.kind]}\n\n{part.body}\n"
            case "thought":
                yield "\n".join(f"> {line}".rstrip() for line in part.body.splitlines()) + "\n"
            case "note":
                yield f"*{part.head}*\n"
            case "call":
                yield f"**{part.head}**{' (failed)' if part.failed else ''}\n"
                yield f"\n{_fenced(part.body, part.language)}\n" if part.body else ""


def _fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
