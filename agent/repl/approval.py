"""Asks the person about a call: the bytes that will run, and four ways to answer."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from qwright.agent.language import say
from qwright.agent.policy import Answer, Decision, Request
from qwright.agent.repl.ports import Choosable, TerminalPort

if TYPE_CHECKING:
    from qwright.agent.repl.view import View


async def ask(terminal: TerminalPort, view: View, request: Request) -> Decision:
    """Show exactly what would run and wait for an answer; Esc is no."""
    parts = [exact(request.subject), exact(request.diff)]
    if request.kind == "command":
        parts.insert(0, warning(request.subject))
    view.settle()
    title = say(f"repl.approve_{request.kind}")
    answers = _answers(request)
    options = [Choosable(label) for label in answers.values()]
    chosen = await terminal.choose(title, options, body="\n".join(part for part in parts if part))
    if chosen is None:
        return Decision("no")
    answer = list(answers)[chosen]
    if answer != "no":
        return Decision(answer)
    return Decision("no", await terminal.ask(say("repl.approve_why")) or "")


def _answers(request: Request) -> dict[Answer, str]:
    """What can be answered. Only what stands for a rule can be allowed for longer than once."""
    answers: dict[Answer, str] = {"once": say("repl.approve_once")}
    rule = request.rule
    if rule is not None:
        program = rule.removeprefix("command ")
        answers["session"] = say(f"repl.approve_{request.kind}_session", program=program)
        answers["project"] = say(f"repl.approve_{request.kind}_project", program=program)
    return {**answers, "no": say("repl.approve_no")}


def exact(text: str) -> str:
    """`text` with everything visible that a terminal would hide, reorder or obey."""
    return "".join(map(_visible, text))


def warning(command: str) -> str:
    """A line that names what in a command is not ASCII, since it may look as if it were."""
    strange = sorted({one for one in command if not one.isascii()})
    names = ", ".join(f"{_visible(one)} (U+{ord(one):04X})" for one in strange[:_NAMED])
    more = ", …" if strange[_NAMED:] else ""
    return say("repl.approve_not_ascii", names=names + more) if strange else ""


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    if character.isprintable() and character not in _BLANK and not _combines(character):
        return character
    return f"<{ord(character):02X}>" if ord(character) < 256 else f"<U+{ord(character):04X}>"


def _combines(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me", "Cf")


_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that draw nothing."""
_NAMED = 8
