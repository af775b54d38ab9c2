"""How nine servers cut an answer into chunks, and what they put around each piece."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.recorded.answers import Call, Case, Fragment

Json = dict[str, Any]
_TOKEN = re.compile(r"</?(?:tool_call|think)>| ?\w{1,6}|\r?\n+|[^\w\s]{1,3}|\s")
_SPECIAL = re.compile(r"</?(?:tool_call|think)>")
_CREATED = 1795350000
_LONG = 8000
_CHUNKS = 9
"""About how many chunks an answer is cut into; the files would be too large else."""


@dataclass(frozen=True)
class Server:
    """`reasoning`: the field thoughts come in, "" where they stay in the text.

    `step`: tokens to a chunk. `event`: a delta and a finish_reason as one event. `call`: a call in
    the server's own pieces. `last`: what follows the answer, usage mostly.
    """

    models: dict[str, str]
    event: Callable[[Json, str | None, str], Json]
    call: Callable[[Call, int], Iterator[Json]]
    last: Callable[[str], Json]
    first: Json
    reasoning: str = "reasoning_content"
    step: int = 4
    newline: str = "\n"
    comment: str = ""
    role: bool = False
    """Whether every delta names the role."""
    fused: bool = False
    """Whether the last piece of an answer that was cut carries the finish_reason."""
    end: str = ""
    """The content of the delta that ends an answer, "-" for none."""


def body(server: Server, case: Case) -> list[str]:
    """The events of a stream as they are sent; joined they are the body."""
    model = server.models[case.family]
    deltas = [dict(server.first), *_deltas(server, case)]
    ending: Json = {} if server.end == "-" else {"content": server.end}
    if server.fused and case.finish == "length":
        ending = deltas.pop()
    events = [server.event(_roled(server, delta), None, model) for delta in deltas]
    events += [server.event(_roled(server, ending), case.finish, model), server.last(model)]
    lines = [f"data: {_dump(event)}" for event in events] + ["data: [DONE]"]
    comments = [server.comment] if server.comment else []
    return [line + 2 * server.newline for line in (*comments, *lines)]


def _dump(event: Json) -> str:
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    # Half of a pair cannot be encoded; JavaScript servers write it as an escape.
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def _roled(server: Server, delta: Json) -> Json:
    return {"role": "assistant", "content": "", **delta} if server.role else delta


def _deltas(server: Server, case: Case) -> Iterator[Json]:
    content, reasoning = case.content, case.reasoning
    if reasoning and not server.reasoning:
        content = f"<think>\n{reasoning}" + (f"\n</think>\n\n{content}" if content else "")
        reasoning = ""
    for piece in _pieces(reasoning, server, case):
        yield {server.reasoning: piece}
    for piece in _pieces(content, server, case):
        yield {"content": piece}
    for index, call in enumerate(case.native):
        yield from ({"tool_calls": [piece]} for piece in server.call(call, index))
    yield from ({"tool_calls": [_fragment(fragment)]} for fragment in case.fragments)


def _pieces(text: str, server: Server, case: Case) -> Iterator[str]:
    if len(text) > _LONG:
        yield from (text[at : at + 1500] for at in range(0, len(text), 1500))
        return
    tokens, held = _TOKEN.findall(text), ""
    step = 1 if case.whole else max(server.step, len(tokens) // _CHUNKS)
    for place, token in enumerate(tokens):
        held += token
        if case.halves and max(held) > "\uffff":
            yield from _halved(held)
            held = ""
        elif place % step == 0 or _SPECIAL.fullmatch(token):
            yield held
            held = ""
    if held:
        yield held


def _halved(token: str) -> Iterator[str]:
    """Cut in the middle of the first surrogate pair."""
    units = token.encode("utf-16-le", "surrogatepass")
    at = next(n for n in range(0, len(units), 2) if 0xD8 <= units[n + 1] <= 0xDB) + 2
    for part in (units[:at], units[at:]):
        yield part.decode("utf-16-le", "surrogatepass")


def _fragment(fragment: Fragment) -> Json:
    function = {"name": fragment.name, "arguments": fragment.arguments}
    piece: Json = {"index": fragment.index, "id": fragment.id, "type": "function"}
    if function := {key: value for key, value in function.items() if value is not None}:
        piece["function"] = function
    return {key: value for key, value in piece.items() if value is not None}


def _arguments(call: Call) -> list[str]:
    text = json.dumps(call.arguments, ensure_ascii=False)
    size = 1500 if len(text) > _LONG else max(12, len(text) // _CHUNKS)
    return [text[at : at + size] for at in range(0, len(text), size)]


def pieces_of_call(
    given: str, *, later: Json, name: str = "first"
) -> Callable[[Call, int], Iterator[Json]]:
    """A call whose first piece has the id `given`, and the others what `later` says."""

    def call_pieces(call: Call, index: int) -> Iterator[Json]:
        function = {"name": call.name, "arguments": ""}
        head = {"index": index, "id": f"{given}{index}" if given else ""}
        yield {**head, "type": "function", "function": function}
        for piece in _arguments(call):
            extra = {"name": None} if name == "null" else {}
            yield {"index": index, **later, "function": {**extra, "arguments": piece}}

    return call_pieces


def whole_call(given: str) -> Callable[[Call, int], Iterator[Json]]:
    """A call in one piece."""

    def call_pieces(call: Call, index: int) -> Iterator[Json]:
        arguments = json.dumps(call.arguments, ensure_ascii=False, separators=(",", ":"))
        function = {"name": call.name, "arguments": arguments}
        yield {"id": f"{given}{index}", "index": index, "type": "function", "function": function}

    return call_pieces


def envelope(
    id_: str, *, before: Json | None = None, after: Json | None = None
) -> Callable[[Json, str | None, str], Json]:
    """An event as OpenAI has it; a server adds `before` to the event and `after` to the choice."""

    def event(delta: Json, finish: str | None, model: str) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, **(after or {})}
        head = {"id": id_, "object": "chat.completion.chunk", "created": _CREATED}
        return {**head, "model": model, **(before or {}), "choices": [choice]}

    return event


def usage(id_: str, **more: Any) -> Callable[[str], Json]:
    extra = more.pop("usage", {})

    def last(model: str) -> Json:
        head = {"id": id_, "object": "chat.completion.chunk", "created": _CREATED, "model": model}
        counted = {"prompt_tokens": 412, "completion_tokens": 57, "total_tokens": 469}
        return {**head, "choices": [], "usage": {**counted, **extra}, **more}

    return last
