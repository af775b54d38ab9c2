"""Commands that tell: help, status, the context window, costs, the last answer."""

from __future__ import annotations

import asyncio
import re

from qwright.agent.eventlog import read_events
from qwright.agent.language import say
from qwright.agent.render.toolline import many
from qwright.agent.repl.clipboard import to_clipboard
from qwright.agent.repl.columns import bar, facts, one_line
from qwright.agent.repl.command import Command, CommandError, Context, among, no_argument, one_of
from qwright.agent.viewer.steps import read_steps
from qwright.tools.sanitise import sanitise, shown_name

_BAR = 40
_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```\s*$", re.DOTALL | re.MULTILINE)


async def status(context: Context, argument: str) -> None:
    """Everything worth knowing about this moment."""
    no_argument(argument, "status")
    chat = context.chat
    now = chat.status()
    place = chat.setting.place
    meaning = say("commands.named", name=now.mode, text=say(f"commands.mode_{now.mode}"))
    used = say("commands.of_tokens", used=now.context_used, size=now.context_size)
    rows = [
        (say("commands.row_title"), now.title),
        (say("commands.row_model"), now.model),
        (
            say("commands.row_server"),
            chat.choice.endpoint.shown_url if chat.choice.endpoint else "",
        ),
        (say("commands.row_context"), used),
        (say("commands.row_spent"), _spent(context)),
        (say("commands.row_mode"), meaning),
        (say("commands.row_sandbox"), say(f"commands.sandbox_{now.sandbox}")),
        (say("commands.row_network"), place.network),
        (say("commands.row_verify"), chat.setting.verify or ""),
        (say("commands.row_pending"), many("commands.files", now.changed)),
        (say("commands.row_folder"), shown_name(str(chat.directory))),
        (say("commands.row_session"), chat.session.record.id),
    ]
    context.view.say(facts(rows, context.width))


async def cost(context: Context, argument: str) -> None:
    """Tokens and dollars of the session."""
    no_argument(argument, "cost")
    now = context.chat.status()
    tokens, spent = now.tokens, now.cost
    dollars = say("commands.unknown") if spent is None else say("commands.free")
    rows = [
        (say("commands.row_prompt"), f"{tokens.prompt:,}"),
        (say("commands.row_cached"), f"{tokens.cached:,}"),
        (say("commands.row_completion"), f"{tokens.completion:,}"),
        (say("commands.row_reasoning"), f"{tokens.reasoning:,}" if tokens.reasoning else ""),
        (say("commands.row_cost"), f"${spent:.4f}" if spent else dollars),
    ]
    context.view.say(facts(rows, context.width))
    if tokens.estimated:
        context.view.say(say("commands.estimated"), "hint")


def _spent(context: Context) -> str:
    now = context.chat.status()
    tokens, spent = now.tokens, now.cost
    text = say("commands.in_and_out", prompt=tokens.prompt, completion=tokens.completion)
    return f"{text}, ${spent:.4f}" if spent else text


async def window(context: Context, argument: str) -> None:
    """What fills the model's window: a bar and its parts."""
    no_argument(argument, "context")
    used, size = _used(context)
    system, tools = await asyncio.to_thread(_fixed, context)
    talk = max(0, used - system - tools)
    parts = [("system", "s", system), ("tools", "t", tools), ("talk", "c", talk)]
    free = max(0, size - system - tools - talk)
    width = min(_BAR, context.width - 2)
    context.view.say(f"  {bar([(mark, share) for _, mark, share in parts], size, width)}")
    rows = [
        (f"{mark} {say(f'commands.part_{name}')}", _share(share, size))
        for name, mark, share in (*parts, ("free", "·", free))
    ]
    context.view.say(facts(rows, context.width))
    if used > size * 3 // 4:
        context.view.say(say("commands.nearly_full"), "hint")


def _used(context: Context) -> tuple[int, int]:
    now = context.chat.status()
    return now.context_used, now.context_size


def _fixed(context: Context) -> tuple[int, int]:
    """Tokens of the system prompt and of the tools, estimated."""
    from qwright.agent.model import ToolSpec
    from qwright.agent.opening import system_prompt
    from qwright.agent.tokens import tokens_in, tokens_of_tools
    from qwright.tools import tools_for
    from qwright.tools.base import spec

    profile = context.chat.choice.profile
    tools = tools_for(profile.tools, profile.context)
    specs = [ToolSpec(**spec(tool)) for tool in tools.values()]
    return tokens_in(system_prompt(profile.prompt)), tokens_of_tools(specs)


def _share(tokens: int, size: int) -> str:
    percent = tokens * 100 // max(size, 1)
    return f"{tokens:>8,}  {percent if percent or not tokens else '<1':>3} %"


async def todo(context: Context, argument: str) -> None:
    """The model's list of steps."""
    no_argument(argument, "todo")
    context.view.say(context.view.todos or say("commands.no_todos"))


async def copy(context: Context, argument: str) -> None:
    """The last answer to the clipboard, or the last code block in it."""
    only_code = bool(argument) and one_of(argument, ("code",), "copy") == "code"
    text = await asyncio.to_thread(last_answer, context)
    if only_code:
        blocks = _BLOCK.findall(text)
        text = blocks[-1] if blocks else ""
    if not text.strip():
        raise CommandError(say("commands.nothing_to_copy"))
    await to_clipboard(text, context.terminal.copy)
    context.view.say(
        say("commands.copied", lines=many("view.lines", len(text.splitlines()))), "good"
    )


def last_answer(context: Context) -> str:
    """The newest words of the model to the person, harmless; "" where there are none."""
    agent = context.chat.agent
    said = [one.content for one in agent.messages if one.role == "assistant"] if agent else []
    found = next((text for text in reversed(said) if text.strip()), "")
    if found:
        return sanitise(found)
    events = read_events(context.chat.session.path / "events.jsonl")
    answers = [step.body for step in read_steps(events).steps if step.kind == "answer"]
    return answers[-1] if answers else ""


async def doctor(context: Context, argument: str) -> None:
    """Check engine, image, limits, weights and server."""
    from qwright.agent.commands.doctor import checks

    no_argument(argument, "doctor")
    work = checks(context.chat.directory)
    for check in await context.repl.during(say("commands.checking"), work):
        line = say("doctor.line", name=check.name, detail=check.detail)
        context.view.say(one_line(line), "good" if check.ok else "bad")
        if check.remedy:
            context.view.say(f"  → {one_line(check.remedy)}", "hint")


COMMANDS = (
    Command("status", status, "model", ("stats", "about"), while_busy=True),
    Command("context", window, "model", ("tokens",), while_busy=True),
    Command("cost", cost, "model", ("usage",), while_busy=True),
    Command("todo", todo, "session", ("todos",), while_busy=True),
    Command("copy", copy, "session", takes=True, complete=among("code"), while_busy=True),
    Command("doctor", doctor, "interface", while_busy=True),
)
