from __future__ import annotations

from pathlib import Path

import pytest

from qwright.agent.deliver import Wanted, apply, check, deliver, ends, save_as_branch
from qwright.agent.errors import ConfigError
from qwright.agent.exits import Exit
from qwright.sandbox.bridge import Bridge
from qwright.sandbox.checkout import create_checkout
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.session_dir import Session
from tests.sandbox.repos import git, make_repo, put


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    return make_repo(tmp_path / "repo", {"a.py": b"old\n", "b.py": b"b\n"})


@pytest.fixture
def session(repo: Path) -> Session:
    made = Session.create(repo, prompt="Fix\nit")
    create_checkout(repo, made.path)
    made.update(source=str(repo))
    return made


def work(session: Session, **files: bytes) -> None:
    put(session.path / "ws", {name.replace("_", "."): data for name, data in files.items()})
    session.store().record("edit", 1)


def test_a_run_that_changed_nothing_delivers_nothing(session: Session) -> None:
    assert deliver(session, Wanted(branch="x")).text == "Nothing was changed."
    assert not session.record.applied


def test_the_working_tree_is_the_default(session: Session, repo: Path) -> None:
    work(session, a_py=b"new\n")
    delivered = deliver(session, Wanted())
    assert delivered.exit_code == Exit.DONE
    assert "a.py" in delivered.text
    assert "qwright undo" in delivered.hints[-1]
    assert (repo / "a.py").read_bytes() == b"new\n"
    assert session.record.applied


def test_what_runs_by_itself_is_pointed_out(session: Session) -> None:
    work(session, Makefile=b"all:\n\tevil\n")
    assert any("Makefile" in hint for hint in deliver(session, Wanted()).hints)


def test_many_files_are_not_all_named(session: Session) -> None:
    work(session, **{f"f{number}_py": b"x" for number in range(10)})
    text = deliver(session, Wanted()).text
    assert "f0.py" in text
    assert "4 more" in text


def test_a_hostile_file_name_is_shown_harmless(session: Session, repo: Path) -> None:
    put(session.path / "ws", {"\x1b[31m\n.py": b"x"})
    session.store().record("edit", 1)
    text = deliver(session, Wanted()).text
    assert "\x1b" not in text
    assert "\n" not in text
    assert (repo / "\x1b[31m\n.py").exists()


def test_a_conflict_keeps_the_result_and_says_how_to_get_it(session: Session, repo: Path) -> None:
    work(session, a_py=b"new\n")
    put(repo, {"a.py": b"mine\n"})
    delivered = deliver(session, Wanted())
    assert delivered.exit_code == Exit.NOT_APPLIED
    assert "a.py" in delivered.text
    assert session.record.id in delivered.text
    assert (repo / "a.py").read_bytes() == b"mine\n"
    assert not session.record.applied


def test_a_patch_that_cannot_be_written_keeps_the_result(session: Session, tmp_path: Path) -> None:
    work(session, a_py=b"new\n")
    delivered = deliver(session, Wanted(patch=str(tmp_path / "gone" / "x.patch")))
    assert delivered.exit_code == Exit.NOT_APPLIED
    assert session.record.id in delivered.text


def test_a_patch_file_is_what_git_takes(session: Session, repo: Path, tmp_path: Path) -> None:
    work(session, a_py="é\n".encode("latin-1"))
    file = tmp_path / "x.patch"
    assert deliver(session, Wanted(patch=str(file))).exit_code == Exit.DONE
    git(repo, "apply", str(file))
    assert (repo / "a.py").read_bytes() == b"\xe9\n"


def test_a_branch_has_the_task_as_its_message(session: Session, repo: Path) -> None:
    work(session, a_py=b"new\n")
    assert deliver(session, Wanted(branch="mine")).exit_code == Exit.DONE
    assert git(repo, "log", "-1", "--format=%s", "mine") == "Fix\n"
    assert git(repo, "show", "mine:a.py") == "new\n"
    assert (repo / "a.py").read_bytes() == b"old\n"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(patch="no/such/x"), "folder does not exist"),
        (Wanted(patch="."), "is a folder"),
        (Wanted(branch="a..b"), "no valid branch name"),
        (Wanted(branch="main"), "exists already"),
    ],
)
def test_what_cannot_be_delivered_is_refused_before_the_work(
    repo: Path, wanted: Wanted, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        check(wanted, repo)


def test_a_branch_needs_a_repository(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--patch instead"):
        check(Wanted(branch="x"), tmp_path)


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(patch="-"), Wanted(branch="free/name")])
def test_what_can_be_delivered_is_not(repo: Path, wanted: Wanted) -> None:
    check(wanted, repo)


def test_a_session_without_a_checkpoint_has_nothing_to_apply(repo: Path) -> None:
    session = Session.create(repo)
    for action in (ends, apply):
        with pytest.raises(WorkspaceError, match="before its first checkpoint"):
            action(session)


def bridge(session: Session) -> Bridge:
    return Bridge(Path(session.record.source), session.path, session.store())


def changed(session: Session) -> list[str]:
    return [change.path for change in session.store().changed(*ends(session))]


def test_what_was_accepted_in_part_is_applied_to_the_end_and_undone_in_steps(
    session: Session, repo: Path
) -> None:
    work(session, a_py=b"new\n", c_py=b"1\n")
    between = bridge(session)
    between.accept([hunk for hunk in between.hunks() if hunk.path == "a.py"])
    assert changed(session) == ["a.py", "c.py"]
    assert apply(session).text.endswith(": c.py")
    assert apply(session).text == "Your working tree has these changes already."
    assert between.undo().paths == ["c.py"]
    assert between.undo().paths == ["a.py"]
    assert (repo / "a.py").read_bytes() == b"old\n"
    assert apply(session).text.endswith(": a.py, c.py")


def test_what_the_user_took_back_by_hand_can_be_applied_again(session: Session, repo: Path) -> None:
    work(session, a_py=b"new\n")
    apply(session)
    git(repo, "checkout", "-q", "--", "a.py")
    assert apply(session).text.endswith(": a.py")
    assert (repo / "a.py").read_bytes() == b"new\n"


def test_the_user_s_own_edits_are_no_work_of_the_session(session: Session, repo: Path) -> None:
    between = bridge(session)
    put(repo, {"mine.py": b"1\n", "b.py": b"mine\n"})
    assert between.pull().paths == ["b.py", "mine.py"]
    assert changed(session) == []
    work(session, a_py=b"new\n")
    between.accept()
    put(repo, {"mine.py": b"2\n"})
    between.pull()
    assert changed(session) == ["a.py"]
    save_as_branch(session, "work")
    assert git(repo, "show", "--name-only", "--format=", "work").split() == ["a.py"]
    put(repo, {"a.py": b"new, and mine\n"})
    assert between.pull().paths == ["a.py"]
    assert changed(session) == ["a.py"]
