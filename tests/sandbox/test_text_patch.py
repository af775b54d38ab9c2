"""A patch that is text whatever the files are, and that git applies."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwright.sandbox.store import Checkpoint
from qwright.sandbox.text_patch import text_patch
from tests.sandbox.repos import git, make_repo, make_store, put

LATIN = "h\xe9llo\n".encode("latin-1")
BEFORE = {"a.py": b"x = 1\n", "latin.txt": LATIN, "gone.bin": b"\0\xff", "odd \xe9.txt": LATIN}
AFTER = {
    "a.py": b"x = 2\n",
    "latin.txt": LATIN * 2,
    "new/pic": b"\x89PNG\0",
    "odd \xe9.txt": b"h\n",
}


def _patch(root: Path, before: dict[str, bytes], after: dict[str, bytes]) -> str:
    store = make_store(root, before)
    base = store.record("base", 0)
    for path in before.keys() - after.keys():
        (store.work_tree / path).unlink()
    put(store.work_tree, after)
    now = store.record("now", 1) or base
    assert isinstance(base, Checkpoint)
    assert isinstance(now, Checkpoint)
    return text_patch(store, base, now)


def _applied(root: Path, before: dict[str, bytes], patch: str) -> dict[str, bytes]:
    repo = make_repo(root, before)
    if patch:
        git(repo, "apply", "--index", stdin=patch.encode("utf-8"))
    names = git(repo, "ls-files", "-z").split("\0")[:-1]
    return {name: (repo / name).read_bytes() for name in names}


def test_files_of_any_encoding_come_through_as_text(tmp_path: Path) -> None:
    patch = _patch(tmp_path / "store", BEFORE, AFTER)
    assert "+x = 2\n" in patch, "what is text stays readable"
    assert _applied(tmp_path / "repo", BEFORE, patch) == AFTER


def test_nothing_changed_is_no_patch(tmp_path: Path) -> None:
    assert _patch(tmp_path, BEFORE, BEFORE) == ""


CONTENT = st.dictionaries(
    st.sampled_from(["a", "b.txt", "d/e"]), st.binary(min_size=1, max_size=40), min_size=1
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=CONTENT, after=CONTENT)
def test_any_bytes(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as root:
        patch = _patch(Path(root, "store"), before, after)
        assert _applied(Path(root, "repo"), before, patch) == after
