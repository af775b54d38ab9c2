from __future__ import annotations

from pathlib import Path

from qwright.agent.mentions import mentioned
from qwright.sandbox.tree import Tree


def stage(tmp_path: Path) -> Tree:
    files = {
        "a.py": b"x = 1\n",
        "two words.md": b"words\n",
        "bin": b"\0",
        ".env": b"KEY=1\n",
        ".git/config": b"token\n",
        "src/b.py": b"y = 2\n",
        "long.txt": b"word " * 5_000,
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return Tree(tmp_path)


def test_files_and_folders_go_along_and_their_names_lose_the_sign(tmp_path: Path) -> None:
    tree = stage(tmp_path)
    text, attached, left_out = mentioned(
        'fix @a.py, then @"two words.md" and @src.', tree, 1_000, files=True
    )
    assert text == 'fix a.py, then "two words.md" and src.'
    assert '<file path="a.py">\nx = 1\n</file>' in attached
    assert '<file path="two words.md">\nwords\n</file>' in attached
    assert '<directory path="src">\nsrc/b.py\n</directory>' in attached
    assert left_out == []


def test_what_names_nothing_is_left_as_it_is(tmp_path: Path) -> None:
    prompt = "use @property, write to me@here.org about @missing.py and @../../etc/passwd"
    assert mentioned(prompt, stage(tmp_path), 1_000, files=True) == (prompt, "", [])


def test_secrets_git_s_own_binaries_and_long_files_stay_names(tmp_path: Path) -> None:
    prompt = "see @.env @.git/config @bin @long.txt"
    text, attached, left_out = mentioned(prompt, stage(tmp_path), 1_000, files=True)
    assert text == "see .env .git/config bin long.txt"
    assert attached == ""
    assert left_out == [".env", ".git/config", "bin", "long.txt"]


def test_files_that_are_shown_elsewhere_are_not_shown_twice(tmp_path: Path) -> None:
    text, attached, left_out = mentioned("@a.py in @src", stage(tmp_path), 1_000, files=False)
    assert text == "a.py in src"
    assert "x = 1" not in attached
    assert "src/b.py" in attached
    assert left_out == []
