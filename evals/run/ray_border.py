"""The one place that talks to ray, which has no types to speak of and is never quiet by itself."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Protocol, TypedDict, TypeVar, cast
from urllib.parse import urlsplit

from qwright.agent.errors import ConfigError
from qwright.evals.run.scratch import scratch
from qwright.sandbox.engine import one_line
from qwright.sandbox.errors import SandboxError

T = TypeVar("T")

_PACKAGES = Path(__file__).parent.parent.parent.parent
"""What must be on the workers' path so that they find this package, installed or not."""
_CONNECT = 5.0
_CALLS = 10_000
"""How many questions an actor may have open: each worker has one or two."""
_STORE = 256 * 1024 * 1024
"""Bytes of shared memory for what workers return, on this machine."""


_ABSENT = "No module named 'qwright"


class ClusterError(SandboxError):
    """The cluster or a worker of it was lost, more often than it is tried again."""


class _Ref(Protocol):
    def future(self) -> Future[object]: ...


class _Remote(Protocol):
    def remote(self, *arguments: object) -> _Ref: ...
    def options(self, **options: object) -> _Remote: ...


class Actor(Protocol):
    """A handle; its methods are called through `ask` and `tell`, from any process."""

    def __getattr__(self, name: str) -> _Remote: ...


class _ActorClass(Protocol):
    def remote(self, *arguments: object) -> Actor: ...
    def options(self, **options: object) -> _ActorClass: ...


class _Node(TypedDict):
    NodeID: str
    Alive: bool


class _Context(Protocol):
    def get_node_id(self) -> str: ...


class _Ray(Protocol):
    def init(self, **options: object) -> object: ...
    def shutdown(self) -> None: ...
    def remote(self, made_of: object) -> object: ...
    def nodes(self) -> Sequence[_Node]: ...
    def cluster_resources(self) -> Mapping[str, float]: ...
    def get_runtime_context(self) -> _Context: ...


class _ErrorClasses(Protocol):
    RayError: type[Exception]
    RayTaskError: type[_TaskError]


class _TaskError(Exception):
    cause: Exception


def _ray() -> _Ray:
    try:
        return cast(_Ray, importlib.import_module("ray"))
    except ModuleNotFoundError as error:
        raise ConfigError("--engine ray needs `pip install 'qwright[ray]'`") from error


def _errors() -> _ErrorClasses:
    return cast(_ErrorClasses, importlib.import_module("ray.exceptions"))


class Cluster:
    """A connection to ray, for the time of a block; see `connected`."""

    def __init__(self, ray: _Ray) -> None:
        self._ray = ray
        self._here = ray.get_runtime_context().get_node_id()
        self._functions: dict[object, _Remote] = {}
        self.resources = ray.cluster_resources()

    def others(self) -> list[str]:
        """Ids of the machines that answer, this one left out."""
        known = [node["NodeID"] for node in self._ray.nodes() if node["Alive"]]
        return [node for node in known if node != self._here]

    async def run(self, function: Callable[..., T], *arguments: object, **options: object) -> T:
        """Run a module's function on some node; `options` are those of ray's remote functions.

        Raises what it raised, and ClusterError when it was lost with its worker or node.
        """
        if function not in self._functions:
            self._functions[function] = cast(_Remote, self._ray.remote(function))
        remote = self._functions[function].options(**options)
        return cast(T, await _answer(remote.remote(*arguments)))

    def actor(self, made_by: type, *arguments: object) -> Actor:
        """An actor on this machine that takes no resources; it ends with the connection."""
        made = cast(_ActorClass, self._ray.remote(made_by))
        placed = made.options(num_cpus=0, max_concurrency=_CALLS, **self.on(self._here))
        return placed.remote(*arguments)

    def on(self, node: str) -> dict[str, object]:
        """The options of `run` that mean this machine, and no other."""
        strategies = importlib.import_module("ray.util.scheduling_strategies")
        chosen = strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        return {"scheduling_strategy": chosen}


async def ask(actor: Actor, method: str, *arguments: object) -> object:
    """Call a method of an actor. Raises what it raised, ClusterError when it is gone."""
    return await _answer(getattr(actor, method).remote(*arguments))


def tell(actor: Actor, method: str, *arguments: object) -> None:
    """Call a method of an actor and wait for nothing; calls arrive in order."""
    getattr(actor, method).remote(*arguments)


async def _answer(ref: _Ref) -> object:
    errors = _errors()
    try:
        return await asyncio.wrap_future(ref.future())
    except errors.RayError as error:
        if _ABSENT in str(error):
            raise ConfigError(
                "a node of the ray cluster has no qwright: install the same one on all of them"
            ) from error
        if isinstance(error, errors.RayTaskError):
            raise error.cause from None
        raise ClusterError(f"ray: {one_line(error)}") from error


@contextlib.contextmanager
def connected(address: str | None, workers: int) -> Generator[Cluster]:
    """Join the cluster at `address`, or make one of this machine for so many workers at a time.

    Blocks for seconds. Raises ConfigError. Nothing of a made cluster is left afterwards.
    """
    if address:
        _require_listener(address)
        with tempfile.TemporaryDirectory() as empty, _connection(empty, address=address) as cluster:
            yield cluster
        return
    with (
        scratch(Path(tempfile.gettempdir()), "qwright-ray-") as folder,
        _variables(_of_children()),
        _connection(
            str(folder),
            address="local",
            num_cpus=workers,
            object_store_memory=_STORE,
            include_dashboard=False,
            _temp_dir=str(folder),
        ) as cluster,
    ):
        yield cluster


@contextlib.contextmanager
def _connection(away: str, **options: object) -> Generator[Cluster]:
    ray = _ray()  # only here: it reads its variables while it is imported
    _hush()
    options |= {"logging_level": "CRITICAL", "log_to_driver": False}
    try:
        # ray puts the working directory in front of its workers' path, where a module of the
        # user's would be taken for one of ours.
        with contextlib.chdir(away):
            ray.init(**options)
    except (RuntimeError, ValueError, OSError, _errors().RayError) as error:
        raise ConfigError(f"ray: {one_line(error)}") from error
    try:
        yield Cluster(ray)
    finally:
        ray.shutdown()


def _hush() -> None:
    """What matters reaches us as exceptions; the rest would tear the progress view apart."""
    # There is no option for what it prints of lost nodes and of tasks that are tried again.
    vars(importlib.import_module("ray._private.worker"))["_worker_logs_enabled"] = False


def _of_children() -> dict[str, str]:
    """The environment of the processes of a cluster made here."""
    path = [str(_PACKAGES), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": _token(),
        "RAY_USAGE_STATS_ENABLED": "0",
    }


@cache
def _token() -> str:
    """ray reads it once in a process, and would else write one into the user's home."""
    return secrets.token_hex(32)


@contextlib.contextmanager
def _variables(changes: Mapping[str, str]) -> Generator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _require_listener(address: str) -> None:
    """Raise ConfigError when nobody listens: ray itself would try for a minute."""
    if address in ("auto", "local"):
        return
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise ConfigError(f"--address must look like HOST:PORT, not {address}")
    try:
        socket.create_connection((host, port), _CONNECT).close()
    except OSError as error:
        reason = error.strerror or "no answer"
        raise ConfigError(f"no ray cluster answers at {address} ({reason})") from error
