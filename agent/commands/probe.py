"""`qwright models probe`: a table of what works on the server that a run would use."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from qwright.agent import choice, config
from qwright.agent.embedded.commands import print_table
from qwright.agent.exits import Exit
from qwright.agent.probe import Report, probe
from qwright.agent.progress import Progress
from qwright.tools.sanitise import sanitise


async def run(args: Namespace, out: TextIO) -> int:
    """Print the table, or JSON. Raises ConfigError, and ModelError when the model did not answer.

    What a server cannot do is no failure.
    """
    settings, notices = config.load(Path.cwd())
    say = Progress(sys.stderr)
    for notice in notices:
        say(notice)
    model, base_url = settings.asked(args.model, args.base_url)
    chosen = choice.choose(model, base_url, settings.profile)
    endpoint = chosen.endpoint or await choice.serve(chosen, progress=say)
    report = await probe(endpoint, chosen.own, say)
    _print(report, out, as_json=args.output_format == "json")
    if report.error:
        raise report.error
    return Exit.DONE


def _print(report: Report, out: TextIO, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_plain(report), indent=1, ensure_ascii=False), file=out)
        return
    found = report.findings
    rows = [[_one_line(one.name), _one_line(one.result), _one_line(one.detail)] for one in found]
    print_table(out, ["WHAT", "RESULT", "DETAIL"], rows)


def _one_line(text: str) -> str:
    """A server's words on one line that moves no cursor."""
    return " ".join(sanitise(text).split())


def _plain(report: Report) -> dict[str, object]:
    endpoint, profile = report.endpoint, report.profile
    return {
        "base_url": endpoint.shown_url,
        "model": endpoint.model,
        "provider": endpoint.provider,
        "profile": profile.name,
        "dialect": profile.dialect,
        "constraint": profile.constraint,
        "context": profile.context,
        "findings": [asdict(one) for one in report.findings],
        "error": str(report.error) if report.error else None,
    }
