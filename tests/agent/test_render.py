from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from qwright.agent import events as ev
from qwright.agent.events import parse_event
from qwright.agent.outcome import Outcome
from qwright.agent.progress import Progress
from qwright.agent.render import Renderer
from qwright.agent.render.machine import JsonRenderer, StreamJsonRenderer
from qwright.agent.render.text import TextRenderer, open_console
from tests.agent.moves import FIX, LOOK, VERIFIED, WRONG
from tests.agent.stage import SEVERAL, Stage
from tests.fakes import Answer, says

EVIL = "\x1b]0;owned\x07\x1b[31mred\x1b[0m\x9b2J\u202etxt\x08\r\x00\x1b]52;c;cm0gLXJm\x1b\\"
SEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What must never reach a terminal from outside."""
_TOKENS = ev.Tokens(prompt=1234, cached=1000, completion=56)


def finished(reason: ev.StopReason = "done", text: str = "Done.", **more: bool) -> ev.RunFinished:
    return ev.RunFinished(
        reason=reason, text=text, turns=3, tokens=_TOKENS, seconds=12.3, verified=more.get("ok")
    )


def outcome(last: ev.RunFinished, **fields: object) -> Outcome:
    return Outcome.model_validate(
        {"session": "s1", "finished": last, "exit_code": 0, "delivered": "Applied.", **fields}
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(
    events: Sequence[ev.Event], end: Outcome, *, terminal: bool = False, no_color: bool = False
) -> str:
    out = Terminal() if terminal else io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("NO_COLOR", "1" if no_color else "")
        play(TextRenderer(open_console(out)), events, end)
    return out.getvalue()


def play(renderer: Renderer, events: Sequence[ev.Event], end: Outcome) -> None:
    for event in events:
        renderer.show(event)
    renderer.close(end)


@pytest.fixture
def events(tmp_path: Path) -> list[ev.Event]:
    stage = Stage(tmp_path)
    answers = (Answer("I look first.", (LOOK,)), says(WRONG), says(FIX))
    act = stage.passes_when("a.py", b"x = 2")
    return stage.play(*answers, task=VERIFIED, profile=SEVERAL, act=act).events


def last_of(events: Sequence[ev.Event]) -> ev.RunFinished:
    last = events[-1]
    assert isinstance(last, ev.RunFinished)
    return last


def test_progress_in_reading_a_prompt_does_not_end_what_turns_on_the_screen() -> None:
    out = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm-256color")
        renderer = TextRenderer(open_console(out))
        renderer.show(ev.TurnStarted(turn=1))
        before = out.getvalue()
        renderer.show(ev.Prefilling(done=1, total=2))
        assert "\x1b[?25h" not in out.getvalue()[len(before) :], "the cursor stays hidden"
        renderer.close(outcome(finished()))
    assert "\x1b[?25h" in out.getvalue()[len(before) :]


def test_text_tells_every_step_and_how_it_ended(events: list[ev.Event]) -> None:
    end = outcome(last_of(events), diff="--- a\n+++ b\n-x = 1\n+x = 2\n", hints=("undo: so",))
    text = shown(events, end)
    in_order = ["m1", "verify fails", "I look first.", "Read   a.py", "Edit   a.py", "attempt 2"]
    in_order += [
        "verify passes",
        "attempt 2 stands: `",
        "+x = 2",
        "✓ Done, verified",
        "Applied.",
        "undo: so",
    ]
    at = 0
    for part in in_order:
        at = text.find(part, at)
        assert at >= 0, f"{part} is missing, or out of order:\n{text}"


def test_markdown_is_drawn_on_a_terminal_and_left_alone_in_a_pipe() -> None:
    said: list[ev.Event] = [ev.TextDelta(text=part) for part in ("# He", "ad\n\n- **a**\n", "end")]
    assert "# Head\n\n- **a**\nend\n" in shown(said, outcome(finished()))
    drawn = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown(said, outcome(finished()), terminal=True))
    assert "  Head\n" in drawn
    assert "  • a\n" in drawn
    assert "  end\n" in drawn
    assert "**" not in drawn.replace("- **a**", "")


def test_text_in_a_pipe_holds_no_escape_sequence(events: list[ev.Event]) -> None:
    assert not SEEN.search(shown(events, outcome(last_of(events), diff="+x\n-y\n")))


def test_no_color_means_plain_text_on_a_terminal(events: list[ev.Event]) -> None:
    end = outcome(last_of(events), diff="+x\n-y\n")
    assert "\x1b[" in shown(events, end, terminal=True)
    plain = shown(events, end, terminal=True, no_color=True)
    assert not re.search(r"\x1b\[[0-9;]*m", plain)


def hostile() -> list[ev.Event]:
    arguments = {"path": EVIL, "command": EVIL, "old_string": EVIL}
    details = {"diff": f"+{EVIL}\n-{EVIL}", "added": 1, "removed": 1, "exit_code": EVIL}
    kept: list[ev.Event] = [
        ev.RunStarted(session="s1", model=EVIL, prompt=EVIL),
        ev.TextDelta(text=EVIL),
        ev.ReasoningDelta(text=EVIL),
        ev.Retrying(reason=EVIL, attempt=1, wait=1),
        ev.Notice(text=EVIL),
        ev.AttemptJudged(attempt=1, score=1, of=2, why=EVIL),
        ev.AttemptChosen(attempt=1, why=EVIL),
        ev.Compacted(summary=EVIL, before=2, after=1),
        ev.VerifyFinished(command=EVIL, exit_code=1, output=EVIL, seconds=1),
    ]
    for name, is_error in (("edit", False), (EVIL, True), ("run_shell_command", True)):
        kept.append(ev.ToolStarted(id="1", name=name, arguments=arguments))
        kept.append(
            ev.ToolFinished(
                id="1", name=name, is_error=is_error, text=EVIL, details=details, seconds=1
            )
        )
    return kept


def test_what_comes_from_outside_cannot_draw_on_the_terminal() -> None:
    last = finished("model_error", EVIL)
    end = outcome(last, diff=EVIL, delivered=EVIL, hints=(EVIL,), files=(EVIL,))
    assert not SEEN.search(shown([*hostile(), last], end))
    ours = shown([*hostile(), last], end, terminal=True)
    for sequence in ("\x1b]0", "\x1b]52", "\x9b", "\u202e", "\x1b[31mred", "\x00"):
        assert sequence not in ours


def test_a_person_learns_that_turns_were_summarised() -> None:
    event = ev.Compacted(summary="private", before=30_000, after=9_000)
    text = shown([event], outcome(finished()))
    assert "30,000 → 9,000 tokens" in text
    assert "private" not in text


def test_an_escape_sequence_cut_into_two_pieces_is_none() -> None:
    pieces: list[ev.Event] = [ev.TextDelta(text=piece) for piece in EVIL]
    assert not SEEN.search(shown(pieces, outcome(finished())))


def test_set_up_output_cannot_draw_on_the_terminal() -> None:
    for out in (io.StringIO(), Terminal()):
        progress = Progress(out)
        progress(f"  Collecting {EVIL}")
        assert not SEEN.search(out.getvalue())


def test_progress_says_each_thing_once() -> None:
    out = io.StringIO()
    progress = Progress(out)
    for line in ("loading 1 %", "loading 2 %", "loading 2 %", "ready", "loading 3 %"):
        progress(line)
    assert out.getvalue() == "loading 1 %\nready\nloading 3 %\n"


def test_progress_on_a_terminal_grows_in_place() -> None:
    out = Terminal()
    progress = Progress(out)
    progress("loading 1 %")
    progress("loading 2 %")
    assert out.getvalue() == "loading 1 %\n\x1b[1A\x1b[2Kloading 2 %\n"


@pytest.mark.parametrize(
    ("reason", "text", "mark"),
    [
        ("done", "", "✓ Done"),
        ("turn_limit", "stopped after 3 turns (--max-turns)", "✗ stopped after 3 turns"),
        ("interrupted", "", "✗ interrupted"),
    ],
)
def test_the_verdict(reason: ev.StopReason, text: str, mark: str) -> None:
    assert mark in shown([], outcome(finished(reason, text)))


@pytest.mark.parametrize(("ok", "word"), [(True, "Done, verified"), (False, "not verified")])
def test_the_verdict_says_whether_it_was_verified(ok: bool, word: str) -> None:
    assert word in shown([], outcome(finished(ok=ok)))


@pytest.mark.parametrize(
    ("tokens", "cost", "said"),
    [
        (_TOKENS, None, "3 turns, 1,234 tokens in (1,000 cached), 56 out\n"),
        (_TOKENS, 0.0, "56 out\n"),
        (_TOKENS, 0.00421, "56 out, $0.0042\n"),
        (_TOKENS, 1.239, "56 out, $1.24\n"),
        (ev.Tokens(prompt=9, completion=50, reasoning=40), 0.2, "50 out (40 reasoning), $0.20\n"),
        (
            ev.Tokens(prompt=9, completion=50, reasoning=40, estimated=True),
            0.2,
            "~9 tokens in (0 cached), ~50 out (~40 reasoning), ~$0.20\n",
        ),
    ],
)
def test_the_verdict_says_what_it_took(tokens: ev.Tokens, cost: float | None, said: str) -> None:
    last = finished().model_copy(update={"tokens": tokens, "cost": cost})
    assert said in shown([], outcome(last))
    report = outcome(last).report()
    assert report["cost"] == cost
    assert report["tokens"] == tokens.model_dump()


def test_a_long_diff_is_cut_and_says_so() -> None:
    diff = "\n".join(f"+line {number}" for number in range(1000))
    text = shown([], outcome(finished(), diff=diff))
    assert "+line 0\n" in text
    assert "+line 999" not in text
    assert "more lines" in text


def test_stream_json_is_the_events_and_a_result(events: list[ev.Event]) -> None:
    out = io.StringIO()
    end = outcome(last_of(events), files=("a.py",))
    play(StreamJsonRenderer(out), events, end)
    *lines, result = out.getvalue().splitlines()
    assert [parse_event(line) for line in lines] == events
    assert json.loads(result) == end.report()


def test_json_is_one_object(events: list[ev.Event]) -> None:
    out = io.StringIO()
    end = outcome(last_of(events), files=("a.py",), diff="+x", exit_code=3)
    play(JsonRenderer(out), events, end)
    report = json.loads(out.getvalue())
    assert report == end.report()
    assert (report["type"], report["is_error"], report["exit_code"]) == ("result", True, 3)
    assert report["files"] == ["a.py"]
    assert report["tokens"]["prompt"] == end.finished.tokens.prompt > 0


def test_json_survives_any_file_name() -> None:
    out = io.StringIO()
    end = outcome(finished(), files=("\udcff.py",), diff=EVIL, hints=(EVIL,))
    play(JsonRenderer(out), [], end)
    assert out.getvalue().count("\n") == 1
    assert json.loads(out.getvalue())["diff"] == EVIL
    assert out.getvalue().isascii()
