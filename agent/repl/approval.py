"""Asks the person about a call: the bytes that will run, and four ways to answer."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from qwright.agent.language import say
from qwright.agent.policy import Answer, Decision, Request
from qwright.agent.repl.ports import Choosable

if TYPE_CHECKING:
    from qwright.agent.repl.terminal import Terminal
    from qwright.agent.repl.view import View


async def ask(terminal: Terminal, view: View, request: Request) -> Decision:
    """Show exactly what would run and wait for an answer; Esc is no."""
    parts = [exact(request.subject), exact(request.diff)]
    if request.kind == "command":
        parts.append(lookalikes(request.subject))
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


def lookalikes(command: str) -> str:
    """A line that names the letters of a command that are not the Latin ones they resemble."""
    strange = sorted({one for one in command if not one.isascii() and _resembles_latin(one)})
    names = ", ".join(f"{one} (U+{ord(one):04X})" for one in strange[:8])
    return say("repl.approve_lookalikes", names=names) if strange else ""


def _visible(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    return f"<{ord(character):02X}>" if ord(character) < 256 else f"<U+{ord(character):04X}>"


def _resembles_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_SCRIPTS)


_SCRIPTS = ("CYRILLIC", "GREEK", "FULLWIDTH", "ARMENIAN", "CHEROKEE", "MATHEMATICAL", "LISU")
