"""The one place that talks to the container engine.

The SDK is imported on the first connection, because it is slow to import, and hidden behind the
typed `Api` below, because it has no types of its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, Protocol, TypedDict, TypeVar, cast

from qwright.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from docker.tls import TLSConfig

T = TypeVar("T")

OLDEST_API = (1, 41)
"""Docker 20.10, the first that lets a profile choose the error of a denied system call."""
DEFAULT_SOCKET = Path("/var/run/docker.sock")
START_ENGINE = (
    "Start Docker (or set DOCKER_HOST), or install it: on Debian `apt-get install docker.io`."
)


class ImageConfig(TypedDict):
    Env: list[str] | None


class ImageInfo(TypedDict):
    Id: str
    Size: int
    Config: ImageConfig


class EngineInfo(TypedDict):
    ServerVersion: str
    CgroupVersion: str
    SecurityOptions: list[str] | None
    MemTotal: int
    NCPU: int


class ExecInfo(TypedDict):
    Running: bool
    ExitCode: int | None


class ContainerInfo(TypedDict):
    Id: str
    Labels: dict[str, str] | None


class Created(TypedDict):
    Id: str


class PullDetail(TypedDict, total=False):
    current: int
    total: int


class PullEvent(TypedDict, total=False):
    id: str
    status: str
    error: str
    progressDetail: PullDetail


class BuildEvent(TypedDict, total=False):
    stream: str
    error: str


class Api(Protocol):
    """What we use of the SDK's low-level client."""

    api_version: str

    def info(self) -> EngineInfo: ...
    def inspect_image(self, image: str) -> ImageInfo: ...
    def pull(
        self, repository: str, tag: str | None, *, stream: Literal[True], decode: Literal[True]
    ) -> Iterable[PullEvent]: ...
    def build(
        self, *, path: str, tag: str, rm: bool, forcerm: bool, decode: Literal[True]
    ) -> Iterable[BuildEvent]: ...
    def inspect_distribution(self, image: str) -> object: ...
    def tag(self, image: str, repository: str, tag: str) -> bool: ...
    def remove_image(self, image: str, *, force: bool) -> object: ...
    def import_image(
        self,
        src: IO[bytes],
        *,
        repository: str,
        tag: str,
        changes: list[str],
        stream_src: bool,
    ) -> str: ...
    def commit(
        self, container: str, repository: str, tag: str, *, changes: list[str]
    ) -> Created: ...
    def create_host_config(self, **options: object) -> Mapping[str, object]: ...
    def create_container(self, image: str, **options: object) -> Created: ...
    def containers(
        self, *, all: bool, filters: Mapping[str, object]
    ) -> Sequence[ContainerInfo]: ...
    def start(self, container: str) -> None: ...
    def pause(self, container: str) -> None: ...
    def unpause(self, container: str) -> None: ...
    def remove_container(self, container: str, *, force: bool, v: bool) -> None: ...
    def put_archive(self, container: str, path: str, data: IO[bytes]) -> bool: ...
    def get_archive(self, container: str, path: str) -> tuple[Iterable[bytes], object]: ...
    def exec_create(
        self,
        container: str,
        cmd: Sequence[str],
        *,
        user: str,
        environment: Sequence[str] | None = None,
        workdir: str | None = None,
    ) -> Created: ...
    def exec_start(self, exec_id: str, *, socket: Literal[True]) -> object: ...
    def exec_inspect(self, exec_id: str) -> ExecInfo: ...


class EngineRefused(SandboxError):
    """The engine answered with an error; `status` is its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Engine:
    """A connection to the container engine."""

    api: Api
    address: str
    rootless: bool
    """Whether root inside a container is an ordinary user of the host."""
    info: EngineInfo


async def connect(timeout: int = 60) -> Engine:
    """Connect to the engine; `timeout` (seconds) bounds each of its answers.

    Raises SandboxError with what to do when there is no engine, when it refuses this user, or
    when it is too old.
    """
    return await asyncio.to_thread(connect_blocking, timeout)


def connect_blocking(timeout: int = 60) -> Engine:
    """Like `connect`, for code that runs in a thread already."""
    return _connect(engine_address(), timeout)


def engine_address() -> str:
    """DOCKER_HOST, or the first socket there is: the system's, the user's own Docker, Podman."""
    chosen = os.environ.get("DOCKER_HOST")
    if chosen:
        return chosen
    found = next((path for path in default_sockets() if _is_socket(path)), DEFAULT_SOCKET)
    return f"unix://{found}"


def default_sockets() -> list[Path]:
    """Where engines listen on this machine, in the order in which they are tried."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return [
        DEFAULT_SOCKET,
        Path(runtime, "docker.sock"),
        Path(runtime, "podman", "podman.sock"),
        Path("/run/podman/podman.sock"),
    ]


@contextmanager
def engine_errors(doing: str) -> Generator[None]:
    """Turn what the SDK raises inside into SandboxError: `doing`, then the engine's own words."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        words = str(error.explanation or error)
        status = error.status_code or HTTPStatus.INTERNAL_SERVER_ERROR
        raise EngineRefused(f"{doing}: {one_line(words)}", status) from error
    except (DockerException, RequestException, HTTPError, OSError) as error:
        raise SandboxError(f"{doing}: the engine does not answer: {one_line(error)}") from error


async def in_engine(doing: str, call: Callable[[], T]) -> T:
    """Run `call`, which blocks on the engine, in a thread. Raises SandboxError."""

    def guarded() -> T:
        with engine_errors(doing):
            return call()

    return await asyncio.to_thread(guarded)


def one_line(words: object, limit: int = 300) -> str:
    """The text of an error, in one line of at most `limit` characters."""
    text = " ".join(str(words).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


@lru_cache(maxsize=8)
def _connect(address: str, timeout: int) -> Engine:
    from docker import APIClient
    from docker.errors import DockerException

    _require_listener(address)
    try:
        client = APIClient(base_url=address, version="auto", timeout=timeout, tls=_tls(address))
        api = cast(Api, client)
        info = api.info()
    except DockerException as error:
        words = f"The container engine at {address} failed: {one_line(error)}. {START_ENGINE}"
        raise SandboxError(words) from error
    found = tuple(int(part) for part in api.api_version.split("."))
    if found < OLDEST_API:
        raise SandboxError(
            f"The container engine at {address} is too old (API {api.api_version}); "
            "qwright needs Docker 20.10 or newer."
        )
    options = info.get("SecurityOptions") or []
    return Engine(api, address, "name=rootless" in options, info)


def _tls(address: str) -> TLSConfig | bool:
    if not os.environ.get("DOCKER_TLS_VERIFY") or not address.startswith("tcp://"):
        return False
    from docker.tls import TLSConfig

    folder = Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    client = (str(folder / "cert.pem"), str(folder / "key.pem"))
    return TLSConfig(client_cert=client, ca_cert=str(folder / "ca.pem"), verify=True)


def _require_listener(address: str) -> None:
    """Raise SandboxError with what to do when nobody listens at the socket `address` names."""
    if not address.startswith("unix://"):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(address.removeprefix("unix://"))
    except PermissionError as error:
        raise SandboxError(
            f"You may not use the container engine at {address}. Join its group: "
            "`sudo usermod -aG docker $USER`, then log in again."
        ) from error
    except FileNotFoundError as error:
        words = f"No container engine: there is no socket at {address}. {START_ENGINE}"
        raise SandboxError(words) from error
    except OSError as error:
        words = f"No container engine answers at {address} ({error.strerror}). {START_ENGINE}"
        raise SandboxError(words) from error


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
