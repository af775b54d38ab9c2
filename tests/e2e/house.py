"""A user with a repository and a home, who types `qwright`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwright.agent.embedded.fetch import import_root
from qwright.agent.events import Event, parse_event
from qwright.sandbox.engine import connect_blocking
from tests.e2e.scripted_server import Server
from tests.sandbox.repos import contents, fingerprint, git, make_repo, put

COMMAND = [sys.executable, "-m", "qwright.agent"]
KEY = "sk-canary-1234567890"
MODEL = "qwen3-coder-test"
VERIFY = "python -m pytest -q"
FILES = {
    "calc.py": b"def add(a, b):\n    return a - b\n",
    "test_calc.py": b"from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n",
    "latin.txt": "café\n".encode("latin-1"),
    "notes.md": b"one\ntwo\nthree\n",
}
FIXED = b"def add(a, b):\n    return a + b\n"


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit code and all it said."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The result object, the last line of a json format."""
        return json.loads(self.out.splitlines()[-1])

    @property
    def events(self) -> list[Event]:
        """The events of stream-json output; every line must be one."""
        return [parse_event(line) for line in self.out.splitlines()[:-1]]

    @property
    def line(self) -> str:
        """The one line a failed command says."""
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("qwright: ").rstrip("\n")


@dataclass(frozen=True)
class Files:
    """Every byte of the user's: working tree, and git's own files with index, refs and hooks."""

    tree: Mapping[str, tuple[int, bytes]]
    git: Mapping[str, str]


@dataclass
class House:
    repo: Path
    home: Path

    @property
    def files(self) -> Files:
        return Files(contents(self.repo, without=(".git",)), fingerprint(self.repo / ".git"))

    @property
    def sessions(self) -> list[Path]:
        return sorted((self.home / "state" / "sessions").glob("*"))

    @property
    def session(self) -> str:
        """The id of the newest session."""
        return self.sessions[-1].name

    def record(self) -> dict[str, Any]:
        """session.json of the newest session."""
        return json.loads((self.sessions[-1] / "session.json").read_text())

    def environment(self, server: Server | str | None, **more: str) -> dict[str, str]:
        url = server.url if isinstance(server, Server) else server
        named = {"OPENAI_BASE_URL": url or "", "OPENAI_MODEL": MODEL, "OPENAI_API_KEY": KEY}
        kept = ("PATH", "SSL_CERT_FILE", "DOCKER_HOST", "TMPDIR")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            **(named if url else {}),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": import_root(),
            # A library's own filter for this one gets lost when threads import at once.
            "PYTHONWARNINGS": "default,ignore:SOCKS support in urllib3",
            "QWRIGHT_HOME": str(self.home),
            **more,
        }

    def start(
        self,
        *arguments: str,
        server: Server | str | None = None,
        command: Sequence[str] = COMMAND,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Begin a command, in a process group of its own as a shell would."""
        return subprocess.Popen(
            [*command, *arguments],
            cwd=self.repo,
            env=self.environment(server, **(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
            text=True,
        )

    def run(
        self,
        *arguments: str,
        server: Server | str | None = None,
        stdin: str | bytes = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        code: int = 0,
        command: Sequence[str] = COMMAND,
    ) -> Ended:
        """Type `qwright ARGUMENTS` and wait. `code` is the exit code it must end with."""
        done = subprocess.run(
            [*command, *arguments],
            cwd=cwd or self.repo,
            env=self.environment(server, **(env or {})),
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            check=False,
        )
        out = done.stdout.decode(errors="surrogateescape")
        return checked(Ended(done.returncode, out, done.stderr.decode()), code)

    def shown(self) -> str:
        """`qwright sessions show` of the newest session."""
        return self.run("sessions", "show", self.session).out


def checked(ended: Ended, code: int) -> Ended:
    said = f"exit {ended.code}\n--- stdout\n{ended.out}\n--- stderr\n{ended.err}"
    assert ended.code == code, said
    for stream in (ended.out, ended.err):
        assert "Traceback" not in stream, said
    assert "Warning" not in ended.err, said
    assert "was never" not in ended.err, said
    assert KEY not in ended.out + ended.err, said
    return ended


def finish(process: subprocess.Popen[str], code: int) -> Ended:
    """Wait for a command that was started; it must end by itself, soon."""
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"did not end\n{out}\n{err}") from None
    return checked(Ended(process.returncode, out, err), code)


def make_house(root: Path, files: Mapping[str, bytes] = FILES) -> House:
    """A repository in the middle of somebody's work, and an empty home."""
    repo = make_repo(root / "repo", dict(files))
    put(repo, {"notes.md": b"one\ntwo\nthree\nstashed\n"})
    git(repo, "stash", "-q")
    put(repo, {"staged.txt": b"staged\n"})
    git(repo, "add", "staged.txt")
    put(repo, {"staged.txt": b"staged, then edited\n", "untracked.txt": b"mine\n"})
    git(repo, "branch", "other")
    git(repo, "config", "user.name", "Ada")
    git(repo, "config", "user.email", "ada@example.org")
    hooks = repo / ".git" / "hooks"
    for name in ("pre-commit", "post-checkout", "post-commit", "reference-transaction"):
        (hooks / name).write_text("#!/bin/sh\ntouch ../hook-ran hook-ran\n")
        (hooks / name).chmod(0o755)
    home = root / "home"
    home.mkdir()
    return House(repo, home)


def containers(session: str) -> list[str]:
    """Ids of the containers of a session that are there, running or not."""
    label = {"label": f"qwright.session={session}"}
    return [one["Id"] for one in connect_blocking().api.containers(all=True, filters=label)]


def plain(text: str) -> bool:
    """Whether a text holds no terminal control at all."""
    return not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
