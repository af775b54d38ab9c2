"""Commands on the project: its notes for agents, and its own check."""

from __future__ import annotations

import asyncio

from qwright.agent.language import say
from qwright.agent.memory import NAMES, Layer, layers
from qwright.agent.render.toolline import many
from qwright.agent.repl.command import Command, CommandError, Context, no_argument, pick
from qwright.agent.repl.ports import Choosable
from qwright.agent.tokens import tokens_in
from qwright.tools.sanitise import shown_name

_INIT = """\
Look at this repository and write AGENTS.md in its root, for coding agents that will work here.
First read what tells most: README, build and test configuration, CI files, the main source
folders. Then write, in at most 60 lines:
- the commands to install, build, run, lint, and test, also a single test, as they really are;
- a map: what is in which folder, where to start reading;
- rules that are not obvious from the code: conventions, directions of imports, what to leave alone.
Only what you have seen in the files. No general advice, no list of every file."""
_IMPROVE = """\
AGENTS.md exists: keep what is right and in the author's words, correct what is wrong, add what is
missing. Change as little as possible."""


async def init(context: Context, argument: str) -> None:
    """Have the model write AGENTS.md, or mend the one there is."""
    exists = (context.chat.source / NAMES[0]).exists()
    parts = [_INIT, _IMPROVE if exists else "", argument]
    shown = f"/init {argument}".rstrip()
    context.repl.submit("\n\n".join(part for part in parts if part), shown=shown)


async def memory(context: Context, argument: str) -> None:
    """Show the notes that hold here, and edit one of them."""
    no_argument(argument, "memory")
    found = await asyncio.to_thread(layers, context.chat.directory)
    options = [_option(one) for one in found]
    place = await pick(context, say("commands.memory_title"), options)
    if place is not None:
        await _edit(context, found[place])


def _option(layer: Layer) -> Choosable:
    if not layer.text:
        return Choosable(shown_name(str(layer.path)), say("commands.memory_new"))
    lines = many("view.lines", len(layer.text.splitlines()))
    size = say("commands.memory_size", lines=lines, tokens=tokens_in(layer.text))
    return Choosable(shown_name(str(layer.path)), size)


async def _edit(context: Context, layer: Layer) -> None:
    before = layer.text
    after = await context.terminal.edit(before)
    if after.strip() == before.strip():
        context.view.say(say("commands.memory_same"), "hint")
        return
    await asyncio.to_thread(layer.write, after)
    name = shown_name(str(layer.path))
    agent = context.chat.agent
    if agent and len(agent.messages) > 1:
        agent.note(
            f"The user edited the notes in {layer.path.name}; they now say:\n{after.strip()}"
        )
    context.view.say(say("commands.memory_saved", file=name), "good")


async def verify(context: Context, argument: str) -> None:
    """Run the project's check in the sandbox; a command given is the check from now on."""
    if argument:
        context.chat.set_verify(argument)
    command = context.chat.setting.verify
    if not command:
        raise CommandError(say("commands.no_verify"))
    await context.repl.show(context.chat.shell(command))


async def fix(context: Context, argument: str) -> None:
    """Work until the project's check passes."""
    if not context.chat.setting.verify:
        raise CommandError(say("commands.no_verify"))
    command = context.chat.setting.verify
    prompt = argument or f"`{command}` fails. Find out why, and fix the code until it passes."
    context.repl.submit(prompt, shown=f"/fix {argument}".rstrip(), verify=True)


COMMANDS = (
    Command("verify", verify, "work", ("test",), takes=True),
    Command("fix", fix, "work", takes=True, echoes=False),
    Command("init", init, "project", takes=True, echoes=False),
    Command("memory", memory, "project"),
)
