from __future__ import annotations

from typing import Any, get_args

import pytest

from qwright.agent.endpoint import Provider
from qwright.agent.messages import Message
from qwright.agent.model import Sampling
from qwright.agent.profile import DEFAULT, Profile
from qwright.agent.thinking import Effort, effort_notice, give_back, thinking_fields

CODER = DEFAULT.model_copy(
    update={"context": 262_144, "max_output": 65_536, "sampling": Sampling()}
)
HYBRID = CODER.model_copy(update={"thinking": "hybrid"})
SCALE = HYBRID.model_copy(update={"efforts": ("low", "medium", "xhigh"), "keeps_thoughts": True})
ALWAYS = CODER.model_copy(update={"thinking": "always"})
ALWAYS_SCALE = SCALE.model_copy(update={"thinking": "always"})
PROFILES = (CODER, HYBRID, SCALE, ALWAYS, ALWAYS_SCALE)

ON, OFF = {"enable_thinking": True}, {"enable_thinking": False}
KEEP = {"preserve_thinking": True}
LOCAL: tuple[Provider, ...] = ("vllm", "sglang", "llamacpp", "embedded")


def _low(provider: Provider) -> str:
    return "medium" if provider in ("vllm", "sglang") else "low"


@pytest.mark.parametrize("provider", ["dashscope", "modelscope"])
@pytest.mark.parametrize(
    ("profile", "effort", "fields"),
    [
        (HYBRID, None, {}),
        (HYBRID, "off", OFF),
        (HYBRID, "low", {**ON, "thinking_budget": 4_096}),
        (HYBRID, "medium", {**ON, "thinking_budget": 16_384}),
        (HYBRID, "high", {**ON, "thinking_budget": 32_768}),
        (HYBRID, "max", ON),
        (SCALE, None, KEEP),
        (SCALE, "off", {**KEEP, **OFF}),
        (SCALE, "low", {**KEEP, "reasoning_effort": "low"}),
        (SCALE, "medium", {**KEEP, "reasoning_effort": "medium"}),
        (SCALE, "high", {**KEEP, "reasoning_effort": "xhigh"}),
        (SCALE, "max", {**KEEP, "reasoning_effort": "xhigh"}),
        (ALWAYS, None, {}),
        (ALWAYS, "off", {}),
        (ALWAYS, "high", {}),
        (ALWAYS_SCALE, "off", {**KEEP, "reasoning_effort": "low"}),
        (ALWAYS_SCALE, "high", {**KEEP, "reasoning_effort": "xhigh"}),
    ],
)
def test_dashscope_takes_qwen_s_names_at_the_top(
    provider: Provider, profile: Profile, effort: Effort | None, fields: dict[str, Any]
) -> None:
    assert thinking_fields(provider, "m", profile, effort) == fields


@pytest.mark.parametrize("provider", LOCAL)
@pytest.mark.parametrize(
    ("profile", "effort", "kwargs"),
    [
        (HYBRID, None, {}),
        (HYBRID, "off", OFF),
        (HYBRID, "low", ON),
        (HYBRID, "max", ON),
        (SCALE, "off", {**KEEP, **OFF}),
        (SCALE, "high", {**KEEP, **ON, "reasoning_effort": "xhigh"}),
        (ALWAYS, "off", {}),
        (ALWAYS_SCALE, "off", {**KEEP, "reasoning_effort": "low"}),
    ],
)
def test_local_servers_take_them_as_values_for_the_template(
    provider: Provider, profile: Profile, effort: Effort | None, kwargs: dict[str, Any]
) -> None:
    expected = {"chat_template_kwargs": kwargs} if kwargs else {}
    assert thinking_fields(provider, "m", profile, effort) == expected


@pytest.mark.parametrize("provider", LOCAL)
def test_a_local_model_with_a_scale_does_not_think_its_longest_unasked(provider: Provider) -> None:
    level = {"reasoning_effort": _low(provider)}
    fields = {"chat_template_kwargs": {**KEEP, **ON, **level}}
    assert thinking_fields(provider, "m", SCALE, None) == fields
    assert thinking_fields("ollama", "m", SCALE, None) == {"reasoning_effort": "low"}


@pytest.mark.parametrize(
    ("provider", "profile", "effort", "fields"),
    [
        ("openrouter", HYBRID, None, {}),
        ("openrouter", HYBRID, "off", {"reasoning": {"enabled": False}}),
        ("openrouter", HYBRID, "high", {"reasoning": {"effort": "high"}}),
        ("openrouter", HYBRID, "max", {"reasoning": {"effort": "xhigh"}}),
        ("openrouter", SCALE, "high", {"reasoning": {"effort": "xhigh"}}),
        ("openrouter", ALWAYS, "off", {"reasoning": {"effort": "low"}}),
        ("ollama", HYBRID, None, {}),
        ("ollama", HYBRID, "off", {"reasoning_effort": "none"}),
        ("ollama", HYBRID, "max", {"reasoning_effort": "max"}),
        ("ollama", SCALE, "high", {"reasoning_effort": "high"}),
        ("ollama", ALWAYS, "off", {"reasoning_effort": "low"}),
        ("lmstudio", SCALE, None, {}),
        ("lmstudio", SCALE, "off", {"reasoning_effort": "none"}),
        ("lmstudio", SCALE, "max", {"reasoning_effort": "high"}),
        ("compatible", SCALE, None, {}),
        ("compatible", HYBRID, "off", {"chat_template_kwargs": OFF}),
    ],
)
def test_the_others_have_words_of_their_own(
    provider: Provider, profile: Profile, effort: Effort | None, fields: dict[str, Any]
) -> None:
    assert thinking_fields(provider, "m", profile, effort) == fields


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        ("gpt-5.2", "high", {"reasoning_effort": "high"}),
        ("o4-mini", "max", {"reasoning_effort": "high"}),
        ("gpt-5.2", "off", {"reasoning_effort": "none"}),
        ("gpt-5.2", None, {}),
        ("gpt-4.1", "high", {}),
    ],
)
def test_openai_is_asked_for_reasoning_models_only(
    model: str, effort: Effort | None, fields: dict[str, Any]
) -> None:
    assert thinking_fields("openai", model, CODER, effort) == fields


def test_a_model_that_does_not_think_is_never_told_how() -> None:
    providers: tuple[Provider, ...] = ("dashscope", "openrouter", "ollama", "lmstudio", *LOCAL)
    for provider in providers:
        for effort in (None, *get_args(Effort)):
            assert thinking_fields(provider, "m", CODER, effort) == {}


def test_no_request_has_a_budget_beside_an_effort() -> None:
    for profile in PROFILES:
        for effort in (None, *get_args(Effort)):
            fields = thinking_fields("dashscope", "m", profile, effort)
            assert not {"thinking_budget", "reasoning_effort"} <= fields.keys()


@pytest.mark.parametrize(
    ("scale", "sent"),
    [
        (("low", "medium", "xhigh"), ["low", "low", "medium", "xhigh", "xhigh"]),
        (("none", "minimal", "high"), ["minimal", "minimal", "high", "high", "high"]),
        (
            ("none", "off", "minimal", "low", "medium", "high", "xhigh", "max"),
            ["minimal", "low", "medium", "high", "max"],
        ),
        (("medium",), ["medium"] * 5),
        (("a", "b"), [None] * 5),
    ],
)
def test_an_effort_is_mapped_to_the_nearest_on_the_model_s_scale(
    scale: tuple[str, ...], sent: list[str | None]
) -> None:
    profile = ALWAYS.model_copy(update={"efforts": scale})
    fields = [thinking_fields("dashscope", "m", profile, effort) for effort in get_args(Effort)]
    assert [one.get("reasoning_effort") for one in fields] == sent


@pytest.mark.parametrize(
    ("model", "profile", "effort", "line"),
    [
        ("q", CODER, None, ""),
        ("q", CODER, "off", ""),
        ("q", CODER, "high", "q does not think: --effort high has no effect"),
        ("o4-mini", CODER, "high", ""),
        ("q", HYBRID, "off", ""),
        ("q", SCALE, "max", ""),
        ("q", ALWAYS, "off", "q always thinks: --effort off has no effect"),
        ("q", ALWAYS_SCALE, "off", "q always thinks: --effort off means low"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    model: str, profile: Profile, effort: Effort | None, line: str
) -> None:
    assert effort_notice(model, profile, effort) == line


ANSWERS = (
    Message(role="user", content="Go."),
    Message(role="assistant", content="a", reasoning="first"),
    Message(role="tool", content="r", tool_call_id="1"),
    Message(role="assistant", content="b"),
    Message(role="assistant", content="c", reasoning="third"),
)
GROUPED = [
    {"role": "user", "content": "Go."},
    {"role": "assistant", "content": "a"},
    {"role": "user", "content": "<tool_response>r"},
    {"role": "assistant", "content": "b"},
    {"role": "assistant", "content": "c"},
]


@pytest.mark.parametrize(
    ("provider", "fields"),
    [
        ("dashscope", ["reasoning_content"]),
        ("sglang", ["reasoning_content"]),
        ("llamacpp", ["reasoning_content"]),
        ("vllm", ["reasoning", "reasoning_content"]),
        ("openrouter", ["reasoning"]),
        ("ollama", ["reasoning"]),
        ("openai", list[str]()),
        ("lmstudio", list[str]()),
        ("compatible", list[str]()),
    ],
)
def test_thoughts_go_back_in_the_field_the_server_reads(
    provider: Provider, fields: list[str]
) -> None:
    given = give_back(GROUPED, ANSWERS, provider)
    thoughts = ["", "first", "", "", "third"]
    expected = [
        {**message, **(dict.fromkeys(fields, thought) if thought else {})}
        for message, thought in zip(GROUPED, thoughts, strict=True)
    ]
    assert given == expected
