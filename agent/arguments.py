"""The command line: flags of the one-shot run, and the subcommands."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from qwright.agent import __version__
from qwright.agent.errors import ConfigError

if TYPE_CHECKING:
    from qwright.agent.embedded.commands import Subparsers

COMMANDS = ("models", "sandbox", "sessions", "apply", "undo", "doctor", "trust")

_EPILOG = """\
commands:
  qwright models list|pull|rm|ps|stop   weights and servers of the embedded model
  qwright models probe                  what works on a server: tools, window, cache, speed
  qwright sessions [list|show|diff|rm]  past runs, their steps and diffs
  qwright apply ID                      bring a session's result into the working tree
  qwright undo [ID]                     take an applied result back
  qwright doctor                        check engine, image, limits, weights, server
  qwright sandbox build|clean           build the default image; remove left-over containers
  qwright trust [DIR]                   let DIR/.qwright/config.toml take part

exit codes:
  0 done   3 not verified   4 done but not applied (conflict)   1 bug in qwright (report written)
  41 key refused   42 bad usage   43 model failure   44 sandbox failure
  53 turn limit   55 other limit (tokens, time, context window, going in circles)
  130 interrupted

With no --model, --base-url or API key, the embedded Qwen2.5-Coder runs on this machine.
Variables: OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL, DASHSCOPE_API_KEY, DASHSCOPE_REGION,
  OPENROUTER_API_KEY, MODELSCOPE_API_KEY, OLLAMA_HOST, NO_COLOR, QWRIGHT_HOME.
"""


class _Parser(argparse.ArgumentParser):
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
        description="A coding agent for Qwen-Coder: every command in a container, every step in\n"
        "git. The result is applied to your working tree; `qwright undo` takes it back.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("task", nargs="?", help="what to do; text on stdin is added to it, or is the task")
    add("-p", "--prompt", metavar="TASK", help="the same as TASK")
    add("-V", "-v", "--version", action="version", version=f"qwright {__version__}")
    add("-C", "--cwd", metavar="DIR", default=".", help="work on the repository at DIR")
    _add_repl_flags(parser)
    _add_model_flags(parser)
    _add_run_flags(parser)
    _add_result_flags(parser)
    _add_sandbox_flags(parser)
    return parser


def _add_repl_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("terminal").add_argument
    add("-i", "--interactive", action="store_true", help="open the terminal with TASK as its start")
    add("-c", "--continue", dest="go_on", action="store_true", help="the newest session of here")
    add(
        "-r",
        "--resume",
        metavar="ID",
        nargs="?",
        const="",
        help="a session by the beginning of its id; without one choose from a list",
    )
    add("--mode", choices=["plan", "ask", "auto-edit", "auto"], help="what is asked about first")
    add("--apply", choices=["ask", "auto", "manual"], help="what happens to a turn's result")
    add("--screen-reader", action="store_true", help="plain lines that nothing redraws")


def _add_model_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("model").add_argument
    add(
        "-m",
        "--model",
        metavar="NAME",
        help="an embedded model, a model of the server, or SERVER/NAME: ollama, "
        "lmstudio, llamacpp, vllm, sglang, dashscope, openrouter, modelscope, openai",
    )
    add("--base-url", metavar="URL", help="an OpenAI-compatible server, e.g. http://host:8000/v1")
    add(
        "--effort",
        choices=["off", "low", "medium", "high", "max"],
        help="how much a thinking model thinks; default: its own, less on local servers",
    )


def _add_run_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("run").add_argument
    add("--verify", metavar="CMD", help="command in the sandbox whose exit code 0 means success")
    add("--verify-timeout", metavar="TIME", type=seconds, default=120.0, help="default 120s")
    add("--max-turns", metavar="N", type=count, help="answers of the model, default 100")
    add("--max-tokens", metavar="N", type=count, help="prompt and completion tokens together")
    add("--max-cost", metavar="USD", type=dollars, help="no request starts beyond it, e.g. 0.50")
    add("--max-wall-time", metavar="TIME", type=seconds, help="e.g. 90s, 5m, 1h")
    add("-o", "--output-format", choices=["text", "json", "stream-json"], default="text")


def _add_result_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("result").add_mutually_exclusive_group()
    group.add_argument("--no-apply", action="store_true", help="keep the result in the session")
    group.add_argument("--patch", metavar="FILE", help="write the result to FILE, - for stdout")
    group.add_argument("--branch", metavar="NAME", help="commit the result to a new branch")


def _add_sandbox_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("sandbox").add_argument
    add(
        "--setup",
        metavar="CMD",
        action="append",
        help="run once with network, e.g. 'pip install -r requirements.txt'; cached",
    )
    add("--network", choices=["none", "full"], help="network of the task's commands")
    add("--image", metavar="REF", help="container image to work in")


def _command_parser() -> argparse.ArgumentParser:
    from qwright.agent.embedded.commands import add_models_command  # no run needs it

    parser = _Parser(prog="qwright", allow_abbrev=False)
    commands = parser.add_subparsers(dest="subcommand", required=True, parser_class=_Parser)
    add_models_command(commands)
    sandbox = commands.add_parser("sandbox", help="the container image").add_subparsers(
        dest="action", required=True
    )
    build = sandbox.add_parser("build", help="build the default image")
    build.add_argument("--force", action="store_true", help="build it again")
    sandbox.add_parser("clean", help="remove containers that killed runs left")
    _add_session_commands(commands)
    commands.add_parser("doctor", help="check everything a run needs")
    trust = commands.add_parser("trust", help="allow a project's configuration")
    trust.add_argument("directory", nargs="?", default=".")
    return parser


def _add_session_commands(commands: Subparsers) -> None:
    sessions = commands.add_parser("sessions", help="past runs")
    actions = sessions.add_subparsers(dest="action")
    listing = actions.add_parser("list")
    listing.add_argument("-n", type=count, default=20, help="how many, newest first")
    for name in ("show", "diff", "rm"):
        actions.add_parser(name).add_argument("session", help="a session id, or its beginning")
    commands.add_parser(
        "apply", help="bring a session's result into the working tree"
    ).add_argument("session")
    commands.add_parser("undo", help="take an applied result back").add_argument(
        "session", nargs="?"
    )
