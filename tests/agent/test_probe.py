"""The table of `qwright models probe`, against servers whose abilities are known."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from qwright.agent.endpoint import Endpoint
from qwright.agent.errors import ModelAuthError, ModelConnectionError
from qwright.agent.learned import recall
from qwright.agent.probe import Report, probe
from tests.agent import imitations as of
from tests.agent.replay import Reply, Server, error, serving


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path))


@dataclass
class Speaker:
    """A model server that can do some things and not others."""

    native: Literal["yes", "text", "refused", "never"] = "yes"
    text: bool = True
    obeys: bool = True
    """Whether a grammar binds it."""
    parallel: bool = True
    streams: bool = True
    counts: bool = True
    caches: bool = True
    thinks: Literal["no", "switch", "always"] = "no"
    window: int = 1_000_000
    """Longer prompts are cut without a word."""
    asked: int = 0

    def __call__(self, request: dict[str, Any]) -> Reply:
        self.asked += 1
        said = " ".join(str(message["content"]) for message in request["messages"])
        if "Do not call anything" in said:
            held = self.obeys and "grammar" in request
            text = self._as_text(said) if held else "Hello."
            return self._stream(request, [{"content": text}])
        if "tools" in request:
            if self.native == "refused":
                return error(400, of.NO_TOOLS)
            return self._stream(request, self._native(said))
        if "<tools>" in said or "# Tools" in said:
            text = self._as_text(said) if self.text else "I cannot."
            return self._stream(request, [{"content": text}])
        words = [f"{number} " for number in range(1, 41)]
        pieces = words if self.streams else ["".join(words)]
        return self._stream(request, [{"content": piece} for piece in pieces])

    def _paths(self, said: str) -> list[str]:
        both = ["a.txt", "b.txt"] if self.parallel else ["a.txt"]
        return both if "a.txt" in said else ["README.md"]

    def _native(self, said: str) -> list[dict[str, Any]]:
        if self.native == "never":
            return [{"content": "Please read it yourself."}]
        if self.native == "text":
            return [{"content": self._as_text(said)}]
        calls = [
            {
                "index": place,
                "id": f"call_{place}",
                "function": {"name": "read_file", "arguments": json.dumps({"path": path})},
            }
            for place, path in enumerate(self._paths(said))
        ]
        return [{"tool_calls": [call]} for call in calls]

    def _as_text(self, said: str) -> str:
        made = [{"name": "read_file", "arguments": {"path": path}} for path in self._paths(said)]
        return "\n".join(f"<tool_call>\n{json.dumps(one)}\n</tool_call>" for one in made)

    def _stream(self, request: dict[str, Any], deltas: list[dict[str, Any]]) -> Reply:
        off = request.get("chat_template_kwargs", {}).get("enable_thinking") is False
        if self.thinks == "always" or (self.thinks == "switch" and not off):
            deltas = [{"reasoning_content": "Hm."}, *deltas]
        prompt = min(len(json.dumps(request["messages"])) // 5, self.window)
        usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": 80}
        if self.caches and self.asked > 1:
            usage["prompt_tokens_details"] = {"cached_tokens": prompt - 1}
        events: list[dict[str, Any]] = [{"choices": [{"delta": delta}]} for delta in deltas]
        events.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        if self.counts:
            events.append({"choices": [], "usage": usage})
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        return Reply("".join([*lines, "data: [DONE]\n\n"]).encode())


@dataclass
class Shown:
    report: Report
    server: Server

    def __getitem__(self, name: str) -> str:
        (found,) = [one.result for one in self.report.findings if one.name.startswith(name)]
        return found

    def detail(self, name: str) -> str:
        (found,) = [one.detail for one in self.report.findings if one.name.startswith(name)]
        return found


def shown(speaker: Any, pages: of.Pages, *, model: str = "m1") -> Shown:
    async def main() -> Shown:
        async with serving(speaker, pages=pages) as server:
            endpoint = Endpoint(server.url, "sk-secret", model, "compatible")
            return Shown(await probe(endpoint, (), lambda line: None), server)

    return asyncio.run(main())


def test_a_server_that_can_do_everything() -> None:
    table = shown(Speaker(), of.llamacpp())
    assert table["server"] == "llamacpp b7000-abcdef12"
    assert table["model"] == "m1"
    assert (table["streaming"], table["usage"], table["prompt cache"]) == ("yes", "yes", "yes")
    assert (table["native calls"], table["calls as text"]) == ("yes", "yes")
    assert (table["constrained"], table["parallel"]) == ("yes", "yes")
    assert table["dialect"] == "native"
    assert table["window"] == "8,192 tokens"
    assert (table["thinking"], table["vision"]) == ("no", "no")
    assert table.report.error is None
    assert table.report.profile.context == 8_192


def test_a_grammar_counts_only_when_it_binds() -> None:
    table = shown(Speaker(), of.llamacpp())
    assert "asked for prose; came: read_file(README.md)" in table.detail("constrained")
    table = shown(Speaker(obeys=False), of.llamacpp())
    assert table["constrained"] == "no"
    assert "Hello." in table.detail("constrained")


def test_calls_left_in_the_text_make_text_the_dialect_and_it_is_remembered() -> None:
    table = shown(Speaker(native="text"), of.vllm())
    assert table["native calls"] == "no"
    assert "as text, in <tool_call> tags" in table.detail("native calls")
    assert table["dialect"].startswith("hermes")
    assert recall(table.report.endpoint).dialect == "hermes"


def test_a_server_that_takes_no_tools_is_a_row_and_no_failure() -> None:
    table = shown(Speaker(native="refused"), of.ollama(loaded=20_000))
    assert table["native calls"] == "no"
    assert "does not support tools" in table.detail("native calls")
    assert table["dialect"].startswith("hermes")
    assert table.report.error is None
    assert recall(table.report.endpoint).dialect == "hermes"


def test_a_mended_server_is_native_again() -> None:
    async def main() -> list[str]:
        speaker = Speaker(native="refused")
        async with serving(speaker, pages=of.vllm()) as server:
            endpoint = Endpoint(server.url, "", "m1", "compatible")
            first = await probe(endpoint, (), lambda line: None)
            speaker.native = "yes"
            second = await probe(endpoint, (), lambda line: None)
            return [first.profile.dialect, second.profile.dialect]

    assert asyncio.run(main()) == ["hermes", "native"]


def test_a_model_that_calls_nothing_is_told_with_its_words() -> None:
    table = shown(Speaker(native="never", text=False), of.llamacpp())
    assert table["native calls"] == "no"
    assert "Please read it yourself." in table.detail("native calls")
    assert table["calls as text"] == "no"
    assert table["parallel"] == "no"


def test_one_call_where_two_were_asked_for_is_no_parallel_call() -> None:
    table = shown(Speaker(parallel=False), of.llamacpp())
    assert table["parallel"] == "no"
    assert "read_file(a.txt)" in table.detail("parallel")


def test_what_is_missing_is_said_to_be() -> None:
    table = shown(Speaker(streams=False, counts=False, caches=False), of.vllm())
    assert (table["streaming"], table["usage"]) == ("no", "no")
    assert table["prompt cache"] != "yes" or "not counted" in table.detail("prompt cache")
    assert (table["prompt speed"], table["answer speed"]) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("thinks", "words"), [("switch", "can be switched off"), ("always", "cannot be switched off")]
)
def test_thoughts_are_tried_on_and_off(thinks: Any, words: str) -> None:
    thinking = {**of.llamacpp(template=of.HERMES_TEMPLATE + "{{ enable_thinking }}")}
    table = shown(Speaker(thinks=thinks), thinking)
    assert table["thinking"] == "yes"
    assert words in table.detail("thinking")


def test_a_small_window_comes_with_its_remedy() -> None:
    table = shown(Speaker(), of.ollama(loaded=4096))
    assert table["window"] == "4,096 tokens"
    assert "OLLAMA_CONTEXT_LENGTH" in table.detail("window")


def test_a_window_nobody_tells_of_is_measured() -> None:
    plain = {"/v1/models": of.listing({"id": "m1"})}
    cut = shown(Speaker(window=2_000), plain)
    assert cut["window"] == "about 2,000 tokens"
    assert cut.report.profile.context == 2_000
    whole = shown(Speaker(), plain)
    assert whole["window"] == "unknown"
    assert "at least" in whole.detail("window")


def test_a_refused_prompt_tells_the_window() -> None:
    speaker = Speaker()

    def script(request: dict[str, Any]) -> Reply:
        if len(json.dumps(request)) > 15_000:
            return error(
                400, "request (5010 tokens) exceeds the available context size (2048 tokens)"
            )
        return speaker(request)

    table = shown(script, {"/v1/models": of.listing({"id": "m1"})})
    assert table["window"] == "2,048 tokens"


def test_a_model_that_is_not_in_the_list_is_said_to_be_missing() -> None:
    table = shown(Speaker(), of.vllm(), model="m2")
    assert "not in its list: m1" in table.detail("model")


def test_a_server_that_is_not_there_is_an_error_in_the_table() -> None:
    endpoint = Endpoint("http://127.0.0.1:9/v1", "", "m1", "compatible")
    report = asyncio.run(probe(endpoint, (), lambda line: None))
    assert isinstance(report.error, ModelConnectionError)
    assert report.findings[-1].result == "failed"


def test_a_refused_key_is_told_apart() -> None:
    table = shown([error(401, "bad key sk-secret")], of.vllm())
    assert isinstance(table.report.error, ModelAuthError)
    assert not any("sk-secret" in one.detail for one in table.report.findings)


def test_a_failure_in_between_is_a_row() -> None:
    speaker = Speaker()

    def script(request: dict[str, Any]) -> Reply:
        return error(400, "boom") if "tools" in request else speaker(request)

    table = shown(script, of.vllm())
    assert table["native calls"] == "failed"
    assert "boom" in table.detail("native calls")
    assert table["calls as text"] == "yes"
    assert table["dialect"].startswith("hermes")


def test_all_that_was_learned_is_kept() -> None:
    speaker = Speaker()

    def script(request: dict[str, Any]) -> Reply:
        return error(400, "unknown field min_p") if "min_p" in request else speaker(request)

    table = shown(script, of.llamacpp(weights="Qwen3-Coder-30B.gguf"))
    kept = recall(table.report.endpoint)
    assert "min_p" in kept.refused
    assert kept.info
    assert (kept.info.provider, kept.info.context) == ("llamacpp", 8192)


def test_a_refused_schema_is_no_constraint_and_runs_do_without() -> None:
    speaker = Speaker()

    def script(request: dict[str, Any]) -> Reply:
        strict = any("strict" in tool["function"] for tool in request.get("tools", ()))
        if strict or "structured_outputs" in request:
            return error(400, "Invalid grammar specification: 'triggers'")
        return speaker(request)

    table = shown(script, of.vllm())
    assert table["constrained"] == "no"
    assert "refused" in table.detail("constrained")
    assert table["dialect"] == "native"
    assert recall(table.report.endpoint).unbound
    assert shown(speaker, of.vllm())["dialect"] == "native with strict"
