"""llama.cpp with qwright's settings, through xllamacpp."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Protocol, cast

from qwright.agent.embedded.settings import Settings

HOST_CACHE_MIB = 512
"""Memory for the states of prompts other than the last one."""
POLL = 0
"""How long a thread spins for its next piece of work before it sleeps, 0..100."""


class Engine(Protocol):
    """A running server."""

    @property
    def listening_address(self) -> str: ...
    def handle_metrics(self) -> str:
        """The counters in Prometheus' text form."""
        ...


class _Path(Protocol):
    path: str


class _Cpu(Protocol):
    n_threads: int
    poll: int


class _Sampling(Protocol):
    temp: float
    top_p: float
    top_k: int
    min_p: float
    penalty_repeat: float


class _NgramSimple(Protocol):
    size_n: int
    size_m: int
    min_hits: int


class _Speculative(Protocol):
    types: list[int]
    ngram_simple: _NgramSimple


class Params(Protocol):
    """What is used of xllamacpp's CommonParams, which comes without types."""

    model: _Path
    model_alias: set[str]
    hostnames: list[str]
    port: int
    api_keys: list[str]
    n_ctx: int
    n_parallel: int
    n_batch: int
    n_ubatch: int
    cache_type_k: object
    cache_type_v: object
    no_extra_bufts: bool
    cache_prompt: bool
    cache_ram_mib: int
    endpoint_slots: bool
    endpoint_metrics: bool
    slot_save_path: str
    ui: bool
    offline: bool
    chat_template: str
    sampling: _Sampling
    speculative: _Speculative
    cpuparams: _Cpu
    cpuparams_batch: _Cpu


class _SpeculativeType(Protocol):
    COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE: int


class _Type(Protocol):
    GGML_TYPE_F16: object
    GGML_TYPE_Q8_0: object


class _Library(Protocol):
    __version__: str
    ggml_type: _Type
    common_speculative_type: _SpeculativeType

    def CommonParams(self) -> Params: ...
    def Server(self, params: Params) -> Engine: ...


def _library() -> _Library:
    return cast(_Library, importlib.import_module("xllamacpp"))


def make_params(
    *,
    name: str,
    model: Path,
    context: int,
    template: str | None,
    slots: Path,
    key: str,
    settings: Settings,
) -> Params:
    """For a server on a free port of loopback that wants `key`. `context` is in tokens."""
    params = _library().CommonParams()
    params.model.path = str(model)
    params.model_alias = {name}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.n_ctx = context
    params.n_parallel = 1
    params.cache_prompt = True
    params.cache_ram_mib = HOST_CACHE_MIB
    params.endpoint_slots = True
    params.endpoint_metrics = True
    params.slot_save_path = f"{slots}/"
    params.ui = False
    params.offline = True
    params.chat_template = template or ""
    _set_sampling(params.sampling)
    _apply(settings, params)
    return params


def _apply(settings: Settings, params: Params) -> None:
    types = _library().ggml_type
    params.n_batch = params.n_ubatch = settings.batch
    cache_type = types.GGML_TYPE_Q8_0 if settings.kv == "q8_0" else types.GGML_TYPE_F16
    params.cache_type_k = params.cache_type_v = cache_type
    params.no_extra_bufts = not settings.repack
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = settings.threads or usable_threads()
        cpu.poll = POLL
    if settings.guessed:
        _guess_repetition(params.speculative, settings)


def _guess_repetition(speculative: _Speculative, settings: Settings) -> None:
    speculative.types = [_library().common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
    speculative.ngram_simple.size_n = settings.repeated
    speculative.ngram_simple.size_m = settings.guessed
    speculative.ngram_simple.min_hits = 1


def _set_sampling(sampling: _Sampling) -> None:
    # Qwen's own values, for clients that send none; the engine's are others.
    sampling.temp = 0.7
    sampling.top_p = 0.8
    sampling.top_k = 20
    sampling.min_p = 0.0
    sampling.penalty_repeat = 1.05


def version() -> str:
    """The engine's own."""
    return _library().__version__


def start(params: Params) -> Engine:
    """Load the model and listen. Blocks, and keeps the whole interpreter to itself meanwhile."""
    return _library().Server(params)


def usable_threads() -> int:
    """Threads for the engine; -1 leaves the choice, one per core, to it.

    The engine looks at the machine only: in a container held to 2 of 64 cores it would start 64
    threads that wait for each other.
    """
    allowed = len(os.sched_getaffinity(0))
    quota = _cgroup_quota()
    if allowed == os.cpu_count() and quota is None:
        return -1
    return max(1, min(allowed, int(quota or allowed)))


def _cgroup_quota() -> float | None:
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        try:
            limit = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").read_text("ascii")
            period = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us").read_text("ascii")
        except OSError:
            return None
    return None if limit == "max" or int(limit) <= 0 else int(limit) / int(period)
