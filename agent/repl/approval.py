"""Asks the person about a call: the bytes that will run, and four ways to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qwright.agent.language import say
from qwright.agent.policy import Answer, Decision, Request
from qwright.agent.repl.ports import Choosable

if TYPE_CHECKING:
    from qwright.agent.repl.terminal import Terminal
    from qwright.agent.repl.view import View

ANSWERS: tuple[Answer, ...] = ("once", "session", "project", "no")


async def ask(terminal: Terminal, view: View, request: Request) -> Decision:
    """Show exactly what would run and wait for an answer; Esc is no."""
    body = exact(request.subject)
    if request.diff:
        body = f"{body}\n{exact(request.diff)}"
    view.settle()
    title = say(f"repl.approve_{request.kind}")
    options = [Choosable(say(f"repl.approve_{answer}")) for answer in ANSWERS]
    chosen = await terminal.choose(title, options, body=body)
    answer = "no" if chosen is None else ANSWERS[chosen]
    if answer != "no" or chosen is None:
        return Decision(answer)
    return Decision("no", await terminal.ask(say("repl.approve_why")) or "")


def exact(text: str) -> str:
    """`text` with everything visible that a terminal would hide, reorder or obey.

    Other scripts stay readable, but what only looks like ASCII is named at the end.
    """
    shown = "".join(map(_visible, text))
    strange = sorted({c for c in text if not c.isascii() and c.isalpha() and _looks_latin(c)})
    if not strange:
        return shown
    names = ", ".join(f"{c} (U+{ord(c):04X})" for c in strange)
    return f"{shown}\n{say('repl.approve_lookalikes', names=names)}"


def _visible(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    return f"<{ord(character):02X}>" if ord(character) < 256 else f"<U+{ord(character):04X}>"


def _looks_latin(character: str) -> bool:
    """Whether this is a letter of another script that is drawn like a Latin one."""
    return character in _LOOKALIKES


_LOOKALIKES = frozenset(
    "аеорсухіјѕԁԛԝһӏАВЕКМНОРСТУХІЈЅԌԚԜ"  # Cyrillic
    "οαινυρτκωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"  # Greek
    "ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ"  # full width
    "ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ"
)
