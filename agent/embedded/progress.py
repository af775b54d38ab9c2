"""How far a pull or a start is, on a terminal as a bar and elsewhere as a few lines."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichBar
    from rich.progress import TaskID


class Display(Protocol):
    """Usable as the `progress` of `pull` and `ensure_server`, from any thread."""

    def __call__(self, done: int, total: int, label: str) -> None: ...
    def __enter__(self) -> Display: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_display(stream: TextIO) -> Display:
    """A bar where `stream` is a terminal, else a line per step and tenth."""
    return BarDisplay(stream) if stream.isatty() else LineDisplay(stream)


class LineDisplay:
    """One line when the label changes, and one at each tenth of the way."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: tuple[str, int] | None = None

    def __call__(self, done: int, total: int, label: str) -> None:
        tenth = done * 10 // total if total else 0
        stage = label.split(" (")[0]
        if self._last != (stage, tenth):
            self._last = (stage, tenth)
            share = f" {tenth * 10}%" if total else ""
            print(f"{stage}{share}", file=self._stream, flush=True)

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class BarDisplay:
    """A rich progress bar, gone when it is done."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
        )
        self._bar: RichBar = Progress(*columns, console=Console(file=stream), transient=True)
        self._task: TaskID = self._bar.add_task("", total=None)

    def __call__(self, done: int, total: int, label: str) -> None:
        self._bar.update(self._task, completed=done, total=total or None, description=label)

    def __enter__(self) -> BarDisplay:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
