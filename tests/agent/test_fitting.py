from __future__ import annotations

import pytest

from qwright.agent.dialects import Constraint, DialectName
from qwright.agent.fitting import fitted, small_window, text_form
from qwright.agent.learned import Learned
from qwright.agent.profile import DEFAULT, Profile
from qwright.agent.server_info import ServerInfo

CODER = DEFAULT.model_copy(
    update={"name": "qwen3-coder", "text_dialect": "xml", "context": 262_144, "max_output": 65_536}
)
OLD_CODER = DEFAULT.model_copy(
    update={"name": "qwen2.5-coder", "dialect": "tools", "text_dialect": "tools"}
)
LLAMACPP = ServerInfo("llamacpp", True, constraint="grammar", reads_calls=True, dialect="hermes")
DEAF = ServerInfo("llamacpp", True, constraint="grammar", reads_calls=False)
VLLM = ServerInfo("vllm", True, constraint="structured")
UNKNOWN = ServerInfo("compatible")
NEW = Learned()


@pytest.mark.parametrize(
    ("profile", "info", "learned", "dialect", "constraint"),
    [
        (CODER, LLAMACPP, NEW, "native", "none"),
        (CODER, VLLM, NEW, "native", "strict"),
        (CODER, UNKNOWN, NEW, "native", "none"),
        (CODER, DEAF, NEW, "xml", "grammar"),
        (CODER, VLLM, Learned(dialect="xml"), "xml", "structured"),
        (CODER, VLLM, Learned(unbound=True), "native", "none"),
        (CODER, DEAF, Learned(unbound=True), "xml", "none"),
        (OLD_CODER, LLAMACPP, NEW, "hermes", "grammar"),
        (OLD_CODER, VLLM, NEW, "tools", "structured"),
        (OLD_CODER, UNKNOWN, NEW, "tools", "none"),
        (DEFAULT, DEAF, NEW, "hermes", "grammar"),
    ],
)
def test_native_calls_come_first_where_they_can_be_had(
    profile: Profile,
    info: ServerInfo,
    learned: Learned,
    dialect: DialectName,
    constraint: Constraint,
) -> None:
    found = fitted(profile, info, learned)
    assert (found.dialect, found.constraint) == (dialect, constraint)


def test_an_unknown_model_writes_calls_as_its_template_shows() -> None:
    xml = ServerInfo("llamacpp", True, dialect="xml", reads_calls=False)
    assert text_form(DEFAULT, xml) == "xml"
    assert fitted(DEFAULT, xml, NEW).dialect == "xml"
    assert text_form(CODER.model_copy(update={"text_dialect": "hermes"}), xml) == "hermes"


def test_the_window_is_the_one_that_is_served() -> None:
    found = fitted(CODER, ServerInfo("vllm", True, context=20_000), NEW)
    assert (found.context, found.max_output) == (20_000, 5_000)
    assert fitted(CODER, UNKNOWN, NEW).context == CODER.context
    assert fitted(CODER, UNKNOWN, Learned(window=20_000)).context == 20_000
    says = ServerInfo("vllm", True, context=40_000)
    assert fitted(CODER, says, Learned(window=20_000)).context == 40_000


def test_what_a_user_has_set_stays() -> None:
    stated = frozenset({"dialect", "constraint", "vision", "thinking"})
    own = OLD_CODER.model_copy(update={"stated": stated, "vision": True, "dialect": "native"})
    info = ServerInfo("ollama", True, vision=False, constraint="format", reads_calls=False)
    found = fitted(own, info, Learned(dialect="xml"))
    assert (found.dialect, found.constraint, found.vision) == ("native", "none", True)
    free = own.model_copy(update={"stated": frozenset({"dialect"})})
    assert fitted(free, VLLM, Learned(dialect="xml")).constraint == "strict"


def test_eyes_and_thoughts_are_those_the_server_gives_it() -> None:
    sees = ServerInfo("llamacpp", True, vision=True, thinking=True)
    found = fitted(DEFAULT, sees, NEW)
    assert (found.vision, found.thinking) == (True, "hybrid")
    blind = ServerInfo("llamacpp", True, vision=False, thinking=False)
    thinker = CODER.model_copy(update={"vision": True, "thinking": "hybrid"})
    found = fitted(thinker, blind, NEW)
    assert (found.vision, found.thinking) == (False, "none")
    always = CODER.model_copy(update={"thinking": "always"})
    assert fitted(always, blind, NEW).thinking == "always"


def test_a_small_window_is_told_of_with_its_remedy() -> None:
    line = small_window(CODER, ServerInfo("ollama", True, context=4096))
    assert "4,096 tokens" in line
    assert "OLLAMA_CONTEXT_LENGTH=32768" in line
    assert "\n" not in line


@pytest.mark.parametrize(("window", "context"), [(16_384, 262_144), (8_192, 8_192), (None, 32_768)])
def test_a_window_that_is_large_enough_is_not(window: int | None, context: int) -> None:
    profile = CODER.model_copy(update={"context": context})
    assert small_window(profile, ServerInfo("ollama", True, context=window)) == ""
