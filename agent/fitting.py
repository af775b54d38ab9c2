"""A model's profile, fitted to the server that serves it."""

from __future__ import annotations

from collections.abc import Sequence

from qwright.agent.dialects import Constraint, DialectName
from qwright.agent.learned import Learned
from qwright.agent.profile import DEFAULT, OwnProfile, Profile, profile_for
from qwright.agent.server_info import ENOUGH, ServerInfo, mending_line


def profile_behind(model: str, info: ServerInfo, own: Sequence[OwnProfile] = ()) -> Profile:
    """The profile of `model` on this server, which may have given it a name that says nothing."""
    named = profile_for(model, info.provider, own=own)
    if named.name == DEFAULT.name and info.weights and not named.stated:
        return profile_for(info.weights, info.provider, own=own)
    return named


def fitted(profile: Profile, info: ServerInfo, learned: Learned) -> Profile:
    """`profile` with the dialect, the constraint, the window and the senses that it has here.

    Native calls come first, unless the family does not obey them, the server does not read them,
    or they were refused before. What a user has set in configuration stays.
    """
    own = "dialect" in profile.stated
    dialect = profile.dialect if own else _dialect(profile, info, learned)
    changed: dict[str, object] = {
        "dialect": dialect,
        "constraint": "none" if learned.unbound else _constraint(dialect, info),
        "vision": profile.vision if info.vision is None else info.vision,
        "thinking": _thinking(profile, info),
    }
    kept = {key: value for key, value in changed.items() if key not in profile.stated}
    fitting = profile.model_copy(update=kept)
    window = info.context or learned.window
    return fitting.within(window) if window else fitting


def text_form(profile: Profile, info: ServerInfo) -> DialectName:
    """How calls are to be written in text: as the family does, else as the template shows it."""
    known = profile.name != DEFAULT.name or "text_dialect" in profile.stated
    form = profile.text_dialect if known else info.dialect or profile.text_dialect
    # A grammar holds a model to the form of its template, which it knows better.
    return "hermes" if form == "tools" and info.constraint == "grammar" else form


def small_window(profile: Profile, info: ServerInfo) -> str:
    """One line for the user when the server gives the model too small a window; else empty."""
    window = info.context
    if window is None or window >= min(ENOUGH, profile.context):
        return ""
    return (
        f"The server gives the model a window of {window:,} tokens, which is little for an agent:"
        f" {mending_line(info.provider)}."
    )


def _dialect(profile: Profile, info: ServerInfo, learned: Learned) -> DialectName:
    if learned.dialect:
        return learned.dialect
    if profile.dialect == "native" and info.reads_calls is not False:
        return "native"
    return text_form(profile, info)


def _constraint(dialect: DialectName, info: ServerInfo) -> Constraint:
    if dialect != "native":
        return info.constraint
    return "strict" if info.constraint == "structured" else "none"


def _thinking(profile: Profile, info: ServerInfo) -> str:
    if profile.name == DEFAULT.name and info.thinking:
        return "hybrid"
    if profile.thinking == "hybrid" and info.thinking is False:
        return "none"
    return profile.thinking
