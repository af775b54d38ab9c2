"""The whole product: the embedded 1.5B fixes the example that ./demo fixes, in a real container."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwright.agent.dialects.select import dialect_for
from qwright.agent.embedded.catalogue import DEFAULT_MODEL, find
from qwright.agent.embedded.fetch import import_root
from qwright.agent.embedded.server import Endpoint, ensure_server, stop
from qwright.agent.embedded.weights import models_dir, path_of, pull
from qwright.agent.messages import Message
from qwright.agent.model import ToolSpec
from qwright.agent.opening import system_prompt
from qwright.agent.profile import profile_for
from qwright.tools import SMALL_TOOLS
from qwright.tools.base import spec
from tests.agent.embedded.client import call
from tests.agent.embedded.house import Heard
from tests.e2e.house import House, make_house

pytestmark = [pytest.mark.docker, pytest.mark.weights, pytest.mark.timeout(900)]

ROOT = Path(import_root()).parent
EXAMPLE = ROOT / "evals" / "tasks" / "invoice"
VERIFY = "python -m pytest -q"
FIRST_PROMPT = 900
"""Tokens that the system prompt and the tools of the local profile may take together."""


@pytest.fixture(scope="module", name="cellar")
def _cellar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with the example in it, and the user's 1.5B behind a server of its own."""
    entry = find(DEFAULT_MODEL)
    file = pull(entry, Heard())
    root = tmp_path_factory.mktemp("cellar")
    files = {path.name: path.read_bytes() for path in EXAMPLE.iterdir()}
    house = make_house(root, files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QWRIGHT_HOME", str(house.home))
        models_dir().mkdir(parents=True)
        path_of(entry).symlink_to(file)
        shutil.copy(f"{file}.verified", f"{path_of(entry)}.verified")
        yield house
        asyncio.run(stop())


def demo_task() -> str:
    found = re.search(r'^TASK="(.*)"$', (ROOT / "demo").read_text(), re.MULTILINE)
    assert found, "./demo names its task"
    return found[1]


def test_it_fixes_the_example_and_leaves_the_tests_alone(cellar: House, image: str) -> None:
    before = cellar.files
    done = cellar.run("--verify", VERIFY, demo_task())
    after = cellar.files
    assert "Done, verified" in done.out
    changed = {path for path in after.tree if after.tree[path] != before.tree.get(path)}
    assert changed == {"invoice.py"}
    assert after.git == before.git
    assert after.tree.keys() == before.tree.keys()
    # In the user's own tree, by the user's own Python.
    subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=cellar.repo,
        check=True,
    )
    cellar.run("undo")
    assert cellar.files == before


def test_the_first_prompt_of_the_local_profile_is_short(cellar: House) -> None:
    entry = find(DEFAULT_MODEL)
    endpoint = asyncio.run(ensure_server(entry, progress=Heard()))
    profile = profile_for(entry.name, "embedded")
    assert profile.tools == "small"
    tools = [ToolSpec(**spec(tool)) for tool in SMALL_TOOLS.values()]
    messages = [
        Message(role="system", content=system_prompt(profile.prompt)),
        Message(role="user", content="Fix the bug."),
    ]
    wire = dialect_for(profile.dialect, constraint=profile.constraint, raw=True).wire(
        messages, tools
    )
    text = rendered(endpoint, wire)
    assert all(name in text for name in SMALL_TOOLS)
    assert 200 < tokens(endpoint, text) <= FIRST_PROMPT


def rendered(endpoint: Endpoint, messages: list[dict[str, str]]) -> str:
    """The prompt that the server's template makes of messages."""
    status, answer = call(endpoint, "/apply-template", {"messages": messages})
    assert status == 200, answer
    return answer["prompt"]


def tokens(endpoint: Endpoint, text: str) -> int:
    body = {"content": text, "add_special": False, "parse_special": True}
    status, answer = call(endpoint, "/tokenize", body)
    assert status == 200, answer
    return len(answer["tokens"])
