"""Which calls run, which are asked about first, and which never do."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from qwright.sandbox.dirs import state_dir
from qwright.sandbox.durable import read_json, write_json
from qwright.sandbox.errors import WorkspaceError

if TYPE_CHECKING:
    from qwright.agent.messages import ToolCall
    from qwright.sandbox.workspace import Workspace
    from qwright.tools.base import Tool, ToolResult

Mode = Literal["plan", "ask", "auto-edit", "auto"]
"""plan: nothing that writes; ask: about edits and commands; auto-edit: about commands; auto: never.

The sandbox is the wall in all of them: asking is for who wants to follow every step.
"""
MODES: tuple[Mode, ...] = ("plan", "ask", "auto-edit", "auto")
Answer = Literal["once", "session", "project", "no"]
_PROGRAM = re.compile(r"[\w./+-]+", re.ASCII)
_WITH_SUBCOMMANDS = frozenset({"git", "npm", "pnpm", "yarn", "pip", "cargo", "go", "docker", "uv"})
_RUN_ANYTHING = frozenset(
    {"sh", "bash", "dash", "zsh", "env", "xargs", "sudo", "eval", "exec", "command", "builtin"}
    | {"source", ".", "time", "timeout", "nice", "nohup", "setsid", "find", "ssh"}
)
"""A rule for one of these would be a rule for every command."""
_NEVER_SIMPLE = re.compile(r"[\0-\x08\x0a-\x1f\x7f$`]")
"""What expands, or ends a line; quotes do not hold all of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A call that is to be approved. `subject` is exactly what will run or be written to."""

    id: str
    name: str
    kind: Literal["edit", "command"]
    subject: str
    """The command, byte by byte, or the path."""
    diff: str = ""
    """For an edit, where it can be known beforehand."""

    @property
    def rule(self) -> str | None:
        """What an answer for the session or project would allow; None: nothing but this call.

        "edit" is all edits. "command PROGRAM [SUBCOMMAND]" is that program, alone in its command.
        """
        if self.kind == "edit":
            return "edit"
        words = _simple_command(self.subject)
        return f"command {' '.join(words)}" if words else None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person answered. `why` goes to the model when the answer is no."""

    answer: Answer
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may run, and who says so."""

    allowed: bool
    by: Literal["mode", "rule", "person"]
    why: str = ""


class Approver(Protocol):
    """Whoever is asked: the REPL's person, or in a test a script."""

    async def approve(self, request: Request) -> Decision: ...


class Policy:
    """The mode in force, and what a person allowed for longer than one call.

    Rules for a project outlive the process; they are kept with qwright's own state, never in the
    repository, where they could be forged. Rules count only in modes that ask.
    """

    def __init__(
        self, mode: Mode = "auto", approver: Approver | None = None, project: Path | None = None
    ) -> None:
        self.mode: Mode = mode
        self._approver = approver
        self._project = str(project.resolve()) if project else None
        self._session: set[str] = set()

    async def check(self, call: ToolCall, tool: Tool, workspace: Workspace) -> Verdict | Request:
        """Whether a call may run; a Request where that is for a person to say, see `ask`."""
        kind = _kind(tool)
        if kind is None or self.mode == "auto":
            return Verdict(True, "mode")
        if self.mode == "plan":
            return Verdict(False, "mode", "plan mode: nothing may be changed or run")
        if self.mode == "auto-edit" and kind == "edit":
            return Verdict(True, "mode")
        request = Request(call.id, call.name, kind, _subject(tool))
        if request.rule in self.rules:
            return Verdict(True, "rule")
        if self._approver is None:
            return Verdict(False, "mode", f"{self.mode} mode, and nobody is there to be asked")
        diff = await tool.preview(workspace)
        return Request(call.id, call.name, kind, request.subject, diff)

    async def ask(self, request: Request) -> Verdict:
        """Have the person decide, and keep what they allow for longer."""
        assert self._approver is not None, "check gives a Request only where there is somebody"
        decision = await self._approver.approve(request)
        if decision.answer == "no":
            return Verdict(False, "person", decision.why.strip())
        if request.rule and decision.answer != "once":
            self._session.add(request.rule)
            if decision.answer == "project":
                self._keep(request.rule)
        return Verdict(True, "person")

    @property
    def rules(self) -> frozenset[str]:
        """All that hold here: this session's and the project's."""
        return frozenset(self._session.union(_read().get(self._project or "", ())))

    def forget(self, rule: str) -> None:
        """Ask again about what `rule` allowed, here and in the project's later sessions."""
        self._session.discard(rule)
        kept = _read()
        if self._project and rule in kept.get(self._project, ()):
            kept[self._project].remove(rule)
            _write(kept)

    def _keep(self, rule: str) -> None:
        if self._project is None:
            return
        kept = _read()
        kept[self._project] = sorted({*kept.get(self._project, ()), rule})
        _write(kept)


def refusal(verdict: Verdict) -> ToolResult:
    """What the model is told of a call that was not allowed."""
    from qwright.tools.base import ToolResult

    if verdict.by == "mode":
        text = f"Not run ({verdict.why})."
    elif verdict.why:
        text = f"Not run: the user refused it and says: {verdict.why}"
    else:
        text = "Not run: the user refused it. Do not do the same another way; ask what they want."
    return ToolResult(text, is_error=True)


# The configuration knows modes, and must not wait for the tools to be imported.


def _kind(tool: Tool) -> Literal["edit", "command"] | None:
    from qwright.tools.edit import Edit
    from qwright.tools.write_file import WriteFile

    if not tool.may_write:
        return None
    return "edit" if isinstance(tool, (Edit, WriteFile)) else "command"


def _subject(tool: Tool) -> str:
    from qwright.tools.edit import Edit
    from qwright.tools.run_shell_command import RunShellCommand
    from qwright.tools.write_file import WriteFile

    match tool:
        case Edit() | WriteFile():
            return tool.path
        case RunShellCommand():
            return tool.command
        case _:
            return tool.model_dump_json()


def _simple_command(command: str) -> list[str]:
    """Program, and subcommand where it has some; empty for all but one plain command."""
    if _NEVER_SIMPLE.search(command):
        return []
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:
        return []
    # A quoted operator is taken for one too: then it is asked once more than needed.
    if not words or any(not word.strip("();<>|&") for word in words):
        return []
    named = words[: 2 if words[0] in _WITH_SUBCOMMANDS else 1]
    plain = all(_PROGRAM.fullmatch(word) and word[0] != "-" for word in named)
    return named if plain and words[0].rpartition("/")[2] not in _RUN_ANYTHING else []


def _file() -> Path:
    return state_dir() / "approvals.json"


def _read() -> dict[str, list[str]]:
    """Rules by project; what cannot be read allows nothing."""
    try:
        found: dict[str, Any] = read_json(_file()) if _file().exists() else {}
    except WorkspaceError:
        return {}
    lists = {key: cast("list[object]", rules) for key, rules in found.items() if _is_list(rules)}
    return {key: [one for one in rules if isinstance(one, str)] for key, rules in lists.items()}


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _write(rules: dict[str, list[str]]) -> None:
    """A rule that cannot be kept holds for this session all the same."""
    try:
        write_json(_file(), {key: kept for key, kept in rules.items() if kept})
    except WorkspaceError:
        return
