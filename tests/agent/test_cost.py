from __future__ import annotations

from pathlib import Path

import pytest

from qwright.agent import events as ev
from qwright.agent.cost import cost_of, counted, require_known_price
from qwright.agent.errors import ConfigError
from qwright.agent.limits import Limits
from qwright.agent.loop import Task
from qwright.agent.messages import Image, Message
from qwright.agent.model import Finish, RetryChunk, Usage
from qwright.agent.profile import DEFAULT, FREE, Price, Profile, profile_for
from tests.agent.moves import LOOK
from tests.agent.stage import PATIENT, Stage
from tests.agent.test_context_session import forty_turns, profile, stage_with
from tests.agent.tool_specs import TOOLS
from tests.agent.windows import Run, WindowedModel, play
from tests.fakes import Answer

CODER = profile_for("qwen3-coder-plus", "dashscope")
TIERS = (
    Price(up_to=1_000, input=1, output=10, cache_read=0.1, explicit_read=0.05, cache_write=2),
    Price(input=3, output=30),
)
PRICED = DEFAULT.model_copy(update={"prices": TIERS})


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        (Usage(prompt=1_000, completion=100), (1_000 * 1 + 100 * 10) / 1e6),
        (Usage(prompt=1_001, completion=100), (1_001 * 3 + 100 * 30) / 1e6),
        (Usage(prompt=1_000, cached=600, completion=1), (400 + 60 + 10) / 1e6),
        (Usage(prompt=1_000, cached=600, cache_written=300), (100 + 60 + 600) / 1e6),
        (Usage(prompt=1_000, cached=600, explicit_cache=True), (400 + 30) / 1e6),
        # Where a tier has no price for the cache, it is that of the prompt.
        (Usage(prompt=2_000, cached=1_500, cache_written=500), 6_000 / 1e6),
        # Counts that contradict each other never make a prompt cheaper than nothing.
        (Usage(prompt=100, cached=900, cache_written=900), 10 / 1e6),
        (Usage(prompt=10, completion=5, reasoning=4), (10 + 50) / 1e6),
        (Usage(prompt=10, completion=5, cost=0.25), 0.25),
        (Usage(), 0.0),
    ],
)
def test_a_request_costs_what_its_tier_says(usage: Usage, dollars: float) -> None:
    assert cost_of(usage, PRICED) == pytest.approx(dollars, abs=1e-12)


def test_a_long_prompt_falls_into_the_last_tier() -> None:
    usage = Usage(prompt=300_000, cached=200_000, completion=1_000)
    assert cost_of(usage, CODER) == pytest.approx((100_000 * 6 + 200_000 * 1.2 + 60_000) / 1e6)


def test_beyond_the_last_tier_nothing_is_known() -> None:
    preview = profile_for("qwen3.6-max-preview", "dashscope")
    assert cost_of(Usage(prompt=128_000), preview) == pytest.approx(0.128 * 1.3)
    assert cost_of(Usage(prompt=128_001), preview) is None


def test_the_caches_of_dashscope() -> None:
    """As its documentation has them: 20 % of the input, 10 % where it was asked for, 125 %."""
    for usage, dollars in [
        (Usage(prompt=10_000, cached=10_000), 0.002),
        (Usage(prompt=10_000, cached=10_000, explicit_cache=True), 0.001),
        (Usage(prompt=10_000, cache_written=10_000, explicit_cache=True), 0.0125),
    ]:
        assert cost_of(usage, CODER) == pytest.approx(dollars)


def test_what_is_not_known_is_not_zero_and_what_is_free_is() -> None:
    usage = Usage(prompt=10, completion=5)
    assert cost_of(usage, DEFAULT) is None
    assert cost_of(usage, DEFAULT.model_copy(update={"prices": FREE})) == 0.0
    assert cost_of(usage, profile_for("qwen2.5-coder:7b", "ollama")) == 0.0


def test_a_limit_needs_a_price() -> None:
    with pytest.raises(ConfigError) as caught:
        require_known_price("m1", DEFAULT, "compatible")
    assert "m1" in str(caught.value)
    assert "\n" not in str(caught.value)
    require_known_price("m1", DEFAULT, "openrouter")
    require_known_price("m1", profile_for("m1", "ollama"), "ollama")
    require_known_price("qwen3-coder-plus", CODER, "dashscope")


class TestCounting:
    ASKED = (Message(role="system", content="s" * 700), Message(role="user", content="u" * 350))

    def test_the_servers_count_stands(self) -> None:
        usage = Usage(prompt=3, completion=1)
        assert counted(Finish("stop", usage, "x" * 1000), self.ASKED, TOOLS) is usage

    def test_without_one_it_is_estimated_and_marked(self) -> None:
        finish = Finish("stop", Usage(), "a" * 35, "r" * 70)
        bare, tooled = counted(finish, self.ASKED, []), counted(finish, self.ASKED, TOOLS)
        assert bare.estimated
        assert 300 < bare.prompt < 400
        assert (bare.completion, bare.reasoning) == (30, 20)
        assert tooled.prompt > bare.prompt + 50

    def test_a_picture_is_not_counted_as_its_letters(self) -> None:
        image = Image(media_type="image/png", data="A" * 100_000)
        asked = [Message(role="user", content="Look.", images=(image,))]
        assert counted(Finish("stop", Usage(), "x"), asked, []).prompt < 1_000


class TestRun:
    """A run in the loop, with a price."""

    PRICED: Profile = PATIENT.model_copy(update={"prices": (Price(input=1_000, output=2_000),)})
    STEP = Answer(calls=(LOOK,), usage=Usage(prompt=90, completion=5))
    """Costs 0.1 dollars."""

    def test_each_request_and_the_run_say_what_they_cost(self, tmp_path: Path) -> None:
        run = Stage(tmp_path).play(self.STEP, self.STEP, Answer("Done."), profile=self.PRICED)
        first, second, _ = run.of(ev.UsageReported)
        assert (first.cost, first.total_cost) == pytest.approx((0.1, 0.1))
        assert (second.cost, second.total_cost) == pytest.approx((0.1, 0.2))
        assert run.finished.cost is not None
        assert run.finished.cost > 0.2

    def test_no_request_starts_beyond_the_limit(self, tmp_path: Path) -> None:
        task = Task("t", limits=Limits(cost=0.15))
        run = Stage(tmp_path).play(*[self.STEP] * 5, task=task, profile=self.PRICED)
        assert run.finished.reason == "cost_limit"
        assert "--max-cost 0.15" in run.finished.text
        assert len(run.of(ev.UsageReported)) == 2
        assert run.finished.cost == pytest.approx(0.2)

    def test_a_limit_stops_where_the_server_keeps_silent_about_money(self, tmp_path: Path) -> None:
        task = Task("t", limits=Limits(cost=9.0))
        run = Stage(tmp_path).play(self.STEP, self.STEP, task=task)
        assert run.finished.reason == "cost_limit"
        assert run.finished.cost is None
        assert len(run.of(ev.UsageReported)) == 1

    def test_the_server_s_own_word_counts(self, tmp_path: Path) -> None:
        told = Answer("Done.", usage=Usage(prompt=90, completion=5, cost=0.5))
        run = Stage(tmp_path).play(told, profile=self.PRICED)
        assert run.finished.cost == 0.5

    def test_a_server_without_usage_is_estimated(self, tmp_path: Path) -> None:
        run = Stage(tmp_path).play(Answer("Done.", usage=Usage()), profile=self.PRICED)
        tokens = run.finished.tokens
        assert tokens.estimated
        assert tokens.prompt > 100
        assert run.finished.cost is not None
        assert run.finished.cost > 0

    def test_an_answer_that_was_void_is_paid_for(self, tmp_path: Path) -> None:
        usage = Usage(prompt=90, completion=5)
        void = RetryChunk("thought too long", 1, 0.0, usage)
        answer = Answer("Done.", usage=usage, before=[void])
        run = Stage(tmp_path).play(answer, profile=self.PRICED)
        assert run.finished.cost == pytest.approx(0.2)
        assert run.finished.tokens.prompt == 180

    def test_nothing_is_asked_after_a_summary_that_took_the_rest(self, tmp_path: Path) -> None:
        def session(name: str, limits: Limits) -> tuple[WindowedModel, Run]:
            model = WindowedModel(8_192, forty_turns())
            dear = profile(8_192, prices=(Price(input=0, output=50_000),))
            return model, play(stage_with(tmp_path / name), model, dear, Task("t", limits=limits))

        _, free = session("free", Limits(turns=40))
        first = free.events.index(free.compacted[0])
        requests = sum(isinstance(event, ev.UsageReported) for event in free.events[:first])
        model, run = session("held", Limits(cost=float(requests)))
        assert (run.finished.reason, run.finished.cost) == ("cost_limit", requests)
        assert (len(model.asked), model.summaries) == (requests, 1)
