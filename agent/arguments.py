"""The command line: flags of the one-shot run, and the subcommands."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from qwright.agent import __version__
from qwright.agent.errors import ConfigError
from qwright.agent.help_format import HelpFormatter
from qwright.agent.language import say

if TYPE_CHECKING:
    from qwright.agent.embedded.commands import Subparsers

COMMANDS = ("models", "sandbox", "sessions", "apply", "undo", "doctor", "config", "trust", "eval")


class _Parser(argparse.ArgumentParser):
    """Speaks the user's language in all that argparse would put into English help."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"add_help": False, "formatter_class": HelpFormatter, "allow_abbrev": False}
        super().__init__(*args, **kwargs)
        self._positionals.title = say("help.arguments")
        self._optionals.title = say("help.options")
        self.add_argument("-h", "--help", action="help", help=say("help.help"))

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see qwright --help")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Raises ConfigError for what cannot be understood; exits 0 for --help and --version."""
    if not is_run(argv):
        return _command_parser().parse_args(argv)
    args = _run_parser().parse_args(argv, argparse.Namespace(subcommand="run"))
    if opens_repl(args):
        args.subcommand = "repl"
    return args


def opens_repl(args: argparse.Namespace) -> bool:
    """Whether a person is to be asked for tasks: none was given, and a person is there."""
    if args.interactive or args.go_on or args.resume is not None:
        return True
    return not (args.task or args.prompt) and sys.stdin is not None and sys.stdin.isatty()


def is_run(argv: Sequence[str]) -> bool:
    """Whether this is a task and not one of the commands."""
    return not argv or argv[0] not in COMMANDS


def seconds(text: str) -> float:
    """`90`, `90s`, `5m` or `1h` as seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match or float(match[1]) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration, e.g. 90s, 5m or 1h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def count(text: str) -> int:
    """A positive whole number; `k` and `m` stand for thousands and millions."""
    match = re.fullmatch(r"(\d+)([km]?)", text.strip().lower().replace("_", ""))
    value = int(match[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[match[2]] if match else 0
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return value


def dollars(text: str) -> float:
    """`2`, `0.50` or `$.5` as US dollars."""
    match = re.fullmatch(r"\$?(\d*\.?\d+)", text.strip())
    if not match or float(match[1]) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of US dollars, e.g. 0.50")
    return float(match[1])


def _run_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="qwright",
        description=say("help.description").strip(),
        epilog=say("help.epilog").strip(),
    )
    add = parser.add_argument
    add("task", nargs="?", help=say("help.task"))
    add("-p", "--prompt", metavar="TASK", help=say("help.prompt"))
    version = f"qwright {__version__}"
    add("-V", "-v", "--version", action="version", version=version, help=say("help.version"))
    add("-C", "--cwd", metavar="DIR", default=".", help=say("help.cwd"))
    _add_repl_flags(parser)
    _add_model_flags(parser)
    _add_run_flags(parser)
    _add_result_flags(parser)
    _add_sandbox_flags(parser)
    return parser


def _add_repl_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group(say("help.group_terminal")).add_argument
    add("-i", "--interactive", action="store_true", help=say("help.interactive"))
    add("-c", "--continue", dest="go_on", action="store_true", help=say("help.continue"))
    add("-r", "--resume", metavar="ID", nargs="?", const="", help=say("help.resume"))
    add("--mode", choices=["plan", "ask", "auto-edit", "auto"], help=say("help.mode"))
    add("--apply", choices=["ask", "auto", "manual"], help=say("help.apply"))
    add("--screen-reader", action="store_true", help=say("help.screen_reader"))


def _add_model_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group(say("help.group_model")).add_argument
    add("-m", "--model", metavar="NAME", help=say("help.model"))
    add("--base-url", metavar="URL", help=say("help.base_url"))
    efforts = ["off", "low", "medium", "high", "max"]
    add("--effort", choices=efforts, help=say("help.effort"))


def _add_run_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group(say("help.group_run")).add_argument
    add("--verify", metavar="CMD", help=say("help.verify"))
    limit = say("help.verify_timeout")
    add("--verify-timeout", metavar="TIME", type=seconds, default=120.0, help=limit)
    add("--attempts", metavar="K", type=count, help=say("help.attempts"))
    add("--max-turns", metavar="N", type=count, help=say("help.max_turns"))
    add("--max-tokens", metavar="N", type=count, help=say("help.max_tokens"))
    add("--max-cost", metavar="USD", type=dollars, help=say("help.max_cost"))
    add("--max-wall-time", metavar="TIME", type=seconds, help=say("help.max_wall_time"))
    formats, shown = ["text", "json", "stream-json"], say("help.output_format")
    add("-o", "--output-format", choices=formats, default="text", help=shown)


def _add_result_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(say("help.group_result")).add_mutually_exclusive_group()
    group.add_argument("--no-apply", action="store_true", help=say("help.no_apply"))
    group.add_argument("--patch", metavar="FILE", help=say("help.patch"))
    group.add_argument("--branch", metavar="NAME", help=say("help.branch"))


def _add_sandbox_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group(say("help.group_sandbox")).add_argument
    add("--setup", metavar="CMD", action="append", help=say("help.setup"))
    add("--network", choices=["none", "full"], help=say("help.network"))
    add("--image", metavar="REF", help=say("help.image"))


def _command_parser() -> argparse.ArgumentParser:
    from qwright.agent.embedded.commands import add_models_command  # no run needs it

    parser = _Parser(prog="qwright")
    commands = parser.add_subparsers(
        title=say("help.commands"),
        dest="subcommand",
        metavar="COMMAND",
        required=True,
        parser_class=_Parser,
    )
    add_models_command(commands)
    _add_sandbox_commands(commands)
    _add_session_commands(commands)
    _add_config_commands(commands)
    # evals is above agent, which must not import it: it is found by name.
    import_module("qwright.evals.arguments").add_eval_command(commands)
    commands.add_parser("doctor", help=say("help.doctor"))
    trust = commands.add_parser("trust", help=say("help.trust"))
    trust.add_argument("directory", nargs="?", default=".", help=say("help.trust_directory"))
    return parser


def _add_sandbox_commands(commands: Subparsers) -> None:
    sandbox = commands.add_parser("sandbox", help=say("help.sandbox"))
    actions = sandbox.add_subparsers(title=say("help.commands"), dest="action", required=True)
    build = actions.add_parser("build", help=say("help.sandbox_build"))
    build.add_argument("--force", action="store_true", help=say("help.sandbox_build_force"))
    actions.add_parser("clean", help=say("help.sandbox_clean"))


def _add_session_commands(commands: Subparsers) -> None:
    sessions = commands.add_parser("sessions", help=say("help.sessions"))
    actions = sessions.add_subparsers(title=say("help.commands"), dest="action")
    listing = actions.add_parser("list", help=say("help.sessions_list"))
    listing.add_argument("-n", type=count, default=20, help=say("help.sessions_count"))
    for name in ("show", "diff", "rm"):
        action = actions.add_parser(name, help=say(f"help.sessions_{name}"))
        action.add_argument("session", help=say("help.session"))
        if name == "diff":
            _add_attempt(action)
    view = actions.add_parser("view", help=say("help.sessions_view"))
    view.add_argument("session", help=say("help.session"))
    view.add_argument("--output", metavar="FILE", help=say("help.view_output"))
    apply = commands.add_parser("apply", help=say("help.apply_session"))
    apply.add_argument("session", help=say("help.session"))
    _add_attempt(apply)
    undo = commands.add_parser("undo", help=say("help.undo"))
    undo.add_argument("session", nargs="?", help=say("help.session_applied"))


def _add_attempt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--attempt", metavar="N", type=count, help=say("help.attempt"))


def _add_config_commands(commands: Subparsers) -> None:
    config = commands.add_parser("config", help=say("help.config"))
    actions = config.add_subparsers(title=say("help.commands"), dest="action")
    for name in ("show", "get", "set", "unset", "edit", "path"):
        action = actions.add_parser(name, help=say(f"help.config_{name}"))
        if name in ("get", "set", "unset"):
            action.add_argument("key", metavar="KEY", help=say("help.config_key"))
        if name == "set":
            action.add_argument("value", metavar="VALUE", help=say("help.config_value"))
        if name not in ("show", "get"):
            action.add_argument("--project", action="store_true", help=say("help.config_project"))
