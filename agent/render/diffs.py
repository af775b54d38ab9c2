"""Unified diffs as people read them: numbered, coloured, the changed words marked."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from qwright.agent.language import say
from qwright.agent.render.highlight import Highlighter
from qwright.agent.render.ink import code_line, columns, cut, cut_middle, folded, one_line, styled
from qwright.agent.render.read_diff import FileDiff, Row, read_diff
from qwright.agent.render.theme import Theme


def counts(added: int, removed: int, theme: Theme) -> Text:
    """ "+3 -1", what is zero left out."""
    told = Text()
    if added or not removed:
        told.append(f"+{added}", theme["good"])
    if removed:
        told.append(f"{' ' if told else ''}-{removed}", theme["bad"])
    return told


def draw_diff(diff: str, width: int, theme: Theme, limit: int = 0) -> list[Text]:
    """Every file of a unified diff: a head line, then its rows; `limit` lines in all, 0 is any."""
    drawn: list[Text] = []
    for file in read_diff(diff):
        if drawn:
            drawn.append(Text())
        if file.path:
            drawn.append(_head(file, width, theme))
        drawn += draw_rows(file, width, theme)
    return shortened(drawn, limit, theme)


def shortened(lines: Sequence[Text], limit: int, theme: Theme, hint: str = "") -> list[Text]:
    """The first `limit` lines and how many more there are; 0 is no limit."""
    if not limit or len(lines) <= limit + 1:
        return list(lines)
    more = say("view.more_lines", count=len(lines) - limit)
    return [*lines[:limit], styled(f"… {more}{hint}", theme["dim"])]


def draw_rows(file: FileDiff, width: int, theme: Theme, context: int = 3) -> list[Text]:
    """The rows of one file: number, sign, code. A long line goes on below itself."""
    rows = _near(file.rows, context)
    digits = max((len(str(row.number)) for row in rows), default=1)
    old, new = Highlighter(theme, path=file.path), Highlighter(theme, path=file.path)
    drawn = [styled(cut(one_line(file.note), width), theme["dim"])] if file.note else []
    room = max(width - digits - 3, 8)
    block = min(max((columns(code_line(row.text)) for row in rows), default=0), room)
    for row in rows:
        if row.sign == "…" and not theme.spoken:
            drawn.append(styled(f"{'⋮':>{digits}}", theme["dim"]))
        if row.sign == "…":
            continue
        code = (old if row.sign == "-" else new).line(row.text)
        if row.sign == " ":
            old.line(row.text)
        elif not theme.tinted:
            code = Text(code.plain)
        drawn += _row(row, code, digits, (room, block), theme)
    return drawn


def _head(file: FileDiff, width: int, theme: Theme) -> Text:
    told = counts(file.added, file.removed, theme) if file.rows else Text()
    path = cut_middle(one_line(file.path), width - columns(told.plain) - 2)
    return styled(path, theme["strong"]).append("  ").append_text(told)


def _row(row: Row, code: Text, digits: int, room: tuple[int, int], theme: Theme) -> list[Text]:
    """One row; where the theme has a background for it, all of the block's width gets it."""
    if theme.spoken:
        key = {"+": "view.line_added", "-": "view.line_removed"}.get(row.sign, "view.line_kept")
        return [Text(f"{say(key, number=row.number)}: ").append_text(code)]
    number, line, word = _styles(row.sign, theme)
    for start, end in row.marks:
        code.stylize(word, start, end)
    drawn: list[Text] = []
    for index, part in enumerate(folded(code, room[0])):
        shown = str(row.number) if index == 0 else ""
        body = styled(f"{shown:>{digits}} {row.sign} ", number).append_text(part)
        if theme.tinted and line:
            body.append(" " * max(room[1] - columns(part.plain), 0))
        body.stylize_before(line, digits + 1)
        drawn.append(body)
    return drawn


def _styles(sign: str, theme: Theme) -> tuple[str, str, str]:
    """Of a row: its number and sign, its line, its changed words."""
    if sign == "+":
        return theme["added"], theme["added_line"], theme["added_word"]
    if sign == "-":
        return theme["removed"], theme["removed_line"], theme["removed_word"]
    return theme["dim"], "", ""


def _near(rows: Sequence[Row], context: int) -> list[Row]:
    """The rows within `context` lines of a change; a gap is one row "…"."""
    changed = [index for index, row in enumerate(rows) if row.sign in "+-"]
    kept: list[Row] = []
    last = -1
    for index in sorted({i for at in changed for i in range(at - context, at + context + 1)}):
        if not 0 <= index < len(rows) or rows[index].sign == "…":
            continue
        if kept and index != last + 1:
            kept.append(Row("…"))
        kept.append(rows[index])
        last = index
    return kept
