"""Commands on the model, on approval, and on where commands of the agent run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from qwright.agent.embedded.catalogue import Entry
from qwright.agent.language import say
from qwright.agent.policy import MODES, Mode
from qwright.agent.repl.columns import facts, one_line
from qwright.agent.repl.command import (
    Command,
    CommandError,
    Context,
    among,
    confirmed,
    no_argument,
    one_of,
    pick,
)
from qwright.agent.repl.models import Offer, choice_of, completions, fetch, offers
from qwright.agent.repl.ports import Choosable

_NETWORKS = ("none", "full")
_MODE_NAMES = {"default": "ask", "yolo": "auto", "auto_edit": "auto-edit", "edit": "auto-edit"}
"""What other agents call them."""


async def model(context: Context, argument: str) -> None:
    """Go on with another model; without argument out of those that are here."""
    offer = Offer(argument) if argument else await _offered(context)
    if offer is None:
        return
    chosen = choice_of(context.chat, offer.name, offer.base_url)
    if chosen.entry and not await _is_here(context, chosen.entry):
        return
    waiting = say("commands.switching", model=one_line(chosen.name, 80))
    await context.repl.during(waiting, context.chat.switch_model(chosen))
    context.view.say(say("commands.switched", model=context.chat.choice.name), "good")
    context.repl.refresh()


async def _is_here(context: Context, entry: Entry) -> bool:
    """Whether the weights are here, now that the person was asked about fetching them."""
    from qwright.agent.embedded.weights import is_verified, megabytes

    if is_verified(entry):
        return True
    size = megabytes(entry.size)
    title = say("commands.fetch_title", model=entry.name, size=size)
    if not await confirmed(context, title, say("commands.fetch_yes")):
        return False
    work = fetch(entry, context.view.progress)
    await context.repl.during(say("commands.fetching", model=entry.name), work)
    return True


async def _offered(context: Context) -> Offer | None:
    found = await context.repl.during(say("commands.looking_for_models"), offers(context.chat))
    now = context.chat.choice
    present = now.entry.name if now.entry else now.endpoint.model if now.endpoint else ""
    start = next((place for place, one in enumerate(found) if one.name == present), 0)
    options = [Choosable(one.label, one.detail) for one in found]
    place = await pick(context, say("commands.model_title"), options, start=start)
    return None if place is None else found[place]


async def mode(context: Context, argument: str) -> None:
    """Which calls are asked about."""
    if not argument:
        options = [Choosable(one, say(f"commands.mode_{one}")) for one in MODES]
        start = MODES.index(context.chat.policy.mode)
        place = await pick(context, say("commands.mode_title"), options, start=start)
        if place is None:
            return
        argument = MODES[place]
    wanted = one_of(_MODE_NAMES.get(argument.lower(), argument), MODES, "mode")
    _set_mode(context, cast(Mode, wanted))


async def plan(context: Context, argument: str) -> None:
    """Plan mode on or off; anything else is a prompt to plan for."""
    if argument == "off":
        _set_mode(
            context,
            context.chat.setting.config.mode
            if context.chat.setting.config.mode != "plan"
            else "auto",
        )
        return
    _set_mode(context, "plan")
    if argument and argument != "on":
        context.repl.submit(argument)


async def yolo(context: Context, argument: str) -> None:
    """Never ask: the sandbox is the wall."""
    no_argument(argument, "yolo")
    _set_mode(context, "auto")


def _set_mode(context: Context, wanted: Mode) -> None:
    context.repl.set_mode(wanted)
    text = say("commands.mode_is", mode=wanted, meaning=say(f"commands.mode_{wanted}"))
    context.view.say(text, "good")


async def sandbox(context: Context, argument: str) -> None:
    """Where the agent's commands run, and what they can reach."""
    no_argument(argument, "sandbox")
    from qwright.sandbox.image import default_image

    chat = context.chat
    place = chat.setting.place
    rows = [
        (say("commands.row_sandbox"), say(f"commands.sandbox_{chat.status().sandbox}")),
        (say("commands.row_image"), place.image or default_image()),
        (say("commands.row_network"), say(f"commands.network_{place.network}")),
        (say("commands.row_setup"), "; ".join(place.setup)),
        (say("commands.row_files"), say("commands.sandbox_files")),
        (say("commands.row_copy"), str(chat.session.path / "ws")),
    ]
    context.view.say(facts(rows, context.width))
    context.view.say(say("commands.sandbox_more"), "hint")


async def network(context: Context, argument: str) -> None:
    """Give the agent's commands the network, or take it away; restarts the container."""
    place = context.chat.setting.place
    if not argument:
        options = [Choosable(one, say(f"commands.network_{one}")) for one in _NETWORKS]
        start = _NETWORKS.index(place.network)
        picked = await pick(context, say("commands.network_title"), options, start=start)
        if picked is None:
            return
        argument = _NETWORKS[picked]
    argument = {"on": "full", "off": "none"}.get(argument, argument)
    wanted = cast("Literal['none', 'full']", one_of(argument, _NETWORKS, "network"))
    context.view.say(say("commands.restarting"), "hint")
    await context.chat.set_place(replace(place, network=wanted))
    context.view.say(
        say("commands.network_is", network=wanted, meaning=say(f"commands.network_{wanted}")),
        "good",
    )


async def image(context: Context, argument: str) -> None:
    """Run the agent's commands in another image; restarts the container."""
    place = context.chat.setting.place
    wanted = argument or await context.terminal.ask(say("commands.image_label"), place.image or "")
    if wanted is None:
        return
    wanted = wanted.strip()
    if len(wanted.split()) > 1:
        raise CommandError(say("commands.image_usage"))
    context.view.say(say("commands.restarting"), "hint")
    reference = None if wanted in ("", "default") else wanted
    await context.chat.set_place(replace(place, image=reference))
    context.view.say(say("commands.image_is", image=one_line(wanted or "default")), "good")


async def add_directory(context: Context, argument: str) -> None:
    """Copy a folder to where the model can read it."""
    if not argument:
        raise CommandError(say("commands.folder_missing"))
    folder = (context.chat.directory / Path(argument).expanduser()).resolve()
    if not folder.is_dir():
        raise CommandError(say("commands.no_folder", folder=one_line(argument, 80)))
    path = await context.chat.add_directory(folder)
    context.view.say(say("commands.added", path=path), "good")


def _folders(context: Context, typed: str) -> Sequence[str]:
    whole = context.chat.directory / Path(typed or ".").expanduser()
    above, begun = (whole, "") if not typed or typed.endswith("/") else (whole.parent, whole.name)
    head = typed[: len(typed) - len(begun)]
    try:
        found = sorted(one.name for one in above.iterdir() if one.is_dir())
    except OSError:
        return []
    shown = (name for name in found if name.startswith(begun))
    return [f"{head}{name}/" for name in shown if begun or not name.startswith(".")][:50]


COMMANDS = (
    Command(
        "model",
        model,
        "model",
        takes=True,
        complete=lambda context, typed: completions(context.chat, typed),
    ),
    Command(
        "mode",
        mode,
        "safety",
        ("approval-mode", "permissions"),
        takes=True,
        complete=among(*MODES),
        while_busy=True,
    ),
    Command("plan", plan, "safety", takes=True, complete=among("on", "off")),
    Command("yolo", yolo, "safety", while_busy=True),
    Command("sandbox", sandbox, "safety", while_busy=True),
    Command("network", network, "safety", takes=True, complete=among(*_NETWORKS)),
    Command("image", image, "safety", takes=True),
    Command("add-dir", add_directory, "safety", ("directory",), takes=True, complete=_folders),
)
