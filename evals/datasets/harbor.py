"""Harbor task folders (Terminal-Bench 2): task.toml, instruction.md, environment/, tests/."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from qwright.evals.datasets.rows import Row
from qwright.evals.datasets.task_toml import read_task, read_text
from qwright.evals.instance import ImageSource, Instance, RewardGrading, folder_digest

REPOSITORY = "qwright-harbor"
_WORKDIR = re.compile(r"^\s*WORKDIR\s+(\S+)\s*$", re.IGNORECASE | re.MULTILINE)
_OTHERWISE = "/app"
_NOT_RUN = "which qwright does not run: take its folder out of the data set"
_COMPOSE = ("docker-compose.yaml", "docker-compose.yml", "compose.yaml", "compose.yml")


def is_harbor_task(folder: Path) -> bool:
    return (folder / "task.toml").is_file() and (folder / "instruction.md").is_file()


def harbor_instance(folder: Path) -> Instance:
    """One task. What the agent changes must lie in the image's working directory, the workspace.

    Solutions are scripts, so there is no gold patch: metadata has `solution`, the script's path.
    Raises ConfigError.
    """
    row = read_task(folder)
    environment = _table(row, "environment")
    _require_one_container(row, folder)
    image, build = _image(row, environment, folder / "environment")
    workdir = environment.optional("workdir") or _workdir(folder / "environment" / "Dockerfile")
    verifier, agent = _table(row, "verifier"), _table(row, "agent")
    solution = folder / "solution" / "solve.sh"
    return Instance(
        id=Row(row.where, folder, {"name": folder.name}).id("name"),
        prompt=read_text(folder / "instruction.md"),
        source=ImageSource(path=workdir),
        grading=RewardGrading(tests=folder / "tests"),
        image=image,
        build=build,
        mount=workdir,
        env=environment.texts("env") if environment.data.get("env") else {},
        network=_network(environment, agent),
        timeout=verifier.number("timeout_sec", 600.0),
        metadata={
            **(row.mapping("metadata") or {}),
            "agent_timeout": agent.number("timeout_sec", 600.0),
            "solution": str(solution) if solution.is_file() else None,
        },
    )


def _table(row: Row, name: str) -> Row:
    return Row(f"{row.where}: [{name}]", row.folder, row.mapping(name) or {})


def _require_one_container(row: Row, folder: Path) -> None:
    if not (folder / "tests" / "test.sh").is_file():
        raise row.error("there is no tests/test.sh beside it")
    if any((folder / "environment" / name).exists() for name in _COMPOSE):
        raise row.error(f"the task needs several containers (compose), {_NOT_RUN}")
    if row.data.get("steps"):
        raise row.error(f"the task has several steps, {_NOT_RUN}")
    if _table(row, "verifier").optional("environment_mode") == "separate":
        raise row.error(f"the task is graded in an image of its own, {_NOT_RUN}")


def _image(row: Row, environment: Row, folder: Path) -> tuple[str, Path | None]:
    named = environment.optional("docker_image")
    if named:
        return named, None
    if not (folder / "Dockerfile").is_file():
        raise row.error("there is neither docker_image nor environment/Dockerfile")
    return f"{REPOSITORY}:{folder_digest(folder).hex()[:24]}", folder


def _workdir(dockerfile: Path) -> str:
    found = _WORKDIR.findall(read_text(dockerfile)) if dockerfile.is_file() else []
    last = found[-1].strip("\"'").rstrip("/") if found else ""
    return last if last.startswith("/") and "$" not in last else _OTHERWISE


def _network(environment: Row, agent: Row) -> Literal["none", "full"]:
    """Of the agent's commands: the agent's own word, then the environment's; none unless asked."""
    mode = agent.optional("network_mode") or environment.optional("network_mode")
    if mode:
        return "full" if mode == "public" else "none"
    return "full" if environment.data.get("allow_internet") is True else "none"
