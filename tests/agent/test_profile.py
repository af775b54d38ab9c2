from __future__ import annotations

import re
import subprocess
import sys
from typing import get_args

import pytest
from pydantic import JsonValue, ValidationError

from qwright.agent.dialects.native import NativeDialect
from qwright.agent.dialects.select import dialect_for
from qwright.agent.dialects.text import TextDialect
from qwright.agent.endpoint import Endpoint, Provider
from qwright.agent.messages import Message
from qwright.agent.model import Sampling
from qwright.agent.profile import (
    DEFAULT,
    FREE,
    OwnProfile,
    Price,
    SamplingFacts,
    profile_for,
    table,
)
from qwright.agent.request_body import Ask, request_body
from qwright.agent.rewriting import whole_file
from tests.agent.tool_specs import TOOLS


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        ("Qwen2.5-Coder-1.5B-Instruct", "qwen2.5-coder-small"),
        ("qwen2.5-coder:1.5b-instruct-q4_K_M", "qwen2.5-coder-small"),
        ("qwen2-5-coder-0.5b-instruct", "qwen2.5-coder-small"),
        ("qwen2-5-coder-0-5b-instruct", "qwen2.5-coder-small"),
        ("/weights/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "qwen2.5-coder-small"),
        ("qwen2.5-coder:3b", "qwen2.5-coder-3b"),
        ("qwen2.5-coder:7b", "qwen2.5-coder"),
        ("Qwen2_5-Coder-7B", "qwen2.5-coder"),
        ("Qwen/Qwen2.5-Coder-32B-Instruct", "qwen2.5-coder"),
        ("qwen2.5-coder:latest", "qwen2.5-coder"),
        ("qwen2.5-coder-13b", "qwen2.5-coder"),
        ("qwen2.5:7b", "qwen2.5"),
        ("qwen2.5vl:7b", "qwen2.5-vl"),
        ("Qwen/Qwen2.5-VL-72B-Instruct", "qwen2.5-vl"),
        ("qwen3-coder-plus", "qwen3-coder-plus"),
        ("qwen3-coder-plus-2025-09-23", "qwen3-coder-plus"),
        ("qwen/qwen3-coder-flash", "qwen3-coder-flash"),
        ("qwen/qwen3-coder", "qwen3-coder"),
        ("qwen/qwen3-coder:free", "qwen3-coder"),
        ("qwen3-coder:480b-cloud", "qwen3-coder"),
        ("qwen3-coder:30b", "qwen3-coder-30b"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct-FP8", "qwen3-coder-30b"),
        ("hf.co/unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF:Q4_K_M", "qwen3-coder-30b"),
        ("Qwen3-Coder-Next-80B-A3B", "qwen3-coder-next"),
        ("qwen3-max", "qwen3-max"),
        ("qwen3-max-2025-09-23", "qwen3-max"),
        ("qwen3-max-2026-01-23", "qwen3-max-thinking"),
        ("qwen3:0.6b", "qwen3-small"),
        ("Qwen3-1.7B-Q8_0.gguf", "qwen3-small"),
        ("qwen3:8b", "qwen3"),
        ("qwen3-8b", "qwen3"),
        ("Qwen/Qwen3-8B-AWQ", "qwen3"),
        ("Qwen_Qwen3-30B-A3B-Q4_K_M.gguf", "qwen3"),
        ("qwen3:4b-thinking-2507", "qwen3-thinking"),
        ("Qwen3-235B-A22B-Thinking-2507", "qwen3-thinking"),
        ("qwen3:30b-a3b-instruct-2507-q4_K_M", "qwen3-instruct-2507"),
        ("qwen3-vl:8b", "qwen3-vl"),
        ("qwen3-vl-8b-thinking", "qwen3-vl-thinking"),
        ("qwen3.5-plus-2026-02-15", "qwen3.5-plus"),
        ("qwen3-5-flash", "qwen3.5-flash"),
        ("qwen3.5:2b", "qwen3.5-small"),
        ("qwen3.5:4b", "qwen3.5"),
        ("Qwen/Qwen3.5-397B-A17B", "qwen3.5"),
        ("qwen3.6-plus-2026-04-02", "qwen3.6-plus"),
        ("coder-model", "qwen3.6-plus"),
        ("qwen3.6-flash", "qwen3.6-flash"),
        ("qwen3.6-max-preview", "qwen3.6-max"),
        ("qwen3.6-35b-a3b", "qwen3.6"),
        ("Qwen3.6-27B-UD-Q4_K_XL.gguf", "qwen3.6"),
        ("qwen3.7-plus", "qwen3.7-plus"),
        ("qwen3.7-max", "qwen3.7-max"),
        ("qwen3.8-max-0902", "qwen3.8-max"),
        ("qwen3-8-max", "qwen3.8-max"),
        ("qwen3.8-flash", "qwen3.8-flash"),
        ("Qwen/Qwen3.8-Flash-Next", "qwen3.8-flash-next"),
        ("Qwen/Qwen3.8-27B", "qwen3.8-open"),
        ("Qwen3.8-2.4T-A95B", "qwen3.8-2.4t-a95b"),
        ("qwen4-max", "qwen4-max"),
        ("qwen-plus-2025-07-28", "qwen-plus"),
        ("qwen-flash-us", "qwen-flash"),
        ("qwen-turbo", "qwen-turbo"),
        ("qwen-max-2025-01-25", "qwen-max"),
        ("qwen-vl-max", "qwen-vl"),
        ("qwq:32b", "qwq"),
        ("qwq-plus", "qwq-plus"),
        ("qwen/qwen-2.5-coder-32b-instruct:free", "qwen2.5-coder"),
        ("qwen/qwen3-235b-a22b-2507", "qwen3-instruct-2507"),
        ("qwen/qwen3-next-80b-a3b-thinking", "qwen3-thinking"),
        ("mlx-community/Qwen3-Coder-30B-A3B-Instruct-4bit", "qwen3-coder-30b"),
        ("qwen3.5-35b-a3b@q4_k_m", "qwen3.5"),
        ("Qwen3-4B-Instruct-2507", "qwen3-instruct-2507"),
        ("qwen3.6:latest", "qwen3.6"),
        ("gpt-oss-120b", "default"),
        ("codeqwen:7b", "default"),
        ("", "default"),
    ],
)
def test_a_models_name_finds_its_profile(model: str, profile: str) -> None:
    assert profile_for(model).name == profile


@pytest.mark.parametrize(
    ("model", "hosted", "open_", "windows"),
    [
        ("qwen3.8-27b", "qwen3.8-27b-hosted", "qwen3.8-open", (1_000_000, 262_144)),
        ("qwen3-32b", "qwen3-hosted", "qwen3", (131_072, 32_768)),
        ("qwq-32b", "qwq-hosted", "qwq", (131_072, 131_072)),
        ("qwen2.5-coder-32b", "qwen2.5-coder-hosted", "qwen2.5-coder", (131_072, 32_768)),
        ("qwen2-5-72b-instruct", "qwen2.5-hosted", "qwen2.5", (131_072, 32_768)),
    ],
)
def test_one_name_has_two_profiles_by_where_it_is(
    model: str, hosted: str, open_: str, windows: tuple[int, int]
) -> None:
    there, here = profile_for(model, "dashscope"), profile_for(model, "vllm")
    assert (there.name, here.name) == (hosted, open_)
    assert (there.context, here.context) == windows


def test_every_row_is_reached_by_a_name_of_its_own() -> None:
    """A row that an earlier one always hides would be dead."""
    rows = [row for row in table() if row.match]
    assert len({row.profile.name for row in rows}) == len(rows)
    for row in rows:
        name = row.profile.name.removesuffix("-hosted").removesuffix("-open")
        name = {"qwen2.5-coder-small": "qwen2.5-coder-1.5b", "qwen3-small": "qwen3-0.6b"}.get(
            name, "qwen3.5-2b" if name == "qwen3.5-small" else name
        )
        where: Provider = row.hosts[0] if row.hosts else "compatible"
        assert profile_for(name, where).name == row.profile.name


def test_profiles_leave_room_for_a_prompt() -> None:
    for row in table():
        profile = row.profile
        assert set(row.hosts) <= set(get_args(Provider))
        assert profile.max_output <= profile.context // 4, profile.name
        bounds = [price.up_to for price in profile.prices]
        assert None not in bounds[:-1], profile.name
        known = [bound for bound in bounds if bound]
        assert known == sorted(set(known)), profile.name
        for pattern in row.match:
            assert pattern == pattern.lower().replace("_", "-")
            assert re.compile(pattern)


def test_the_forms_of_calls() -> None:
    for model, native, text in [
        ("qwen2.5-coder:7b", "tools", "tools"),
        ("qwen2.5:7b", "native", "hermes"),
        ("qwq:32b", "native", "hermes"),
        ("qwen3:8b", "native", "hermes"),
        ("qwen3-coder:30b", "native", "xml"),
        ("qwen3.5:35b", "native", "xml"),
        ("qwen3.8-27b", "native", "xml"),
        ("gpt-oss", "native", "hermes"),
    ]:
        profile = profile_for(model, "vllm")
        assert (profile.dialect, profile.text_dialect) == (native, text), model


def test_thinking() -> None:
    kinds = {
        "qwen3-coder-plus": ("none", ()),
        "qwen3-max": ("none", ()),
        "qwen3:8b": ("hybrid", ()),
        "qwen3-30b-a3b-thinking-2507": ("always", ()),
        "qwq": ("always", ()),
        "qwen3.8-27b": ("hybrid", ("low", "medium", "xhigh")),
        "qwen3.8-2.4t": ("always", ("low", "medium", "xhigh")),
        "qwen4-max": ("hybrid", ("low", "medium", "xhigh")),
    }
    for model, kind in kinds.items():
        profile = profile_for(model)
        assert (profile.thinking, profile.efforts) == kind, model
    direct = profile_for("qwen3:8b").direct_sampling
    assert direct is not None
    assert (direct.temperature, profile_for("qwen3:8b").sampling.temperature) == (0.7, 0.6)
    assert profile_for("qwen4-max").sampling == DEFAULT.sampling


def test_an_embedded_model_is_constrained_text() -> None:
    for model in ("qwen2.5-coder-1.5b", "qwen3-coder-30b-a3b"):
        profile = profile_for(model, "embedded")
        assert (profile.dialect, profile.constraint) == ("hermes", "grammar")
    assert profile_for("qwen2.5-coder-1.5b", "llamacpp").constraint == "none"
    assert profile_for("qwen2.5-coder-1.5b", "embedded").sampling == Sampling()


def test_a_price_is_for_the_server_that_charges_it() -> None:
    for local in ("embedded", "ollama", "vllm", "sglang", "llamacpp", "lmstudio", "modelscope"):
        assert profile_for("qwen3-coder-plus", local).prices == FREE
    for unknown in ("openrouter", "compatible", "openai"):
        assert profile_for("qwen3-coder-plus", unknown).prices == ()
    tiers = profile_for("qwen3-coder-plus", "dashscope").prices
    assert [(price.up_to, price.input, price.output) for price in tiers] == [
        (32_000, 1, 5),
        (128_000, 1.8, 9),
        (256_000, 3, 15),
        (None, 6, 60),
    ]


def test_a_smaller_window_shrinks_the_answer_too() -> None:
    known = profile_for("qwen3-coder:30b")
    small = known.within(4_096)
    assert (small.context, small.max_output) == (4_096, 1_024)
    assert known.within(1_000_000).context == known.context
    assert DEFAULT.within(131_072).context == 131_072
    assert DEFAULT.within(131_072).max_output == DEFAULT.max_output


class TestOwn:
    OWN = OwnProfile(
        match="coder:30b",
        context=65_536,
        sampling=SamplingFacts(temperature=0.2),
        prices=(Price(input=1, output=2),),
    )

    def test_it_overrides_what_it_names(self) -> None:
        plain = profile_for("qwen3-coder:30b", "ollama")
        mine = profile_for("Qwen3-Coder:30b", "ollama", own=[self.OWN])
        assert (mine.context, mine.max_output) == (65_536, 16_384)
        assert mine.sampling.temperature == 0.2
        assert mine.sampling.top_k == plain.sampling.top_k
        assert mine.prices == (Price(input=1, output=2),)
        assert mine.text_dialect == plain.text_dialect
        assert mine.stated == {"context", "sampling", "prices"}
        assert profile_for("qwen3:8b", "ollama", own=[self.OWN]).stated == frozenset()

    def test_it_describes_an_unknown_model_and_a_server_shrinks_it(self) -> None:
        own = OwnProfile(match="^my-model$", context=65_536, dialect="xml")
        mine = profile_for("my-model", "vllm", own=[own])
        assert (mine.dialect, mine.context) == ("xml", 65_536)
        assert mine.within(262_144).context == 65_536
        assert mine.within(8_192).context == 8_192

    def test_it_adds_fields_to_every_request(self) -> None:
        routing: dict[str, JsonValue] = {"provider": {"order": ["alibaba"]}, "seed": 1}
        own = OwnProfile(match="coder", extra_body=routing)
        mine = profile_for("qwen/qwen3-coder", "openrouter", own=[own])
        endpoint = Endpoint("https://openrouter.ai/api/v1", "k", "qwen/qwen3-coder", "openrouter")
        ask = Ask([Message(role="user", content="Go.")], TOOLS)
        body = request_body(endpoint, mine, NativeDialect(), ask)
        assert body["provider"] == {"order": ["alibaba"]}
        refused = request_body(endpoint, mine, NativeDialect(), ask, refused={"seed"})
        assert "seed" not in refused

    def test_the_later_one_wins(self) -> None:
        later = OwnProfile(match="qwen", context=8_192)
        assert profile_for("qwen3-coder:30b", own=[self.OWN, later]).context == 8_192

    @pytest.mark.parametrize("table", [{}, {"match": "("}, {"match": "a", "contxt": 1}])
    def test_a_wrong_one_is_an_error(self, table: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            OwnProfile.model_validate(table)


def test_importing_does_not_read_the_table() -> None:
    code = "import sys; from qwright.agent import profile; sys.exit(profile.table.cache_info()[3])"
    run = f"import sys; sys.path = {sys.path!r}; {code}"
    assert subprocess.run([sys.executable, "-c", run], check=False).returncode == 0


def test_the_dialect_follows_its_name() -> None:
    assert isinstance(dialect_for("native"), NativeDialect)
    assert isinstance(dialect_for("hermes"), TextDialect)
    free = dialect_for("hermes", constraint="grammar").request(TOOLS)["extra_body"]["grammar"]
    held = dialect_for("hermes", constraint="grammar", require_call=True, raw=True)
    required = held.request(TOOLS)["extra_body"]["grammar"]
    assert "preamble call" in required
    assert "preamble call" not in free
    whole = held.request(whole_file({"a.py": ""}))["extra_body"]["grammar"]
    assert '"a.py"' in whole


def test_attempts_are_for_models_that_cost_nothing() -> None:
    small, large = "qwen2.5-coder:1.5b", "qwen2.5-coder-32b-instruct"
    assert profile_for(small, "ollama").attempts > 2
    assert [profile_for(large, host).attempts for host in ("vllm", "dashscope")] == [2, 1]
    own = OwnProfile(match="coder", attempts=3)
    assert profile_for(large, "dashscope", own=[own]).attempts == 3


def test_each_attempt_is_sampled_otherwise() -> None:
    for profile in (profile_for("qwen2.5-coder:1.5b", "ollama"), profile_for("qwen3-coder-plus")):
        samplings = [profile.sampling_for(attempt) for attempt in (1, 2, 3, 4)]
        assert len(set(samplings)) == 4
        assert profile.sampling_for(1) == samplings[0]
    own = OwnProfile(match="q", sampling=SamplingFacts(temperature=0.0))
    cold = profile_for("qwen3-coder-plus", own=[own])
    assert cold.sampling_for(1).temperature == 0.0
    assert (cold.sampling_for(2).temperature or 0.0) > 0.0
