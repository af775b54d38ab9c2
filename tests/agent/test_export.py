"""Sessions written to files that people read, send on, and open in a browser."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from qwright.agent import events as ev
from qwright.agent.errors import ConfigError
from qwright.agent.eventlog import EventLog
from qwright.agent.export import export
from qwright.sandbox.session_dir import Session

HOSTILE = '</pre><script>alert(1)</script><img src="http://x/y.png"> \x1b]52;c;x\x07 & <b>'
DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
RUN: Sequence[ev.Event] = (
    ev.RunStarted(session="s", model="m", prompt=f"Mend it {HOSTILE}"),
    ev.TurnStarted(turn=1),
    ev.TextDelta(text="void, since it broke"),
    ev.Retrying(reason="lost", attempt=1, wait=0.0),
    ev.ReasoningDelta(text="Let me\nthink."),
    ev.TextDelta(text="I edit "),
    ev.TextDelta(text="**a.py**. "),
    ev.ToolStarted(id="1", name="edit", arguments={"path": "a.py", "old_string": "x = 1"}),
    ev.ToolFinished(
        id="1", name="edit", is_error=False, text="ok", details={"diff": DIFF}, seconds=0.1
    ),
    ev.ToolStarted(id="2", name="run_shell_command", arguments={"command": "pytest ```"}),
    ev.ToolFinished(
        id="2",
        name="run_shell_command",
        is_error=True,
        text=f"1 failed\n````\n{HOSTILE}",
        details={"exit_code": 1},
        seconds=0.2,
    ),
    ev.VerifyFinished(command="pytest -q", exit_code=0, output="1 passed", seconds=1.0),
    ev.Notice(text="mind\nthe gap"),
    ev.TextDelta(text=f"See [here](javascript:alert(1)) and ![pic](http://x/p.png) {HOSTILE}"),
    ev.RunFinished(
        reason="interrupted", text="interrupted", turns=1, tokens=ev.Tokens(), seconds=2.0
    ),
)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    made = Session.create(tmp_path / "project", prompt=f"Mend it {HOSTILE}", model="qwen")
    log = EventLog(made.path / "events.jsonl")
    for event in RUN:
        log.append(event)
    log.close()
    return made


class Page(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"] or ""
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_markdown_keeps_fences_closed_whatever_is_in_them(session: Session, tmp_path: Path) -> None:
    export(session, "markdown", tmp_path / "talk.md")
    text = (tmp_path / "talk.md").read_text()
    assert text.startswith("# Mend it")
    assert "\x1b" not in text
    assert "> Let me\n> think.\n" in text
    assert "```diff\n--- a/a.py" in text
    assert "\n`````\n1 failed\n````\n" in text
    assert "**edit a.py**\n" in text
    assert "\n*mind the gap*\n" in text
    assert "\n## qwright\n\nI edit **a.py**.\n" in text
    assert text.endswith("\n*interrupted*\n")
    assert "**run_shell_command pytest ```** (failed)" in text
    assert "void, since" not in text


def test_html_loads_nothing_runs_nothing_and_shows_all(session: Session, tmp_path: Path) -> None:
    export(session, "html", tmp_path / "talk.html")
    text = (tmp_path / "talk.html").read_text()
    page = Page(text)
    assert not {"img", "iframe", "link", "object", "form"} & set(page.tags)
    assert page.tags.count("script") == 1
    script = text.partition("<script>")[2].partition("</script>")[0]
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert page.policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src")
    assert f" script-src 'sha256-{digest}';" in page.policy
    assert page.links == ["http://x/p.png"]  # of a link, which is followed only by a click
    assert "prefers-color-scheme: dark" in text
    assert "\x1b" not in text
    assert "<strong>a.py</strong>" in text
    assert re.search(r"<ins data-n=\"1\">\+x = <mark>2</mark>\s*</ins>", text)
    assert page.text.count("<script>alert(1)</script>") == 6
    assert page.tags.count("details") == 4


def test_jsonl_is_the_events_and_skips_a_torn_line(session: Session, tmp_path: Path) -> None:
    with (session.path / "events.jsonl").open("a") as log:
        log.write('{"type": "text_del')
    export(session, "jsonl", tmp_path / "talk.jsonl")
    lines = (tmp_path / "talk.jsonl").read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines] == [event.type for event in RUN]


def test_a_file_that_is_there_stays(session: Session, tmp_path: Path) -> None:
    (tmp_path / "talk.md").write_text("mine")
    with pytest.raises(ConfigError, match=r"talk\.md exists; name another file"):
        export(session, "markdown", tmp_path / "talk.md")
    assert (tmp_path / "talk.md").read_text() == "mine"
    with pytest.raises(ConfigError, match="cannot be written"):
        export(session, "markdown", tmp_path / "nowhere" / "talk.md")


def test_the_persons_own_command_shows_as_they_typed_it(session: Session, tmp_path: Path) -> None:
    log = EventLog(session.path / "events.jsonl")
    typed = {"command": "ls -l"}
    log.append(ev.ToolStarted(id="shell", name="run_shell_command", arguments=typed))
    log.append(
        ev.ToolFinished(
            id="shell",
            name="run_shell_command",
            is_error=False,
            text="a.py\n",
            details={"exit_code": 0},
            seconds=0.1,
        )
    )
    log.close()
    export(session, "markdown", tmp_path / "talk.md")
    assert (tmp_path / "talk.md").read_text().endswith("\n**!ls -l**\n\n```\na.py\n```\n")
