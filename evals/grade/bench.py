"""Everything that goes into the grader's container for one patch."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePosixPath

from qwright.evals.grade import script, swebench_border
from qwright.evals.grade.applying import APPLY, PATCH
from qwright.evals.grade.applying import SCRIPT as APPLY_SCRIPT
from qwright.evals.grade.container import HOME
from qwright.evals.grade.packing import Folder, Put
from qwright.evals.grade.script import CHANNEL, EVAL, PLUGINS, Script, Secrets
from qwright.evals.instance import CommandGrading, RewardGrading, TestGrading
from qwright.evals.testbed.prepare import Testbed

PLUGIN = "qwright_outcomes.py"
REWARDS = "/logs/verifier"


@dataclass(frozen=True, slots=True)
class Bench:
    """Made by `prepare`."""

    testbed: Testbed
    patch: str
    shown: str
    """The script as SWE-bench would have it, which is kept."""
    script: Script
    """What is run."""
    keys: Mapping[str, bytes]

    @classmethod
    def prepare(cls, testbed: Testbed, patch: str) -> Bench:
        own = Secrets.make()
        mount = testbed.instance.mount
        match testbed.instance.grading:
            case TestGrading(test_paths=tests):
                shown = swebench_border.eval_script(testbed.instance, testbed.eval_script)
                made = script.instrument(shown, own, mount, tests)
            case CommandGrading(command=command, restored=tests):
                shown, made = f"{command}\n", script.plain(command, own, mount, tests)
            case RewardGrading():
                shown = "bash /tests/test.sh\n"
                made = script.plain(shown, own, mount, ())
        keys = {str(number): secrets.token_bytes(32) for number in range(made.runs)}
        return cls(testbed, patch, shown, made, keys)

    def parts(self, user: tuple[int, int]) -> list[Put | Folder]:
        """The files; `user` (uid, gid) is whose processes the tests are."""
        plugin = files("qwright.evals.grade.inside").joinpath(PLUGIN).read_bytes()
        found: list[Put | Folder] = [
            Folder(self.testbed.directory, self.testbed.instance.mount, user),
            Put(HOME, None, 0o755),
            Put(PATCH, self.patch.encode(errors="surrogateescape")),
            Put(APPLY_SCRIPT, APPLY.encode()),
            Put(PLUGINS, None, 0o755),
            Put(f"{PLUGINS}/{PLUGIN}", plugin),
            Put(CHANNEL, None, 0o700, user),
            Put(EVAL, self.script.text.encode(), 0o600, user),
        ]
        for number, key in self.keys.items():
            found.append(Put(f"{CHANNEL}/key.{number}", key, 0o600, user))
        if isinstance(self.testbed.instance.grading, RewardGrading):
            found.append(Folder(self.testbed.instance.grading.tests, "/tests"))
            found.append(Put(str(PurePosixPath(REWARDS).parent), None, 0o755))
            found.append(Put(REWARDS, None, 0o755, user))
        return found
