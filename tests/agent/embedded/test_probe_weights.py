"""The probe's table against real servers, each row beside a request of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qwright.agent.embedded.catalogue import Entry, find
from qwright.agent.embedded.server import Endpoint as Server
from qwright.agent.embedded.server import ensure_server, stop
from qwright.agent.embedded.weights import models_dir, path_of, pull
from qwright.agent.endpoint import Endpoint, Provider
from qwright.agent.probe import Report, probe
from tests.agent.embedded.client import call
from tests.agent.embedded.house import Heard

pytestmark = [pytest.mark.weights, pytest.mark.timeout(900)]


def tool(name: str) -> dict[str, Any]:
    path = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": path}}


@dataclass
class Probed:
    server: Server
    report: Report

    def __getitem__(self, name: str) -> str:
        (found,) = [one.result for one in self.report.findings if one.name.startswith(name)]
        return found

    def detail(self, name: str) -> str:
        (found,) = [one.detail for one in self.report.findings if one.name.startswith(name)]
        return found


@pytest.fixture(scope="module", name="weights")
def _weights(tmp_path_factory: pytest.TempPathFactory) -> Generator[Entry]:
    entry = find("0.5b")
    file = pull(entry, Heard())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QWRIGHT_HOME", str(tmp_path_factory.mktemp("home")))
        models_dir().mkdir(parents=True)
        path_of(entry).symlink_to(file)
        shutil.copy(f"{file}.verified", f"{path_of(entry)}.verified")
        yield entry
        asyncio.run(stop())


def probed(model: Entry | Path, provider: Provider) -> Probed:
    server = asyncio.run(ensure_server(model, progress=Heard(), context=4096))
    endpoint = Endpoint(server.base_url, server.key, server.model, provider)
    return Probed(server, asyncio.run(probe(endpoint, (), lambda line: None)))


@pytest.fixture(scope="module")
def embedded(weights: Entry) -> Probed:
    return probed(weights, "embedded")


@pytest.fixture(scope="module")
def plain(weights: Entry, tmp_path_factory: pytest.TempPathFactory) -> Probed:
    """llama.cpp with the template that lies in the file of the weights, of unknown kind."""
    file = tmp_path_factory.mktemp("plain") / "plain.gguf"
    file.symlink_to(path_of(weights).resolve())
    return probed(file, "compatible")


def props(server: Server) -> dict[str, Any]:
    status, answer = call(server, "/props")
    assert status == 200
    return answer


def test_the_embedded_server_is_described_as_it_is(embedded: Probed) -> None:
    said = props(embedded.server)
    assert embedded["server"] == f"embedded {said['build_info']}"
    assert embedded["window"] == f"{said['default_generation_settings']['n_ctx']:,} tokens"
    assert embedded["vision"] == ("yes" if said["modalities"]["vision"] else "no")
    assert (embedded["streaming"], embedded["usage"]) == ("yes", "yes")
    assert embedded["constrained"] == "yes"
    assert embedded["dialect"] == "hermes with grammar"
    assert embedded["thinking"] == "no"
    assert embedded.report.error is None


def test_the_cache_and_the_speeds_are_those_the_server_counts(embedded: Probed) -> None:
    assert embedded["prompt cache"] == "yes"
    cached, whole = (
        int(word) for word in embedded.detail("prompt cache").split() if word.isdigit()
    )
    assert whole - cached < 16
    for name in ("prompt speed", "answer speed"):
        assert float(embedded[name].split()[0].replace(",", "")) > 1
        assert embedded.detail(name) == "by the server's clock"


def test_a_plain_llamacpp_server_is_found_out(plain: Probed) -> None:
    said = props(plain.server)
    assert plain["server"] == f"llamacpp {said['build_info']}"
    assert plain["window"] == f"{said['default_generation_settings']['n_ctx']:,} tokens"
    assert plain["constrained"] == "yes"
    assert plain.report.endpoint.provider == "llamacpp"
    reads = plain["native calls"] == "yes"
    assert plain["dialect"] == ("native" if reads else "hermes with grammar")


@pytest.mark.parametrize("kind", ["embedded", "plain"])
def test_native_calls_are_told_of_as_the_server_gives_them(
    kind: str, request: pytest.FixtureRequest
) -> None:
    probe_of: Probed = request.getfixturevalue(kind)
    body: dict[str, Any] = {
        "messages": [
            {"role": "system", "content": "You are a coding agent. Use the tools."},
            {"role": "user", "content": "Read the file README.md."},
        ],
        "tools": [tool("read_file"), tool("list_directory")],
        "temperature": 0,
        "max_tokens": 160,
    }
    status, answer = call(probe_of.server, "/v1/chat/completions", body)
    assert status == 200
    calls: list[dict[str, Any]] = answer["choices"][0]["message"].get("tool_calls") or []
    right = [one["function"]["name"] for one in calls] == ["read_file"]
    assert (probe_of["native calls"] == "yes") == right
