"""`qwright eval run | validate | grade | compare | report | export | list`."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qwright.agent.choice import Choice, choose
from qwright.agent.config import load as load_config
from qwright.agent.errors import ConfigError
from qwright.agent.exits import Exit
from qwright.evals.datasets.load import load, require_gradable
from qwright.evals.instance import Instance
from qwright.tools.sanitise import sanitise, shown_name

if TYPE_CHECKING:
    from qwright.evals.run.runner import Plan
    from qwright.evals.run.settings import Settings

_SERVED_WORKERS = 4
"""Samples at a time where the model is somebody else's."""


def run(args: Namespace) -> Coroutine[object, object, int]:
    """The work of one `qwright eval` command. Raises QwrightError."""
    return _ACTIONS[args.action](args)


async def _run(args: Namespace) -> int:
    instances = _instances(args)
    if not args.no_grade:
        require_gradable(instances)
    settings, chosen = _settings(args)
    instances = await _fitting(instances, args.image)
    return await _go(args, instances, settings, _plan(args, chosen))


async def _grade(args: Namespace) -> int:
    """A run whose agent gives the answers that are there already."""
    from qwright.evals.run.given import given
    from qwright.evals.run.runner import Plan

    instances = _instances(args)
    require_gradable(instances)
    known = [one.id for one in instances]
    settings, answered = given(Path(args.predictions), known, image=args.image)
    instances = await _fitting(instances, args.image)
    lacking = sum(one.id not in answered for one in instances)
    _say(f"{len(instances) - lacking} predictions for {len(instances)} instances")
    if lacking:
        _say(f"{lacking} without a prediction count as not resolved; -i grades some instances only")
    plan = Plan(Path(args.out).absolute(), args.dataset, workers=args.workers or 1)
    return await _go(args, instances, settings, plan)


async def _go(
    args: Namespace, instances: Sequence[Instance], settings: Settings, plan: Plan
) -> int:
    """Run, then say what came out and where it is."""
    from qwright.agent.render.text import open_console
    from qwright.evals.run.progress_view import view_on
    from qwright.evals.run.runner import run as run_all
    from qwright.evals.stats.render import draw_summary

    title = f"{args.dataset} · {settings.model or settings.agent}"
    ended = await run_all(instances, settings, plan, view_on(sys.stderr, title))
    draw_summary(ended.summary, open_console(sys.stdout))
    if ended.line:
        print(f"qwright: {sanitise(ended.line)}", file=sys.stderr)
    out = shown_name(args.out)
    print(f"{out}: preds.jsonl, summary.json; `qwright eval report {out}` makes the page")
    return ended.exit_code


async def _validate(args: Namespace) -> int:
    import tempfile

    from qwright.evals.grade.validate import Check, validate
    from qwright.sandbox.dirs import cache_dir

    def report(check: Check) -> None:
        print(sanitise(check.words), flush=True)

    instances = await _fitting(_instances(args), args.image)
    if args.image:
        instances = [one.model_copy(update={"image": args.image}) for one in instances]
    with tempfile.TemporaryDirectory(prefix="qwright-validate-") as scratch:
        found = await validate(
            instances,
            times=args.times,
            workers=args.workers or 1,
            cache=cache_dir() / "evals",
            out=Path(args.out or scratch),
            report=report,
            progress=_say,
        )
    good = sum(check.ok for check in found.checks)
    print(f"{good} of {len(found.checks)} instances are sound, each tried {args.times} times")
    return Exit.SANDBOX if found.failed else Exit.DONE if found.ok else Exit.NOT_VERIFIED


async def _compare(args: Namespace) -> int:
    from qwright.agent.render.text import open_console
    from qwright.evals.report import read_run
    from qwright.evals.stats import compare, summarise
    from qwright.evals.stats.render import draw_comparison

    a, b = read_run(Path(args.a)), read_run(Path(args.b))
    names = (a.name, b.name) if a.name != b.name else (args.a, args.b)
    found = compare(a.results, b.results, names=names, common=args.common)
    left_out = set(found.left_out)
    sides = [
        summarise(one.results, [each for each in one.instances if each.id not in left_out])
        for one in (a, b)
    ]
    draw_comparison(found, sides[0], sides[1], open_console(sys.stdout))
    return Exit.DONE


async def _report(args: Namespace) -> int:
    from qwright.evals.report import write_report

    target = Path(args.output) if args.output else None
    print(write_report([Path(one) for one in args.runs], target))
    return Exit.DONE


async def _export(args: Namespace) -> int:
    target = Path(args.out)
    if args.format == "mini":
        from qwright.evals.export.mini import export_mini

        written = export_mini(Path(args.source), target)
    else:
        written = await _export_rows(args, target)
    print(written)
    return Exit.DONE


async def _export_rows(args: Namespace, target: Path) -> object:
    from qwright.evals.export.swebench_rows import export_rows
    from qwright.evals.testbed.prepare import prepare
    from qwright.sandbox.dirs import cache_dir

    instances = _wanted(load(args.source, split=args.split), args.instance)
    require_gradable(instances)
    beds = [await prepare(one, cache_dir() / "evals", _say) for one in instances]
    return await export_rows(beds, target, _say)


async def _list(args: Namespace) -> int:
    for one in _instances(args):
        first = sanitise(one.prompt.strip().partition("\n")[0])[:80]
        lacking = f"  [needs {', '.join(one.needs)}]" if one.needs else ""
        print(f"{shown_name(one.id):40} {first}{lacking}")
    return Exit.DONE


_ACTIONS: Mapping[str, Callable[[Namespace], Coroutine[object, object, int]]] = {
    "run": _run,
    "grade": _grade,
    "validate": _validate,
    "compare": _compare,
    "report": _report,
    "export": _export,
    "list": _list,
}


def _instances(args: Namespace) -> list[Instance]:
    found = _wanted(load(args.dataset, split=args.split), args.instance)
    return found[: args.limit] if args.limit else found


async def _fitting(instances: Sequence[Instance], image: str | None) -> list[Instance]:
    """Without those whose image lacks a program they need; says which. Raises ConfigError."""
    from qwright.evals.testbed.needs import lacking

    left_out = await lacking(instances, image, _say)
    for name, programs in left_out.items():
        _say(f"{name}: left out, the image has no {', '.join(programs)}; --image names another")
    fitting = [one for one in instances if one.id not in left_out]
    if not fitting:
        raise ConfigError("no instance is left: the image lacks what they need")
    return fitting


def _say(line: str) -> None:
    print(sanitise(line), file=sys.stderr)


def _wanted(instances: Sequence[Instance], names: Sequence[str]) -> list[Instance]:
    """Those that were named, by id or, where none is that, the end of ids; all where none was."""
    ids = [one.id for one in instances]
    meant = {
        name: {name} if name in ids else {one for one in ids if one.endswith(name)}
        for name in names
    }
    if missing := [name for name, found in meant.items() if not found]:
        raise ConfigError(f"no instance is called {', '.join(missing)}: see `qwright eval list`")
    return [one for one in instances if not names or one.id in set[str]().union(*meant.values())]


def _settings(args: Namespace) -> tuple[Settings, Choice]:
    from qwright.evals.run.settings import Settings

    config, _ = load_config(Path.cwd())
    effort = args.effort or config.effort
    if args.agent != "qwright":
        effort = args.effort  # the configuration's is our own agent's
        for flag, value in (("--attempts", args.attempts), ("--effort", effort)):
            if value not in (None, 1):
                raise ConfigError(f"{args.agent} has no {flag}: leave it out")
    model, base_url = config.asked(args.model, args.base_url)
    settings = Settings(
        model=model,
        base_url=base_url,
        effort=effort,
        profiles=tuple(config.profile),
        attempts=args.attempts,
        max_turns=args.max_turns or config.max_turns,
        max_tokens=args.max_tokens,
        max_cost=args.max_cost or config.max_cost,
        max_wall_time=args.max_wall_time,
        verify_timeout=args.verify_timeout,
        image=args.image,
        agent=args.agent,
        agent_command=args.agent_command,
    )
    return settings, choose(model, base_url, config.profile)


def _plan(args: Namespace, chosen: Choice) -> Plan:
    from qwright.evals.run.local_engine import LocalEngine
    from qwright.evals.run.runner import Plan
    from qwright.evals.run.settings import Total

    if args.address and args.engine != "ray":
        raise ConfigError("--address names a ray cluster: add --engine ray")
    engine = LocalEngine()
    if args.engine == "ray":
        from qwright.evals.run.ray_engine import RayEngine

        engine = RayEngine(args.address)
    here = chosen.endpoint is None or chosen.endpoint.is_loopback
    return Plan(
        out=Path(args.out).absolute(),
        dataset=args.dataset,
        repeat=args.repeat,
        workers=args.workers or (1 if here else _SERVED_WORKERS),
        grade=not args.no_grade,
        redo=args.redo,
        total=Total(
            tokens=args.total_tokens,
            calls=args.total_calls,
            cost=args.total_cost,
            seconds=args.total_time,
        ),
        model_requests=args.model_requests or (1 if chosen.endpoint is None else None),
        engine=engine,
    )
