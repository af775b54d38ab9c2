from __future__ import annotations

import pytest

from qwright.evals.bench import command, prompt_tokens, startup
from qwright.evals.bench.command import Options, main, parse
from qwright.evals.bench.engine import Case, Sample, UnequalError, check_equal
from qwright.evals.bench.measure import Budget, Report, Row
from qwright.evals.bench.recorder import ChatRequest, Sent
from qwright.sandbox.errors import SandboxError

FLOOR = startup.FLOOR.name


def chat(*texts: str) -> ChatRequest:
    return ChatRequest(messages=[Sent(role="user", content=text) for text in texts])


def test_startup_is_judged_against_the_fastest_peer() -> None:
    seconds = {"full profile": 0.8, "local profile": 0.4, FLOOR: 0.5, "slow": 5.0, "fast": 1.0}

    found = startup.rows(seconds)

    assert [(row.ours, row.against, row.ratio, row.verdict) for row in found] == [
        (0.8, FLOOR, 1.6, "ok"),
        (0.8, "fast", 0.8, "over"),
        (0.8, "slow", 0.16, "-"),
        (0.4, FLOOR, 0.8, "ok"),
        (0.4, "fast", 0.4, "ok"),
        (0.4, "slow", 0.08, "-"),
    ]


def test_startup_without_peers_is_still_judged_in_seconds() -> None:
    found = startup.rows({"full profile": 1.1, "local profile": 1.0, FLOOR: 0.5})

    assert [row.verdict for row in found] == ["over", "ok"]


def test_first_prompts_are_judged_by_their_own_size() -> None:
    found = prompt_tokens.rows({"local profile": 600, "full profile": 4001, "b": 900, "a": 300})

    assert [(row.ours, row.against, row.ratio, row.verdict) for row in found] == [
        (600, "a", 2.0, "ok"),
        (600, "b", 600 / 900, "-"),
        (4001, "a", 4001 / 300, "over"),
        (4001, "b", 4001 / 900, "-"),
    ]


def test_first_prompts_are_judged_without_peers_too() -> None:
    found = prompt_tokens.rows({"local profile": 901, "full profile": 4000})

    assert [row.verdict for row in found] == ["over", "ok"]


def test_a_request_that_goes_on_with_a_conversation_is_no_opening() -> None:
    first, second, other = chat("a", "b"), chat("a", "b", "c"), chat("a", "x", "c")

    assert prompt_tokens.openings([first, second, other, first]) == [first, other]


@pytest.mark.parametrize(
    "alone", [Sample(700, 95, 1.0, 1.0), Sample(600, 96, 1.0, 1.0), Sample(707, 95, 1.0, 1.0)]
)
def test_speeds_of_unequal_work_are_not_compared(alone: Sample) -> None:
    through = Sample(700, 96, 1.0, 1.0)

    check_equal("decode", [through], [Sample(705, 96, 2.0, 2.0)])
    with pytest.raises(UnequalError, match="decode: prompt and answer tokens differ"):
        check_equal("decode", [through], [alone])


def test_a_rate_is_of_what_the_case_measures() -> None:
    sample = Sample(prompt=800, completion=100, wall=4.0, engine=3.9)

    assert sample.rate(Case("decode", "count", 100)) == 25.0
    assert sample.rate(Case("prefill", "read", 1, cold=True)) == 200.0


def test_one_table_of_all_and_a_row_for_what_could_not_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def good(options: Options) -> Report:
        return Report([Row("exec", "ms", 66, 60, "SDK", Budget(1.15))], ["a note"])

    async def bad(options: Options) -> Report:
        raise SandboxError("No container engine")

    assert main({"bad": bad, "good": good}, "about", []) == 1
    lines = capsys.readouterr().out.splitlines()

    assert lines[1].split() == ["bad", "-", "-", "-", "-", "-"]
    assert lines[2].split() == [
        "exec",
        "66.0",
        "ms",
        "60.0",
        "ms",
        "SDK",
        "1.10",
        "<=",
        "1.15",
        "x",
        "ok",
    ]
    assert lines[4:] == ["- bad did not run: No container engine", "- a note"]


def test_peers_lie_in_the_cache_unless_a_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", "/home/someone")

    assert str(parse("about", []).peers_dir) == "/home/someone/cache/bench-peers"
    assert str(parse("about", ["--peers-dir", "/p"]).peers_dir) == "/p"
    assert parse("about", []).model == command.SMALLEST_MODEL
