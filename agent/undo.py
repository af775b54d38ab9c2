"""Taking the changes of turns back, newest first, and bringing them back again."""

from __future__ import annotations

from dataclasses import dataclass

from qwright.agent.language import say
from qwright.agent.results import Results
from qwright.agent.turns import Turn, Turns
from qwright.sandbox.errors import WorkspaceError


@dataclass(frozen=True, slots=True)
class Taken:
    """What an undo, redo or rewind did."""

    paths: tuple[str, ...]
    prompt: str
    also_yours: bool
    """Whether the user's own files were changed too, since they had the result."""


async def undo(turns: Turns, results: Results) -> Taken:
    """Take out the last turn whose changes stand. Raises QwrightError; then nothing changed."""
    standing = turns.standing
    if not standing:
        raise WorkspaceError(say("chat.nothing_to_undo"))
    return await _take(standing[-1], turns, results, yours=True)


async def redo(turns: Turns, results: Results) -> Taken:
    """Bring back what was undone last. Raises QwrightError; then nothing changed."""
    turn = turns.redoable
    if turn is None:
        raise WorkspaceError(say("chat.nothing_to_redo"))
    label = f"redo {turn.number}"
    paths, _ = await results.exchange(turn.after, turn.before, label, yours=turn.yours)
    turns.update(turn, undone=False)
    return Taken(tuple(paths), turn.prompt, turn.yours)


async def back_to(turn: Turn, turns: Turns, results: Results, *, yours: bool) -> Taken:
    """Take out what `turn` and all after it changed; with `yours` of the user's files too.

    Raises QwrightError: up to where it got.
    """
    paths, also_yours = dict[str, None](), False
    for one in reversed([one for one in turns.standing if one.number >= turn.number]):
        taken = await _take(one, turns, results, yours=yours)
        paths |= dict.fromkeys(taken.paths)
        also_yours = also_yours or taken.also_yours
    return Taken(tuple(paths), turn.prompt, also_yours)


async def _take(turn: Turn, turns: Turns, results: Results, *, yours: bool) -> Taken:
    label = f"undo {turn.number}"
    paths, changed = await results.exchange(turn.before, turn.after, label, yours=yours)
    turns.update(turn, undone=True, yours=changed)
    return Taken(tuple(paths), turn.prompt, changed)
