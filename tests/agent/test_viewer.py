"""A session's trajectory: what it is made of, and as a page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from qwright.agent import events as ev
from qwright.agent.errors import ConfigError
from qwright.agent.eventlog import EventLog
from qwright.agent.viewer import page, view
from qwright.agent.viewer.steps import Section, Step, clipped, read_steps
from qwright.agent.viewer.wording import amount, dollars, percent, plural, seconds
from qwright.sandbox.session_dir import Session
from tests.browser import PHONE, chromium, visit

DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-x = 1\n+x = 2\n y = 1\n"
USED = ev.Tokens(prompt=2400, cached=1200, completion=35)


def _done(key: str, name: str, text: str, *, bad: bool = False, **details: object) -> ev.Event:
    return ev.ToolFinished(
        id=key, name=name, is_error=bad, text=text, details=details, seconds=0.25
    )


RUN: Sequence[ev.Event] = (
    ev.RunStarted(session="s", model="qwen", prompt="Mend it"),
    ev.VerifyFinished(command="make test", exit_code=2, output="1 failed\n\n", seconds=1.0),
    ev.TurnStarted(turn=1),
    ev.TextDelta(text="void, since it broke"),
    ev.Retrying(reason="lost", attempt=1, wait=0.0),
    ev.ReasoningDelta(text="Let me think."),
    ev.TextDelta(text="I edit **a.py**."),
    ev.UsageReported(request=USED, total=USED),
    ev.ToolStarted(
        id="1", name="edit", arguments={"path": "a.py", "old_string": "x = 1", "all": True}
    ),
    _done("1", "edit", "ok", diff=DIFF),
    ev.CheckpointMade(step=1, commit="0123456789abcdef"),
    ev.ToolStarted(id="2", name="read_file", arguments={"path": "b.py", "limit": 3}),
    _done("2", "read_file", "1\n2\n3\n"),
    ev.VerifyFinished(command="make test", exit_code=2, output="2 failed", seconds=1.5),
    ev.AttemptStarted(attempt=2, of=3),
    ev.TurnStarted(turn=2),
    ev.ToolStarted(id="3", name="run_shell_command", arguments={"command": "rm -r /"}),
    ev.ApprovalGiven(id="3", allowed=False, by="rule"),
    _done("3", "run_shell_command", "refused\nask a person", bad=True),
    ev.VerifyFinished(command="make test", exit_code=0, output="3 passed", seconds=0.5),
    ev.AttemptJudged(attempt=2, score=3, of=3, why="its own tests"),
    ev.AttemptChosen(attempt=2, why="verified"),
    ev.RunFinished(
        reason="done", text="Done it", turns=2, tokens=USED, seconds=10.0, verified=True
    ),
)


def _shape(section: Section) -> tuple[str, list[tuple[str, str]]]:
    return section.label, [(step.kind, step.mood) for step in section.steps]


def test_events_become_sections_of_steps() -> None:
    found = read_steps(RUN)
    assert list(map(_shape, found.sections)) == [
        ("Prompt", [("prompt", ""), ("verify", "bad")]),
        (
            "Turn 1",
            [
                ("note", "warn"),
                ("thought", ""),
                ("answer", ""),
                ("call", ""),
                ("call", ""),
                ("verify", "bad"),
            ],
        ),
        ("Attempt 2 of 3", []),
        ("Turn 2", [("call", "bad"), ("verify", "good")]),
        ("Choice", [("note", ""), ("end", "good")]),
        ("End", [("end", "good")]),
    ]
    edit, read = (step for step in found.sections[1].steps if step.kind == "call")
    assert (edit.name, edit.head, edit.files[0].added) == ("edit", "a.py", 1)
    assert edit.arguments == [("all", "true")]
    assert (read.gist, read.arguments) == ("3 lines", [("limit", "3")])
    assert found.sections[3].steps[0].gist == "ask a person"
    ran = Step("call", name="run_shell_command", body="F.\n1 failed\n[exit code 1]")
    assert (ran.gist, replace(ran, body="2 passed\n[exit code 0]").gist) == (
        "1 failed · exit 1",
        "2 passed",
    )
    assert found.sections[0].steps[1].gist == "1 failed"
    assert found.sections[1].note == "2.4k (1.2k cached) tokens in, 35 out"
    assert found.sections[1].checkpoint == (1, "0123456789abcdef")
    assert dict(found.time()) == {"model": 6.25, "tools": 0.75, "verify": 3.0}


def test_a_log_that_was_cut_off_shows_what_is_there() -> None:
    found = read_steps([*RUN[:4], ev.TextDelta(text="on and")])
    assert found.sections[-1].steps[-1].body == "void, since it brokeon and"
    assert found.time() == []
    assert read_steps([]).sections == []
    assert "No events were recorded" in page("t", [], [])


def test_a_very_long_text_keeps_its_ends() -> None:
    text = clipped("a" * 80_000 + "b" * 80_000)
    assert text.startswith("a" * 50_000 + "\n… 60,000 characters left out …\n")
    assert text.endswith("\n" + "b" * 50_000)
    assert clipped("x\x1b[31my\r\n") == "xy"


def test_amounts_are_short() -> None:
    assert [amount(one) for one in (0, 812, 4_149, 38_000, 999_960, 1_240_000)] == [
        *("0", "812", "4.1k", "38k", "1.0M", "1.2M"),
    ]
    assert [seconds(one) for one in (0.44, 9.97, 59.6, 185, 3720)] == [
        *("0.4 s", "10 s", "1 m 00 s", "3 m 05 s", "1 h 02 m"),
    ]
    assert [dollars(one) for one in (0, 0.00402, 0.052, 1234.5)] == [
        *("$0.00", "$0.00402", "$0.052", "$1,234.50"),
    ]
    assert [percent(one) for one in (0, 0.625, 0.9999, 1)] == ["0 %", "62.5 %", "100.0 %", "100 %"]
    assert [plural(one, "file") for one in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    made = Session.create(tmp_path / "project", prompt="Mend it", model="qwen")
    log = EventLog(made.path / "events.jsonl")
    for event in RUN:
        log.append(event)
    log.close()
    return made


def test_view_writes_a_page_and_says_where(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert view(session) == 0
    assert capsys.readouterr().out == f"{session.path / 'trajectory.html'}\n"
    target = tmp_path / "other.html"
    assert view(session, target) == 0
    assert target.read_text() == (session.path / "trajectory.html").read_text()
    with pytest.raises(ConfigError, match=r"x\.html cannot be written"):
        view(session, tmp_path / "nowhere" / "x.html")


def test_the_page_reads_by_keyboard_and_on_a_phone(
    browser: Browser, session: Session, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    view(session, file)
    with visit(browser, file) as seen:
        assert seen.page.title() == "Mend it"
        expect(seen.page.locator(".answer strong")).to_have_text("a.py")
        expect(seen.page.locator("ins[data-n]")).to_have_text("+x = 2")
        seen.press("j", "j")
        assert "not verified" in seen.focused()
        output = seen.page.locator("section.prompt .output")
        expect(output).to_be_hidden()
        seen.press("Enter")
        expect(output).to_have_text("1 failed")
        seen.press("n", "n")
        assert "rm -r /" in seen.focused()
        seen.press("p")
        assert "2 failed" in seen.focused()
        seen.press("e")
        assert seen.page.locator("details:not([open])").count() == 0
        seen.press("e")
        assert seen.page.locator("details[open]").count() == 0
    for scheme in ("light", "dark"):
        with visit(browser, file, size=PHONE, scheme=scheme) as seen:
            seen.press("e")
            assert seen.too_wide() <= 0
