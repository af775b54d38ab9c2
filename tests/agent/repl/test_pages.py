from __future__ import annotations

from pathlib import Path

from qwright.agent import events as ev
from qwright.agent.render.ink import columns
from qwright.agent.repl.pages import transcript_pages
from tests.agent.repl.paper import DARK, PLAIN, golden, unstyled
from tests.agent.repl.recorded import called, session


def log(folder: Path, *events: ev.Event) -> Path:
    file = folder / "events.jsonl"
    file.write_text("".join(f"{event.model_dump_json()}\n" for event in events))
    return file


def test_every_call_is_open(tmp_path: Path) -> None:
    lines = transcript_pages(log(tmp_path, *session()), 100, PLAIN)
    assert all(columns(line) < 100 for line in lines)
    golden("pages_100", "\n".join(lines) + "\n")


def test_a_torn_line_and_an_unknown_event_are_passed_over(tmp_path: Path) -> None:
    file = log(tmp_path, ev.RunStarted(session="s", model="m", prompt="Go."))
    with file.open("a") as more:
        more.write('{"type": "from_another_version"}\n')
        more.write(ev.TextDelta(text="Here.").model_dump_json() + "\n")
        more.write('{"type": "text_del')
    shown = "\n".join(transcript_pages(file, 80, PLAIN))
    assert shown.endswith("Go.\n\n  Here.")


def test_of_a_long_log_the_end_is_shown(tmp_path: Path) -> None:
    start, done = called("read_file", {"path": "a.py"}, text="x\n" * 4_000)
    events = [event for _ in range(500) for event in (start, done)]
    file = log(tmp_path, *events, ev.TextDelta(text="The end."))
    assert file.stat().st_size > 4_000_000
    lines = transcript_pages(file, 80, DARK)
    assert len(lines) == 5_000
    assert unstyled(lines[-1]) == "  The end."


def test_a_session_without_a_log_has_no_pages(tmp_path: Path) -> None:
    assert transcript_pages(tmp_path / "events.jsonl", 80, PLAIN) == []
