"""`qwright config`: what holds and where it comes from; keys set, unset, edited."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path

from qwright.agent import config_file
from qwright.agent.config import load_layers, project_root
from qwright.agent.config_file import ConfigFile
from qwright.agent.embedded.commands import print_table
from qwright.agent.errors import ConfigError
from qwright.agent.language import say
from qwright.tools.sanitise import sanitise

_EDITORS = ("nano", "vim", "vi")


async def run(args: Namespace) -> int:
    """Run one of the actions in the current directory. Raises ConfigError."""
    here = Path.cwd()
    project = getattr(args, "project", False)
    file = config_file.project_config(here) if project else config_file.user_config()
    match args.action:
        case "get":
            print(sanitise(config_file.setting(args.key, here).value))
        case "set":
            line = file.change(_text(args.key), _text(args.value))
            print(say("config.set", line=sanitise(line), file=file.path))
        case "unset":
            done = file.remove(args.key)
            text = "config.unset" if done else "config.not_set"
            print(say(text, key=sanitise(args.key), file=file.path))
        case "edit":
            changed = edit(file)
            print(say("config.saved" if changed else "config.unchanged", file=file.path))
        case "path":
            print(file.path)
        case _:
            _show(here)
    _warn_untrusted(file)
    return 0


def edit(file: ConfigFile) -> bool:
    """Let the user's editor change the file; whether something changed.

    What is wrong can be mended on a terminal; else it is kept beside, and ConfigError says where.
    """
    draft = file.read() or config_file.template()
    directory = Path(tempfile.mkdtemp(prefix="qwright-"))
    path = directory / "config.toml"
    path.write_text(draft, "utf-8")
    while True:
        _open_editor(path)
        after = path.read_text("utf-8", errors="replace")
        try:
            if after != draft:
                file.replace(after)
            break
        except ConfigError as error:
            if not sys.stdin.isatty():
                raise ConfigError(f"{error}; nothing was changed, your text is in {path}") from None
            print(f"qwright: {sanitise(str(error))}", file=sys.stderr)
            input(say("config.again"))
    shutil.rmtree(directory, ignore_errors=True)
    return after != draft


def _open_editor(path: Path) -> None:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    found = next((name for name in _EDITORS if shutil.which(name)), None)
    command = shlex.split(named) if named else [found] if found else []
    if not command:
        raise ConfigError("no editor was found: set EDITOR, or use qwright config set KEY VALUE")
    try:
        ended = subprocess.run([*command, str(path)], check=False)
    except OSError as error:
        raise ConfigError(
            f"{command[0]} cannot be started ({error.strerror}); set EDITOR"
        ) from None
    if ended.returncode:
        raise ConfigError(f"{command[0]} ended with {ended.returncode}; nothing was changed")


def _show(here: Path) -> None:
    rows = [
        [one.key, sanitise(one.value), one.origin or say("config.default")]
        for one in config_file.settings(here)
    ]
    headers = [say(f"config.{name}") for name in ("key", "value", "origin")]
    print_table(sys.stdout, headers, rows)
    for notice in load_layers(here).notices:
        print(notice, file=sys.stderr)


def _warn_untrusted(file: ConfigFile) -> None:
    """A file that was not trusted before does not become so by one more line."""
    if file.project is None or not file.read():
        return
    for notice in load_layers(project_root(file.project)).notices:
        print(notice, file=sys.stderr)


def _text(argument: str) -> str:
    """An argument as text that can be saved, whatever bytes the shell passed."""
    return argument.encode(errors="surrogateescape").decode(errors="replace")
