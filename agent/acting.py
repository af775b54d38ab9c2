"""The calls of one answer: read, approved where the policy wants it, run, told to the model."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

from qwright.agent import events as ev
from qwright.agent.conversation import Conversation
from qwright.agent.limits import Budget
from qwright.agent.messages import ToolCall
from qwright.agent.policy import Policy, Request, refusal
from qwright.sandbox.workspace import Workspace
from qwright.tools.base import Tool, ToolResult, parse_call

MALFORMED = {"malformed": True}
"""Details of a call that could not be read, or did not fit its tool."""


class Actor:
    """Runs the calls of one answer, in order. Once one is refused, so are those after it."""

    def __init__(
        self,
        tools: Mapping[str, type[Tool]],
        policy: Policy,
        budget: Budget,
        talk: Conversation,
        workspace: Workspace,
    ) -> None:
        self.may_have_written = False
        self._tools = tools
        self._policy = policy
        self._budget = budget
        self._talk = talk
        self._workspace = workspace
        self._refusal: ToolResult | None = None

    async def act(self, call: ToolCall, remark: str = "") -> AsyncGenerator[ev.Event, None]:
        """One call, to its result; `remark` is added to what the model is told. Raises Stop."""
        yield ev.ToolStarted(id=call.id, name=call.name, arguments=call.arguments)
        tool = self._parse(call)
        if isinstance(tool, Tool) and not self._refusal:
            async with aclosing(self._permit(call, tool)) as events:
                async for event in events:
                    yield event
        started = time.monotonic()
        result = self._refusal or tool
        if isinstance(result, Tool):
            self.may_have_written = self.may_have_written or result.may_write
            result = await self._budget.wait(result.run(self._workspace))
        text = self._talk.returned(call, result, remark)
        yield ev.ToolFinished(
            id=call.id,
            name=call.name,
            is_error=result.is_error,
            text=text,
            details=result.details,
            seconds=time.monotonic() - started,
        )

    def _parse(self, call: ToolCall) -> Tool | ToolResult:
        if call.error:
            return ToolResult(call.error, dict(MALFORMED), is_error=True)
        parsed = parse_call(self._tools, call.name, call.arguments)
        if isinstance(parsed, ToolResult):
            return replace(parsed, details={**parsed.details, **MALFORMED})
        return parsed

    async def _permit(self, call: ToolCall, tool: Tool) -> AsyncGenerator[ev.Event, None]:
        verdict = await self._policy.check(call, tool, self._workspace)
        if isinstance(verdict, Request):
            yield ev.ApprovalAsked(
                id=call.id, name=call.name, subject=verdict.subject, kind=verdict.kind
            )
            verdict = await self._budget.wait(self._policy.ask(verdict))
        elif verdict.allowed:
            return
        if not verdict.allowed:
            self._refusal = refusal(verdict)
        yield ev.ApprovalGiven(id=call.id, allowed=verdict.allowed, by=verdict.by, why=verdict.why)
