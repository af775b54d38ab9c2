"""What stands below a tool call's line: its diff, its output, the steps; and a run's end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from rich.text import Text

from qwright.agent.events import RunFinished, Tokens, ToolFinished
from qwright.agent.language import say
from qwright.agent.render.diffs import draw_rows, shortened
from qwright.agent.render.ink import code_line, columns, cut, folded, one_line, styled, wrapped
from qwright.agent.render.read_diff import read_diff
from qwright.agent.render.theme import Role, Theme
from qwright.agent.render.toolline import Call, duration, many

_DIFF_LINES = 12
_LINES_GOOD = 3
_LINES_BAD = 8
_LINES_OPEN = 400
Todos = Sequence[Mapping[str, Any]]
_TODOS: Mapping[str, tuple[str, Role, str]] = {
    "completed": ("✓", "good", "view.step_done"),
    "in_progress": ("▸", "accent", "view.step_now"),
    "pending": ("○", "dim", "view.step_left"),
}
"""Of each state of a step: its sign, the sign's colour, and the word for a screen reader."""


def below(done: ToolFinished, width: int, theme: Theme, hint: str = "") -> list[Text]:
    """The lines below a finished call: no more than tells what happened.

    `hint` says where something was left out how to see it.
    """
    details = done.details
    if done.is_error and "exit_code" not in details:
        return _told(done.text, width, theme, hint)
    if "exit_code" in details:
        limit = _LINES_BAD if done.is_error else _LINES_GOOD
        return barred(_output(done), width, theme, limit, hint)
    return _changes(str(details.get("diff", "")), width, theme, _DIFF_LINES, hint)


def opened(call: Call, done: ToolFinished, width: int, theme: Theme) -> list[Text]:
    """Everything about a finished call: what was asked, its diff, what came of it."""
    diff = "" if done.is_error else str(done.details.get("diff", ""))
    if diff:
        return _changes(diff, width, theme, 0, "")
    shown = call.subject if columns(call.subject) < width // 2 else None
    arguments = {name: value for name, value in call.arguments.items() if value != shown}
    asked = "\n".join(_argument(name, value) for name, value in arguments.items())
    lines = barred(asked, width, theme, _LINES_OPEN, whole=True)
    output = barred(_output(done), width, theme, _LINES_OPEN, whole=True)
    return [*lines, Text(), *output] if lines and output else lines + output


def _argument(name: str, value: object) -> str:
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{name}: {shown}" if "\n" not in shown else f"{name}:\n{shown}"


def _output(done: ToolFinished) -> str:
    return str(done.details["output"]) if "output" in done.details else done.text


def _told(text: str, width: int, theme: Theme, hint: str) -> list[Text]:
    """Why a call did not work, in sentences."""
    bar = styled(theme.bar, theme["dim"])
    lines = [code_line(line) for line in text.strip().split("\n")]
    drawn = [part for line in lines for part in wrapped(Text(line), width, bar, bar)]
    return shortened(drawn, _LINES_BAD, theme, hint)


def _changes(diff: str, width: int, theme: Theme, limit: int, hint: str) -> list[Text]:
    lines = [row for file in read_diff(diff) for row in draw_rows(file, width, theme)]
    return shortened(lines, limit, theme, hint)


def barred(
    text: str, width: int, theme: Theme, limit: int, hint: str = "", *, whole: bool = False
) -> list[Text]:
    """The last `limit` lines of output, behind a bar; long lines are cut, or folded if `whole`."""
    lines = text.strip("\n").split("\n") if text.strip() else []
    bar = styled(theme.bar, theme["dim"])
    drawn: list[Text] = []
    if len(lines) > limit + 1:
        told = many("view.earlier_lines", len(lines) - limit)
        drawn.append(bar + styled(f"… {told}{hint}", theme["dim"]))
        lines = lines[-limit:]
    for line in lines:
        plain = code_line(line)
        parts = folded(Text(plain), width - 2) if whole else [Text(cut(plain, width - 2))]
        drawn += [bar + part for part in parts]
    return drawn


def todo_lines(todos: Todos, width: int, theme: Theme) -> list[Text]:
    """The list of steps: done, under way, to do."""
    lines: list[Text] = []
    for todo in todos:
        sign, role, key = _TODOS.get(str(todo.get("status")), _TODOS["pending"])
        mark = styled(f"{say(key)}: " if theme.spoken else f"{sign} ", theme[role])
        style = {"good": theme["dim"], "accent": theme["strong"]}.get(role, "")
        text = one_line(str(todo.get("content", "")))
        lines += wrapped(styled(text, style), width, mark, "  ")
    return lines


def todos_of(done: ToolFinished) -> Todos | None:
    """The list that a call set, where it set one."""
    todos = done.details.get("todos")
    return cast("Todos", todos) if isinstance(todos, list) else None


def ending(done: RunFinished, theme: Theme) -> Text:
    """What a run took, in one line."""
    time = duration(done.seconds)
    took = say("view.done_in", time=time) if done.reason == "done" else time
    parts = [took, many("view.turns", done.turns), *spent(done.tokens)]
    if done.cost:
        parts.append(dollars(done.cost, estimated=done.tokens.estimated))
    return styled(" · ".join(parts), theme["dim"])


def spent(tokens: Tokens) -> list[str]:
    """ "4.2k in (3.9k cached)", "310 out"; "~" before what was estimated."""
    about = "~" if tokens.estimated else ""
    cached = say("view.tokens_cached", count=short(tokens.cached))
    into = about + say("view.tokens_in", count=short(tokens.prompt))
    return [
        f"{into} ({cached})" if tokens.cached else into,
        about + say("view.tokens_out", count=short(tokens.completion)),
    ]


def dollars(cost: float, *, estimated: bool = False) -> str:
    """ "$0.0031" below ten cents, "$1.25" above."""
    return f"{'~' if estimated else ''}${cost:.4f}" if cost < 0.1 else f"${cost:.2f}"


def short(count: int) -> str:
    """ "950", "4.2k", "31k", "1.2M"."""
    if count < 1_000:
        return str(count)
    if count < 9_950:
        return f"{count / 1_000:.1f}k"
    if count < 999_500:
        return f"{count / 1_000:.0f}k"
    return f"{count / 1_000_000:.1f}M"
