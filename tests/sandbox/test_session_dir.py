from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from qwright.sandbox.checkout import create_checkout
from qwright.sandbox.dirs import cache_dir, config_dir, state_dir
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.session_dir import KILLED, Session, find_session, list_sessions
from tests.sandbox.repos import make_repo, put


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_directories_follow_the_variable_and_state_is_private(home: Path) -> None:
    assert (config_dir(), cache_dir()) == (home / "config", home / "cache")
    assert state_dir() == home / "state"
    assert stat.S_IMODE(state_dir().stat().st_mode) == 0o700
    state_dir().chmod(0o755)
    assert stat.S_IMODE(state_dir().stat().st_mode) == 0o700


def test_directories_are_the_platform_s_without_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QWRIGHT_HOME")
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    assert config_dir() == tmp_path / "CONFIG/qwright"
    assert state_dir() == tmp_path / "STATE/qwright"
    assert cache_dir() == tmp_path / "CACHE/qwright"


def test_a_new_session_is_private_sortable_and_readable(tmp_path: Path) -> None:
    session = Session.create(tmp_path, prompt="mend\nit", model="m")
    assert re.fullmatch(r"\d{8}-\d{6}-[2-9a-z]{4}", session.record.id)
    assert stat.S_IMODE(session.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((session.path / "session.json").stat().st_mode) == 0o600
    stored = json.loads((session.path / "session.json").read_text())
    assert {"id", "source", "created", "prompt", "model", "status"} <= set(stored)
    assert {"base", "result", "applied", "exit_code"} <= set(stored)
    session.update(status="done", exit_code=0, owner=(1000, 1000))
    session.close()
    session.close()
    loaded = find_session()
    assert loaded.record == session.record
    assert loaded.status == "done"


def test_a_prompt_and_a_path_with_undecodable_bytes_survive(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    session = Session.create(odd, prompt=os.fsdecode(b"\xff"))
    assert Session.load(session.path).record.source == str(odd)


def test_one_process_owns_a_session(tmp_path: Path) -> None:
    session = Session.create(tmp_path)
    with pytest.raises(WorkspaceError, match="in use by another process"):
        Session.load(session.path, own=True)
    other = Session.load(session.path)
    assert other.status == "running"
    with pytest.raises(WorkspaceError, match="belongs to another process"):
        other.update(status="done")
    session.close()
    taken = Session.load(session.path, own=True)
    taken.update(status="done")
    taken.close()


DIES = """
import os, signal, sys
from pathlib import Path
from qwright.sandbox.checkout import create_checkout
from qwright.sandbox.session_dir import Session
session = Session.create(Path(sys.argv[1]), prompt="killed")
checkout = create_checkout(Path(sys.argv[1]), session.path)
session.update(base=checkout.base.commit)
(checkout.store.work_tree / "a").write_text("edited")
checkout.store.record("an edit", 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_can_be_inspected(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo", {"a": b"1\n"})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", DIES, str(repo)], env=environment, check=False)
    (session,) = list_sessions()
    assert session.status == KILLED
    base, edit = session.store().log()
    assert base.commit == session.record.base
    assert "-1\n+edited" in session.store().diff(base, edit)
    taken = find_session(session.record.id[:10], own=True)
    assert taken.record.status == KILLED
    taken.close()


def test_finding_a_session(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no session"):
        find_session()
    first, second = Session.create(tmp_path), Session.create(tmp_path)
    newest = max(first.record.id, second.record.id)
    assert find_session().record.id == newest
    assert find_session(first.record.id).record.id == first.record.id
    with pytest.raises(WorkspaceError, match="no session nowhere: see"):
        find_session("nowhere")
    with pytest.raises(WorkspaceError, match="2 sessions begin with"):
        find_session(first.record.id[:4])


def test_a_damaged_session_is_left_out_of_the_list_and_one_line_by_name(tmp_path: Path) -> None:
    good, bad = Session.create(tmp_path), Session.create(tmp_path)
    for text in ("{", "[]", '{"id": 1}', "caf\u00e9"):
        (bad.path / "session.json").write_text(text)
        with pytest.raises(WorkspaceError, match="damaged"):
            Session.load(bad.path)
        assert [s.record.id for s in list_sessions()] == [good.record.id]


def test_a_field_of_a_later_version_is_ignored(tmp_path: Path) -> None:
    session = Session.create(tmp_path)
    file = session.path / "session.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "later": 1}))
    assert Session.load(session.path).record == session.record


def test_two_sessions_on_one_repository_do_not_meet(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo", {"a": b"1\n"})
    stores = [create_checkout(repo, Session.create(repo).path).store for _ in range(2)]
    put(stores[0].work_tree, {"a": b"2\n"})
    assert stores[1].record("nothing", 1) is None
    assert stores[0].record("edit", 1) is not None
