"""Running one command in a container through the engine's exec: three calls, nothing more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from qwright.sandbox.base import MOUNT
from qwright.sandbox.engine import Engine, EngineRefused, engine_errors
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.stream import ExecStream

KILLED = 137
IN_ORDER = ("sh", "-c", 'exec "$@" 2>&1', "sh")
"""Put before a command: one pipe for both its streams, for two are read in whatever order."""
UNKNOWN = (
    "The sandbox was lost while a command ran and its outcome is unknown; "
    "nothing is run again by itself, start a new session."
)


@dataclass(frozen=True, slots=True)
class Command:
    """What to run; `user` is "uid:gid", `environment` comes on top of the container's."""

    argv: Sequence[str]
    user: str
    environment: Mapping[str, str] | None = None
    workdir: str = MOUNT


class Execution:
    """One run of a command; `sink` gets its output, in the thread that calls `run`."""

    def __init__(
        self, engine: Engine, container: str, command: Command, sink: Callable[[bytes], None]
    ) -> None:
        self._engine = engine
        self._container = container
        self._command = command
        self._sink = sink
        self._stream: ExecStream | None = None
        self._aborted = False

    def run(self) -> int:
        """The exit code; 137 after `abort`. Blocks with stdin closed until the output ends.

        Raises SandboxError when the container is gone.
        """
        with engine_errors("Running a command"):
            exec_id = self._create()
            handle = self._engine.api.exec_start(exec_id, socket=True)
            self._stream = ExecStream(handle)
            try:
                for payload in self._stream.payloads():
                    self._sink(payload)
            finally:
                self._stream.close()
        return KILLED if self._aborted else self._exit_code(exec_id)

    def abort(self) -> None:
        """Stop reading, whatever the command does. For another thread."""
        self._aborted = True
        if self._stream:
            self._stream.abort()

    def _create(self) -> str:
        command = self._command
        variables = command.environment or {}
        try:
            with engine_errors("Running a command"):
                created = self._engine.api.exec_create(
                    self._container,
                    command.argv,
                    user=command.user,
                    environment=[f"{name}={value}" for name, value in variables.items()],
                    workdir=command.workdir,
                )
        except EngineRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                words = "The sandbox is gone, so the command was not run; start a new session."
                raise SandboxError(words) from error
            raise
        return created["Id"]

    def _exit_code(self, exec_id: str) -> int:
        try:
            with engine_errors("Asking for an exit code"):
                # The stream can end a moment before the engine has noted the code.
                for _ in range(200):
                    found = self._engine.api.exec_inspect(exec_id)
                    if not found["Running"] and found["ExitCode"] is not None:
                        return found["ExitCode"]
                    time.sleep(0.01)
        except EngineRefused as error:
            raise SandboxError(UNKNOWN) from error
        raise SandboxError(UNKNOWN)


def output_of(engine: Engine, container: str, command: Command) -> bytes:
    """What a short command of our own prints. Blocks. Raises SandboxError."""
    found: list[bytes] = []
    Execution(engine, container, command, found.append).run()
    return b"".join(found)
