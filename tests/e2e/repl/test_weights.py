"""The REPL with the embedded model: open, ask, watch it work, take the result, commit."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator

import pytest

from qwright.agent.embedded.catalogue import DEFAULT_MODEL, find
from qwright.agent.embedded.server import stop
from qwright.agent.embedded.weights import models_dir, path_of, pull
from tests.agent.embedded.house import Heard
from tests.e2e.house import House, make_house
from tests.e2e.repl.conftest import GITCONFIG
from tests.e2e.repl.stage import confirm, opened
from tests.e2e.test_weights import EXAMPLE, VERIFY, demo_task
from tests.sandbox.repos import git

pytestmark = [pytest.mark.docker, pytest.mark.weights, pytest.mark.timeout(900)]
SLOW = 600.0


@pytest.fixture(name="cellar")
def _cellar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with the example in it, and the user's 1.5B behind a server of its own."""
    entry = find(DEFAULT_MODEL)
    file = pull(entry, Heard())
    root = tmp_path_factory.mktemp("cellar")
    house = make_house(root, {path.name: path.read_bytes() for path in EXAMPLE.iterdir()})
    (house.home / ".gitconfig").write_text(GITCONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QWRIGHT_HOME", str(house.home))
        models_dir().mkdir(parents=True)
        path_of(entry).symlink_to(file)
        shutil.copy(f"{file}.verified", f"{path_of(entry)}.verified")
        yield house
        asyncio.run(stop())


def test_a_session_with_the_embedded_model(cellar: House) -> None:
    before = cellar.files
    arguments = ("--model", DEFAULT_MODEL, "--verify", VERIFY)
    with opened(cellar, None, *arguments, lines=40) as repl:
        repl.send(f"/fix {demo_task()}")
        repl.wait_for("Bring this to your files?", seconds=SLOW)
        assert re.search("passed|Verified", repl.all())
        assert cellar.files == before
        confirm(repl, "1")
        repl.wait_for("Applied to your working tree")
        changed = git(cellar.repo, "diff", "--name-only").split()
        assert "invoice.py" in changed
        repl.send("/undo")
        repl.wait_for("Undone", seconds=60)
        assert cellar.files.tree == before.tree
        repl.send("/redo")
        repl.wait_for("Done again", seconds=60)
        repl.send("What does invoice.py do? Answer in one sentence.")
        repl.wait_for(re.compile(r"Esc interrupts"))
        repl.press("esc")
        repl.wait_for("Interrupted", seconds=60)
        repl.send("/commit")
        repl.wait_for("Edit the message", seconds=SLOW)
        confirm(repl, "1")
        repl.wait_for("Committed", seconds=60)
        repl.kill9()
    with opened(cellar, None, "--continue", *arguments, lines=40) as repl:
        repl.wait_all("Going on with")
    assert "invoice.py" in git(cellar.repo, "show", "--name-only", "--format=%s", "HEAD")
