"""Commands on qwright itself: how it looks, how the input is edited, what is configured."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

from qwright.agent import language
from qwright.agent.config import Config
from qwright.agent.config_file import settings, user_config
from qwright.agent.language import LANGUAGES, Language, say
from qwright.agent.render.ink import cut
from qwright.agent.render.theme import THEMES
from qwright.agent.repl.columns import flat, table
from qwright.agent.repl.command import Command, CommandError, Context, among, one_of, pick
from qwright.agent.repl.ports import Choosable, Editing

_LANGUAGE_NAMES: dict[Language, str] = {"en": "English", "zh": "简体中文"}


async def theme(context: Context, argument: str) -> None:
    """Draw with other colours from now on."""
    if not argument:
        options = [Choosable(name, say(f"commands.theme_{name}")) for name in THEMES]
        start = list(THEMES).index(context.view.theme.name)
        place = await pick(context, say("commands.theme_title"), options, start=start)
        if place is None:
            return
        argument = list(THEMES)[place]
    name = one_of(argument, list(THEMES), "theme")
    context.view.restyle(name)
    context.repl.refresh()
    await _keep(context, "theme", name)


async def choose_language(context: Context, argument: str) -> None:
    """Speak another language from now on."""
    if not argument:
        options = [Choosable(_LANGUAGE_NAMES[one], one) for one in LANGUAGES]
        start = LANGUAGES.index(language.language())
        place = await pick(context, say("commands.language_title"), options, start=start)
        if place is None:
            return
        argument = LANGUAGES[place]
    name = one_of(argument, LANGUAGES, "language")
    language.choose(cast(Language, name))
    context.repl.refresh()
    await _keep(context, "language", name)


async def vim(context: Context, argument: str) -> None:
    """Vi or Emacs keys; without argument the other ones."""
    now = context.terminal.editing
    wanted = argument or ("emacs" if now == "vi" else "vi")
    wanted = {"on": "vi", "off": "emacs"}.get(wanted, wanted)
    editing = cast(Editing, one_of(wanted, get_args(Editing), "vim"))
    context.terminal.editing = editing
    await _keep(context, "editing", editing)


async def editor(context: Context, argument: str) -> None:
    """Write the next prompt in $EDITOR; it comes back into the input."""
    written = await context.terminal.edit(argument)
    if written.strip():
        context.terminal.insert(written.rstrip("\n"))


async def config(context: Context, argument: str) -> None:
    """What is configured and where; `set KEY VALUE` and `unset KEY` change the user's file."""
    action, _, rest = argument.partition(" ")
    key, _, value = rest.strip().partition(" ")
    match action, bool(key), bool(value.strip()):
        case (("" | "show"), False, False):
            await _show(context)
        case "set", True, True:
            line = await asyncio.to_thread(user_config().change, key, value.strip())
            context.view.say(say("commands.config_set", line=line), "good")
        case "unset", True, False:
            await asyncio.to_thread(user_config().remove, key)
            context.view.say(say("commands.config_unset", key=key), "good")
        case _:
            raise CommandError(say("commands.config_usage"))


async def _show(context: Context) -> None:
    found = await asyncio.to_thread(settings, context.chat.directory)
    rows = [(one.key, cut(flat(one.value), 30) or "-", _place(one.origin)) for one in found]
    context.view.say(table(rows, context.width))
    context.view.say(say("commands.config_more"), "hint")


def _place(origin: str) -> str:
    """Where a value comes from, by the end of the path."""
    shown = origin.replace(str(Path.home()), "~", 1)
    return shown if len(shown) <= 32 else "…" + shown[-31:]


async def _keep(context: Context, key: str, value: str) -> None:
    """Write a choice into the user's configuration, for the next start too."""
    await asyncio.to_thread(user_config().change, key, value)
    context.view.say(say("commands.kept", key=key, value=value), "good")


def _actions(context: Context, typed: str) -> Sequence[str]:
    action, space, rest = typed.partition(" ")
    if not space:
        return among("show", "set", "unset")(context, typed)
    keys = [key for key in Config.model_fields if key.startswith(rest)]
    return [f"{action} {key}" for key in keys] if action in ("set", "unset") else []


COMMANDS = (
    Command("editor", editor, "interface", ("edit",), takes=True),
    Command("vim", vim, "interface", takes=True, complete=among("on", "off")),
    Command("theme", theme, "interface", takes=True, complete=among(*THEMES)),
    Command(
        "language", choose_language, "interface", ("lang",), takes=True, complete=among(*LANGUAGES)
    ),
    Command("config", config, "interface", ("settings",), takes=True, complete=_actions),
)
