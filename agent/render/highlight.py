"""Syntax colours, one line at a time, so that code can be shown while it is still being written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.text import Text

from qwright.agent.render.ink import code_line
from qwright.agent.render.theme import Role, Theme

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_OPEN_LINES = 40
"""Lines of an unfinished string or comment that are looked back at."""
_LONGEST = 1_000
"""Characters of a line beyond which colours are not worth their time."""


class Highlighter:
    """Colours the lines of one piece of code, in order.

    A line is looked at alone, unless the one before ended inside a string or a comment.
    """

    def __init__(self, theme: Theme, *, language: str = "", path: str = "") -> None:
        """Which language it is goes by its name or the file's; an unknown one stays plain."""
        self._theme = theme
        self._lexer = None if theme.plain else _lexer(language, path.rpartition("/")[2])
        self._open: list[str] = []

    def line(self, text: str) -> Text:
        """The next line, harmless, tabs expanded."""
        plain = code_line(text)
        if self._lexer is None or len(plain) > _LONGEST:
            return Text(plain)
        styled = Text()
        inside = False
        for role, part in self._parts(self._lexer, plain):
            styled.append(part.removesuffix("\n"), self._theme[role] if role else "")
            inside = role in ("string", "comment") and part.endswith("\n")
        self._open = [*self._open, plain][-_OPEN_LINES:] if inside else []
        return styled

    def unfinished(self, text: str) -> Text:
        """How the next line looks so far."""
        before = self._open
        styled = self.line(text)
        self._open = before
        return styled

    def _parts(self, lexer: Lexer, line: str) -> Iterator[tuple[Role | None, str]]:
        """The tokens of the line's own text, its newline included."""
        before = "".join(f"{earlier}\n" for earlier in self._open)
        skip = len(before)
        for start, token, part in lexer.get_tokens_unprocessed(f"{before}{line}\n"):
            if start + len(part) > skip:
                yield _role(str(token)), part[max(skip - start, 0) :]


@lru_cache(maxsize=32)
def _lexer(language: str, name: str) -> Lexer | None:
    from pygments.lexers import find_lexer_class_by_name, find_lexer_class_for_filename
    from pygments.util import ClassNotFound

    try:
        found = (
            find_lexer_class_by_name(language) if language else find_lexer_class_for_filename(name)
        )
    except ClassNotFound:
        return None
    return found() if found else None


_ROLES: tuple[tuple[str, Role | None], ...] = (
    ("Token.Name.Builtin.Pseudo", None),
    ("Token.Comment", "comment"),
    ("Token.Literal.String", "string"),
    ("Token.Literal.Number", "number"),
    ("Token.Keyword.Constant", "number"),
    ("Token.Keyword.Type", "type"),
    ("Token.Keyword", "keyword"),
    ("Token.Operator.Word", "keyword"),
    ("Token.Name.Function", "function"),
    ("Token.Name.Class", "type"),
    ("Token.Name.Builtin", "type"),
    ("Token.Name.Exception", "type"),
    ("Token.Name.Decorator", "function"),
    ("Token.Name.Tag", "keyword"),
    ("Token.Name.Attribute", "function"),
)


@lru_cache(maxsize=256)
def _role(token: str) -> Role | None:
    return next((role for kind, role in _ROLES if token.startswith(kind)), None)
