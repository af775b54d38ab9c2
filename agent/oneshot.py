"""`qwright "task"`: the wiring of one run, from flags to exit code."""

from __future__ import annotations

import asyncio
import select
import sys
from argparse import Namespace
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from qwright.agent import choice, config, deliver, language
from qwright.agent.cost import require_known_price
from qwright.agent.errors import ConfigError
from qwright.agent.events import Event, RunFinished, ToolFinished, VerifyFinished
from qwright.agent.exits import of_reason
from qwright.agent.images import attach
from qwright.agent.language import say, translated
from qwright.agent.limits import Limits
from qwright.agent.memory import notes_for
from qwright.agent.outcome import Outcome
from qwright.agent.progress import Progress
from qwright.agent.render import Renderer
from qwright.agent.run import Run
from qwright.agent.setup_hint import setup_hint
from qwright.agent.signals import interrupting
from qwright.agent.task import Task
from qwright.agent.thinking import effort_notice
from qwright.agent.workplace import Place
from qwright.sandbox.session_dir import Session

STDIN_LIMIT = 200_000
"""Characters."""
STDIN_PATIENCE = 2.0
"""Seconds."""


def run(args: Namespace) -> Coroutine[object, object, int]:
    """Check everything that can be checked now, then return the work. Raises QwrightError.

    No coroutine itself: inside one, Ctrl-C would not end the reading of stdin.
    """
    directory = Path(args.cwd)
    if not directory.is_dir():
        raise ConfigError(f"-C {args.cwd}: no such directory")
    settings, notices = config.load(directory)
    if args.output_format != "text":
        language.choose("en")  # programs read it
    progress = Progress(sys.stderr)
    for notice in notices:
        progress(notice)
    wanted = deliver.Wanted(args.no_apply, args.patch, args.branch)
    if args.patch == "-" and args.output_format != "text":
        raise ConfigError(
            f"stdout is for --output-format {args.output_format}: give --patch a file"
        )
    deliver.check(wanted, directory)
    verify = _text(args.verify) or settings.verify
    limits = Limits(
        args.max_turns or settings.max_turns,
        args.max_tokens,
        args.max_wall_time,
        args.max_cost or settings.max_cost,
    )
    given, piped = _prompt(args, sys.stdin, progress)
    task = Task(given, verify, args.verify_timeout, limits, attempts=args.attempts)
    model, base_url = settings.asked(args.model, args.base_url)
    chosen = choice.choose(model, base_url, settings.profile)
    chosen = replace(chosen, effort=args.effort or settings.effort)
    place = Place(
        image=args.image or settings.image,
        setup=tuple(args.setup or settings.setup),
        network=args.network or settings.network,
    )
    return _work(chosen, task, piped, place, directory, _renderer(args), wanted, progress)


async def _work(
    chosen: choice.Choice,
    task: Task,
    piped: str,
    place: Place,
    directory: Path,
    renderer: Renderer,
    wanted: deliver.Wanted,
    progress: Progress,
) -> int:
    chosen = await choice.settle(chosen, progress=progress)
    if task.limits.cost is not None:
        require_known_price(chosen.name, chosen.profile, chosen.provider)
    if line := effort_notice(chosen.name, chosen.profile, chosen.effort):
        progress(line)
    task = _whole(task, piped, chosen, directory)
    model = await choice.connect(chosen, verified=bool(task.verify), progress=progress)
    task = replace(task, notes=notes_for(directory, chosen.profile))
    session = Session.create(directory.resolve(), prompt=task.prompt, model=chosen.name)
    ending = _Ending(session, wanted)
    try:
        run = Run(
            session,
            model,
            chosen,
            task,
            place,
            directory,
            progress=progress,
            listeners=(renderer.show, ending.hear),
        )
        with interrupting(run.interrupt, "see `qwright sessions`"):
            outcome = await ending.conclude(await run.work(), run)
            renderer.close(outcome)
        return outcome.exit_code
    finally:
        session.close()
        await model.close()


def _whole(task: Task, piped: str, chosen: choice.Choice, directory: Path) -> Task:
    """With the pictures its prompt names, and what was piped in: there a name is just a name."""
    prompt, images = attach(task.prompt, directory, vision=chosen.profile.vision, model=chosen.name)
    return replace(task, prompt=f"{prompt}\n\n{piped}".strip(), images=tuple(images))


class _Ending:
    """What comes after a run: the result to the user, and what became of it."""

    def __init__(self, session: Session, wanted: deliver.Wanted) -> None:
        self._session = session
        self._wanted = wanted
        self._outputs: list[str] = []

    def hear(self, event: Event) -> None:
        """Keep what commands said: the cause of a failure may be in it."""
        if isinstance(event, ToolFinished):
            self._outputs.append(event.text)
        elif isinstance(event, VerifyFinished):
            self._outputs.append(event.output)

    async def conclude(self, finished: RunFinished, run: Run) -> Outcome:
        """Deliver what there is, and write down how the run ended."""
        code = of_reason(finished.reason)
        workspace, ends = run.workspace, run.ends()
        text, hints, diff, files = "", list[str](), "", list[str]()
        if ends is None and code == 0:
            text = say("oneshot.nothing")
        if workspace is not None and ends is not None:
            store = self._session.store()
            diff = store.diff(*ends)
            files = [change.path for change in store.changed(*ends)]
            hints += map(translated, workspace.notices)
            if code == 0:
                delivered = await asyncio.to_thread(deliver.deliver, self._session, self._wanted)
                text, code = delivered.text, delivered.exit_code
                hints += delivered.hints
            elif files:
                hints.append(say("oneshot.kept_unapplied", session=self._session.record.id))
            if code and (hint := setup_hint(self._outputs, workspace.tree)):
                hints.append(hint)
        self._session.update(exit_code=int(code))
        return Outcome(
            session=self._session.record.id,
            finished=finished,
            exit_code=int(code),
            files=tuple(files),
            diff=diff,
            delivered=text,
            hints=tuple(hints),
        )


def _prompt(args: Namespace, stdin: TextIO | None, progress: Progress) -> tuple[str, str]:
    """What the command line says, and stdin: context of the task, or the task itself."""
    if args.task and args.prompt:
        raise ConfigError("the task is given twice: as an argument and with --prompt")
    given = _text(args.prompt or args.task).strip()
    piped = "" if stdin is None or stdin.isatty() else _read(stdin, progress).strip()
    if len(piped) > STDIN_LIMIT:
        raise ConfigError(f"stdin holds more than {STDIN_LIMIT:,} characters; pipe in less")
    if not given and not piped:
        raise ConfigError('no task: qwright "what to do", or text on stdin; see qwright --help')
    return given, piped


def _read(stdin: TextIO, progress: Progress) -> str:
    # What started us may hold stdin open and send nothing; then the user learns what is awaited.
    if not select.select([stdin], [], [], STDIN_PATIENCE)[0]:
        progress(say("oneshot.reading_stdin"))
    return stdin.read(STDIN_LIMIT + 1)


def _text(argument: str | None) -> str:
    """An argument as text that can be sent and saved, whatever bytes the shell passed."""
    return (argument or "").encode(errors="surrogateescape").decode(errors="replace")


def _renderer(args: Namespace) -> Renderer:
    from qwright.agent.render.machine import JsonRenderer, StreamJsonRenderer

    match args.output_format:
        case "json":
            return JsonRenderer(sys.stdout)
        case "stream-json":
            return StreamJsonRenderer(sys.stdout)
        case _:
            from qwright.agent.render.text import TextRenderer, open_console

            return TextRenderer(open_console(sys.stderr if args.patch == "-" else sys.stdout))
