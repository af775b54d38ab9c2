"""A run without a person, as the evals have it: `agent.run.Run`, with a real container."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from qwright.agent.choice import Choice
from qwright.agent.endpoint import Endpoint
from qwright.agent.eventlog import read_events
from qwright.agent.events import Event, RunFinished, ToolFinished
from qwright.agent.loop import Task
from qwright.agent.profile import DEFAULT
from qwright.agent.run import Run
from qwright.agent.workplace import Place
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.session_dir import Session
from tests.e2e.house import containers
from tests.fakes import Answer, ScriptedModel, call, says
from tests.sandbox.repos import contents, git, make_repo

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

FILES = {"a.py": b"x = 1\n", "latin.txt": "caf\xe9\n".encode("latin-1")}
SHELL = (
    r"cat /proc/mounts | grep -o ' /elsewhere '; printf '\0\1' > bin; printf '\351' >> latin.txt"
)
DONE = Answer("Done.")


class Played:
    """A run that is over, and what its listener heard."""

    def __init__(self, root: Path, *answers: Answer) -> None:
        self.repo = make_repo(root / "repo", FILES)
        self.root = root / "sessions"
        self.root.mkdir()
        self.heard: list[Event] = []
        self._model = ScriptedModel(*answers)

    def play(self, place: Place, before: Callable[[Run], None] = lambda _: None) -> RunFinished:
        return asyncio.run(self._play(place, before))

    async def _play(self, place: Place, before: Callable[[Run], None]) -> RunFinished:
        chosen = Choice(DEFAULT, Endpoint("http://127.0.0.1:9/v1", "", "m1", "compatible"), None)
        self.session = Session.create(self.repo, root=self.root)
        self.run = Run(
            *(self.session, self._model, chosen, Task("t"), place, self.repo),
            progress=print,
            listeners=(self.heard.append,),
        )
        before(self.run)
        try:
            return await self.run.work()
        finally:
            self.session.close()
            assert containers(self.session.record.id) == []


def test_it_logs_what_it_tells_and_leaves_a_patch(tmp_path: Path, image: str) -> None:
    played = Played(tmp_path, says(call("run_shell_command", command=SHELL)), DONE)
    finished = played.play(Place(image=image, mount="/elsewhere"))
    assert (finished.reason, played.run.failure) == ("done", None)
    assert list(read_events(played.session.path / "events.jsonl")) == played.heard
    (done,) = [one for one in played.heard if isinstance(one, ToolFinished)]
    assert "/elsewhere" in done.text
    other = make_repo(tmp_path / "other", FILES)
    git(other, "apply", stdin=played.run.diff().encode())
    after = {**FILES, "latin.txt": FILES["latin.txt"] + b"\xe9", "bin": b"\0\1"}
    assert {name: data for name, (_, data) in contents(other, without=(".git",)).items()} == after
    record = Session.load(played.session.path).record
    assert (record.status, record.exit_code) == ("done", 0)


def test_an_interrupt_that_comes_before_it_has_begun(tmp_path: Path, image: str) -> None:
    played = Played(tmp_path, Answer("Hm", hang=True))
    finished = played.play(Place(image=image), before=Run.interrupt)
    assert finished.reason == "interrupted"


def test_what_ended_it_is_known(tmp_path: Path) -> None:
    played = Played(tmp_path, Answer("Hm", hang=True))
    finished = played.play(Place(image="localhost/no/such:image"))
    assert finished.reason == "sandbox_error"
    assert isinstance(played.run.failure, SandboxError)
    assert played.run.diff() == ""
