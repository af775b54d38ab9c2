"""The real 0.5B, asked directly and through the model client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from pathlib import Path

import pytest
from pydantic import JsonValue

from qwright.agent.embedded.catalogue import find
from qwright.agent.embedded.server import stop
from qwright.agent.embedded.weights import pull
from qwright.evals.bench.command import parse
from qwright.evals.bench.engine import Case, Pair, cases
from qwright.evals.bench.engine_http import DirectEngine, open_engine, prompt_tokens
from qwright.evals.bench.recorder import ChatRequest, Sent

pytestmark = [pytest.mark.weights, pytest.mark.timeout(900)]

TOOLS: list[dict[str, JsonValue]] = [{"type": "function", "function": {"name": "edit"}}]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Generator[DirectEngine]:
    """A server of this module's own, which ends with it; the weights are the user's."""
    weights: Path = pull(find("0.5b"), lambda done, total, label: None)
    home = tmp_path_factory.mktemp("home")
    link = home / "qwen2.5-coder-0.5b.gguf"
    link.symlink_to(weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QWRIGHT_HOME", str(home))
        yield asyncio.run(open_engine(parse("", ["--weights", str(link)])))
        asyncio.run(stop())


def test_tokens_are_those_of_the_models_tokenizer(engine: DirectEngine) -> None:
    assert engine.count("<|im_start|>") == 1
    assert engine.count("12345") == 5
    assert engine.count("") == 0


def test_a_prompt_counts_its_template_and_its_tools(engine: DirectEngine) -> None:
    chat = ChatRequest(messages=[Sent(role="system", content="Be brief."), Sent(role="user")])
    text = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n<|im_end|>\n"
    alone = engine.count(f"{text}<|im_start|>assistant\n")
    tools = engine.count(json.dumps(TOOLS, separators=(",", ":")))

    assert prompt_tokens(engine, chat) == alone
    assert prompt_tokens(engine, chat.model_copy(update={"tools": TOOLS})) == alone + tools


def test_the_engine_says_what_it_did(engine: DirectEngine) -> None:
    timings = engine.complete("<|im_start|>user\nCount to ten.<|im_end|>\n", 3)

    assert timings.predicted_n == 3
    assert timings.prompt_n == engine.count("<|im_start|>user\nCount to ten.<|im_end|>\n")


@pytest.mark.parametrize("case", cases(answer=4, functions=3), ids=["decode", "grammar", "prefill"])
def test_both_sides_of_each_case_do_the_same_work(engine: DirectEngine, case: Case) -> None:
    pair = Pair(engine, case)
    through, alone = asyncio.run(pair.measure(1))

    assert len(through) == len(alone) == 1
    assert pair.through[0].completion == case.answer
    assert (pair.through[0].prompt > 20) == case.cold
