"""One task in a session of its own: checkout, container, agent, and the log of what it did.

    run = Run(session, model, chosen, task, place, directory, progress=progress)
    finished = await run.work()
    patch = run.diff()

is the whole of a run without a person; `qwright "task"` and the evals use exactly this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, closing
from functools import partial
from pathlib import Path

from qwright.agent.choice import Choice
from qwright.agent.eventlog import EventLog
from qwright.agent.events import Event, RunFinished, RunStarted
from qwright.agent.exits import of_reason
from qwright.agent.loop import Agent, Task
from qwright.agent.model import Model
from qwright.agent.workplace import Place, open_workspace
from qwright.sandbox.errors import QwrightError
from qwright.sandbox.seen import yours_of
from qwright.sandbox.session_dir import Session
from qwright.sandbox.store import Checkpoint
from qwright.sandbox.text_patch import text_patch
from qwright.sandbox.workspace import Workspace
from qwright.tools import tools_for

Listener = Callable[[Event], None]


class Run:
    """Owns the agent and its container, not the session nor the model: the caller closes those."""

    def __init__(
        self,
        session: Session,
        model: Model,
        chosen: Choice,
        task: Task,
        place: Place,
        directory: Path,
        *,
        progress: Callable[[str], None],
        listeners: Sequence[Listener] = (),
    ) -> None:
        """`session` is new and owned by this process; its files will be those of `directory`.

        Needs a running event loop. `listeners` hear of every event, after it was logged.
        """
        self._session = session
        self._task = task
        self._place = place
        self._directory = directory
        self._progress = progress
        self._listeners = listeners
        self._end: Callable[[], None] | None = None
        """How it was ended from outside, which may come before it has begun."""
        self._opening: asyncio.Future[Workspace] = asyncio.get_running_loop().create_future()
        profile = chosen.profile
        self._agent = Agent(
            model,
            profile,
            tools_for(profile.tools, profile.context),
            self._opening,
            session=session.record.id,
            model_name=chosen.name,
            provider=chosen.provider,
            mount=place.mount,
        )

    async def work(self) -> RunFinished:
        """Work until the end, whatever that is; the container is gone when this returns.

        Raises WorkspaceError where nothing can be written down.
        """
        opener = asyncio.create_task(self._open())
        opener.add_done_callback(self._hand_on)
        try:
            finished = await self._follow()
        finally:
            opener.cancel()
            # What is half open would start a container nobody knows of.
            await asyncio.wait((opener,))
            if self.workspace:
                await self.workspace.close()
        result = self.workspace and self._session.store().cursor()
        changes = {"result": result.commit} if result else {}
        code = int(of_reason(finished.reason))
        self._session.update(status=finished.reason, exit_code=code, **changes)
        return finished

    def interrupt(self) -> None:
        """End it at once; `work` still returns, and what was done is kept."""
        self._end = self._agent.interrupt
        self._end()

    def fail(self, error: QwrightError) -> None:
        """End it at once because of `error`."""
        self._end = partial(self._agent.fail, error)
        self._end()

    @property
    def failure(self) -> QwrightError | None:
        """What ended it, where that was no limit and nobody's wish."""
        return self._agent.failure

    @property
    def workspace(self) -> Workspace | None:
        """None where the files could not be copied, or not yet."""
        opening = self._opening
        if not opening.done() or opening.cancelled() or opening.exception():
            return None
        return opening.result()

    def ends(self) -> tuple[Checkpoint, Checkpoint] | None:
        """What was changed lies between these; None when it ended before there were files."""
        if self.workspace is None:
            return None
        store = self._session.store()
        last = store.cursor()
        return (yours_of(store), last) if last else None

    def diff(self) -> str:
        """What was changed as a git patch, binary files included, as `git apply` takes it."""
        ends = self.ends()
        return text_patch(self._session.store(), *ends) if ends else ""

    async def _open(self) -> None:
        try:
            workspace = await open_workspace(
                self._session, self._directory, self._place, self._progress, self.fail
            )
        except QwrightError as error:
            self._opening.set_exception(error)
            self.fail(error)
        else:
            self._opening.set_result(workspace)

    def _hand_on(self, opener: asyncio.Task[None]) -> None:
        """What nobody foresaw ends the run as well, instead of leaving it waiting."""
        error = None if opener.cancelled() else opener.exception()
        if error and not self._opening.done():
            self._opening.set_exception(error)

    async def _follow(self) -> RunFinished:
        finished: RunFinished | None = None
        with closing(EventLog(self._session.path / "events.jsonl")) as log:
            async with aclosing(self._agent.run(self._task)) as events:
                async for event in events:
                    log.append(event)
                    if self._end and isinstance(event, RunStarted):
                        self._end()
                    for hear in self._listeners:
                        hear(event)
                    finished = event if isinstance(event, RunFinished) else finished
        assert finished is not None, "a run ends with run_finished"
        return finished
