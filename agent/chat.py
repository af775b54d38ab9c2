"""A conversation with an agent in a session: prompts, undo, results. No terminal in here.

A front end sends prompts, shows the events, and calls the rest when a person asks for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Literal

from qwright.agent import asides, undo
from qwright.agent import events as ev
from qwright.agent.choice import Choice
from qwright.agent.config import project_root
from qwright.agent.connection import Connection
from qwright.agent.cost import require_known_price
from qwright.agent.deliver import names
from qwright.agent.desk import Desk
from qwright.agent.errors import ConfigError
from qwright.agent.images import attach
from qwright.agent.language import say
from qwright.agent.loop import Agent, Task
from qwright.agent.memory import notes_for
from qwright.agent.mentions import mentioned
from qwright.agent.policy import Approver, Policy
from qwright.agent.results import Results
from qwright.agent.setting import Setting, Status
from qwright.agent.turns import Turn, Turns
from qwright.agent.undo import Taken
from qwright.agent.wait import GIVEN_UP, Wait
from qwright.agent.workplace import Place
from qwright.sandbox.added import add_directory
from qwright.sandbox.errors import QwrightError
from qwright.sandbox.session_dir import Session, fork_session
from qwright.sandbox.tree import Tree
from qwright.sandbox.user_commit import recent_subjects
from qwright.sandbox.workspace import Workspace
from qwright.tools import tools_for
from qwright.tools.truncate import truncate

What = Literal["both", "files", "conversation"]
_MENTIONED = 0.25
"""Share of the window that files mentioned in one prompt may take."""
_SHELL_CHARACTERS = 4_000
_SHELL_SECONDS = 3_600.0


class Chat:
    """One person, one model, one session at a time."""

    def __init__(
        self,
        setting: Setting,
        session: Session,
        approver: Approver,
        progress: Callable[[str], None],
    ) -> None:
        """`session` is owned by this process: a new one, or one to go on with."""
        self.setting = setting
        self.policy = Policy(setting.config.mode, approver, project_root(setting.directory))
        self._connection = Connection(setting.choice, progress)
        self._progress = progress
        self._agent: Agent | None = None
        self._wait = Wait()
        self._notes: list[str] = []
        """What the model is to be told with the next prompt."""
        self._running = False
        self._desk = self._sit_down(session)

    def _sit_down(self, session: Session) -> Desk:
        directory = self.setting.directory
        return Desk(session, directory, self.setting.place, self._progress, self._failed)

    def _failed(self, error: QwrightError) -> None:
        if self._running and self._agent:
            self._agent.fail(error)

    def begin(self) -> None:
        """Start what takes long: the model's server, the checkout, the container."""
        self._connection.begin()
        self._desk.begin()

    async def workspace(self) -> Workspace:
        """Raises WorkspaceError where the files could not be copied."""
        return await self._desk.workspace()

    async def ready(self, *, verified: bool = False) -> Agent:
        """The agent, with a model that can be asked. Raises ConfigError, ModelError."""
        self.begin()
        model = await self._connection.model(verified=verified)
        chosen = self.choice
        profile = chosen.profile
        if self.setting.limits.cost is not None:
            require_known_price(chosen.name, profile, chosen.provider)
        held = await self._connection.model(verified=True) if profile.attach_files else None
        if self._agent is None:
            transcript = self._desk.transcript
            self._agent = Agent(
                model,
                profile,
                tools_for(profile.tools, profile.context),
                self._desk.begin(),
                session=self.session.record.id,
                model_name=chosen.name,
                provider=chosen.provider,
                policy=self.policy,
                transcript=transcript,
            )
            if messages := transcript.messages():
                self._agent.restore(messages)
        else:
            self._agent.workspace = self._desk.begin()
            self._agent.switch(model, profile, chosen.name, chosen.provider)
        self._agent.insisting = held
        return self._agent

    async def send(self, prompt: str, *, verify: bool = False) -> AsyncGenerator[ev.Event]:
        """Work on a prompt; with `verify` until the verify command passes.

        The user's own edits since the last prompt are brought in first. The last event is a
        RunFinished. Raises ConfigError, ModelError, WorkspaceError when it cannot begin.
        """
        prepared = await self._wait.for_(self._prepare(prompt, verify))
        if prepared is None:
            yield GIVEN_UP
            return
        agent, task, before, lines = prepared
        turn = self.turns.begin(prompt, self._desk.transcript.mark(), before)
        self._running = True
        try:
            for line in lines:
                yield ev.Notice(text=line)
            async with aclosing(agent.run(task)) as events:
                async for event in events:
                    self._desk.note(event)
                    yield event
        finally:
            self._running = False
            await self._desk.ended(turn, self.choice.name)

    def interrupt(self) -> None:
        """End the prompt in work at once; what was done so far is kept."""
        if not self._wait.interrupt() and self._running and self._agent:
            self._agent.interrupt()

    async def shell(self, command: str) -> AsyncGenerator[ev.Event]:
        """Run the user's own command in the sandbox; the model hears of it with the next prompt."""
        self.begin()
        call = {"command": command}
        begun = ev.ToolStarted(id="shell", name="run_shell_command", arguments=call)
        self._desk.note(begun)
        yield begun
        lines = await self._wait.for_(self._pull())
        if lines is None:
            yield GIVEN_UP
            return
        for line in lines:
            yield ev.Notice(text=line)
        workspace, started = await self.workspace(), time.monotonic()
        mark = self._desk.transcript.mark()
        turn = self.turns.begin(f"!{command}", mark, await self._desk.cursor())
        try:
            done = await self._wait.for_(workspace.run(command, timeout=_SHELL_SECONDS))
            await workspace.checkpoint(f"! {command}", step=0)
        finally:
            await self._desk.ended(turn, self.choice.name)
        if done is None:
            yield GIVEN_UP
            return
        finished = ev.ToolFinished(
            id="shell",
            name="run_shell_command",
            is_error=done.exit_code != 0,
            text=done.output,
            details={"exit_code": done.exit_code},
            seconds=time.monotonic() - started,
        )
        self._desk.note(finished)
        yield finished
        shown = truncate(done.output, _SHELL_CHARACTERS)
        said = f"The user ran `{command}` in the sandbox (exit code {done.exit_code}):\n{shown}"
        self._notes.append(said)

    async def compact(self, hint: str = "") -> AsyncGenerator[ev.Event]:
        """Replace the conversation by a summary, with attention to `hint`."""
        agent = await self.ready()
        self._running = True
        try:
            async with aclosing(agent.compact(hint)) as events:
                async for event in events:
                    self._desk.note(event)
                    if isinstance(event, ev.UsageReported):
                        self._desk.add(event.request, event.cost)
                    yield event
        finally:
            self._running = False

    async def clear(self) -> None:
        """Forget the conversation; files, undo and the log stay."""
        self._desk.transcript.follow(())
        if self._agent:
            self._agent.clear()

    async def _prepare(self, prompt: str, verify: bool) -> tuple[Agent, Task, str, list[str]]:
        if verify and not self.setting.verify:
            raise ConfigError(say("commands.no_verify"))
        agent = await self.ready(verified=verify)
        profile, directory = self.choice.profile, self.setting.directory
        before, lines = "", list[str]()
        if self._desk.open or not self._desk.is_new:
            lines = await self._pull()
            before = await self._desk.cursor()
        named, images = attach(prompt, directory, vision=profile.vision, model=self.choice.name)
        # A small model's loop shows it the files that a prompt names by itself.
        files, budget = not profile.attach_files, round(profile.context * _MENTIONED)
        text, attached, left_out = mentioned(named, Tree(directory), budget, files=files)
        if left_out:
            lines.append(say("repl.not_attached", names=names(left_out)))
        for note in self._notes:
            agent.note(note)
        self._notes.clear()
        task = Task(
            text,
            self.setting.verify,
            self.setting.verify_timeout,
            self.setting.limits,
            notes="" if len(agent.messages) > 1 else notes_for(directory, profile),
            images=tuple(images),
            judged="always" if verify else "after_change",
            attached=attached,
        )
        return agent, task, before, lines

    async def _pull(self) -> list[str]:
        """Bring in what the user has edited; returns lines for the user, and notes the model's."""
        notes, lines = await self._desk.pull()
        self._notes += notes
        return lines

    async def undo(self) -> Taken:
        """Take the last turn's changes back, out of the user's files too. Raises QwrightError."""
        taken = await undo.undo(self.turns, self.results)
        self._tell("took your last changes back, in", taken)
        return taken

    async def redo(self) -> Taken:
        """Bring the changes that were undone last back. Raises QwrightError."""
        taken = await undo.redo(self.turns, self.results)
        self._tell("brought your changes back, in", taken)
        return taken

    async def rewind(self, turn: Turn, what: What, *, yours: bool = True) -> Taken:
        """Go back to before a turn; with `yours` in the user's files too. Raises QwrightError."""
        taken = Taken((), turn.prompt, also_yours=False)
        if what != "conversation":
            taken = await undo.back_to(turn, self.turns, self.results, yours=yours)
        if what == "files":
            self._tell("took your last changes back, in", taken)
        else:
            self._desk.transcript.back_to(turn.mark)
            if self._agent:
                self._agent.restore(self._desk.transcript.messages())
            for one in self.turns.all[turn.number - 1 :]:
                self.turns.update(one, forgotten=True)
        return taken

    def _tell(self, what: str, taken: Taken) -> None:
        if taken.paths:
            self._notes.append(f"The user {what}: {', '.join(taken.paths)}")

    async def replace_theirs(self, paths: Collection[str]) -> None:
        """End a conflict with the agent's version; `undo` brings the user's back."""
        before, after = await self.results.replace_theirs(paths)
        turn = self.turns.begin(", ".join(paths), self._desk.transcript.mark(), before)
        self.turns.update(turn, after=after)

    @property
    def session(self) -> Session:
        return self._desk.session

    @property
    def turns(self) -> Turns:
        return self._desk.turns

    @property
    def results(self) -> Results:
        """What the session has changed: look, accept, reject, commit."""
        return self._desk.results

    @property
    def agent(self) -> Agent | None:
        """None until the model is ready; see `ready`."""
        return self._agent

    @property
    def choice(self) -> Choice:
        return self._connection.choice

    @property
    def directory(self) -> Path:
        """Where the user is."""
        return self.setting.directory

    @property
    def source(self) -> Path:
        """The root of the user's files."""
        return Path(self.session.record.source)

    def status(self) -> Status:
        chosen, desk = self.choice, self._desk
        used, size = self._agent.context if self._agent else (0, chosen.profile.context)
        return Status(
            chosen.name,
            used,
            size,
            desk.tokens,
            desk.cost,
            desk.sandbox_state,
            self.policy.mode,
            self.session.record.title,
            desk.results.changed,
        )

    async def suggest_message(self) -> str:
        """A commit message for what is new, by the model. Raises WorkspaceError."""
        diff = await self.results.uncommitted()
        agent = await self.ready()
        examples = await asyncio.to_thread(recent_subjects, self.source, 5)
        with self._desk.aside() as budget:
            asked = (agent.model, agent.profile, diff, examples)
            return await asides.commit_message(*asked, budget=budget)

    async def suggest_title(self) -> str:
        """A few words for the first prompt; by the model where that is cheap."""
        agent = await self.ready()
        answer = next((one.content for one in agent.messages if one.role == "assistant"), "")
        asked = (agent.model, agent.profile, self.session.record.prompt, answer)
        with self._desk.aside() as budget:
            return await asides.title_for(*asked, budget=budget)

    def unrecorded(self) -> list[str]:
        """A line for each file that cannot be undone or accepted, each told once."""
        return self._desk.unrecorded()

    def set_title(self, title: str) -> None:
        self.session.update(title=title)

    def set_verify(self, command: str | None) -> None:
        """The verify command from now on."""
        self.setting = replace(self.setting, verify=command)

    async def switch_model(self, chosen: Choice) -> None:
        """Go on with another model; the one before stays when the new one is not to be had."""
        connection = Connection(chosen, self._progress)
        try:
            await connection.model()
        except (QwrightError, asyncio.CancelledError):
            await connection.close()
            raise
        self._connection, old = connection, self._connection
        await self.ready()
        await old.close()

    async def set_place(self, place: Place) -> None:
        """Another image or network: a new container over the same files."""
        await self._desk.restart(place)
        self.setting = replace(self.setting, place=place)

    async def add_directory(self, directory: Path) -> str:
        """Copy a folder to where the model can read it; returns that path."""
        await self.workspace()
        path = await asyncio.to_thread(add_directory, self.session, directory)
        self._notes.append(f"The user added the folder {path} for you to read.")
        return path

    async def fork(self, turn: Turn | None = None) -> None:
        """Go on in a copy of this session, as it is or was before `turn`; yours stay as is."""
        copy = await asyncio.to_thread(fork_session, self.session, None)
        await self.change_session(copy)
        if turn:
            await self.rewind(turn, "both", yours=False)

    async def change_session(self, session: Session) -> None:
        """Leave this session and go on with another, which this process owns."""
        await self._desk.close()
        self._agent = None
        self._notes.clear()
        self._desk = self._sit_down(session)
        self.begin()

    async def close(self) -> None:
        """Stop everything; a session in which nothing was asked leaves nothing behind."""
        self.interrupt()
        await self._desk.close()
        await self._connection.close()
