"""`qwright sessions view`: a session's trajectory in the browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from qwright.agent.errors import ConfigError
from qwright.agent.eventlog import read_events
from qwright.agent.language import say
from qwright.agent.viewer.page import page
from qwright.sandbox.session_dir import Session
from qwright.tools.sanitise import sanitise, shown_name


def view(session: Session, output: Path | None = None) -> int:
    """Write the page beside the session, or to `output`; say where it is, and open it on a desktop.

    Raises ConfigError when the file cannot be written.
    """
    target = output or session.path / "trajectory.html"
    events = read_events(session.path / "events.jsonl")
    text = page(title_of(session), facts_of(session), events)
    try:
        target.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        file, why = shown_name(str(target)), error.strerror
        raise ConfigError(say("chat.unwritable", file=file, why=why)) from None
    print(shown_name(str(target)))
    if output is None and _on_desktop():
        import webbrowser

        webbrowser.open(target.absolute().as_uri())
    return 0


def title_of(session: Session) -> str:
    """A session's title, or its prompt's beginning, on one line."""
    record = session.record
    return " ".join(sanitise(record.title or record.prompt).split())[:100] or record.id


def facts_of(session: Session) -> list[tuple[str, str]]:
    """What to know of a session before reading it; a value may be empty."""
    record = session.record
    return [
        ("Session", record.id),
        ("Project", shown_name(Path(record.source).name)),
        ("Model", sanitise(record.model)),
        ("Begun", record.created.replace("T", " ").replace("+00:00", " UTC")),
    ]


def _on_desktop() -> bool:
    """Whether a person sits before a screen that a browser can open on."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shown) or sys.platform in ("darwin", "win32")
