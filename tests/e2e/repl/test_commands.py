"""Every command, typed in a real terminal. Those on the result are in test_results.py."""

from __future__ import annotations

import base64
import json
import re
from html import unescape

import pytest

from tests.agent.replay import Reply
from tests.e2e.house import FIXED, MODEL, House
from tests.e2e.repl.stage import SUMMARY, TITLE, ask, opened, playing
from tests.e2e.repl.test_turns import MEND, VERIFY
from tests.e2e.scripted_server import Server, call, says, served
from tests.terminal import Terminal

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

ALIASES = {
    "help": "? h",
    "status": "stats about",
    "context": "tokens",
    "cost": "usage",
    "accept": "apply",
    "rewind": "rollback",
    "compact": "compress summarize",
    "clear": "new reset",
    "resume": "continue",
    "title": "rename",
    "mode": "approval-mode",
    "verify": "test",
    "config": "settings",
    "exit": "quit",
    "add-dir": "directory",
}
ALONE = (
    *("model", "diff", "undo", "redo", "checkpoints", "reject", "commit", "branch"),
    *("sessions", "export", "fork", "plan", "yolo", "init", "memory", "sandbox"),
    *("network", "image", "copy", "editor", "vim", "theme", "language", "doctor"),
    *("fix", "todo"),
)


def manual(house: House) -> None:
    (house.home / "config").mkdir(exist_ok=True)
    (house.home / "config" / "config.toml").write_text('apply = "manual"\n')


def says_once(repl: Terminal, command: str, answer: str | re.Pattern[str]) -> None:
    """Send a command; its answer is shown below it."""
    repl.send(command)
    shown = re.escape(answer) if isinstance(answer, str) else answer.pattern
    repl.wait_all(re.compile(rf"{re.escape(command)}\s[\s\S]*{shown}", re.MULTILINE))


def test_help_on_every_command_and_alias(house: House) -> None:
    with playing(MEND) as server, opened(house, server, lines=60) as repl:
        repl.send("/help")
        repl.wait_all("/help COMMAND says more")
        for name in (*ALIASES, *ALONE):
            assert f"/{name} " in repl.all(), name
        assert "Esc Esc" in repl.all()
        for name, aliases in ALIASES.items():
            for alias in aliases.split():
                repl.send(f"/help {alias}")
                repl.wait_for(re.compile(rf"/help {re.escape(alias)}\n[\s\S]*/{name}\b"))
        says_once(repl, "/acept", "did you mean /accept?")
        says_once(repl, "/zzzzzz", "/help lists them")
        says_once(repl, "/undo now", "takes no argument")
    assert server.requests == []


def test_what_there_is_to_know(house: House) -> None:
    manual(house)
    with playing(MEND) as server, opened(house, server) as repl:
        ask(repl, "mend the adder", "Fixed add.")
        repl.wait_for("/accept")
        says_once(repl, "/status", MODEL)
        says_once(repl, "/stats", house.session)
        says_once(repl, "/context", re.compile(r"Tools +[\d,]+"))
        says_once(repl, "/cost", re.compile(r"Prompt tokens +[45]00"))
        says_once(repl, "/sessions", TITLE)
        says_once(repl, "/checkpoints", re.compile(r"prompt 1 +edit"))
        says_once(repl, "/sandbox", "no network")
        says_once(repl, "/todo", "no list of steps")
        says_once(repl, "/config", re.compile(r'apply +"manual"'))
        says_once(repl, "/copy", "Copied")
        sent = re.search(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", bytes(repl.raw))
        assert sent
        assert base64.b64decode(sent[1]) == b"Fixed **add**."


def test_doctor(house: House) -> None:
    with playing(MEND) as server, opened(house, server, lines=50) as repl:
        repl.send("/doctor")
        repl.wait_all(re.compile(r"✓ .*image", re.IGNORECASE))


def test_sessions_are_named_left_copied_and_found_again(house: House) -> None:
    with playing(MEND) as server, opened(house, server, lines=40) as repl:
        ask(repl, "hello there", "Hello to you.")
        first = house.session
        says_once(repl, "/title A better name", "Title: A better name")
        says_once(repl, "/fork", "the original is")
        repl.settled()
        second = next(path.name for path in house.sessions if path.name != first)
        assert f"copy now, {second}; the original is {first}" in repl.all()
        ask(repl, "hello again", re.compile(r"Hello to you\.[\s\S]*Hello to you\."))
        assert "hello there" in json.dumps(server.requests[-1]["messages"])
        says_once(repl, f"/resume {first}", "Going on with: A better name")
        repl.settled()
        ask(repl, "hello third", "hello third")
        repl.wait_for(lambda: said(server, "hello third"))
        sent = json.dumps(requests(server)[-1]["messages"])
        assert "hello there" in sent
        assert "hello again" not in sent
        repl.settled()
        says_once(repl, "/clear", "forgotten")
        ask(repl, "hello fourth", "hello fourth")
        repl.wait_for(lambda: said(server, "hello fourth"))
        assert "hello there" not in json.dumps(requests(server)[-1]["messages"])
        repl.settled()
        repl.send("/resume")
        repl.wait_for("Go on with which session?")
        repl.press("enter")
        repl.wait_for(re.compile("Going on with: .*[\\s\\S]*Going on with: "))
    assert {path.name for path in house.sessions} == {first, second}


def requests(server: Server) -> list[dict[str, object]]:
    """Those of turns, not of titles and the like."""
    return [one for one in list(server.requests) if one.get("tools")]


def said(server: Server, prompt: str) -> bool:
    return any(prompt in json.dumps(one["messages"]) for one in requests(server))


def test_compact_replaces_the_conversation(house: House) -> None:
    long = (says(text="Word. " * 3000),)
    script = {"long": long, "hello": MEND["hello"]}
    with playing(script) as server, opened(house, server) as repl:
        for turn in range(1, 5):
            repl.send(f"a long answer {turn}")
            repl.wait_for(lambda turn=turn: repl.count("Done in") == turn)
            repl.settled()
        repl.send("/compact the numbers")
        repl.wait_for("summarised")
        repl.settled()
        ask(repl, "hello there", "Hello to you.")
        sent = json.dumps(requests(server)[-1]["messages"])
        assert SUMMARY in sent
        assert "Word. " * 1000 not in sent
        assert said(server, "the numbers")


def test_export_in_three_formats(house: House) -> None:
    manual(house)
    with playing(MEND) as server, opened(house, server) as repl:
        ask(repl, "mend the adder", "Fixed add.")
        repl.settled()
        for form, name in (("markdown", "a.md"), ("html", "a.html"), ("jsonl", "a.jsonl")):
            file = house.home / name
            says_once(repl, f"/export {form} {file}", "Written to")
            text = file.read_text()
            shown = unescape(re.sub("<[^>]*>", "", text)) if form == "html" else text
            for said_then in ("mend the adder", "a + b", "1 passed"):
                assert said_then in shown
        # The page's own, which its policy names by hash.
        assert (house.home / "a.html").read_text().count("<script") == 1
        for line in (house.home / "a.jsonl").read_text().splitlines():
            json.loads(line)


def test_modes_by_command(house: House) -> None:
    with playing(MEND) as server, opened(house, server) as repl:
        for command, mode in (
            ("/plan", "plan"),
            ("/plan off", "auto"),
            ("/mode ask", "ask"),
            ("/approval-mode auto_edit", "auto-edit"),
            ("/yolo", "auto"),
        ):
            says_once(repl, command, f"Mode {mode}:")
        repl.send("/mode")
        repl.wait_for("What is asked before it runs?")
        repl.press("1")
        repl.wait_for(re.compile(r"Mode plan:[\s\S]*Mode plan:"))


def test_network_image_and_another_folder(house: House) -> None:
    other = house.home / "other"
    other.mkdir()
    (other / "note.txt").write_text("from another folder\n")
    manual(house)
    read = says(call("run_shell_command", command="cat .added/other/note.txt"))
    script = {"read": (read, says(text="Read."))}
    with playing(script) as server, opened(house, server, lines=40) as repl:
        says_once(repl, f"/add-dir {other}", ".added/other")
        ask(repl, "read it", "from another folder")
        repl.wait_for("Read.")
        says_once(
            repl, "!cat /proc/net/dev | tail -n +3 | cut -d: -f1 | xargs echo NET", "NET lo\n"
        )
        says_once(repl, "/network full", "Network full")
        repl.send("!cat /proc/net/dev | tail -n +3 | cut -d: -f1 | xargs echo WIDE")
        repl.wait_for(re.compile(r"WIDE.*eth0"))
        says_once(repl, "/network off", "Network none")
        says_once(repl, "/image no-such-image:1", re.compile("no-such-image"))
        repl.settled(1.0)
        says_once(repl, "/image default", "Image:")
        says_once(repl, "!echo works again", "works again")
        says_once(repl, "/diff", "Nothing waits")


def test_how_it_looks_and_speaks(house: House) -> None:
    with playing(MEND) as server, opened(house, server) as repl:
        says_once(repl, "/theme light", "theme = light")
        says_once(repl, "/language zh", "language")
        repl.send("/help")
        repl.wait_all("沙箱")
        repl.send("/language en")
        repl.send("/config set apply manual")
        repl.wait_for("Saved:")
        repl.send("/vim")
        repl.wait_for("vi")
    text = (house.home / "config" / "config.toml").read_text()
    for line in ('theme = "light"', 'language = "en"', 'apply = "manual"', 'editing = "vi"'):
        assert line in text


def test_notes_for_agents(house: House) -> None:
    editor = house.home / "editor"
    editor.write_text('#!/bin/sh\necho "Use tabs here." >> "$1"\n')
    editor.chmod(0o755)
    manual(house)
    write = says(call("write_file", path="AGENTS.md", content="# Notes\n"))
    script = {"Use tabs": (says(text="I know."),), "AGENTS.md": (write, says(text="Written."))}
    env = {"EDITOR": str(editor)}
    with playing(script) as server, opened(house, server, env=env) as repl:
        ask(repl, "/init", "Written.")
        repl.wait_for("/accept")
        says_once(repl, "/accept all", "AGENTS.md")
        assert (house.repo / "AGENTS.md").read_text() == "# Notes\n"
        repl.send("/memory")
        repl.wait_for("which one to edit?")
        repl.press("1")
        repl.wait_for("Saved")
        repl.send("and now")
        repl.wait_for("I know.")
        repl.send("/editor one")
        repl.wait_for("Use tabs here.")
    written = [path for path in (house.repo, house.home) for path in path.rglob("AGENTS.md")]
    assert any("Use tabs here." in path.read_text() for path in written)


def test_own_commands_and_the_projects(house: House) -> None:
    mine = house.home / "config" / "commands"
    theirs = house.repo / ".qwright" / "commands" / "team"
    mine.mkdir(parents=True)
    theirs.mkdir(parents=True)
    (mine / "greet.md").write_text('---\ndescription: "say hello"\n---\nhello $1, hello $ARGUMENTS')
    (theirs / "look.md").write_text("hello from the project: $ARGUMENTS")
    with playing(MEND) as server:
        with opened(house, server) as repl:
            repl.type("/gre")
            repl.wait_for("say hello")
            repl.press("ctrl-c")
            ask(repl, '/greet "a b" c', "Hello to you.")
            assert 'hello a b, hello \\"a b\\" c' in json.dumps(requests(server)[0]["messages"])
            repl.settled()
            repl.send("/team:look here")
            repl.wait_for("no command /team:look")
            repl.wait_all("qwright trust")
        house.run("trust")
        with opened(house, server) as repl:
            ask(repl, "/team:look here", "Hello to you.")
            assert "hello from the project: here" in json.dumps(requests(server)[-1]["messages"])


def test_verify_and_fix(house: House) -> None:
    manual(house)
    fix = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
    script = {"fails": (says(fix), says(text="Mended."))}
    with playing(script) as server, opened(house, server) as repl:
        repl.send("/fix")
        repl.wait_for("no verify command")
        says_once(repl, f"/verify {VERIFY}", "1 failed")
        repl.settled()
        ask(repl, "/fix", "Verified")
        repl.wait_for("/accept")
        says_once(repl, "/accept all", "calc.py")
    assert (house.repo / "calc.py").read_bytes() == FIXED


def test_another_model_goes_on_with_the_conversation(house: House) -> None:
    def answer(request: dict[str, object]) -> Reply:
        return says(text=f"I am {request['model']}.")

    with (
        served(answer, models=[MODEL, "qwen3-coder-next"]) as server,
        opened(house, server) as repl,
    ):
        ask(repl, "who is there", f"I am {MODEL}.")
        repl.settled()
        repl.send("/model")
        repl.wait_for("Which model?")
        repl.wait_for("qwen3-coder-next")
        repl.press("esc")
        repl.settled()
        says_once(repl, "/model qwen3-coder-next", "The conversation goes on.")
        ask(repl, "and who now", "I am qwen3-coder-next.")
        assert "who is there" in json.dumps(requests(server)[-1]["messages"])


def test_a_bare_path_is_no_command(house: House) -> None:
    with playing({"/etc": (says(text="A prompt."),)}) as server, opened(house, server) as repl:
        ask(repl, "/etc/hosts is what?", "A prompt.")
