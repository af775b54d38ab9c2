"""The loop: ask the model, run its calls, record the step, verify. Read this file first.

    async with aclosing(agent.run(task)) as events:
        async for event in events:
            renderer.show(event)

is the whole of every front end.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import KW_ONLY, dataclass, field

from qwright.agent import compaction, opening, rewriting
from qwright.agent import events as ev
from qwright.agent import model as m
from qwright.agent.acting import Actor
from qwright.agent.candidates import Candidates
from qwright.agent.context import Context
from qwright.agent.conversation import Conversation
from qwright.agent.cost import cost_of, counted
from qwright.agent.endpoint import Provider
from qwright.agent.errors import ContextOverflowError, ModelAuthError, ModelError
from qwright.agent.judge import Judge
from qwright.agent.limits import Budget, Circles, Stop
from qwright.agent.messages import Message, ToolCall
from qwright.agent.policy import Policy
from qwright.agent.profile import Profile
from qwright.agent.task import Task
from qwright.agent.transcript import Transcript
from qwright.sandbox.base import MOUNT
from qwright.sandbox.errors import QwrightError
from qwright.sandbox.workspace import Workspace
from qwright.tools import tools_for
from qwright.tools.base import Tool, spec


@dataclass(eq=False)
class Agent:
    """One model, one workspace, one task at a time. Owns the conversation, which goes on."""

    model: m.Model
    profile: Profile
    tools: Mapping[str, type[Tool]]
    workspace: asyncio.Future[Workspace]
    """It may still be opening: the first request does not wait for it."""
    _: KW_ONLY
    session: str = ""
    model_name: str = ""
    provider: Provider = "compatible"
    policy: Policy = field(default_factory=Policy)
    transcript: Transcript | None = None
    insisting: m.Model | None = None
    """The same model held to a call, for when it only announced one."""
    mount: str = MOUNT
    """Where the files lie in the container."""
    failure: QwrightError | None = field(default=None, init=False)
    """What ended the last run, where that was no limit and nobody's wish."""

    def __post_init__(self) -> None:
        self._fit()
        self._talk = self._new_talk()
        self._notes: list[str] = []
        self._planned = False
        """Whether the prompt before was one of plan mode."""
        self._step = 0
        self._begin(Task(""))

    def _fit(self) -> None:
        self._all_specs = [m.ToolSpec(**spec(tool)) for tool in self.tools.values()]
        reading = {name for name, tool in self.tools.items() if not tool.may_write}
        self._reading_specs = [one for one in self._all_specs if one.name in reading]
        prompt = opening.system_prompt(self.profile.prompt, self.mount)
        self._system = Message(role="system", content=prompt)
        self._context = Context(self.profile, self.provider)

    def _begin(self, task: Task) -> None:
        """Start counting anew: limits, attempts and what they tried are a task's own."""
        self._budget, self.failure = Budget(task.limits), None
        most = task.attempts or (self.profile.attempts if task.verify else 1)
        self._judge: Judge | None = None
        if task.verify:
            again = most > 1
            self._judge = Judge(task.verify, task.verify_timeout, self._budget.wait, again)
        self._candidates = Candidates(most, self._budget, self._judge, task.verify_timeout)
        self._circles = Circles()
        self._tried: Counter[str] = Counter()
        """How often each text was to be replaced by an edit."""
        self._narrow: list[m.ToolSpec] = []
        """What an attempt is held to; empty for all tools."""

    # What a front end does between two tasks.

    @property
    def messages(self) -> Sequence[Message]:
        """The conversation, the system prompt included."""
        return tuple(self._talk.messages)

    @property
    def context(self) -> tuple[int, int]:
        """Tokens the conversation takes, and those of the window."""
        return self._talk.used, self._context.size

    def note(self, text: str) -> None:
        """Tell the model something with the next prompt: whole sentences, before it."""
        self._notes.append(text)

    def clear(self) -> None:
        """Forget the conversation."""
        self.restore(())

    def restore(self, messages: Sequence[Message]) -> None:
        """Go on from these messages, as `Transcript.messages` gives them."""
        self._talk = self._new_talk()
        self._talk.resume(messages)

    def switch(self, model: m.Model, profile: Profile, name: str, provider: Provider) -> None:
        """Go on with another model, in the same conversation."""
        self.model = model
        if (profile, name, provider) == (self.profile, self.model_name, self.provider):
            return
        self.profile, self.model_name, self.provider = profile, name, provider
        self.tools = tools_for(profile.tools, profile.context)
        self._fit()
        self._talk.move(self._context, self._system, self._all_specs, vision=profile.vision)

    async def compact(self, hint: str = "") -> AsyncGenerator[ev.Event, None]:
        """Replace the conversation by a summary, which keeps above all what `hint` names."""
        self._begin(Task(""))
        try:
            if not self._talk.can_shrink():
                raise Stop("context_limit", "there is nothing to shorten yet")
            async with aclosing(self._summarise(hint)) as events:
                async for event in events:
                    yield event
            self._talk.settle("Ready to go on.")
        except (Stop, QwrightError) as error:
            yield ev.Notice(text=f"the conversation stays as it is: {error}")

    def _new_talk(self) -> Conversation:
        return Conversation(self._context, self._system, self._all_specs, self.transcript)

    # One task.

    def interrupt(self) -> None:
        """End the run at once; it still yields run_finished, and the work so far is kept."""
        self._budget.interrupt()

    def fail(self, error: QwrightError) -> None:
        """End the run at once because what it stands on, such as the container, has failed."""
        self._budget.fail(error)

    async def run(self, task: Task) -> AsyncGenerator[ev.Event, None]:
        """Work on the task. The last event is always a RunFinished, whatever went wrong."""
        self._begin(task)
        reason: ev.StopReason = "interrupted"  # until something else is known
        text = ""
        yield ev.RunStarted(session=self.session, model=self.model_name, prompt=task.prompt)
        try:
            async with aclosing(self._attempts(task)) as events:
                async for event in events:
                    yield event
            last = self._talk.messages[-1]
            reason, text = "done", last.content if last.role == "assistant" else ""
        except Stop as stop:
            reason, text = stop.reason, str(stop) + await self._keep(stop.reason)
        except QwrightError as error:
            self.failure, reason, text = error, _reason_of(error), str(error)
        finally:
            self._talk.settle(opening.LAST_WORDS.get(reason, f"[stopped: {text}]"))
        yield ev.RunFinished(
            reason=reason,
            text=text,
            turns=self._budget.turns,
            tokens=self._budget.tokens,
            seconds=self._budget.seconds,
            cost=self._budget.cost,
            verified=self._judge.verified if self._judge else None,
        )

    async def _attempts(self, task: Task) -> AsyncGenerator[ev.Event, None]:
        """Solve; where a verify command can judge, a small model gets fresh attempts.

        With all it needs in its prompt it may only change a line of a short file, or write it anew.
        """
        failing = None
        if self._judge and self.profile.eager_verify and task.judged == "always":
            failing = await self._judge.first(await self._workspace())
            yield failing
            await self._candidates.start_over(fresh=False)
        first = await self._first_prompt(task, failing)
        before, candidates, attempt = self._talk, self._candidates, 1
        while True:
            stop = None
            self._prepare(first, attempt)
            self._talk = before.fork()
            self._talk.asked(task.prompt, first.prompt, task.images)
            try:
                async with aclosing(self._solve(task, attempt)) as events:
                    async for event in events:
                        yield event
            except Stop as why:
                stop = why
            except ModelError as error:
                yield candidates.lost(attempt, error)
                break
            if candidates.most > 1:
                await self._workspace()  # what has only talked is an attempt too
            if not await candidates.add(attempt, self._talk, stop, self._step):
                break
            attempt += 1
            yield ev.AttemptStarted(attempt=attempt, of=candidates.most)
            await candidates.start_over()
        async with aclosing(candidates.choose(attempt, stop)) as events:
            async for event in events:
                yield event
        self._talk, stop = candidates.stands(self._talk, stop)
        if stop:
            raise stop

    def _prepare(self, first: opening.Opening, attempt: int) -> None:
        """Only a grammar holds a model to the lines on offer."""
        self._circles = Circles()
        if first.files and self.profile.constraint == "grammar":
            anew = attempt % self.profile.rewrite_every == 0
            self._narrow = rewriting.offer(first.files, self._tried, anew=anew)

    async def _solve(self, task: Task, attempt: int) -> AsyncGenerator[ev.Event, None]:
        """Turns until the model is done and, where there is a verify command, that passes."""
        sampling = self.profile.sampling_for(attempt)
        failures, touched = 0, False
        for _ in range(self._turns(task)):
            changed = False
            async with aclosing(self._turn(sampling)) as events:
                async for event in events:
                    changed = changed or isinstance(event, ev.CheckpointMade)
                    yield event
            touched = touched or changed
            judge = self._judge if touched or task.judged == "always" else None
            answered = self._talk.messages[-1].role == "assistant"
            if not (answered or (changed and judge and self.profile.eager_verify)):
                continue
            if judge is None:
                if self.profile.attach_files and self._talk.announced():
                    continue
                return
            verdict = await judge.verdict(await self._workspace())
            yield verdict
            if verdict.exit_code == 0:
                return
            failures += 1
            if failures >= self.profile.failures_per_attempt:
                break
            self._talk.told(opening.still_failing(verdict, changed))
        raise Stop("not_verified", f"`{task.verify}` did not pass")

    def _turns(self, task: Task) -> int:
        """How many an attempt has; where nothing judges it, only the run's own limits bound it."""
        if self._narrow:
            return 1
        judged = task.verify and task.judged == "always"
        return self.profile.turns_per_attempt if judged else sys.maxsize

    async def _turn(self, sampling: m.Sampling) -> AsyncGenerator[ev.Event, None]:
        """One answer of the model and, when it has calls, their results and a checkpoint."""
        self._budget.check_spending()
        yield ev.TurnStarted(turn=self._budget.next_turn())
        plan = self.policy.mode == "plan"
        self._talk.tools = self._reading_specs if plan else self._narrow or self._all_specs
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
            if not self._talk.shorten():
                async with aclosing(self._summarise()) as events:
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

    async def _summarise(self, hint: str | None = None) -> AsyncGenerator[ev.Event, None]:
        """Replace the conversation by a summary. Raises Stop when that makes nothing shorter.

        `hint` is a person's, whose wish is not met with the mere facts where a model can tell more.
        """
        own = ""
        if self.profile.constraint in ("none", "strict"):  # the others force a call
            own, took = await self._talk.own_summary(self.model, self._budget, hint or "")
            for usage in took:
                yield self._spent(usage)
            self._budget.check_spending()
            if hint is not None and not own.strip():
                raise Stop("model_error", "the model gave no summary")
        changed = compaction.changed_files(await (await self._workspace()).diff())
        yield self._talk.compact(own, changed)

    async def _stream(self, sampling: m.Sampling) -> AsyncGenerator[ev.Event, None]:
        """One request: its answer as it comes, then what it took."""
        calls, said = list[ToolCall](), list[str]()
        talk, room = self._talk, self._talk.room
        talk.hear(said)
        model = (talk.insists and self.insisting) or self.model
        asked = model.stream(talk.messages, talk.tools, sampling=sampling, max_output=room)
        async with aclosing(asked) as stream:
            while (chunk := await self._budget.wait(anext(stream, None))) is not None:
                match chunk:
                    case m.PrefillChunk(done, total):
                        yield ev.Prefilling(done=done, total=total)
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
        remark = opening.SAME_AGAIN if seen > 1 else ""
        actor = Actor(self.tools, self.policy, self._budget, self._talk, workspace)
        for call in calls:
            self._tried[str(call.arguments.get("old_string"))] += 1
            async with aclosing(actor.act(call, remark)) as events:
                async for event in events:
                    yield event
        self._step = self._talk.step = self._step + 1
        if actor.may_have_written:
            label = ", ".join(call.name for call in calls)
            made = await workspace.checkpoint(label, step=self._step)
            if made:
                yield ev.CheckpointMade(step=made.step, commit=made.commit)

    async def _workspace(self) -> Workspace:
        workspace = await self._budget.wait(asyncio.shield(self.workspace))
        if found := await self._candidates.found(workspace):
            self._step = max(self._step, found.step)
        return workspace

    async def _first_prompt(self, task: Task, failing: ev.VerifyFinished | None) -> opening.Opening:
        was, self._planned = self._planned, self.policy.mode == "plan"
        mode = opening.about_mode(planned=self._planned, before=was)
        notes = "\n\n".join(filter(None, (task.notes, *self._notes, mode)))
        if self.profile.attach_files:
            tree = (await self._workspace()).tree
            first = opening.with_context(task.prompt, tree, failing, notes, task.attached)
        else:
            parts = filter(None, (notes, task.prompt, task.attached))
            first = opening.Opening("\n\n".join(parts).lstrip())
        self._notes.clear()
        return first

    async def _keep(self, reason: str) -> str:
        """Record what an interrupted step has done so far; a line where that is impossible."""
        # What came after a step that was judged is the verify command's.
        if reason == "not_verified" or not self.workspace.done() or self.workspace.exception():
            return ""
        try:
            await self.workspace.result().checkpoint(f"stopped: {reason}", step=self._step)
        except QwrightError as error:
            return f"; the last step was not recorded: {error}"
        return ""

    def _spent(self, usage: m.Usage) -> ev.UsageReported:
        return self._budget.spend(usage, cost_of(usage, self.profile))


def _reason_of(error: QwrightError) -> ev.StopReason:
    if isinstance(error, ModelAuthError):
        return "key_refused"
    return "model_error" if isinstance(error, ModelError) else "sandbox_error"
