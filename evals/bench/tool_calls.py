"""How many requests that need a tool come back as valid calls of the embedded model.

    python -m qwright.evals.bench.tool_calls --out CALLS.jsonl [--model NAME]... [--count 100]

Each request is asked in three ways: held to a grammar, free and read by qwright, and with the
server's own tool calls. Answers are appended to the file as they come; what is in it is not asked
again.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, JsonValue

from qwright.agent.dialects.select import dialect_for
from qwright.agent.embedded.catalogue import find
from qwright.agent.embedded.loopback import as_object, ask
from qwright.agent.embedded.server import Endpoint as Server
from qwright.agent.embedded.server import ensure_server
from qwright.agent.endpoint import Endpoint
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import CallChunk, Finish, Sampling, ToolSpec
from qwright.agent.openai_client import OpenAIModel
from qwright.agent.opening import system_prompt
from qwright.agent.profile import profile_for
from qwright.evals.bench.measure import Budget, Row, table
from qwright.evals.bench.tool_requests import ToolRequest, tool_requests
from qwright.tools import ALL_TOOLS
from qwright.tools.base import Tool, parse_call, spec

Way = Literal["grammar", "free", "server"]
WAYS: dict[Way, str] = {
    "grammar": "held to a grammar",
    "free": "free, read by qwright",
    "server": "the server's own tool calls",
}
MODELS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
COUNT = 100
ALL = Budget(100.0, of="value", least=True)


class Asked(BaseModel):
    """One request, asked in one way. `valid`: it came back as calls whose arguments fit."""

    model: str
    way: Way
    id: str
    valid: bool
    right: bool
    """The first call is of the tool that was needed."""
    seconds: float
    tokens: int
    problem: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    calls: list[ToolCall]
    reason: str
    tokens: int
    text: str


class Asking:
    """One model behind the embedded server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._profile = profile_for(server.model, "embedded")

    async def ask(self, request: ToolRequest, way: Way) -> Asked:
        """Raises ModelError, OSError."""
        began = time.monotonic()
        if way == "server":
            answer = await self._ask_server(request)
        else:
            answer = await self._ask_through(request, way)
        problem = problem_of(answer)
        return Asked(
            model=self._server.model,
            way=way,
            id=request.id,
            valid=not problem,
            right=bool(answer.calls) and answer.calls[0].name == request.needs,
            tokens=answer.tokens,
            seconds=round(time.monotonic() - began, 2),
            problem=problem,
            text=answer.text,
        )

    async def _ask_through(self, request: ToolRequest, way: Way) -> Answer:
        profile = self._profile
        dialect = dialect_for(profile.dialect, constraint="grammar", require_call=True)
        if way == "free":
            dialect = dialect_for(profile.text_dialect)
        endpoint = Endpoint(self._server.base_url, self._server.key, self._server.model, "embedded")
        model = OpenAIModel(endpoint, profile, dialect)
        messages, tools = _messages(request), _specs(request)
        stream = model.stream(messages, tools, sampling=self._sampling(request))
        try:
            async with aclosing(stream) as chunks:
                found = [chunk async for chunk in chunks]
        finally:
            await model.close()
        calls = [chunk.call for chunk in found if isinstance(chunk, CallChunk)]
        last = found[-1]
        assert isinstance(last, Finish), "an answer ends with a Finish"
        return Answer(calls, last.reason, last.usage.completion, last.text)

    async def _ask_server(self, request: ToolRequest) -> Answer:
        """With the server's own reader of calls, and nothing of ours behind it."""
        sampling = self._sampling(request)
        body: dict[str, JsonValue] = {
            "messages": [{"role": m.role, "content": m.content} for m in _messages(request)],
            "tools": [{"type": "function", "function": asdict(one)} for one in _specs(request)],
            "tool_choice": "auto",
            "max_tokens": self._profile.max_output,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": 0.0,
            "repeat_penalty": sampling.repetition_penalty,
            "seed": sampling.seed,
        }
        root = self._server.base_url.removesuffix("/v1")
        status, text = await ask(root, "/v1/chat/completions", self._server.key, body)
        if status != 200:
            return Answer([], f"status {status}", 0, text)
        return native_answer(text)

    def _sampling(self, request: ToolRequest) -> Sampling:
        return replace(self._profile.sampling, seed=int(request.id.partition("-")[0]) + 1)


class _Function(BaseModel):
    name: str
    arguments: str


class _Call(BaseModel):
    function: _Function


class _Message(BaseModel):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str = ""


class _Usage(BaseModel):
    completion_tokens: int


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: _Usage


def native_answer(text: str) -> Answer:
    """What the server itself took for calls in a chat completion. Raises ValidationError."""
    completion = _Completion.model_validate_json(text)
    choice = completion.choices[0]
    calls = [
        ToolCall(id="", name=one.function.name, arguments=as_object(one.function.arguments))
        for one in choice.message.tool_calls or []
    ]
    content = choice.message.content or ""
    return Answer(calls, choice.finish_reason, completion.usage.completion_tokens, content)


def problem_of(answer: Answer) -> str:
    """Why these are not valid calls; empty when they are."""
    if not answer.calls:
        return f"no call ({answer.reason})"
    for call in answer.calls:
        parsed = parse_call(ALL_TOOLS, call.name, call.arguments)
        if call.error or not isinstance(parsed, Tool):
            return call.error or getattr(parsed, "text", "")
    return ""


def _messages(request: ToolRequest) -> list[Message]:
    system = Message(role="system", content=system_prompt("small"))
    return [system, Message(role="user", content=request.text)]


def _specs(request: ToolRequest) -> list[ToolSpec]:
    return [ToolSpec(**spec(ALL_TOOLS[name])) for name in request.offered]


def read_answers(out: Path) -> list[Asked]:
    """What is in the file, from which a line that a kill cut off is removed."""
    if not out.exists():
        return []
    text = out.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        out.write_text(whole, "utf-8")
    return [Asked.model_validate_json(line) for line in whole.split("\n")[:-1]]


async def measure(model: str, requests: Sequence[ToolRequest], out: Path) -> None:
    """Ask all that is not in `out` yet. Raises WeightsError, ServerError, ModelError, OSError."""
    done = {(one.model, one.way, one.id) for one in read_answers(out)}
    asking = Asking(await ensure_server(find(model), progress=lambda done, total, label: None))
    for way in WAYS:
        for request in requests:
            if (model, way, request.id) in done:
                continue
            asked = await asking.ask(request, way)
            with out.open("a", encoding="utf-8") as file:
                file.write(asked.model_dump_json() + "\n")
            print(f"{model} {way} {request.id}: {asked.problem or 'valid'}", file=sys.stderr)


def rows(answers: Sequence[Asked], model: str) -> list[Row]:
    """The shares of one model; the server's own beside each of ours."""
    shares = {way: share([one for one in answers if one.way == way]) for way in WAYS}
    return [
        Row(
            f"{model}, {WAYS[way]}, {len(answers) // len(WAYS)} requests",
            "%",
            shares[way],
            shares["server"],
            WAYS["server"],
            ALL if way == "grammar" else None,
        )
        for way in WAYS
        if way != "server"
    ]


def share(answers: Sequence[Asked]) -> float | None:
    """Per cent that are valid calls."""
    return 100 * sum(one.valid for one in answers) / len(answers) if answers else None


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="JSONL")
    parser.add_argument("--model", action="append", help=f"default: {' and '.join(MODELS)}")
    parser.add_argument("--count", type=int, default=COUNT, help="requests of each model and way")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args(argv)
    requests = tool_requests(args.count)
    found: list[Row] = []
    for model in args.model or MODELS:
        asyncio.run(measure(model, requests, args.out))
        wanted = {request.id for request in requests}
        answers = read_answers(args.out)
        found += rows([one for one in answers if one.model == model and one.id in wanted], model)
    print(table(found, markdown=args.markdown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
