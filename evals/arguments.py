"""The flags of `qwright eval …`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from qwright.agent.arguments import count, dollars, seconds
from qwright.agent.language import say

if TYPE_CHECKING:
    from qwright.agent.embedded.commands import Subparsers

_DATASET = (
    "a .json, .jsonl or .parquet file of SWE-bench rows or {id, files, prompt, verify} rows, a "
    "folder of Harbor tasks, a data set name, or `starter` for the suite that comes with qwright"
)
AGENTS = ("qwright", "aider", "mini-swe-agent")


def add_eval_command(commands: Subparsers) -> None:
    """Add `eval` with its actions; `commands.run` runs what was parsed."""
    parser = commands.add_parser("eval", help=say("help.eval"))
    actions = parser.add_subparsers(
        title=say("help.commands"), dest="action", metavar="ACTION", required=True
    )
    _add_run(actions.add_parser("run", help="solve the instances of a data set and grade them"))
    _add_validate(actions.add_parser("validate", help="grade the empty and the gold patches"))
    _add_grade(actions.add_parser("grade", help="grade predictions made elsewhere"))
    _add_compare(actions.add_parser("compare", help="two runs, paired by instance"))
    _add_report(actions.add_parser("report", help="one HTML page of a run, or of several"))
    _add_export(actions.add_parser("export", help="write what other tools read"))
    listing = actions.add_parser("list", help="the instances of a data set")
    _add_dataset(listing)


def _add_dataset(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("dataset", metavar="DATASET", help=_DATASET)
    add("--split", default="test", help="of a data set that has several; default test")
    one = "only the instance with this id, else those whose id ends in it; may be given again"
    add("-i", "--instance", metavar="ID", action="append", default=[], help=one)
    add("-n", "--limit", metavar="N", type=count, help="only the first N")


def _add_workers(parser: argparse.ArgumentParser, default: str = "1") -> None:
    shown = f"instances at a time; default {default}"
    parser.add_argument("-w", "--workers", metavar="N", type=count, help=shown)


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_dataset(parser)
    _add_workers(parser, "1 for a local model, else 4")
    add = parser.add_argument
    add("-k", "--repeat", metavar="K", type=count, default=1, help="samples of each instance")
    folder = "where everything goes; the same command again goes on there"
    add("-o", "--out", metavar="DIR", required=True, help=folder)
    add("--no-grade", action="store_true", help="write the predictions only")
    add("--redo", action="store_true", help="also what is done already")
    _add_agent(parser)
    _add_limits(parser)
    _add_engine(parser)


def _add_agent(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("agent").add_argument
    add("-m", "--model", metavar="NAME", help=say("help.model"))
    add("--base-url", metavar="URL", help=say("help.base_url"))
    efforts = ["off", "low", "medium", "high", "max"]
    add("--effort", choices=efforts, help=say("help.effort"))
    add("--attempts", metavar="K", type=count, help=say("help.attempts"))
    limit = say("help.verify_timeout")
    add("--verify-timeout", metavar="TIME", type=seconds, default=120.0, help=limit)
    add("--image", metavar="REF", help="in place of the instances' own")
    add("--agent", choices=AGENTS, default="qwright", help="or another one, on the same terms")
    add("--agent-command", metavar="CMD", help="the other agent's program, with its flags")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("limits of an instance").add_argument
    add("--max-turns", metavar="N", type=count, help=say("help.max_turns"))
    add("--max-tokens", metavar="N", type=count, help=say("help.max_tokens"))
    add("--max-cost", metavar="USD", type=dollars, help=say("help.max_cost"))
    add("--max-wall-time", metavar="TIME", type=seconds, help=say("help.max_wall_time"))
    add = parser.add_argument_group("limits of the whole run").add_argument
    add("--total-calls", metavar="N", type=count, help="requests to the model")
    add("--total-tokens", metavar="N", type=count, help="prompt and completion tokens together")
    add("--total-cost", metavar="USD", type=dollars, help="US dollars")
    add("--total-time", metavar="TIME", type=seconds, help="e.g. 8h")


def _add_engine(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("scale").add_argument
    add("--engine", choices=["local", "ray"], default="local", help="this machine, or a cluster")
    add("--address", metavar="HOST:PORT", help="the ray cluster to join; default: one made here")
    requests = "requests to the model at a time, over all workers; default 1 for the embedded model"
    add("--model-requests", metavar="N", type=count, help=requests)


def _add_validate(parser: argparse.ArgumentParser) -> None:
    _add_dataset(parser)
    _add_workers(parser)
    add = parser.add_argument
    add("--times", metavar="N", type=count, default=3, help="how often each; default 3")
    add("--image", metavar="REF", help="in place of the instances' own")
    add("-o", "--out", metavar="DIR", help="keep the grader's logs there")


def _add_grade(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("predictions", metavar="PREDS", help=".json or .jsonl as SWE-bench has them")
    _add_dataset(parser)
    _add_workers(parser)
    add("--image", metavar="REF", help="in place of the instances' own")
    add("-o", "--out", metavar="DIR", required=True, help="where reports and logs go")


def _add_compare(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("a", metavar="A", help="the folder of a run")
    add("b", metavar="B", help="the folder of another one on the same instances")
    add("--common", action="store_true", help="compare what both have, where one has more")


def _add_report(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("runs", metavar="DIR", nargs="+", help="the folder of a run; several stand side by side")
    add("--output", metavar="FILE", help="default: report.html in the first one")


def _add_export(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("format", choices=["mini", "swebench"], help="trajectories of a run, or rows of a data set")
    add("source", metavar="DIR|DATASET", help="the folder of a run for mini, else a data set")
    add("--split", default="test", help="of a data set that has several; default test")
    one = "only this instance; may be given again"
    add("-i", "--instance", metavar="ID", action="append", default=[], help=one)
    add("-o", "--out", metavar="DIR", required=True, help="a new folder")
