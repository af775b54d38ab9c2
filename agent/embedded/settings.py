"""The engine's settings that depend on the machine, and those measured for this one."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qwright.agent.embedded.record import write_private
from qwright.sandbox.dirs import state_dir


class Settings(BaseModel):
    """What `qwright models tune` may change. None of it changes what the model says."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    threads: int = Field(default=0, ge=0)
    """0: as many as there are cores for this process."""
    batch: int = Field(default=512, ge=32)
    """Tokens evaluated at a time, and so between two looks at whether the client is still there."""
    kv: Literal["f16", "q8_0"] = "f16"
    repack: bool = True
    """Copy the weights into another order when they are loaded; not faster on every machine."""
    repeated: int = Field(default=8, ge=1)
    """Tokens that must repeat what was read before the next ones are guessed from there."""
    guessed: int = Field(default=16, ge=0)
    """Tokens guessed at a time: a file written anew is mostly what was read. 0: none."""


class Tuned(BaseModel):
    """Settings that were measured, and for what."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    machine: str
    engine: str
    weights: str
    settings: Settings


def tuned_path(name: str) -> Path:
    return state_dir() / "tuned" / f"{name}.json"


def settings_for(name: str, weights: str) -> Settings:
    """Those measured for this model on this machine, else the default ones.

    `weights` is what tells one file from another under the same name.
    """
    try:
        tuned = Tuned.model_validate_json(tuned_path(name).read_text("utf-8"))
    except (OSError, ValidationError):
        return Settings()
    same = (tuned.machine, tuned.engine, tuned.weights) == (machine(), engine_version(), weights)
    return tuned.settings if same else Settings()


def keep(name: str, weights: str, settings: Settings) -> Path:
    """Use these settings from the next start of the server on."""
    path = tuned_path(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    tuned = Tuned(machine=machine(), engine=engine_version(), weights=weights, settings=settings)
    write_private(path, tuned.model_dump_json(indent=1))
    return path


def machine() -> str:
    """The processor and how many of its cores are there for this process."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else os.uname().machine}, {len(os.sched_getaffinity(0))} cores"


def engine_version() -> str:
    return metadata.version("xllamacpp")
