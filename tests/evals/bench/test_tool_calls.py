"""The requests that need a tool, and what counts as a valid call. No model is asked."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from qwright.agent.messages import ToolCall
from qwright.evals.bench.tool_calls import (
    Answer,
    Asked,
    Way,
    native_answer,
    problem_of,
    read_answers,
    rows,
)
from qwright.evals.bench.tool_requests import WORDINGS, tool_requests
from qwright.tools import ALL_TOOLS


def test_every_tool_is_needed_and_on_offer() -> None:
    requests = tool_requests(100)
    needed = set(ALL_TOOLS) - {"todo_write"}  # whether to keep a list is up to the model
    assert {request.needs for request in requests} == needed == set(WORDINGS)
    assert all(request.needs in request.offered for request in requests)
    assert len({(request.text, request.offered) for request in requests}) > 80


def test_they_are_always_the_same_and_more_of_them_leave_the_first_alone() -> None:
    few = {request.id: request for request in tool_requests(30)}
    many = {request.id: request for request in tool_requests(100)}
    assert len(many) == 100
    assert few == {id: request for id, request in many.items() if id in few}


def test_requests_with_the_same_tools_lie_together() -> None:
    offered = [request.offered for request in tool_requests(100)]
    changes = sum(one != two for one, two in pairwise(offered))
    assert changes == len(set(offered)) - 1


def answer(*calls: ToolCall) -> Answer:
    return Answer(list(calls), "stop", 5, "")


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("read_file", {"path": "a"}, ""),
        ("read_file", {"path": "a", "offset": "ten"}, "must be an integer"),
        ("read_file", {}, 'missing "path"'),
        ("read_file", {"path": "a", "colour": "red"}, "no argument"),
        ("run", {}, 'no tool "run"'),
    ],
)
def test_a_call_is_valid_when_its_tool_takes_the_arguments(
    name: str, arguments: dict[str, str], problem: str
) -> None:
    found = problem_of(answer(ToolCall(id="1", name=name, arguments=arguments)))
    assert problem in found
    assert bool(found) == bool(problem)


def test_no_call_and_a_broken_call_are_problems() -> None:
    assert problem_of(answer()) == "no call (stop)"
    broken = ToolCall(id="1", name="read_file", arguments={}, error="not JSON")
    assert problem_of(answer(broken)) == "not JSON"


def completion(**message: object) -> str:
    choice = {"message": message, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], "usage": {"completion_tokens": 7}})


def test_the_server_s_own_calls_are_read() -> None:
    function = {"name": "read_file", "arguments": '{"path": "a"}'}
    found = native_answer(completion(content=None, tool_calls=[{"id": "x", "function": function}]))
    assert (found.calls[0].name, found.calls[0].arguments) == ("read_file", {"path": "a"})
    assert found.tokens == 7
    assert native_answer(completion(content='{"name": "read_file"}')).calls == []


def asked(way: Way, id: str, *, valid: bool = True) -> Asked:
    return Asked(model="m", way=way, id=id, valid=valid, right=valid, seconds=1, tokens=2)


def test_an_answer_that_a_kill_cut_off_is_asked_again(tmp_path: Path) -> None:
    out = tmp_path / "calls.jsonl"
    assert read_answers(out) == []
    lines = [asked("grammar", "1\u2028"), asked("free", "2")]
    whole = "".join(one.model_dump_json() + "\n" for one in lines)
    out.write_text(whole + lines[0].model_dump_json()[:20], "utf-8")
    assert read_answers(out) == lines
    assert out.read_text("utf-8") == whole


def test_each_share_stands_beside_the_server_s_own() -> None:
    answers = [
        *(asked("grammar", str(n)) for n in range(4)),
        *(asked("free", str(n), valid=n > 0) for n in range(4)),
        *(asked("server", str(n), valid=n > 2) for n in range(4)),
    ]
    held, free = rows(answers, "m")
    assert (held.ours, held.reference, held.verdict) == (100.0, 25.0, "ok")
    assert (free.ours, free.reference, free.verdict) == (75.0, 25.0, "-")
