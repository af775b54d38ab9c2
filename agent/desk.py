"""One session being worked in: its workspace, opened in the background, and its logs."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from qwright.agent import events as ev
from qwright.agent.deliver import names
from qwright.agent.eventlog import EventLog, spent
from qwright.agent.language import say
from qwright.agent.limits import Budget, Limits
from qwright.agent.results import Results
from qwright.agent.transcript import Transcript
from qwright.agent.turns import Turn, Turns
from qwright.agent.workplace import Place, open_workspace, reopen_workspace, starter, sweep
from qwright.sandbox.errors import QwrightError
from qwright.sandbox.session_dir import Session
from qwright.sandbox.workspace import Workspace
from qwright.tools.truncate import truncate

ASIDE_SECONDS = 30.0
_DIFF_CHARACTERS = 4_000
SandboxState = Literal["starting", "ready", "failed"]


class Desk:
    """Owns the session it is given, until it is closed."""

    def __init__(
        self,
        session: Session,
        directory: Path,
        place: Place,
        progress: Callable[[str], None],
        on_failure: Callable[[QwrightError], None],
    ) -> None:
        events = session.path / "events.jsonl"
        self.session = session
        self.turns = Turns(session.path / "turns.jsonl")
        self.transcript = Transcript(session.path / "transcript.jsonl")
        self.results = Results(session, self.workspace)
        self.tokens: ev.Tokens
        """Of all its prompts."""
        self.cost: float | None
        """US dollars of all its prompts; None where that is not known."""
        self.tokens, self.cost = spent(events)
        self._directory = directory
        self._place = place
        self._progress = progress
        self._on_failure = on_failure
        self.is_new = not (session.path / "store.git").is_dir()
        """Whether its files were still to be copied when it was sat down to: then the first prompt
        need not wait for them."""
        self._log = EventLog(events)
        self._told = 0
        self._opening: asyncio.Task[Workspace] | None = None

    def begin(self) -> asyncio.Task[Workspace]:
        """Start to open the workspace, unless it was started and has not failed."""
        if self._opening is None or (self._opening.done() and self._opening.exception()):
            self._opening = asyncio.create_task(self._open())
            # Whoever needs the files hears of an error; nobody may.
            self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._opening

    async def workspace(self) -> Workspace:
        """Raises WorkspaceError where the files could not be copied."""
        return await asyncio.shield(self.begin())

    @property
    def open(self) -> Workspace | None:
        """The workspace, once it is there."""
        opening = self._opening
        if opening is None or not opening.done() or opening.cancelled() or opening.exception():
            return None
        return opening.result()

    @property
    def sandbox_state(self) -> SandboxState:
        if self._opening is None or not self._opening.done():
            return "starting"
        return self.open.sandbox_state if self.open else "failed"

    async def restart(self, place: Place) -> None:
        """Another container over the same files."""
        workspace = await self.workspace()
        self._place = place
        await workspace.restart(starter(self.session, place, self._progress, self._on_failure))

    async def pull(self) -> tuple[list[str], list[str]]:
        """Bring in what the user has edited; lines about it for the model, and for the user."""
        pulled = await (await self.workspace()).pull()
        notes, lines = list[str](), list[str]()
        if pulled.paths:
            notes.append(f"The user has changed these files since: {', '.join(pulled.paths)}")
            lines.append(say("repl.pulled", names=names(pulled.paths)))
        if pulled.conflicts:
            theirs = truncate(await self.results.their_version(pulled.conflicts), _DIFF_CHARACTERS)
            notes.append(f"The user changed the same lines as you; their changes:\n{theirs}")
            lines.append(say("repl.conflict", names=names(pulled.conflicts)))
        return notes, lines

    def note(self, event: ev.Event) -> None:
        """Log an event, and add up what it cost."""
        self._log.append(event)
        if isinstance(event, ev.RunFinished):
            self.add(event.tokens, event.cost)

    def add(self, tokens: ev.Tokens, cost: float | None) -> None:
        """Count what was spent; None is a cost that is not known."""
        self.tokens = self.tokens.plus(tokens)
        costs = (self.cost, cost)
        self.cost = None if None in costs else sum(cost or 0.0 for cost in costs)

    @contextmanager
    def aside(self) -> Generator[Budget]:
        """For a question beside the conversation, which costs as well."""
        budget = Budget(Limits(seconds=ASIDE_SECONDS))
        try:
            yield budget
        finally:
            self.add(budget.tokens, budget.cost)

    def unrecorded(self) -> list[str]:
        """A line for each file that no checkpoint could hold, each told once."""
        notices = self.open.notices if self.open else []
        new, self._told = notices[self._told :], len(notices)
        return new

    async def cursor(self) -> str:
        """The commit of the last checkpoint; "" while there is none."""
        cursor = await asyncio.to_thread(self.open.store.cursor) if self.open else None
        return cursor.commit if cursor else ""

    async def ended(self, turn: Turn, model: str) -> None:
        """Write down what a turn has left, however it ended."""
        await self._keep()
        after = await self.cursor()
        before = turn.before or (self.session.record.base if after else "")
        self.turns.update(turn, before=before, after=after)
        if not self.session.record.prompt:
            self.session.update(prompt=turn.prompt, model=model)
        if after:
            await self.results.pending()

    async def close(self) -> None:
        """Let go of the session. One in which nothing was asked leaves nothing behind."""
        cursor = await self.cursor()
        if self._opening:
            self._opening.cancel()
            await asyncio.wait((self._opening,))
            if self.open:
                await self.open.close()
            elif not self.is_new:  # left before it was swept: a killed process may have had it
                await sweep()
        self._log.close()
        record = self.session.record
        if self.turns.all:
            self.session.update(result=cursor or record.result, status="done")
        self.session.close()
        # A run of one prompt has no turns, but its result may be wanted yet.
        if not (self.turns.all or record.prompt):
            await asyncio.to_thread(shutil.rmtree, self.session.path, ignore_errors=True)

    async def _keep(self) -> None:
        """Record what stands where the person leaves in the middle: it belongs to the turn."""
        task, workspace = asyncio.current_task(), self.open
        if task and task.cancelling() and workspace:
            with suppress(QwrightError):  # resuming records it, as a step of its own
                await workspace.checkpoint("left off", step=0)

    async def _open(self) -> Workspace:
        arguments = (self._place, self._progress, self._on_failure)
        if (self.session.path / "store.git").is_dir():
            workspace = await reopen_workspace(self.session, *arguments)
            await self._mend()
        else:
            workspace = await open_workspace(self.session, self._directory, *arguments)
        workspace.bridge.warm()
        return workspace

    async def _mend(self) -> None:
        """Give the turn in which a process was killed its end: what was found there."""
        last = self.turns.all[-1] if self.turns.all else None
        cursor = await asyncio.to_thread(self.session.store().cursor)
        if last and cursor and not last.after:
            before = last.before or self.session.record.base
            self.turns.update(last, before=before, after=cursor.commit)
