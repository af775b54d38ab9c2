"""What may run, what a person is asked, and what their answers allow."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwright.agent.messages import ToolCall
from qwright.agent.policy import Decision, Mode, Policy, Request, Verdict
from qwright.sandbox.dirs import state_dir
from qwright.sandbox.workspace import Workspace
from qwright.tools import ALL_TOOLS
from qwright.tools.base import Tool, parse_call
from tests.agent.stage import Stage
from tests.agent.talks import Person, talking
from tests.fakes import ScriptedModel, call

ONCE, SESSION, PROJECT = Decision("once"), Decision("session"), Decision("project")
NO = Decision("no", " Use make. ")
COMMAND = call("run_shell_command", command="pytest -q tests")
EDIT = call("edit", path="a.py", old_string="x = 1", new_string="x = 2")
READ = call("read_file", path="a.py")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))


def command(text: str) -> Request:
    return Request("1", "run_shell_command", "command", text)


def judge(stage: Stage, policy: Policy, *calls: ToolCall) -> list[Verdict]:
    """What becomes of the calls, one after the other."""

    async def one(workspace: Workspace, tool: Tool) -> Verdict:
        found = await policy.check(call(tool.name), tool, workspace)
        return await policy.ask(found) if isinstance(found, Request) else found

    async def main() -> list[Verdict]:
        async with talking(stage, ScriptedModel()) as talk:
            return [await one(talk.workspace, tool) for tool in tools]

    parsed = [parse_call(ALL_TOOLS, one.name, one.arguments) for one in calls]
    tools = [tool for tool in parsed if isinstance(tool, Tool)]
    return asyncio.run(main())


@pytest.mark.parametrize(
    ("mode", "edits", "commands"),
    [
        ("plan", "refused", "refused"),
        ("ask", "asked", "asked"),
        ("auto-edit", "runs", "asked"),
        ("auto", "runs", "runs"),
    ],
)
def test_what_each_mode_does(stage: Stage, mode: Mode, edits: str, commands: str) -> None:
    for one, wanted in ((EDIT, edits), (COMMAND, commands), (READ, "runs")):
        person = Person([ONCE])
        [verdict] = judge(stage, Policy(mode, person), one)
        assert verdict.allowed == (wanted != "refused")
        assert bool(person.asked) == (wanted == "asked")


def test_where_nobody_can_be_asked_the_answer_is_no(stage: Stage) -> None:
    [verdict] = judge(stage, Policy("ask"), COMMAND)
    assert (verdict.allowed, verdict.by) == (False, "mode")
    assert "nobody" in verdict.why


def test_a_person_sees_exactly_what_would_run(stage: Stage) -> None:
    text = "echo \x1b[2J\u202e; rm -rf build\n# harmless"
    person = Person([ONCE, NO])
    verdicts = judge(stage, Policy("ask", person), call("run_shell_command", command=text), EDIT)
    assert person.asked[0].subject == text
    assert person.asked[0].diff == ""
    assert (person.asked[1].kind, person.asked[1].subject) == ("edit", "a.py")
    assert "-x = 1\n+x = 2" in person.asked[1].diff
    assert [(one.allowed, one.why) for one in verdicts] == [(True, ""), (False, "Use make.")]


@pytest.mark.parametrize(
    "made",
    [
        call("write_file", path="sub/new.py", content="y = 1\n"),
        call("edit", path="sub/new.py", old_string="", new_string="y = 1\n"),
    ],
)
def test_the_diff_of_a_new_file_is_shown_and_nothing_is_written(
    stage: Stage, made: ToolCall
) -> None:
    person = Person([NO])
    judge(stage, Policy("ask", person), made)
    assert "+y = 1" in person.asked[0].diff
    assert sorted(os.listdir(stage.ws)) == ["a.py", "test_a.py"]


def test_an_edit_that_will_fail_is_asked_about_without_a_diff(stage: Stage) -> None:
    person = Person([ONCE])
    judge(stage, Policy("ask", person), call("write_file", path="../../out", content="x"))
    assert person.asked[0].diff == ""


class TestRules:
    def test_for_once_is_asked_again(self, stage: Stage) -> None:
        person = Person([ONCE, ONCE])
        judge(stage, Policy("ask", person), COMMAND, COMMAND)
        assert len(person.asked) == 2

    def test_for_the_session_holds_for_the_program_and_no_other(self, stage: Stage) -> None:
        person = Person([SESSION, ONCE, ONCE])
        other = call("run_shell_command", command="pytest -q; rm -rf /")
        more = call("run_shell_command", command="pytest -x")
        make = call("run_shell_command", command="make")
        verdicts = judge(stage, Policy("ask", person), COMMAND, more, other, make)
        assert [one.by for one in verdicts] == ["person", "rule", "person", "person"]
        subjects = [one.subject for one in person.asked]
        assert subjects == ["pytest -q tests", "pytest -q; rm -rf /", "make"]
        assert judge(stage, Policy("ask", Person([NO])), COMMAND)[0].by == "person"

    def test_for_edits_is_for_all_edits_and_no_command(self, stage: Stage) -> None:
        person = Person([SESSION, ONCE])
        new = call("write_file", path="b.py", content="")
        verdicts = judge(stage, Policy("ask", person), EDIT, new, COMMAND)
        assert [one.by for one in verdicts] == ["person", "rule", "person"]

    def test_for_the_project_is_kept_outside_of_it(self, stage: Stage, tmp_path: Path) -> None:
        project, other = tmp_path / "project", tmp_path / "other"
        project.mkdir()
        (tmp_path / "link").symlink_to(project)
        judge(stage, Policy("ask", Person([PROJECT]), project), COMMAND)
        [later] = judge(stage, Policy("ask", Person([NO]), tmp_path / "link"), COMMAND)
        [elsewhere] = judge(stage, Policy("ask", Person([NO]), other), COMMAND)
        assert (later.by, elsewhere.by) == ("rule", "person")
        file = state_dir() / "approvals.json"
        assert file.stat().st_mode & 0o777 == 0o600
        assert not any(project.iterdir())

    def test_can_be_forgotten(self, stage: Stage, tmp_path: Path) -> None:
        policy = Policy("ask", Person([PROJECT, NO]), tmp_path)
        judge(stage, policy, COMMAND)
        assert policy.rules == {"command pytest"}
        policy.forget("command pytest")
        assert not policy.rules
        assert not Policy("ask", None, tmp_path).rules
        assert not judge(stage, policy, COMMAND)[0].allowed

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"/x": "edit"}', '{"%s": {"edit": 1}}'])
    def test_a_damaged_file_allows_nothing(self, tmp_path: Path, text: str) -> None:
        (state_dir() / "approvals.json").write_text(text.replace("%s", str(tmp_path)))
        assert not Policy("ask", None, tmp_path).rules

    def test_count_only_in_modes_that_ask(self, stage: Stage) -> None:
        policy = Policy("ask", Person([SESSION]))
        judge(stage, policy, EDIT)
        policy.mode = "plan"
        assert not judge(stage, policy, EDIT)[0].allowed


SIMPLE = {
    "make": "command make",
    "  make  test ": "command make",
    "git status --short": "command git status",
    "git": "command git",
    "npm run build": "command npm run",
    "python3 -m pytest -k 'a or b'": "command python3",
    'grep -rn "two words" src': "command grep",
    "./scripts/test.sh --all": "command ./scripts/test.sh",
    "ls *.py ~/x": "command ls",
    r"printf a\;b": "command printf",
}
COMPOUND = [
    *("make; rm x", "make && x", "make || x", "make & x", "make | tee x", "make > x", "make < x"),
    *("make 2>&1", "make `id`", "make $(id)", 'make "$(id)"', "make $HOME", "(make)", "{ make; }"),
    *("make\nrm x", "make\r\nrm x", "FOO=1 make", "LD_PRELOAD=./x ls", "! make", "", "   ", "'"),
    *(
        "bash -c id",
        "/bin/sh x",
        "env make",
        "xargs rm",
        "sudo make",
        "time make",
        ". ./x",
        "eval x",
    ),
    *("find . -delete", "git -c core.pager=id log", "git --git-dir=x status", "make <(id)"),
    *("make \x1b[2J", "m\u0430ke", "\u202emake", "make#x;y", 'make";"x', "'ma ke'", "make ';'"),
    *("make;", "make\t&x", "ssh host id", "nohup make", "function f() { id; }"),
]


@pytest.mark.parametrize("text", SIMPLE)
def test_one_plain_command_can_become_a_rule(text: str) -> None:
    assert command(text).rule == SIMPLE[text]


@pytest.mark.parametrize("text", COMPOUND)
def test_anything_else_is_asked_about_each_time(text: str) -> None:
    assert command(text).rule is None


PIECES = st.sampled_from(
    [
        *("a", "b", " ", "  ", "'", '"', "\\", ";", "&", "|", ">", "<", "(", ")", "{", "}", "$"),
        *("`", "#", "\n", "\t", "=", "!", "*", "~", "[", "]", ",", "-", "--", "$(", "${", "\r"),
        *("é", "%", "^", "@", "1", "$(a)", "`b`", "; a", "\nb", "&& a", "| b", ">c", "<(a)"),
    ]
)


@settings(deadline=None, max_examples=150)
@given(st.lists(PIECES, max_size=8))
def test_what_becomes_a_rule_runs_that_one_program_in_a_real_shell(pieces: list[str]) -> None:
    text = "prog " + "".join(pieces)
    if command(text).rule is None:
        return
    # Whatever else runs, or is redirected, leaves a file.
    script = f"prog() {{ :; }}; a() {{ echo >ran; }}; b() {{ echo >ran; }}\n{text}\nls -A"
    with TemporaryDirectory() as directory:
        bash = ["bash", "-c", script]
        done = subprocess.run(bash, cwd=directory, capture_output=True, text=True, timeout=30)
    assert done.stdout == ""
