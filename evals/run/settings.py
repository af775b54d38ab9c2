"""What decides how an instance is solved, and therefore which results may be kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qwright.agent import __version__
from qwright.agent.profile import OwnProfile
from qwright.agent.thinking import Effort
from qwright.evals.instance import Instance
from qwright.evals.result import Solution

_ROOT = Path(__file__).parent.parent.parent
"""Where the four folders are, in the repository and installed."""
_PARTS = ("agent", "tools", "sandbox", "evals")
_NO_PART_OF_A_RESULT = (
    "agent/commands/",
    "agent/languages/",
    "agent/render/",
    "agent/repl/",
    "agent/viewer/",
    "evals/bench/",
    "evals/export/",
    "evals/report/",
    "evals/stats/",
    "evals/tasks/",
)
"""What only shows results, or is hashed with the instances."""
_CODE = (".jinja", ".json", ".md", ".py", ".toml")

AgentName = Literal["qwright", "aider", "mini-swe-agent", "predictions"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(_Frozen):
    """Everything that is the same for all instances of a run. Holds no key."""

    model: str | None = None
    """None: what the environment names, else the embedded model; `settled` makes it explicit."""
    base_url: str | None = None
    effort: Effort | None = None
    profiles: tuple[OwnProfile, ...] = ()
    """What the user's configuration says of models; no worker reads a configuration."""
    attempts: int | None = None
    """None: the profile's own number."""
    max_turns: int | None = 100
    max_tokens: int | None = None
    """Of one sample, prompt and completion together."""
    max_cost: float | None = None
    """US dollars, of one sample."""
    max_wall_time: float | None = None
    """Seconds of one sample's agent."""
    verify_timeout: float = 120.0
    """Seconds."""
    image: str | None = None
    """In place of the instances' own."""
    agent: AgentName = "qwright"
    agent_command: str | None = None
    """The other agent's program; None: from PATH."""
    answers: Path | None = None
    """Of the agent "predictions": the file that has them."""
    answers_sha256: str = ""

    def digest(self) -> str:
        """SHA-256 (hex) of these settings and of the code that acts on them."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(f"{code_version()} {content}".encode()).hexdigest()


class Total(_Frozen):
    """Limits of a whole run, in which order it may meet them; None: no limit."""

    tokens: int | None = None
    """Prompt and completion together."""
    calls: int | None = None
    """Requests to the model."""
    cost: float | None = None
    """US dollars."""
    seconds: float | None = None
    """Wall time of one call of the command; the others count what its folder ever took."""


class Job(_Frozen):
    """One sample of one instance. Plain data: it goes to workers as JSON."""

    instance: Instance
    sample: int
    settings: Settings
    key: str
    """Equal for equal instance, settings, code and sample: what is done need not be done again."""
    grade: bool = True
    solved: Solution | None = None
    """The answer an earlier run without grading has left: only to be graded."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.instance.id} #{self.sample}" if self.sample else self.instance.id


def jobs_of(
    instances: Sequence[Instance], settings: Settings, *, repeat: int = 1, grade: bool = True
) -> list[Job]:
    """The first samples of all instances, then the second ones: a stopped run is a fair one."""
    digests = [(one, one.digest()) for one in instances]
    same = settings.digest()
    return [
        Job(
            instance=one,
            sample=sample,
            settings=settings,
            key=hashlib.sha256(f"{digest} {same} {sample}".encode()).hexdigest(),
            grade=grade,
        )
        for sample in range(repeat)
        for one, digest in digests
    ]


@cache
def code_version() -> str:
    """The version of qwright, and a hash of its files and the grader that can change a result."""
    content = hashlib.sha256()
    with suppress(PackageNotFoundError):
        content.update(f"swebench {version('swebench')}\n".encode())
    for part in _PARTS:
        for file in sorted((_ROOT / part).rglob("*")):
            name = file.relative_to(_ROOT).as_posix()
            if file.suffix in _CODE and not name.startswith(_NO_PART_OF_A_RESULT):
                content.update(f"{name}\n".encode() + file.read_bytes())
    return f"{__version__}+{content.hexdigest()[:12]}"
