"""Markdown within a line: code, weight, links with their address in sight."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rich.text import Text

from qwright.agent.render.theme import Theme

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_WEIGHT = {"strong": "bold", "em": "italic", "s": "strike"}
_MARK = {"strong": "**", "em": "*", "s": "~~"}


def inline(text: str, theme: Theme) -> Text:
    """Style one harmless line; without colours its marks stay, as they are all there is."""
    if not any(mark in text for mark in "`*_[<~\\&!"):
        return Text(text)
    line = _Line(theme)
    for token in _parser().parseInline(text)[0].children or ():
        line.add(token)
    return line.text


class _Line:
    """Puts the tokens of one line together."""

    def __init__(self, theme: Theme) -> None:
        self.text = Text()
        self._theme = theme
        self._open: list[str] = []
        self._links: list[tuple[str, int]] = []

    def add(self, token: Token) -> None:
        kind = token.type.removesuffix("_open").removesuffix("_close")
        if kind in _WEIGHT:
            self._weight(kind, token.nesting)
        elif kind == "link":
            self._link(token)
        elif kind == "code_inline":
            marked = self._theme.plain and not self._theme.spoken
            plain = f"`{token.content}`" if marked else token.content
            self._put(plain, self._theme["code"])
        elif kind == "image":
            self._put(f"{token.content} ({token.attrs.get('src', '')})")
        else:
            self._put(" " if kind.endswith("break") else token.content)

    def _weight(self, kind: str, nesting: int) -> None:
        if self._theme.plain:
            self._put("" if self._theme.spoken else _MARK[kind])
        elif nesting > 0:
            self._open.append(_WEIGHT[kind])
        else:
            self._open.pop()

    def _link(self, token: Token) -> None:
        if token.nesting > 0:
            self._links.append((str(token.attrs.get("href", "")), len(self.text)))
            return
        address, start = self._links.pop()
        shown = self.text.plain[start:]
        self.text.stylize(self._theme["link"], start)
        if address.removeprefix("mailto:") not in ("", shown):
            self.text.append(f" ({address})", self._theme["dim"])

    def _put(self, text: str, style: str = "") -> None:
        self.text.append(text, " ".join(filter(None, [*self._open, style])))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
