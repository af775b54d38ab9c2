"""Which of the measured settings are kept, and when they are used."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from qwright.agent.embedded import settings as module
from qwright.agent.embedded.settings import Settings, keep, settings_for, tuned_path
from qwright.agent.embedded.tune import Speed, Trial, alternatives, tune
from tests.agent.embedded.house import Heard

CORES = len(os.sched_getaffinity(0))
USUAL = Speed(60.0, 12.0, 20.0, ("a", "b"))


class Machine:
    """Answers measurements: the speeds of settings by what differs from the default ones."""

    def __init__(self, speeds: Mapping[str, Speed]) -> None:
        self._speeds = speeds
        self.measured: list[str] = []

    async def __call__(self, settings: Settings) -> Speed:
        changed = settings.model_dump(exclude_defaults=True)
        name = " ".join(f"{key}={value}" for key, value in changed.items())
        self.measured.append(name)
        return self._speeds.get(name, USUAL)


def tuned(speeds: Mapping[str, Speed]) -> tuple[Settings, list[Trial]]:
    return asyncio.run(tune(Heard(), Machine(speeds)))


def faster(times: float, *answers: str) -> Speed:
    return Speed(
        USUAL.prefill * times, USUAL.decode * times, USUAL.rewrite * times, answers or USUAL.answers
    )


def test_where_nothing_is_faster_the_default_settings_stay() -> None:
    settings, trials = tuned({"batch=256": faster(1.02)})
    assert settings == Settings()
    assert [trial.changed for trial in trials] == alternatives(CORES)


def test_what_is_faster_alone_and_together_is_kept() -> None:
    speeds = {
        "repack=False": faster(1.5),
        "batch=1024": faster(1.1),
        "batch=1024 repack=False": faster(1.6),
    }
    settings, trials = tuned(speeds)
    assert settings == Settings(repack=False, batch=1024)
    assert trials[-1].changed == {"repack": False, "batch": 1024}


def test_what_is_no_faster_together_is_not_kept() -> None:
    speeds = {"repack=False": faster(1.5), "batch=256": faster(1.1)}
    assert tuned(speeds)[0] == Settings()


def test_a_speed_that_was_chance_is_not_kept() -> None:
    class Settling(Machine):
        async def __call__(self, settings: Settings) -> Speed:
            speed = await super().__call__(settings)
            first = self.measured.count("repack=False") < 2
            return speed if first or settings != Settings(repack=False) else USUAL

    settings, _ = asyncio.run(tune(Heard(), Settling({"repack=False": faster(1.5)})))
    assert settings == Settings()


def test_other_answers_are_never_worth_their_speed() -> None:
    settings, trials = tuned({"kv=q8_0": faster(2.0, "a", "another")})
    assert settings == Settings()
    assert [trial.same for trial in trials if trial.changed == {"kv": "q8_0"}] == [False]


def test_a_usual_turn_is_half_reading_and_half_of_the_answer_repeats() -> None:
    assert Speed(100.0, 10.0, 20.0, ()).seconds == pytest.approx(3 + 5 + 2.5)


def test_measured_settings_are_used_for_the_same_file_machine_and_engine(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_for("tiny", "10 1") == Settings()
    chosen = Settings(repack=False)
    assert keep("tiny", "10 1", chosen) == tuned_path("tiny")
    assert settings_for("tiny", "10 1") == chosen
    assert settings_for("tiny", "10 2") == Settings()
    assert settings_for("other", "10 1") == Settings()
    for name in ("machine", "engine_version"):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, lambda: "another")
            assert settings_for("tiny", "10 1") == Settings()


def test_a_damaged_file_of_settings_is_as_none(home: Path) -> None:
    keep("tiny", "10 1", Settings(repack=False))
    tuned_path("tiny").write_text("{")
    assert settings_for("tiny", "10 1") == Settings()
