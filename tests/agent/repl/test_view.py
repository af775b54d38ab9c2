from __future__ import annotations

import pytest

from qwright.agent import events as ev
from qwright.agent import language
from qwright.agent.render.ink import columns
from tests.agent.repl.paper import DARK, PLAIN, Stage, golden, unstyled
from tests.agent.repl.recorded import (
    PROMPT,
    called,
    edited,
    finished,
    planned,
    ran,
    session,
    streamed,
)

BEGIN = ev.RunStarted(session="s1", model="m", prompt="Go.")


@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_a_session_looks_as_it_did(width: int) -> None:
    stage = Stage(width)
    stage.view.prompt(PROMPT)
    shown = stage.play(session())
    assert max(map(columns, shown.splitlines())) < width
    golden(f"session_{width}", shown)


def test_colours_change_nothing_but_marks_of_markdown() -> None:
    plain, dark = Stage(100, PLAIN), Stage(100, DARK)
    before, after = plain.play(session()), dark.play(session())
    assert "\x1b" not in before
    marks = str.maketrans("", "", "`*")
    assert after.translate(marks).split() == before.translate(marks).split()


def test_a_screen_reader_gets_words_and_nothing_that_moves() -> None:
    stage = Stage(screen_reader=True)
    stage.view.prompt(PROMPT)
    shown = stage.play(session())
    stage.view.tick()
    assert stage.paper.lives == []
    assert not set("●✗↻✓│▸○") & set(shown)
    assert "Error: Run" in shown
    golden("session_screen_reader", shown)


def test_a_session_in_chinese_stands_in_columns_too(monkeypatch: pytest.MonkeyPatch) -> None:
    language.choose("zh")
    shown = Stage(80).play(session())
    assert max(map(columns, shown.splitlines())) < 80
    golden("session_zh", shown)


def test_what_runs_is_live_until_it_is_done() -> None:
    stage = Stage()
    stage.play([BEGIN, ev.TurnStarted(turn=1)], seconds=1.5)
    stage.view.tick()
    assert "Thinking · 3 s · Esc interrupts" in stage.live
    start, done = ran("make test", 0, "ok", 6.0)
    stage.play([start], seconds=4)
    stage.view.tick()
    assert "Run    make test · 4 s" in stage.live
    assert "make test" not in stage.shown
    stage.play([done, finished()])
    assert stage.live == ""
    assert "● Run    make test  6.0 s" in stage.shown


def test_reading_the_prompt_is_a_bar() -> None:
    stage = Stage()
    stage.play([BEGIN, ev.Prefilling(done=512, total=2048)])
    stage.view.tick()
    assert "Reading the prompt  ━━━━──────────── 25%" in stage.live
    stage.play([ev.TextDelta(text="Hello")], seconds=1)
    stage.view.tick()
    assert "Reading" not in stage.live


def test_text_is_live_by_the_line_and_its_rate_is_told() -> None:
    stage = Stage()
    stage.play([BEGIN, *streamed(f"One line.\n{'And half ano':>60}", 1)], seconds=0.02)
    stage.view.tick()
    assert stage.shown == "  One line.\n"
    assert stage.live.startswith("  And half ano\n\n")
    assert "Writing · 1 s · 50 tokens/s" in stage.live
    stage.play([finished()])
    assert "  And half ano\n" in stage.shown


def test_what_is_final_leaves_the_live_lines_at_once() -> None:
    stage = Stage()
    stage.play([BEGIN, *streamed("some words")], seconds=1)
    assert "some words" in stage.live
    stage.play([ev.TextDelta(text=" more\nnext")], seconds=0)
    assert "some words" not in stage.live
    assert "  next" in stage.live


def test_a_window_that_narrows_holds_for_the_next_line() -> None:
    stage = Stage(100)
    stage.play([BEGIN, *streamed("one two three four five six seven eight\n")])
    stage.paper.width = 30
    stage.play([*streamed("one two three four five six seven eight\n")])
    assert stage.shown.count("\n") == 3


def test_reasoning_is_folded_into_how_long_it_took() -> None:
    stage = Stage()
    words = [ev.ReasoningDelta(text=f"word{number} ") for number in range(40)]
    stage.play([BEGIN, *words], seconds=0.1)
    stage.view.tick()
    assert "Thinking  …" in stage.live
    assert "word39" in stage.live
    assert max(map(columns, stage.live.splitlines())) < 100
    stage.play([ev.TextDelta(text="So."), finished()])
    assert "Thought for 4.0 s" in stage.shown
    assert "word39" not in stage.shown


def test_a_short_thought_is_not_worth_a_line() -> None:
    events = [BEGIN, ev.ReasoningDelta(text="hm"), ev.TextDelta(text="So."), finished()]
    assert "Thought" not in Stage().play(events)


def test_what_a_failed_request_said_is_void() -> None:
    again = ev.Retrying(reason="the server\x1b[0m hung up \n", attempt=1, wait=0.4)
    shown = Stage().play([BEGIN, ev.TextDelta(text="Half a sen"), again, *streamed("Whole.")])
    assert "Half" not in shown
    assert "↻ the server hung up; trying again\n" in shown


def test_attempts_are_told_in_a_line_each() -> None:
    language.choose("zh")
    begun = ev.AttemptStarted(attempt=2, of=3)
    judged = ev.AttemptJudged(attempt=1, score=3, of=14, why="3 of 14 tests pass")
    chosen = ev.AttemptChosen(attempt=2, why="passes the most tests, 12")
    shown = Stage().play([BEGIN, begun, judged, chosen, finished()])
    assert "第 2 次尝试" in shown
    assert "14 个测试中通过 3 个" in shown
    assert "通过的测试最多" in shown


def test_a_call_that_was_refused_says_why_and_shows_no_output() -> None:
    start, done = called("run_shell_command", {"command": "rm -r build"}, error=True, text="no")
    asked = ev.ApprovalAsked(id=done.id, name=done.name, subject="rm -r build", kind="command")
    given = ev.ApprovalGiven(id=done.id, allowed=False, by="person", why="keep\nit")
    stage = Stage()
    stage.play([BEGIN, start, asked])
    stage.view.tick()
    assert stage.live == ""
    shown = stage.play([given, done])
    assert "✗ Run    rm -r build  not allowed: keep it\n" in shown
    assert "│" not in shown


def test_a_call_that_was_approved_runs_from_then_on() -> None:
    start, done = ran("make", 0, "ok", 1.0)
    asked = ev.ApprovalAsked(id=start.id, name=start.name, subject="make", kind="command")
    stage = Stage()
    stage.play([BEGIN, start, asked])
    stage.view.settle()
    stage.now += 60
    stage.play([ev.ApprovalGiven(id=start.id, allowed=True, by="person")], seconds=2)
    stage.view.tick()
    assert "Run    make · 2 s" in stage.live
    stage.play([done, ev.CheckpointMade(step=1, commit="c")])
    assert "Thinking" in stage.live


def test_a_call_that_the_mode_forbids() -> None:
    start, done = called("edit", {"path": "a.py"}, error=True, text="plan mode")
    given = ev.ApprovalGiven(id=done.id, allowed=False, by="mode")
    assert "✗ Edit   a.py  not allowed in this mode" in Stage().play([start, given, done])


def test_steps_are_listed_once_and_then_only_counted() -> None:
    stage = Stage()
    shown = stage.play([*planned(">   "), *planned("x>  ")])
    assert shown.count("Run the whole suite") == 1
    assert "1 of 4 done · Make the total count quantities\n" in shown
    assert stage.view.todos.splitlines()[:2] == [
        "✓ Run the failing test and read what it says",
        "▸ Make the total count quantities",
    ]


@pytest.mark.parametrize(
    ("code", "output", "seconds", "expected"),
    [
        (0, "a\x1b[31mb\n" * 3, 0.1, "  │ ab\n  │ ab\n  │ ab\n"),
        (0, "", 0.1, "✓ no output\n"),
        (2, "oh\r\n", 2.0, "  │ oh\n✗ exit 2 · 2.0 s\n"),
    ],
)
def test_a_command_of_the_persons_own_shows_what_it_said(
    code: int, output: str, seconds: float, expected: str
) -> None:
    stage = Stage()
    stage.view.prompt("!make")
    start = ev.ToolStarted(id="shell", name="run_shell_command", arguments={"command": "make"})
    done = ev.ToolFinished(
        id="shell",
        name="run_shell_command",
        is_error=code != 0,
        text=output,
        details={"exit_code": code},
        seconds=seconds,
    )
    shown = stage.play([start, done])
    assert shown.split("!make\n\n")[1] == expected
    stage.view.tick()
    assert stage.live == ""


def test_the_step_under_way_stands_in_the_live_line() -> None:
    stage = Stage()
    stage.play([BEGIN, *planned("x>  "), ev.TurnStarted(turn=2)])
    stage.view.tick()
    assert "Make the total count quantities · Esc" in stage.live
    stage.play([finished(), BEGIN])
    assert "Thinking" in stage.live


@pytest.mark.parametrize(
    ("reason", "text", "expected"),
    [
        ("interrupted", "interrupted", "■ Interrupted; what was done so far is kept\n"),
        ("model_error", "the server\nis gone", "✗ the server is gone\n"),
        ("turn_limit", "", "✗ turn_limit\n"),
    ],
)
def test_how_a_run_can_end(reason: ev.StopReason, text: str, expected: str) -> None:
    shown = Stage().play([BEGIN, finished(reason, text)])
    assert f"{expected}  1 m 34 s · 4 turns" in shown


def test_what_was_interrupted_before_the_model_was_asked_took_nothing() -> None:
    at_once = finished("interrupted").model_copy(update={"turns": 0})
    assert Stage().play([at_once]) == "■ Interrupted; what was done so far is kept\n"


def test_a_verify_command_that_fails_shows_its_last_lines() -> None:
    output = "\n".join(f"line {number}" for number in range(50))
    failed = ev.VerifyFinished(command="make", exit_code=2, output=output, seconds=3)
    shown = Stage().play([failed])
    assert "✗ Not verified  make  3.0 s\n  │ … 42 earlier lines · Ctrl-O\n  │ line 42\n" in shown


def test_settle_stops_what_moves_and_ends_the_text() -> None:
    stage = Stage()
    stage.play([BEGIN, *streamed("Half a line")])
    stage.view.settle()
    stage.view.tick()
    assert stage.live == ""
    assert stage.shown == "  Half a line\n"
    stage.play([ev.TurnStarted(turn=2)])
    assert "Thinking" in stage.live


def test_progress_stands_in_the_live_line_until_something_happens() -> None:
    stage = Stage()
    stage.view.progress("building the\nimage 40%")
    assert "building the image 40%" in stage.live
    stage.play([BEGIN])
    assert "building" not in stage.live
    stage.view.progress("starting")
    assert "starting" in stage.live


def test_only_what_changed_is_drawn_again() -> None:
    stage = Stage()
    stage.play([BEGIN])
    stage.view.tick()
    count = len(stage.paper.lives)
    stage.view.tick()
    assert len(stage.paper.lives) == count


def test_a_resumed_session_shows_its_last_three_prompts_at_once() -> None:
    runs = [
        [ev.RunStarted(session="s", model="m", prompt=f"Prompt {n}."), *streamed(f"Answer {n}.")]
        for n in range(5)
    ]
    stage = Stage()
    stage.view.replay([event for run in runs for event in run])
    assert stage.paper.commits == 1
    assert [n for n in range(5) if f" Prompt {n}." in stage.shown] == [2, 3, 4]
    assert "  Answer 4.\n" in stage.shown
    assert stage.paper.lives == []


def test_of_a_run_longer_than_what_was_read_the_end_is_shown() -> None:
    stage = Stage()
    stage.view.replay([*streamed("The end of it.\n"), finished()])
    assert stage.shown.startswith("  The end of it.\n\n✓ Done")


def test_a_long_prompt_is_cut_and_says_so() -> None:
    stage = Stage()
    stage.view.prompt("\n".join(f"line {number}" for number in range(60)))
    assert "  line 11\n  … 48 more lines\n" in stage.shown


def test_words_of_its_own_keep_their_columns() -> None:
    stage = Stage(60)
    stage.view.say("  name   value\n  x      1", "good")
    stage.view.say("broken", "bad")
    assert stage.shown == "✓ name   value\n  x      1\n✗ broken\n"


def test_a_diff_of_many_files_has_a_head_for_each() -> None:
    stage = Stage()
    patches = [str(edited(name, "a\n", "b\n")[1].details["diff"]) for name in ("x.py", "y.py")]
    stage.view.diff("".join(patches))
    assert "  x.py  +1 -1\n  1 - a\n  1 + b\n\n  y.py  +1 -1\n" in stage.shown


def test_another_theme_holds_from_here_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    stage = Stage()
    stage.view.say("one", "good")
    stage.view.restyle("light")
    stage.view.say("two", "good")
    before, after = stage.paper.committed.split("\n")[:2]
    assert before == "✓ one"
    assert after != unstyled(after)


def test_a_screen_reader_hears_that_long_work_goes_on() -> None:
    stage = Stage(screen_reader=True)
    start, _ = ran("make", 0, "", 200)
    stage.play([BEGIN, start])
    for _ in range(70):
        stage.now += 1
        stage.view.tick()
    assert stage.shown.count("Still working") == 2
    stage.view.settle()
    stage.now += 100
    stage.view.tick()
    assert stage.shown.count("Still working") == 2
