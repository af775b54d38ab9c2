"""Folders added to read: there for the agent, in no checkpoint, and a way out for nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwright.sandbox import added
from qwright.sandbox.added import add_directory
from qwright.sandbox.bridge import Bridge
from qwright.sandbox.checkout import create_checkout
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.session_dir import Session, fork_session
from tests.sandbox.repos import contents, fingerprint, make_repo, put


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "qwright"))
    repo = make_repo(tmp_path / "repo", {"a": b"1\n"})
    session = Session.create(repo, prompt="do it")
    checkout = create_checkout(repo, session.path)
    session.update(source=str(checkout.root), base=checkout.base.commit)
    return session


@pytest.fixture
def library(tmp_path: Path) -> Path:
    library = make_repo(tmp_path / "library", {"src/x.py": b"x\n", ".gitignore": b"*.o\n"})
    put(library, {"x.o": b"1", ".env": b"KEY=1", "new": b"1\n", "run": b"#!\n"})
    (library / "run").chmod(0o755)
    (library / "out").symlink_to("/etc/passwd")
    return library


def test_a_folder_is_copied_without_what_is_secret_and_never_recorded(
    session: Session, library: Path
) -> None:
    before = fingerprint(library)
    assert add_directory(session, library) == ".added/library"
    place = session.path / "ws/.added/library"
    found = contents(place)
    assert set(found) == {"src/x.py", ".gitignore", "new", "run", "out"}
    assert {oct(mode & 0o777) for path, (mode, _) in found.items() if path != "out"} == {
        *("0o444", "0o555")
    }
    assert fingerprint(library) == before
    store = session.store()
    put(session.path / "ws", {".gitignore": b"!.added/\n!.added/**\n"})
    made = store.record("more rules", 1)
    assert made is not None
    assert set(store.tree_of(made)) == {"a", ".gitignore"}
    store.restore(store.log()[0])
    assert (place / "new").exists()
    assert Bridge(Path(session.record.source), session.path, store).reject() == []


def test_a_subfolder_of_a_repository_is_added_alone(session: Session, library: Path) -> None:
    assert add_directory(session, library / "src") == ".added/src"
    assert set(contents(session.path / "ws/.added")) == {"src/x.py"}


def test_it_is_moved_nowhere_else_whatever_lies_in_the_way(
    session: Session, library: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (session.path / "ws/.added").symlink_to(outside)
    with pytest.raises(WorkspaceError, match="cannot be made"):
        add_directory(session, library)
    assert os.listdir(outside) == []
    (session.path / "ws/.added").unlink()
    add_directory(session, library)
    with pytest.raises(WorkspaceError, match="was it added already"):
        add_directory(session, library)
    assert not (session.path / "adding").exists()


def test_what_is_too_large_absent_or_ours_is_refused(
    session: Session, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(added, "MOST_FILES", 2)
    for folder, reason in (
        (library, "add a smaller folder"),
        (tmp_path / "absent", "no such directory"),
        (session.path, "qwright's own files"),
        (tmp_path / "qwright", "qwright's own files"),
    ):
        with pytest.raises(WorkspaceError, match=reason) as error:
            add_directory(session, folder)
        assert "\n" not in str(error.value)
    assert not (session.path / "ws/.added").exists()


def test_a_fork_goes_its_own_way(session: Session, library: Path) -> None:
    store = session.store()
    put(session.path / "ws", {"b": b"1\n", "x y/z": b"1\n"})
    (session.path / "ws/link").symlink_to("a")
    first = store.record("one", 1)
    put(session.path / "ws", {"a": b"2\n", "half": b"not recorded"})
    store.record("two", 2)
    put(session.path, {"events.jsonl": b"{}\n", "transcript.jsonl": b"{}\n"})
    bridge = Bridge(Path(session.record.source), session.path, store)
    bridge.accept()
    copy = fork_session(session, first)
    other = copy.store()
    assert contents(copy.path / "ws") == {
        path: state for path, state in contents(session.path / "ws").items() if path != "half"
    } | {"a": contents(copy.path / "ws")["a"]}
    assert (copy.path / "ws/a").read_bytes() == b"1\n"
    assert other.cursor() == first
    assert other.log() == store.log()
    assert other.record("nothing", 3) is None
    assert (copy.path / "transcript.jsonl").read_bytes() == b"{}\n"
    assert (copy.record.prompt, copy.record.base) == ("do it", session.record.base)
    assert copy.record.id != session.record.id
    assert not (copy.path / "applied").exists()
    put(copy.path / "ws", {"only here": b"1"})
    other.record("three", 3)
    assert len(store.log()) == 3
    assert not (session.path / "ws/only here").exists()
    both = Bridge(Path(copy.record.source), copy.path, other)
    assert both.pull().paths == []
    assert [change.path for change in both.pending()] == ["a", "half", "only here"]
    copy.close()
    session.close()


def test_a_fork_begins_where_the_session_is(session: Session) -> None:
    put(session.path / "ws", {"b": b"1\n"})
    made = session.store().record("one", 1)
    copy = fork_session(session)
    assert copy.store().cursor() == made
    assert contents(copy.path / "ws") == contents(session.path / "ws")
    copy.close()


def test_a_fork_that_fails_leaves_nothing(session: Session) -> None:
    (session.path / "store.git/refs/qwright/cursor").unlink()
    with pytest.raises(WorkspaceError, match="has no checkpoint"):
        fork_session(session)
    assert [path.name for path in session.path.parent.iterdir()] == [session.path.name]
