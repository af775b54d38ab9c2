from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwright.evals.datasets.eval_script import eval_script
from qwright.evals.datasets.patch_text import file_patch, touched
from tests.evals.patching import applied

TEST_PATCH = file_patch("tests/test_a.py", "old\n", "new\n") + file_patch("tests/b.py", None, "b\n")
TEXTS = st.text(st.sampled_from("ab \n\r\t\f\u2028é"), max_size=30)


@settings(max_examples=40, deadline=None)
@given(old=st.none() | TEXTS, new=st.none() | TEXTS)
def test_git_takes_the_patches_that_are_made(
    tmp_path_factory: pytest.TempPathFactory, old: str | None, new: str | None
) -> None:
    folder = tmp_path_factory.mktemp("patch")
    patch = file_patch("dir/a b.txt", old, new)
    if not patch or ("" in (old, new) and None in (old, new)):
        return  # git has no hunk for an empty file that comes or goes
    before = {} if old is None else {"dir/a b.txt": old}
    assert applied(folder, before, patch) == ({} if new is None else {"dir/a b.txt": new})
    both = touched(patch)
    assert (both.before, both.after) == (
        () if old is None else ("dir/a b.txt",),
        () if new is None else ("dir/a b.txt",),
    )


def test_the_files_of_any_git_patch_are_known(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q")
    for name in ("kept", "gone", "moved", "binary", "mode", 'ö\t"q"', "a b"):
        (tmp_path / name).write_bytes(name.encode() * 40 + b"\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    (tmp_path / "kept").write_text("-- a/false\n++ b/false\ndiff --git a/false b/false\n")
    (tmp_path / "gone").unlink()
    (tmp_path / "moved").rename(tmp_path / "there")
    (tmp_path / "binary").write_bytes(b"\0\1\2")
    (tmp_path / "mode").chmod(0o755)
    (tmp_path / 'ö\t"q"').write_text("new\n")
    (tmp_path / "a b").write_text("new\n")
    (tmp_path / "empty").touch()
    git("add", "-A")
    found = touched(git("diff", "--cached", "-M", "--binary"))
    assert set(found.before) == {"kept", "gone", "moved", "binary", "mode", 'ö\t"q"', "a b"}
    assert set(found.after) == {"kept", "there", "binary", "mode", 'ö\t"q"', "a b", "empty"}
    assert set(found.new) == {"there", "empty"}


def test_the_script_puts_back_what_an_answer_did_to_the_tests(tmp_path: Path) -> None:
    def run(*command: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home")}
        return subprocess.run(
            command,
            cwd=tmp_path / "bed",
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )

    bed = tmp_path / "bed"
    (bed / "tests").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (bed / "tests" / "test_a.py").write_text("old\n")
    run("git", "init", "-q")
    run("git", "add", "-A")
    run("git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "one")
    (bed / "tests" / "test_a.py").write_text("spoiled\n")
    (bed / "tests" / "b.py").mkdir()
    (bed / "tests" / "b.py" / "in the way").touch()
    script = eval_script(
        "cat tests/test_a.py tests/b.py; echo $MODE",
        TEST_PATCH,
        mount=str(bed),
        env={"MODE": "it's"},
    )
    done = run("bash", "-c", script)
    assert "new\nb\nit's\n" in done.stdout
    assert run("git", "status", "--porcelain").stdout == ""
