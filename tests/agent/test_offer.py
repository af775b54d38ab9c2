"""What a small model is offered, by attempt."""

from __future__ import annotations

import pytest

from qwright.agent.loop import Task
from qwright.agent.profile import Profile
from tests.agent.stage import SEVERAL, Stage
from tests.fakes import call, says

VERIFIED = Task("Fix a.py.", verify="python -m pytest -q")
FIX = call("edit", path="a.py", old_string="x = 1", new_string="x = 2")
WRONG = call("edit", path="a.py", old_string="x = 1", new_string="x = 9")
SMALL = SEVERAL.model_copy(update={"attach_files": True, "rewrite_every": 2})


def offered(stage: Stage, profile: Profile) -> list[list[str]]:
    run = stage.play(
        says(WRONG),
        says(FIX),
        task=VERIFIED,
        profile=profile,
        act=stage.passes_when("a.py", b"x = 2"),
    )
    assert run.finished.reason == "done"
    return [[tool.name for tool in tools] for tools in run.model.offered]


def test_a_grammar_holds_it_to_a_line_and_then_to_the_file(stage: Stage) -> None:
    constrained = SMALL.model_copy(update={"constraint": "grammar"})
    assert offered(stage, constrained) == [["edit"], ["write_file"]]


@pytest.mark.parametrize("update", [{"constraint": "none"}, {"attach_files": False}])
def test_without_one_it_has_all_its_tools(stage: Stage, update: dict[str, bool]) -> None:
    profile = SMALL.model_copy(update={"constraint": "grammar", **update})
    for names in offered(stage, profile):
        assert {"read_file", "edit", "write_file"} <= set(names)
