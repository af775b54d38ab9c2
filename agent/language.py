"""What qwright says to a person, in their language: `say("area.name", value=...)`.

The texts lie in languages/<language>/<area>.toml, one flat table each; English is complete, and a
test holds the others to the same keys and placeholders.
"""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal, cast, get_args

from qwright.sandbox.dirs import config_dir

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def say(key: str, /, **values: object) -> str:
    """The text `key` ("area.name") in the language in force, `{placeholders}` filled in.

    Raises KeyError for a key that English does not have: a bug.
    """
    area, _, name = key.partition(".")
    text = _texts(language(), area)[name]
    return text.format(**values) if values else text


def translated(text: str) -> str:
    """What the sandbox said in English, in the language in force.

    It knows of no languages: its lines are recognised by the English texts of the area "sandbox".
    What is none of them stays as it is.
    """
    if language() == "en":
        return text
    for name, pattern in _patterns().items():
        if found := pattern.fullmatch(text):
            return say(f"sandbox.{name}", **found.groupdict())
    return text


def language() -> Language:
    """The language in force: as `choose` set it, else by the locale's variables."""
    return _chosen[0] if _chosen else of_locale()


def choose(wanted: Language | None) -> None:
    """Set the language for this process; None goes by the locale."""
    _chosen[:] = [wanted] if wanted else []


def of_locale() -> Language:
    """The language of LC_ALL, LC_MESSAGES or LANG, the first that is set; else English."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((name for name in names if name), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def configured() -> Language | None:
    """The language of the user's configuration, read on its own: help needs no more than that.

    None where it names none, or cannot be read; then who reads all of it says why.
    """
    try:
        text = (config_dir() / "config.toml").read_text("utf-8")
        wanted = tomllib.loads(text).get("language")
    except (OSError, ValueError):
        return None
    return next((one for one in LANGUAGES if one == wanted), None)


_chosen: list[Language] = []


@cache
def _texts(language: Language, area: str) -> dict[str, str]:
    file = Path(__file__).with_name("languages") / language / f"{area}.toml"
    return cast("dict[str, str]", tomllib.loads(file.read_text("utf-8")))


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    filled = {name: re.escape(text) for name, text in _texts("en", "sandbox").items()}
    return {
        name: re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*?)", text), re.DOTALL)
        for name, text in filled.items()
    }
