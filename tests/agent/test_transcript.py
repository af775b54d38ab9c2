"""The conversation on disk: what was sent can be read again, whatever happened to the file."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwright.agent.messages import Image, Message, ToolCall
from qwright.agent.transcript import LOST, Transcript
from qwright.sandbox.errors import WorkspaceError

SYSTEM = Message(role="system", content="You help.")
CALL = ToolCall(id="c1", name="read_file", arguments={"path": "ä\u2028.py", "deep": [1, None]})
RICH = [
    SYSTEM,
    Message(
        role="user", content="Fix\nit.", asked="it.", images=(Image(media_type="a/b", data="x"),)
    ),
    Message(role="assistant", content="Hm.", tool_calls=(CALL,), reasoning="I think"),
    Message(role="tool", content="text \x1b[0m\r\n", tool_call_id="c1"),
    Message(role="assistant", content="Done."),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "transcript.jsonl"


def user(text: str) -> Message:
    return Message(role="user", content=text)


def test_what_was_followed_is_read_again(path: Path) -> None:
    transcript = Transcript(path)
    for count in range(1, len(RICH) + 1):
        transcript.follow(RICH[:count], step=count)
    assert Transcript(path).messages() == transcript.messages() == RICH
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5]
    assert Transcript(path).mark() == transcript.mark() == 5


def test_no_file_is_an_empty_conversation_and_reading_makes_none(path: Path) -> None:
    assert (Transcript(path).messages(), Transcript(path).mark()) == ([], 0)
    assert not path.exists()


def test_each_change_is_written_as_what_it_is(path: Path) -> None:
    transcript = Transcript(path)
    transcript.follow(RICH)
    transcript.follow(RICH)
    transcript.follow(RICH[:2])
    transcript.follow([SYSTEM, user("A summary.")])
    kinds = [next(iter(json.loads(line))) for line in path.read_text().splitlines()]
    assert kinds == ["add"] * 5 + ["keep", "replace"]


def test_one_can_go_back_to_any_mark_even_before_a_compaction(path: Path) -> None:
    transcript = Transcript(path)
    states = [[SYSTEM], [SYSTEM, user("a")], [SYSTEM, user("a"), user("b")]]
    states += [[SYSTEM, user("summary")], [SYSTEM, user("summary"), user("c")]]
    marks = list[int]()
    for state in states:
        transcript.follow(state)
        marks.append(transcript.mark())
    for mark, state in zip(marks, states, strict=True):
        assert transcript.at(mark) == state
        again = Transcript(path)
        again.back_to(mark)
        assert Transcript(path).messages() == state
    assert transcript.at(0) == []


@pytest.mark.parametrize("cut", range(2, 40, 3))
def test_a_torn_end_is_ignored_and_what_follows_is_not(path: Path, cut: int) -> None:
    Transcript(path).follow([SYSTEM, user("a"), user("bäb" * 20)])
    os.truncate(path, path.stat().st_size - cut)
    found = Transcript(path)
    assert found.messages() == [SYSTEM, user("a")]
    mark = found.mark()
    found.follow([SYSTEM, user("a"), user("c")])
    assert Transcript(path).messages() == [SYSTEM, user("a"), user("c")]
    assert Transcript(path).mark() == found.mark() == mark + 1
    assert Transcript(path).at(mark) == [SYSTEM, user("a")]


def test_a_last_line_without_its_end_counts_where_it_is_whole(path: Path) -> None:
    Transcript(path).follow([SYSTEM, user("a")])
    os.truncate(path, path.stat().st_size - 1)
    found = Transcript(path)
    found.follow([SYSTEM, user("a"), user("b")])
    assert Transcript(path).messages() == [SYSTEM, user("a"), user("b")]


@pytest.mark.parametrize(
    "line", [b"[]", b"1", b'{"add": 1}', b'{"keep": "x"}', b'{"replace": 3}', b"\xff", b"", b"{}"]
)
def test_a_damaged_line_changes_nothing(path: Path, line: bytes) -> None:
    Transcript(path).follow([SYSTEM])
    with path.open("ab") as file:
        file.write(line + b"\n")
    assert Transcript(path).messages() == [SYSTEM]


def test_a_call_without_a_result_gets_one(path: Path) -> None:
    two = Message(role="assistant", tool_calls=(CALL, CALL.model_copy(update={"id": "c2"})))
    result = Message(role="tool", content="text", tool_call_id="c1")
    Transcript(path).follow([SYSTEM, user("a"), two, result])
    lost = Message(role="tool", content=LOST, tool_call_id="c2")
    assert Transcript(path).messages() == [SYSTEM, user("a"), two, result, lost]
    Transcript(path).follow([SYSTEM, two, user("b")])
    roles = [one.role for one in Transcript(path).messages()]
    assert roles == ["system", "assistant", "tool", "tool", "user"]


def test_what_was_written_is_there_after_a_kill(path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from qwright.agent.messages import Message\n"
        "from qwright.agent.transcript import Transcript\n"
        "Transcript(Path(sys.argv[1])).follow([Message(role='user', content='a')])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], env=_env(), timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert Transcript(path).messages() == [user("a")]


def test_a_full_disk_is_an_error_and_nothing_is_half_written(path: Path) -> None:
    transcript = Transcript(path)
    transcript.follow([SYSTEM])
    size = path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
    try:
        with pytest.raises(WorkspaceError, match="cannot write"):
            transcript.follow([SYSTEM, user("long " * 20_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert path.stat().st_size == size
    transcript.follow([SYSTEM, user("long"), user("b")])
    assert Transcript(path).messages() == [SYSTEM, user("long"), user("b")]


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


STEPS = st.lists(
    st.tuples(st.integers(0, 6), st.lists(st.sampled_from("abc"), max_size=3)), max_size=9
)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_any_history_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, list[str]]]
) -> None:
    """Each step keeps the first messages and adds others."""
    path = tmp_path_factory.mktemp("t") / "transcript.jsonl"
    transcript, now = Transcript(path), list[Message]()
    past = {0: list[Message]()}
    for kept, added in steps:
        now = [*now[:kept], *map(user, added)]
        transcript.follow(now)
        past[transcript.mark()] = now
    read = Transcript(path)
    assert read.messages() == now
    assert {mark: read.at(mark) for mark in past} == past
