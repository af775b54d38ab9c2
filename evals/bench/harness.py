"""What the harness itself costs: a run with a dry model over its containers and commands alone.

The reference does for each instance what a sample cannot do without, one after the other and with
the engine's SDK: start a container with the files mounted, the model's two test runs, remove it;
start another, copy the files in, apply the patch, run the tests, remove it.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from qwright.evals.bench import dry_model
from qwright.evals.bench.command import Options, main
from qwright.evals.bench.measure import Budget, Report, Row, interleaved, median, spread
from qwright.evals.instance import FilesSource, Instance, TestGrading
from qwright.evals.result import Result
from qwright.evals.run.hooks import Phase
from qwright.evals.run.meter import Meter
from qwright.evals.run.runner import Ended, Plan, run
from qwright.evals.run.settings import Job, Settings
from qwright.sandbox.engine import Api, Created, connect
from qwright.sandbox.errors import QwrightError
from qwright.sandbox.hardening import bind
from qwright.sandbox.image import ensure_image

INSTANCES = 8
ROUNDS = 3
OF_COMMANDS = Budget(1.3)
OF_ONE_WORKER = Budget(1.8, least=True)
MOUNT = "/testbed"
FILES = {
    dry_model.FILE: f"def add(a, b):\n    return {dry_model.BEFORE}\n",
    "test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n",
}
TEST = "python -m pytest -rA -p no:cacheprovider test_calc.py"
SCRIPT = f"""\
#!/bin/bash
set -uxo pipefail
cd {MOUNT}
: '>>>>> Start Test Output'
{TEST}
: '>>>>> End Test Output'
"""


class UnsolvedError(QwrightError):
    """The dry model's answers must solve the instance, or something else is measured."""


class PlainApi(Protocol):
    """The SDK's own ways, as far as the reference goes them."""

    def exec_create(
        self, container: str, cmd: list[str], *, user: str, workdir: str
    ) -> Created: ...
    def exec_start(self, exec_id: str) -> bytes: ...


async def measure(options: Options) -> Report:
    """Raises SandboxError without an engine, UnsolvedError when the instances are not solved."""
    image = await ensure_image(options.image, lambda line: None)
    api = (await connect()).api
    with tempfile.TemporaryDirectory(prefix="qwright-bench-") as name, dry_model.dry_model() as url:
        root = Path(name)
        ours = {workers: _Ours(url, root, options.image, workers) for workers in (1, 2)}
        plain = {workers: _Plain(api, image, root, workers) for workers in (1, 2)}
        await ours[1]()  # imports, the test bed, the image
        measures = {
            "harness, 1 worker": ours[1],
            "harness, 2 workers": ours[2],
            "commands, 1 at a time": plain[1],
            "commands, 2 at a time": plain[2],
        }
        found = await interleaved(options.rounds or ROUNDS, measures)
    return Report(rows(found), notes(found))


def rows(found: dict[str, list[float]]) -> list[Row]:
    """Seconds of an instance; then instances a second with two workers over those with one."""
    one, two, plain, _ = (median(values) for values in found.values())
    what, against = "harness, an instance", "its containers and commands"
    per_second = "harness, 2 workers"
    return [
        Row(what, "s", one, plain, against, OF_COMMANDS),
        Row(per_second, "instances/s", 1 / two, 1 / one, "1 worker", OF_ONE_WORKER),
    ]


def notes(found: dict[str, list[float]]) -> list[str]:
    """All times, and how well the commands alone go in parallel: nothing can do better."""
    _, _, one, two = (median(values) for values in found.values())
    told = [f"{name}, min / median / max: {spread(values)} s" for name, values in found.items()]
    return [*told, f"two of these at a time are {one / two:.2f} times as fast without the harness"]


def instances() -> list[Instance]:
    grading = TestGrading(
        eval_script=SCRIPT,
        fail_to_pass=("test_calc.py::test_add",),
        pass_to_pass=(),
        log_parser="parse_log_pytest_v2",
        test_paths=("test_calc.py",),
    )
    source = FilesSource(files=FILES)
    return [
        Instance(id=f"dry-{number}", prompt="add() subtracts.", source=source, grading=grading)
        for number in range(INSTANCES)
    ]


class _Nobody:
    """Looks at nothing."""

    def begin(self, jobs: Sequence[Job], done: Sequence[Result], meter: Meter) -> None:
        pass

    def phase(self, job: Job, phase: Phase) -> None:
        pass

    def finished(self, result: Result) -> None:
        pass

    def say(self, text: str) -> None:
        print(text, file=sys.stderr)

    def end(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Ours:
    """A whole run, in a folder of its own; its seconds for an instance."""

    url: str
    root: Path
    image: str | None
    workers: int

    async def __call__(self) -> float:
        out = self.root / f"out-{secrets.token_hex(4)}"
        settings = Settings(model="dry", base_url=self.url, image=self.image)
        began = time.monotonic()
        plan = Plan(out=out, dataset="dry", workers=self.workers)
        _require_solved(await run(instances(), settings, plan, _Nobody()))
        return (time.monotonic() - began) / INSTANCES


def _require_solved(ended: Ended) -> None:
    if ended.summary.resolved != INSTANCES:
        raise UnsolvedError(
            f"{ended.summary.resolved} of {INSTANCES} instances were solved: {ended.line}"
        )


@dataclass(frozen=True, slots=True)
class _Plain:
    """The same containers and commands without the harness; seconds for an instance."""

    api: Api
    image: str
    root: Path
    workers: int

    async def __call__(self) -> float:
        return await asyncio.to_thread(self._all)

    def _all(self) -> float:
        began = time.monotonic()
        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(self._instance, range(INSTANCES)))
        return (time.monotonic() - began) / INSTANCES

    def _instance(self, number: int) -> None:
        with tempfile.TemporaryDirectory(dir=self.root) as name:
            folder = Path(name)
            folder.chmod(0o755)
            for file, text in FILES.items():
                (folder / file).write_text(text)
            self._solve(folder)
            self._grade(folder)

    def _solve(self, folder: Path) -> None:
        name = self._start([bind(folder, MOUNT, read_only=False)])
        try:
            self._run(name, dry_model.TESTS)
            solved = FILES[dry_model.FILE].replace(dry_model.BEFORE, dry_model.AFTER)
            (folder / dry_model.FILE).write_text(solved)
            self._run(name, f"{dry_model.TESTS} -v")
        finally:
            self.api.remove_container(name, force=True, v=True)

    def _grade(self, folder: Path) -> None:
        patch = _git_diff(folder)
        name = self._start([])
        try:
            with _archive(FILES, patch) as data:
                self.api.put_archive(name, "/", data)
            self._run(name, "git init -q && git apply --verbose /tmp/patch.diff")
            self._run(name, TEST)
        finally:
            self.api.remove_container(name, force=True, v=True)

    def _start(self, mounts: list[object]) -> str:
        name = f"qwright-bench-{secrets.token_hex(4)}"
        host = self.api.create_host_config(network_mode="none", mounts=mounts)
        command = ["sleep", "infinity"]
        self.api.create_container(self.image, name=name, command=command, host_config=host)
        self.api.start(name)
        return name

    def _run(self, container: str, command: str) -> None:
        plain = cast(PlainApi, self.api)
        argv = ["bash", "-c", command]
        made = plain.exec_create(container, argv, user="0:0", workdir=MOUNT)
        plain.exec_start(made["Id"])


def _git_diff(folder: Path) -> bytes:
    """What changed, as a patch."""
    before = folder / ".before"
    before.write_text(FILES[dry_model.FILE])
    names = ["--no-index", before.name, dry_model.FILE]
    done = subprocess.run(["git", "diff", *names], cwd=folder, stdout=subprocess.PIPE, check=False)
    before.unlink()
    return done.stdout.replace(b".before", dry_model.FILE.encode())


def _archive(files: dict[str, str], patch: bytes) -> io.BytesIO:
    data = io.BytesIO()
    texts = {f"{MOUNT}/{name}": text.encode() for name, text in files.items()}
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in {**texts, "/tmp/patch.diff": patch}.items():
            member = tarfile.TarInfo(name.lstrip("/"))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    data.seek(0)
    return data


if __name__ == "__main__":
    sys.exit(main({"harness": measure}, __doc__ or ""))
