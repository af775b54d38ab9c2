"""The loop: ask the model, run its calls, record the step, verify. Read this file first.

    async with aclosing(agent.run(task)) as events:
        async for event in events:
            renderer.show(event)

is the whole of every front end.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from qwright.agent import compaction, opening, rewriting
from qwright.agent import events as ev
from qwright.agent import model as m
from qwright.agent.context import Context
from qwright.agent.conversation import Conversation
from qwright.agent.cost import cost_of, counted
from qwright.agent.endpoint import Provider
from qwright.agent.errors import ContextOverflowError, ModelAuthError, ModelError
from qwright.agent.limits import Budget, Circles, Limits, Stop
from qwright.agent.messages import Image, Message, ToolCall
from qwright.agent.profile import Profile
from qwright.sandbox.errors import QwrightError
from qwright.sandbox.workspace import Workspace
from qwright.tools.base import Tool, ToolResult, parse_call, spec

WORTH_A_FRESH_ATTEMPT: frozenset[ev.StopReason] = frozenset({"not_verified", "repeated_call"})


@dataclass(frozen=True, slots=True)
class Task:
    """What a run is for, and how far it may go."""

    prompt: str
    verify: str | None = None
    """A shell command; exit code 0 in the sandbox means success, whatever the model says."""
    verify_timeout: float = 120.0
    """Seconds."""
    limits: Limits = field(default_factory=Limits)
    notes: str = ""
    """What the first prompt says before the task, such as the project's AGENTS.md."""
    images: tuple[Image, ...] = ()
    """Shown to the model with the first prompt, which names them."""


class Agent:
    """One model, one workspace, one task at a time. Owns the conversation."""

    def __init__(
        self,
        model: m.Model,
        profile: Profile,
        tools: Mapping[str, type[Tool]],
        workspace: asyncio.Future[Workspace],
        *,
        session: str = "",
        model_name: str = "",
        provider: Provider = "compatible",
    ) -> None:
        """`workspace` may still be opening: the first request does not wait for it."""
        self._model = model
        self._profile = profile
        self._tools = tools
        self._opening = workspace
        self._session = session
        self._model_name = model_name
        self._all_specs = [m.ToolSpec(**spec(tool)) for tool in tools.values()]
        self._system = Message(role="system", content=opening.system_prompt(profile.prompt))
        self._context = Context(profile, provider)
        self._talk = Conversation(self._context, self._system, "", self._all_specs)
        self._budget = Budget(Limits())
        self._circles = Circles()
        self._step = 0
        self._verified: bool | None = None
        self._tried: Counter[str] = Counter()
        """How often each text was to be replaced by an edit."""
        self._failed: set[str] = set()
        """States of the files for which the verify command is known to fail."""

    def interrupt(self) -> None:
        """End the run at once; it still yields run_finished, and the work so far is kept."""
        self._budget.interrupt()

    def fail(self, error: QwrightError) -> None:
        """End the run at once because what it stands on, such as the container, has failed."""
        self._budget.fail(error)

    async def run(self, task: Task) -> AsyncGenerator[ev.Event, None]:
        """Work on the task. The last event is always a RunFinished, whatever went wrong."""
        self._budget = Budget(task.limits)
        self._verified = None
        self._failed = set()
        self._tried = Counter()
        reason: ev.StopReason = "done"
        text = ""
        yield ev.RunStarted(session=self._session, model=self._model_name, prompt=task.prompt)
        try:
            async with aclosing(self._attempts(task)) as events:
                async for event in events:
                    yield event
            text = (
                self._talk.messages[-1].content
                if self._talk.messages[-1].role == "assistant"
                else ""
            )
        except Stop as stop:
            reason, text = stop.reason, str(stop) + await self._keep(stop.reason)
        except ModelAuthError as error:
            reason, text = "key_refused", str(error)
        except ModelError as error:
            reason, text = "model_error", str(error)
        except QwrightError as error:
            reason, text = "sandbox_error", str(error)
        yield ev.RunFinished(
            reason=reason,
            text=text,
            turns=self._budget.turns,
            tokens=self._budget.tokens,
            seconds=self._budget.seconds,
            cost=self._budget.cost,
            verified=self._verified,
        )

    async def _attempts(self, task: Task) -> AsyncGenerator[ev.Event, None]:
        """Solve; where a verify command can judge, a small model gets fresh attempts.

        With everything it needs in its prompt it is offered no more than to change a line of a
        short file and, now and then, to write it anew.
        """
        failing = None
        if task.verify and self._profile.eager_verify:
            failing = await self._verify(task, task.verify)
            yield failing
        first = await self._first_prompt(task, failing)
        attempts = self._profile.attempts if task.verify else 1
        for attempt in range(1, attempts + 1):
            if attempt > 1:
                yield ev.AttemptStarted(attempt=attempt, of=attempts)
                workspace = await self._workspace()
                await workspace.restore(workspace.base)
            self._circles = Circles()
            specs = self._offer(first, attempt)
            self._talk = Conversation(
                self._context, self._system, first.prompt, specs, images=task.images
            )
            try:
                async with aclosing(self._solve(task, attempt)) as events:
                    async for event in events:
                        yield event
                return
            except Stop as stop:
                if stop.reason not in WORTH_A_FRESH_ATTEMPT or attempt == attempts:
                    raise

    async def _solve(self, task: Task, attempt: int) -> AsyncGenerator[ev.Event, None]:
        """Turns until the model is done and, where there is a verify command, that passes."""
        sampling = self._profile.sampling_for(attempt)
        failures = 0
        for _ in range(self._turns(task)):
            changed = False
            async with aclosing(self._turn(sampling)) as events:
                async for event in events:
                    changed = changed or isinstance(event, ev.CheckpointMade)
                    yield event
            answered = self._talk.messages[-1].role == "assistant"
            eager = changed and self._profile.eager_verify and task.verify is not None
            if not (answered or eager):
                continue
            if task.verify is None:
                return
            verdict = await self._verify_once(task, task.verify)
            yield verdict
            if verdict.exit_code == 0:
                return
            failures += 1
            if failures >= self._profile.failures_per_attempt:
                break
            self._talk.told(opening.still_failing(verdict, changed))
        raise Stop("not_verified", f"`{task.verify}` did not pass")

    def _turns(self, task: Task) -> int:
        """How many an attempt has. Without a verify command only the run's own limits bound it."""
        if self._talk.tools is not self._all_specs:
            return 1
        return self._profile.turns_per_attempt if task.verify else sys.maxsize

    async def _turn(self, sampling: m.Sampling) -> AsyncGenerator[ev.Event, None]:
        """One answer of the model and, when it has calls, their results and a checkpoint."""
        self._budget.check_spending()
        yield ev.TurnStarted(turn=self._budget.next_turn())
        async with aclosing(self._ask(sampling)) as events:
            async for event in events:
                yield event
        calls = self._talk.messages[-1].tool_calls
        if calls:
            async with aclosing(self._act(calls)) as events:
                async for event in events:
                    yield event

    async def _ask(self, sampling: m.Sampling) -> AsyncGenerator[ev.Event, None]:
        """Get one answer to a conversation that fits the model's window, and append it."""
        while True:
            async with aclosing(self._make_room()) as events:
                async for event in events:
                    yield event
            try:
                async with aclosing(self._stream(sampling)) as events:
                    async for event in events:
                        yield event
                return
            except ContextOverflowError as error:
                notice = self._talk.refused(error)
            yield notice

    async def _make_room(self) -> AsyncGenerator[ev.Event, None]:
        """Shorten a conversation that leaves no room for an answer. Raises Stop when it cannot."""
        if self._talk.shorten():
            return
        own = ""
        if self._profile.constraint in ("none", "strict"):  # the others force a call
            own, took = await self._talk.own_summary(self._model, self._budget)
            for usage in took:
                yield self._spent(usage)
            self._budget.check_spending()
        changed = compaction.changed_files(await (await self._workspace()).diff())
        yield self._talk.compact(own, changed)

    async def _stream(self, sampling: m.Sampling) -> AsyncGenerator[ev.Event, None]:
        """One request: its answer as it comes, then what it took."""
        calls, said = list[ToolCall](), list[str]()
        talk, room = self._talk, self._talk.room
        stream = self._model.stream(talk.messages, talk.tools, sampling=sampling, max_output=room)
        while (chunk := await self._budget.wait(anext(stream, None))) is not None:
            match chunk:
                case m.TextDelta(text):
                    said.append(text)
                    yield ev.TextDelta(text=text)
                case m.ReasoningDelta(text):
                    yield ev.ReasoningDelta(text=text)
                case m.CallChunk(call):
                    calls.append(call)
                case m.RetryChunk(reason, attempt, wait, usage):
                    said.clear()
                    if usage:
                        yield self._spent(usage)
                    yield ev.Retrying(reason=reason, attempt=attempt, wait=wait)
                case m.Finish():
                    yield self._spent(counted(chunk, talk.messages, talk.tools))
                    talk.answered(chunk, calls, "".join(said), room)

    async def _act(self, calls: Sequence[ToolCall]) -> AsyncGenerator[ev.Event, None]:
        """Run the calls in order, then record what they changed."""
        workspace = await self._workspace()
        seen = self._circles.check(calls, workspace.state)
        may_write = False
        for call in calls:
            self._tried[str(call.arguments.get("old_string"))] += 1
            yield ev.ToolStarted(id=call.id, name=call.name, arguments=call.arguments)
            started = time.monotonic()
            tool = self._parse(call)
            may_write = may_write or (isinstance(tool, Tool) and tool.may_write)
            if isinstance(tool, Tool):
                result = await self._budget.wait(tool.run(workspace))
            else:
                result = tool
            text = self._talk.returned(call, result, opening.SAME_AGAIN if seen > 1 else "")
            yield ev.ToolFinished(
                id=call.id,
                name=call.name,
                is_error=result.is_error,
                text=text,
                details=result.details,
                seconds=time.monotonic() - started,
            )
        self._step += 1
        if may_write:
            label = ", ".join(call.name for call in calls)
            made = await workspace.checkpoint(label, step=self._step)
            if made:
                yield ev.CheckpointMade(step=made.step, commit=made.commit)

    def _parse(self, call: ToolCall) -> Tool | ToolResult:
        if call.error:
            return ToolResult(call.error, is_error=True)
        return parse_call(self._tools, call.name, call.arguments)

    async def _verify_once(self, task: Task, command: str) -> ev.VerifyFinished:
        """The verdict on the present files. Raises Stop where an attempt before left the same."""
        state = (await self._workspace()).state
        if state in self._failed:
            raise Stop(
                "not_verified", f"`{command}` did not pass; the same change was tried before"
            )
        verdict = await self._verify(task, command)
        if verdict.exit_code != 0 and self._profile.attempts > 1:
            self._failed.add(state)
        return verdict

    async def _verify(self, task: Task, command: str) -> ev.VerifyFinished:
        workspace = await self._workspace()
        where = workspace.subdirectory
        run = command if where == "." else f"cd {shlex.quote(where)} && {command}"
        done = await self._budget.wait(workspace.run(run, timeout=task.verify_timeout))
        self._verified = done.exit_code == 0
        return ev.VerifyFinished(
            command=command, exit_code=done.exit_code, output=done.output, seconds=done.seconds
        )

    async def _workspace(self) -> Workspace:
        return await self._budget.wait(asyncio.shield(self._opening))

    async def _first_prompt(self, task: Task, failing: ev.VerifyFinished | None) -> opening.Opening:
        if not self._profile.attach_files:
            return opening.Opening(f"{task.notes}\n\n{task.prompt}".lstrip())
        tree = (await self._workspace()).tree
        return opening.with_context(task.prompt, tree, failing, notes=task.notes)

    def _offer(self, first: opening.Opening, attempt: int) -> list[m.ToolSpec]:
        # Only a grammar holds a model to the files and lines on offer.
        if not (first.files and self._profile.constraint == "grammar"):
            return self._all_specs
        lines = rewriting.one_line(first.files, self._tried)
        if lines and attempt % self._profile.rewrite_every:
            return lines
        return rewriting.whole_file(first.files)

    async def _keep(self, reason: str) -> str:
        """Record what an interrupted step has done so far; a line where that is impossible."""
        if not self._opening.done() or self._opening.exception():
            return ""
        try:
            await self._opening.result().checkpoint(f"stopped: {reason}", step=self._step)
        except QwrightError as error:
            return f"; the last step was not recorded: {error}"
        return ""

    def _spent(self, usage: m.Usage) -> ev.UsageReported:
        return self._budget.spend(usage, cost_of(usage, self._profile))
