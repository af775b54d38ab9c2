"""A session as a file to read or to pass on: markdown, one HTML page, or its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from qwright.agent.errors import ConfigError
from qwright.agent.eventlog import read_events
from qwright.agent.language import say
from qwright.agent.viewer.page import page
from qwright.agent.viewer.steps import OWN_COMMAND, Step, one_line, read_steps
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
_HEADS = {"prompt": "You", "answer": "qwright"}


def export(session: Session, fmt: Format, target: Path) -> None:
    """Write what was said and done in `session` to the new file `target`.

    Raises ConfigError when the file exists or cannot be written.
    """
    events = session.path / "events.jsonl"
    match fmt:
        case "markdown":
            lines = _markdown(session, read_steps(read_events(events)).steps)
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


def _markdown(session: Session, steps: Iterable[Step]) -> Iterator[str]:
    yield f"# {title_of(session)}\n\n"
    yield from (f"- {name}: {value}\n" for name, value in facts_of(session) if value)
    for step in steps:
        text = _shown(step)
        yield f"\n{text}" if text else ""


def _shown(step: Step) -> str:
    match step.kind:
        case "prompt" | "answer":
            return f"## {_HEADS[step.kind]}\n\n{step.body}\n"
        case "thought":
            return "\n".join(f"> {line}".rstrip() for line in step.body.splitlines()) + "\n"
        case "note":
            return f"*{step.head}*\n"
        case "end":
            return f"*{one_line(step.body) or step.head}*\n" if step.mood != "good" else ""
        case "call" | "verify":
            body = step.diff or step.body
            fenced = f"\n{_fenced(body, 'diff' if step.diff else '')}\n" if body else ""
            return f"**{_call(step)}**{' (failed)' if step.mood == 'bad' else ''}\n{fenced}"


def _call(step: Step) -> str:
    """What was called: a command of the person's own as they typed it."""
    if step.name == OWN_COMMAND:
        return f"!{step.head}"
    said = step.head or ", ".join(f"{name}: {value}" for name, value in step.arguments)
    return one_line(f"{step.name or 'verify:'} {said}")


def _fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
