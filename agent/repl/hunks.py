"""Going through changes hunk by hunk, with the keys of `git add -p`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qwright.agent.language import say
from qwright.agent.repl.approval import exact
from qwright.agent.repl.command import Context
from qwright.agent.repl.ports import Choosable
from qwright.tools.sanitise import shown_name

if TYPE_CHECKING:
    from qwright.sandbox.bridge import Hunk

_KEYS = ("y", "n", "a", "d", "q")


async def chosen_hunks(context: Context, hunks: Sequence[Hunk], title: str) -> list[Hunk] | None:
    """Those the person says yes to; None when they leave with Esc, or take none."""
    taken: list[Hunk] = []
    decided: dict[str, bool] = {}
    for number, hunk in enumerate(hunks, 1):
        if hunk.path in decided:
            taken += [hunk] if decided[hunk.path] else []
            continue
        head = f"{title} {number}/{len(hunks)}: {shown_name(hunk.path)}"
        key = await _asked(context, head, hunk)
        if key is None:
            return None
        if key == "q":
            break
        if key in "ya":
            taken.append(hunk)
        if key in "ad":
            decided[hunk.path] = key == "a"
    return taken or None


async def _asked(context: Context, head: str, hunk: Hunk) -> str | None:
    options = [Choosable(say(f"commands.hunk_{key}"), key=key) for key in _KEYS]
    # What a terminal would hide or reorder is named: this is what is said yes to.
    body = exact("\n".join(line.removesuffix("\r") for line in (hunk.header, *hunk.lines)))
    place = await context.terminal.choose(head, options, body=body)
    return None if place is None else _KEYS[place]
