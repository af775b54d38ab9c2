"""Colours by meaning: what is good, bad, aside; never which colour. `load(name)` gives a theme.

The terminal is not asked for its background: an answer could end up in what the user types.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from qwright.agent.errors import ConfigError
from qwright.agent.language import say

ThemeName = Literal["auto", "dark", "light", "plain"]
THEMES: tuple[ThemeName, ...] = get_args(ThemeName)
Role = Literal[
    "dim",
    "strong",
    "accent",
    "good",
    "bad",
    "warn",
    "code",
    "link",
    "added",
    "removed",
    "added_line",
    "removed_line",
    "added_word",
    "removed_word",
    "keyword",
    "string",
    "comment",
    "number",
    "function",
    "type",
]
_Palette = Mapping[Role, str]


@dataclass(frozen=True, slots=True)
class Theme:
    """`theme["good"]` is a style in rich's words; empty where the theme has nothing to say."""

    name: ThemeName
    """As it was asked for."""
    depth: Literal[0, 4, 8, 24]
    """Bits of a colour; 0 is none at all."""
    styles: _Palette
    spoken: bool = False
    """Whether it is read aloud: words in place of marks, bars and columns."""

    def __getitem__(self, role: Role) -> str:
        return self.styles.get(role, "")

    def aloud(self) -> Theme:
        """The same for a screen reader."""
        return Theme(self.name, 0, {}, spoken=True)

    @property
    def tinted(self) -> bool:
        """Whether changed lines have a background, so that the code on it can have its colours."""
        return self.depth == 24

    @property
    def bar(self) -> str:
        """What stands before lines that are not qwright's own."""
        return "" if self.spoken else "│ "

    @property
    def plain(self) -> bool:
        """Whether nothing but the text itself tells things apart."""
        return not self.depth


def load(name: str = "auto", environ: Mapping[str, str] = os.environ) -> Theme:
    """The theme `name` on the terminal that `environ` tells of. Raises ConfigError."""
    if name not in THEMES:
        raise ConfigError(say("chat.no_theme", name=name, known=", ".join(THEMES)))
    wanted: ThemeName = name
    if wanted == "plain" or environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return Theme(wanted, 0, {})
    background = wanted if wanted != "auto" else _background(environ.get("COLORFGBG", ""))
    if background == "auto" or not _many(environ):
        return Theme(wanted, 4, _SIXTEEN[background])
    if environ.get("COLORTERM") in ("truecolor", "24bit"):
        return Theme(wanted, 24, {**_MANY[background], **_TINTS[background]})
    return Theme(wanted, 8, _MANY[background])


def _many(environ: Mapping[str, str]) -> bool:
    return "256" in environ.get("TERM", "") or bool(environ.get("COLORTERM"))


def _background(told: str) -> Literal["auto", "dark", "light"]:
    """What COLORFGBG ("15;0": the palette's numbers of text and background) says, if anything."""
    number = told.rpartition(";")[2]
    if not number.isdigit():
        return "auto"
    return "light" if int(number) in (7, *range(9, 16)) else "dark"


_EITHER: _Palette = {
    "dim": "dim",
    "strong": "bold",
    "accent": "cyan",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "code": "magenta",
    "link": "underline",
    "added": "green",
    "removed": "red",
    "added_line": "green",
    "removed_line": "red",
    "added_word": "reverse",
    "removed_word": "reverse",
    "keyword": "magenta",
    "string": "green",
    "comment": "dim",
    "number": "cyan",
    "function": "bold",
    "type": "cyan",
}
"""The terminal's own colours, chosen to be read on its own background, whichever that is."""
_SIXTEEN: Mapping[str, _Palette] = {
    "auto": _EITHER,
    "dark": {**_EITHER, "accent": "bright_cyan", "code": "bright_magenta", "bad": "bright_red"},
    "light": {**_EITHER, "accent": "blue", "warn": "magenta", "number": "blue", "type": "blue"},
}
_DARK: _Palette = {
    "dim": "color(245)",
    "strong": "bold",
    "accent": "color(111)",
    "good": "color(114)",
    "bad": "color(210)",
    "warn": "color(179)",
    "code": "color(153)",
    "link": "underline color(110)",
    "added": "color(114)",
    "removed": "color(210)",
    "added_line": "color(114)",
    "removed_line": "color(210)",
    "added_word": "on color(22)",
    "removed_word": "on color(52)",
    "keyword": "color(176)",
    "string": "color(150)",
    "comment": "color(248)",
    "number": "color(180)",
    "function": "color(111)",
    "type": "color(116)",
}
_LIGHT: _Palette = {
    "dim": "color(242)",
    "strong": "bold",
    "accent": "color(25)",
    "good": "color(28)",
    "bad": "color(160)",
    "warn": "color(130)",
    "code": "color(24)",
    "link": "underline color(25)",
    "added": "color(22)",
    "removed": "color(88)",
    "added_line": "color(22)",
    "removed_line": "color(88)",
    "added_word": "on color(157)",
    "removed_word": "on color(217)",
    "keyword": "color(90)",
    "string": "color(22)",
    "comment": "color(242)",
    "number": "color(94)",
    "function": "color(25)",
    "type": "color(23)",
}
_MANY: Mapping[str, _Palette] = {"dark": _DARK, "light": _LIGHT}
_TINTS: Mapping[str, _Palette] = {
    "dark": {
        "added_line": "on #16301d",
        "removed_line": "on #3a1a1d",
        "added_word": "on #24592f",
        "removed_word": "on #6b2a2f",
    },
    "light": {
        "added_line": "on #e3f7e6",
        "removed_line": "on #fdeaea",
        "added_word": "on #b4e8bd",
        "removed_word": "on #f7c3c3",
    },
}
"""Backgrounds of changed lines; fewer colours have none that is calm enough."""
