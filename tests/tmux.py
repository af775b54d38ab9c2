"""A program in tmux: a second terminal to test in, one that people use."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.terminal import SECONDS

WAIT = 0.05


class Tmux:
    """One session of a tmux server of its own. Keys go by tmux's names: Enter, Escape, BTab."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        columns: int = 100,
        lines: int = 30,
    ) -> None:
        self._socket = f"qwright-test-{uuid.uuid4().hex[:12]}"
        named = [f"{name}={value}" for name, value in env.items()]
        size = ["-x", str(columns), "-y", str(lines)]
        # Nothing of this process's own: COLUMNS in it would hide the window's size.
        command = shlex.join(["env", "-i", "TERM=screen-256color", *named, *argv])
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "-c", str(cwd), command)
        # What the window showed last can be looked at when the program has ended.
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        self._tmux("set-option", "-g", "escape-time", "10")

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", "--", *keys)

    def paste(self, text: str) -> None:
        """From tmux's buffer, marked as a paste where the program asked for that."""
        self._tmux("set-buffer", "--", text)
        self._tmux("paste-buffer", "-p")

    def resize(self, columns: int, lines: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p").rstrip("\n")

    def all(self) -> str:
        """Scrollback and window, wrapped lines joined."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-").rstrip("\n")

    @property
    def alive(self) -> bool:
        return self._tmux("display-message", "-p", "#{pane_dead}").strip() == "0"

    def wait_for(self, pattern: str, *, seconds: float = SECONDS) -> str:
        """Until scrollback or window hold a match of the pattern."""
        until = time.monotonic() + seconds
        while not re.search(pattern, self.all()):
            assert time.monotonic() < until, f"{pattern!r} was not shown\n{self.all()}"
            time.sleep(WAIT)
        return self.screen()

    def pause(self) -> None:
        """Long enough for a program that draws to have drawn."""
        time.sleep(10 * WAIT)

    def ended(self, *, seconds: float = SECONDS) -> None:
        until = time.monotonic() + seconds
        while self.alive:
            assert time.monotonic() < until, f"it did not end\n{self.all()}"
            time.sleep(WAIT)

    def close(self) -> None:
        subprocess.run(
            ["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True
        )

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout
