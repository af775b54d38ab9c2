from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from qwright.sandbox.base import CommandResult, Sandbox
from qwright.sandbox.bridge import Bridge
from qwright.sandbox.errors import SandboxError, WorkspaceError
from qwright.sandbox.store import CheckpointStore
from qwright.sandbox.tree import Tree
from qwright.sandbox.workspace import Workspace
from tests.sandbox.repos import make_repo, make_store

T = TypeVar("T")


class FakeSandbox:
    """Notes what it is asked; a command writes its text to the file `made`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls: list[str] = []
        self.paused = asyncio.Event()

    async def run(
        self, command: str, *, timeout: float = 120.0, output_limit: int = 60_000
    ) -> CommandResult:
        self.calls.append(f"run {command}")
        (self.root / "made").write_text(command)
        return CommandResult(f"{timeout} {output_limit}", 0, 0.1)

    async def pause(self) -> None:
        self.calls.append("pause")
        self.paused.set()

    async def resume(self) -> None:
        self.calls.append("resume")

    async def close(self) -> None:
        self.calls.append("close")


class Scene:
    def __init__(self, directory: Path) -> None:
        self.store: CheckpointStore = make_store(directory, {"a": b"1\n"})
        self.store.record("base", 0)
        self.sandbox = FakeSandbox(self.store.work_tree)
        self.may_start = asyncio.Event()
        self.starts = 0
        self.failure: SandboxError | None = None

    async def start(self) -> Sandbox:
        self.starts += 1
        await self.may_start.wait()
        if self.failure is not None:
            raise self.failure
        return self.sandbox

    def open(self) -> Workspace:
        return Workspace(Tree(self.store.work_tree), self.store, self.start)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def play(scenario: Coroutine[object, object, T]) -> T:
    return asyncio.run(scenario)


def test_files_and_checkpoints_do_not_wait_for_the_container(scene: Scene) -> None:
    async def scenario() -> None:
        workspace = scene.open()
        workspace.tree.write("a", b"2\n")
        first = await workspace.checkpoint("edit", step=1)
        assert first is not None
        assert await workspace.checkpoint("nothing", step=2) is None
        assert "-1\n+2\n" in await workspace.diff()
        assert await workspace.diff(first) == ""
        await workspace.restore(scene.store.log()[0])
        assert workspace.tree.read("a") == b"1\n"
        assert scene.sandbox.calls == []
        await workspace.close()

    play(scenario())


def test_a_command_waits_for_the_one_container(scene: Scene) -> None:
    async def scenario() -> None:
        workspace = scene.open()
        first = asyncio.create_task(workspace.run("one", timeout=5, output_limit=9))
        second = asyncio.create_task(workspace.run("two"))
        await asyncio.sleep(0)
        assert not first.done()
        scene.may_start.set()
        assert (await first).output == "5 9"
        await second
        assert scene.starts == 1
        await workspace.close()
        await workspace.close()
        assert scene.sandbox.calls[:2] == ["run one", "run two"]
        assert "close" in scene.sandbox.calls

    play(scenario())


def test_the_container_is_paused_around_a_checkpoint_once_a_command_ran(scene: Scene) -> None:
    async def scenario() -> None:
        scene.may_start.set()
        workspace = scene.open()
        await workspace.run("make")
        assert await workspace.checkpoint("made", step=1) is not None
        assert scene.sandbox.calls == ["run make", "pause", "resume"]
        with pytest.raises(WorkspaceError):
            await workspace.restore(scene.store.log()[0].__class__("0" * 40, "0" * 40, 0, ""))
        assert scene.sandbox.calls[-2:] == ["pause", "resume"]
        await workspace.close()

    play(scenario())


def test_a_container_that_does_not_start_fails_the_command_and_not_the_files(scene: Scene) -> None:
    async def scenario() -> None:
        scene.failure = SandboxError("no engine")
        scene.may_start.set()
        workspace = scene.open()
        for _ in range(2):
            with pytest.raises(SandboxError, match="no engine"):
                await workspace.run("make")
        workspace.tree.write("a", b"2\n")
        assert await workspace.checkpoint("edit", step=1) is not None
        await workspace.close()

    play(scenario())


def test_closing_stops_waiting_for_a_container_that_never_comes(scene: Scene) -> None:
    async def scenario() -> None:
        workspace = scene.open()
        waiting = asyncio.create_task(workspace.run("make"))
        await asyncio.sleep(0)
        await asyncio.wait_for(workspace.close(), 5)
        with pytest.raises((asyncio.CancelledError, SandboxError)):
            await waiting

    play(scenario())


def test_a_command_that_is_cancelled_leaves_the_container_starting(scene: Scene) -> None:
    async def scenario() -> None:
        workspace = scene.open()
        waiting = asyncio.create_task(workspace.run("make"))
        await asyncio.sleep(0)
        waiting.cancel()
        scene.may_start.set()
        assert (await workspace.run("again")).exit_code == 0
        await workspace.close()

    play(scenario())


def test_a_checkpoint_that_is_cancelled_is_finished_before_the_container_goes_on(
    scene: Scene,
) -> None:
    async def scenario() -> None:
        scene.may_start.set()
        workspace = scene.open()
        await workspace.run("make")
        checkpoint = asyncio.create_task(workspace.checkpoint("made", step=1))
        await scene.sandbox.paused.wait()
        await asyncio.sleep(0)
        checkpoint.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checkpoint
        assert scene.sandbox.calls == ["run make", "pause", "resume"]
        assert [c.label for c in scene.store.log()] == ["base", "made"]
        await workspace.close()

    play(scenario())


def bridged(directory: Path, scene: Scene, *, disturbed: bool = False) -> tuple[Path, Workspace]:
    repo = make_repo(directory / "repo", {"a": b"1\n"})
    bridge = Bridge(repo, directory, scene.store)
    tree = Tree(scene.store.work_tree)
    return repo, Workspace(tree, scene.store, scene.start, bridge=bridge, disturbed=disturbed)


def test_the_container_is_paused_while_the_user_s_edits_come_in(
    scene: Scene, tmp_path: Path
) -> None:
    async def scenario() -> None:
        scene.may_start.set()
        repo, workspace = bridged(tmp_path, scene)
        assert (await workspace.pull()).paths == []
        await workspace.run("make")
        assert (await workspace.pull()).paths == []
        assert scene.sandbox.calls == ["run make"]
        (repo / "a").write_bytes(b"mine\n")
        assert (await workspace.pull()).paths == ["a"]
        assert workspace.tree.read("a") == b"mine\n"
        assert scene.sandbox.calls == ["run make", "pause", "resume"]
        assert (await workspace.accept()).paths == ["made"]
        assert scene.sandbox.calls == ["run make", "pause", "resume"]
        before = scene.store.cursor()
        workspace.tree.write("a", b"agent\n")
        made = await workspace.checkpoint("edit", step=2)
        assert before is not None
        assert made is not None
        assert (await workspace.accept()).paths == ["a"]
        reverted = await workspace.revert_both(before, made, "undo")
        assert (reverted.paths, reverted.yours) == (["a"], ["a"])
        assert await workspace.revert(made, before, "redo") == ["a"]
        assert await workspace.reject() == ["a"]
        assert scene.sandbox.calls.count("pause") == scene.sandbox.calls.count("resume") == 5
        await workspace.close()

    play(scenario())


def test_a_session_that_goes_on_waits_for_its_new_container_before_it_writes(
    scene: Scene, tmp_path: Path
) -> None:
    async def scenario() -> None:
        repo, workspace = bridged(tmp_path, scene, disturbed=True)
        assert workspace.sandbox_state == "starting"
        (repo / "a").write_bytes(b"mine\n")
        pulling = asyncio.create_task(workspace.pull())
        await asyncio.sleep(0.3)
        assert workspace.tree.read("a") == b"1\n"
        scene.may_start.set()
        assert (await pulling).paths == ["a"]
        assert scene.sandbox.calls == ["pause", "resume"]
        assert workspace.sandbox_state == "ready"
        await workspace.close()

    play(scenario())


def test_another_container_takes_over(scene: Scene) -> None:
    async def scenario() -> None:
        scene.may_start.set()
        workspace = scene.open()
        await workspace.run("one")
        other = FakeSandbox(scene.store.work_tree)

        async def start() -> Sandbox:
            return other

        await workspace.restart(start)
        assert scene.sandbox.calls == ["run one", "close"]
        await workspace.run("two")
        assert await workspace.checkpoint("made", step=1) is not None
        assert other.calls == ["run two", "pause", "resume"]
        await workspace.close()
        assert other.calls[-1] == "close"

    play(scenario())


def test_a_start_that_failed_is_tried_again_by_another(scene: Scene) -> None:
    async def scenario() -> None:
        scene.failure = SandboxError("no engine")
        scene.may_start.set()
        workspace = scene.open()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert workspace.sandbox_state == "failed"
        scene.failure = None
        await workspace.restart(scene.start)
        assert (await workspace.run("again")).exit_code == 0
        assert workspace.sandbox_state == "ready"
        await workspace.close()

    play(scenario())


def test_without_a_user_there_is_nothing_to_bring_over(scene: Scene) -> None:
    async def scenario() -> None:
        scene.may_start.set()
        workspace = scene.open()
        with pytest.raises(WorkspaceError, match="nothing to bring"):
            await workspace.pull()
        await workspace.close()

    play(scenario())


def test_notices_of_the_store_are_passed_on(scene: Scene) -> None:
    async def scenario() -> None:
        workspace = scene.open()
        with (scene.store.work_tree / "huge").open("wb") as file:
            file.truncate(1 << 40)
        await workspace.checkpoint("huge", step=1)
        assert len(workspace.notices) == 1
        assert workspace.notices[0].startswith("huge: not recorded")
        await workspace.close()

    play(scenario())
