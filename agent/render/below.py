"""What stands below a tool call's line: its diff, its output, the steps; and a run's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from rich.text import Text

from qwright.agent.events import RunFinished, Tokens, ToolFinished
from qwright.agent.language import say
from qwright.agent.render.diffs import draw_rows, shortened
from qwright.agent.render.ink import code_line, cut, folded, one_line, wrapped
from qwright.agent.render.read_diff import read_diff
from qwright.agent.render.theme import Theme
from qwright.agent.render.toolline import duration, many

_DIFF_LINES = 12
_LINES_GOOD = 3
_LINES_BAD = 8
Todos = Sequence[Mapping[str, Any]]


def below(done: ToolFinished, width: int, theme: Theme, *, compact: bool) -> list[Text]:
    """The lines below a finished call; `compact` shows no more than tells what happened."""
    details = done.details
    if done.is_error or "exit_code" in details:
        text = str(details.get("output", "")) if "exit_code" in details else done.text
        most = _LINES_BAD if done.is_error else _LINES_GOOD
        return barred(text, width, theme, last=most if compact else 0)
    if details.get("diff"):
        return _changes(str(details["diff"]), width, theme, _DIFF_LINES if compact else 0)
    return [] if compact else barred(done.text, width, theme)


def _changes(diff: str, width: int, theme: Theme, limit: int) -> list[Text]:
    lines = [row for file in read_diff(diff) for row in draw_rows(file, width, theme)]
    return shortened(lines, limit, theme)


def barred(text: str, width: int, theme: Theme, last: int = 0) -> list[Text]:
    """Output behind a bar that it cannot draw itself; of a long one the `last` lines (0: all)."""
    lines = text.strip("\n").split("\n") if text.strip() else []
    bar = Text("│ ", theme["dim"])
    drawn: list[Text] = []
    if last and len(lines) > last + 1:
        told = many("view.earlier_lines", len(lines) - last)
        drawn.append(bar + Text(f"… {told}", theme["dim"]))
        lines = lines[-last:]
    for line in lines:
        plain = code_line(line)
        parts = [Text(cut(plain, width - 2))] if last else folded(Text(plain), width - 2)
        drawn += [bar + part for part in parts]
    return drawn


def todo_lines(todos: Todos, width: int, theme: Theme) -> list[Text]:
    """The list of steps: done, under way, to do."""
    lines: list[Text] = []
    for todo in todos:
        text = one_line(str(todo.get("content", "")))
        match todo.get("status"):
            case "completed":
                mark, style = Text("✓ ", theme["good"]), theme["dim"]
            case "in_progress":
                mark, style = Text("▸ ", theme["accent"]), theme["strong"]
            case _:
                mark, style = Text("○ ", theme["dim"]), ""
        lines += wrapped(Text(text, style), width, mark, "  ")
    return lines


def todos_of(done: ToolFinished) -> Todos | None:
    """The list that a call set, where it set one."""
    todos = done.details.get("todos")
    return cast("Todos", todos) if isinstance(todos, list) else None


def ending(done: RunFinished, theme: Theme) -> Text:
    """What a run took, in one line."""
    parts = [duration(done.seconds), many("view.turns", done.turns), *spent(done.tokens)]
    if done.cost:
        parts.append(dollars(done.cost, estimated=done.tokens.estimated))
    return Text(" · ".join(parts), theme["dim"])


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
