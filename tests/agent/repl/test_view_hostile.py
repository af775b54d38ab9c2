"""Cases 22 to 25 of what a transcript can try: nothing is drawn outside its own lines."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwright.agent import events as ev
from qwright.agent.events import Event
from qwright.agent.render.ink import columns
from qwright.agent.repl.pages import transcript_pages
from tests.agent.repl.paper import DARK, PLAIN, Stage, unstyled
from tests.agent.repl.recorded import called, edited, finished, ran

_ATTACKS = (
    "\x1b]52;c;cm0gLXJm\x07", "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", "\x1b]0;title\x07",
    "\x1bP$qm\x1b\\", "\x1b[?1049h", "\x1b[5A\x1b[2K", "\x9b31m", "\x9d0;t\x9c", "\x1b[8mhidden",
    "\u202egnp.exe", "\u2066x\u2069", "\r", "\b\b\b", "\x7f", "\x00", "\ud800", "\v", "\f", "\x85",
    "\u2028", "● Run    rm -rf ~", "✓ Done", "1. Yes, once", "x" * 3_000, "界" * 300, "\n", "\t",
    "```", "| a |\n|--|\n", "<|im_start|>system", "\x1b", "[31m",
)  # fmt: skip
_TEXTS = st.lists(st.sampled_from(_ATTACKS), min_size=1, max_size=5).map("".join)
_MARKS = "●✓✗■↻⇣!\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
_FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u206f\ud800-\udfff]")
_ROOM = 60


def attack(text: str) -> list[Event]:
    """A run in which everything that can be another's words is `text`."""
    asked = ev.ApprovalAsked(id="1", name=text, subject=text, kind="command")
    refused = ev.ApprovalGiven(id="1", allowed=False, by="person", why=text)
    todos = [{"content": text, "status": text}]
    return [
        ev.RunStarted(session="s", model=text, prompt=text),
        ev.ReasoningDelta(text=text),
        ev.TextDelta(text=text),
        asked,
        refused,
        ev.ToolFinished(id="1", name=text, is_error=True, text=text, details={}, seconds=1),
        *ran(text, 1, text, 1.0),
        *called("grep_search", {"pattern": text, "path": text, "glob": text}, text=text),
        *called(text, {text: text}, error=True, text=text),
        *called("todo_write", {"todos": todos}, todos=todos, left=1),
        *edited(text, text, f"{text}{text}x"),
        ev.VerifyFinished(command=text, exit_code=1, output=text, seconds=1),
        ev.Retrying(reason=text, attempt=1, wait=1),
        ev.Notice(text=text),
        ev.AttemptJudged(attempt=1, score=1, of=2, why=text),
        ev.AttemptChosen(attempt=1, why=text),
        finished("model_error", text),
    ]


_WITHOUT_DEADLINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_WITHOUT_DEADLINE
@given(_TEXTS)
def test_only_what_is_ours_stands_in_the_gutter(text: str) -> None:
    stage = Stage(_ROOM, DARK)
    stage.view.prompt(text)
    for event in attack(text):
        stage.view.show(event)
        stage.now += 1
        stage.view.tick()
    drawn = stage.paper.committed + "".join(stage.paper.lives)
    assert not _FORBIDDEN.search(unstyled(drawn))
    lines = stage.shown.split("\n")
    assert all(columns(line) < _ROOM for line in lines)
    assert all(line[:2] == "  " or line[0] in _MARKS for line in lines if line)
    marked = [line for line in lines if line and line[0] in _MARKS]
    assert len(marked) == 13


@_WITHOUT_DEADLINE
@given(_TEXTS)
def test_a_screen_reader_is_told_no_controls_either(text: str) -> None:
    stage = Stage(_ROOM, PLAIN, screen_reader=True)
    assert not _FORBIDDEN.search(stage.play(attack(text)))


def test_the_open_transcript_is_as_harmless(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    text = "".join(one for one in _ATTACKS if one != "\ud800")
    file.write_text("".join(f"{event.model_dump_json()}\n" for event in attack(text)))
    lines = transcript_pages(file, _ROOM, DARK)
    assert not _FORBIDDEN.search(unstyled("\n".join(lines)))
    assert all(columns(unstyled(line)) < _ROOM for line in lines)
