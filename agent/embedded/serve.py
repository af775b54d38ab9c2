"""The server process: llama.cpp on loopback, for all qwright processes of the user.

Started by `qwright.agent.embedded.server`. It makes its own key, writes it beside its record with
mode 0600, and leaves after `--idle` seconds in which no request was in flight, the engine's
counters stood still, and no client touched the record. It also leaves when the record is gone or
names another process, for then nobody can find it any more.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from qwright.agent.embedded.engine import Engine, make_params, start, version
from qwright.agent.embedded.record import Record, forget, read_record, write_record
from qwright.agent.embedded.settings import Settings

IDLE_SECONDS = 15 * 60.0
CHECK_SECONDS = 5.0

_IN_FLIGHT = re.compile(r"^llamacpp:requests_(?:processing|deferred) [1-9]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    model: Path
    record: Path
    name: str
    context: int
    settings: str
    slots: Path
    template: Path | None
    idle: float
    engine: Settings


def parse(argv: list[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(prog="qwright-serve", description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--context", type=int, default=16_384)
    parser.add_argument("--settings", default="")
    parser.add_argument("--slots", type=Path, required=True)
    parser.add_argument("--template", type=Path)
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS)
    parser.add_argument("--engine", type=Settings.model_validate_json, default=Settings())
    values = parser.parse_args(argv)
    return Options(**vars(values))


def start_engine(options: Options) -> Engine:
    """Load the model, listen, and make the server known."""
    key = secrets.token_urlsafe(32)
    options.slots.mkdir(mode=0o700, parents=True, exist_ok=True)
    params = make_params(
        name=options.name,
        model=options.model,
        context=options.context,
        template=options.template.read_text("utf-8") if options.template else None,
        slots=options.slots,
        key=key,
        settings=options.engine,
    )
    engine = start(params)
    record = Record(
        name=options.name,
        pid=os.getpid(),
        base_url=engine.listening_address,
        context=options.context,
        settings=options.settings,
        started=time.time(),
        engine=version(),
    )
    write_record(options.record, record, key)
    return engine


class Watch:
    """Decides when the server leaves."""

    def __init__(
        self,
        engine: Engine,
        record: Path,
        idle: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._record = record
        self._idle = idle
        self._clock = clock
        self._counters = ""
        self._last_use = clock()
        self._touched = 0.0

    def should_leave(self) -> bool:
        """Look once at the engine and at the record."""
        counters = self._engine.handle_metrics()
        busy = _IN_FLIGHT.search(counters) is not None
        touched = self._was_touched()
        if busy or touched or counters != self._counters:
            self._counters = counters
            self._last_use = self._clock()
        if busy:
            return False
        record = read_record(self._record)
        if record is None or record.pid != os.getpid():
            return True
        return self._clock() - self._last_use >= self._idle

    def _was_touched(self) -> bool:
        try:
            touched = self._record.stat().st_mtime
        except OSError:
            return False
        before, self._touched = self._touched, touched
        return touched != before


def _wakeup_pipe() -> int:
    """A descriptor that becomes readable on SIGTERM, whichever thread the kernel gives it to.

    Until the model is loaded these signals end the process at once: the engine's constructor
    keeps the interpreter to itself, and there is nothing yet to clean up.
    """
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer)

    def note(number: int, frame: FrameType | None) -> None:
        pass

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, note)
    return reader


def main() -> None:
    os.umask(0o077)
    os.chdir("/")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    options = parse()
    engine = start_engine(options)
    wakeup = _wakeup_pipe()
    watch = Watch(engine, options.record, options.idle)
    pause = min(CHECK_SECONDS, options.idle / 2)
    while not select.select([wakeup], [], [], pause)[0] and not watch.should_leave():
        pass
    forget(options.record, os.getpid())
    # Without the engine's destructors: they would wait for requests nobody reads any more.
    os._exit(0)


if __name__ == "__main__":
    main()
