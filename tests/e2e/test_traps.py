"""Files that are traps, in the user's tree and made by a command: a result each, nothing lost."""

from __future__ import annotations

import os
import stat

import pytest

from qwright.agent.events import ToolFinished
from tests.e2e.house import FILES, FIXED, House
from tests.e2e.scripted_server import Call, call, says, scripted
from tests.sandbox.repos import put

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
MAKE = call(
    "run_shell_command",
    command="mkfifo pipe; truncate -s 7G huge.bin; truncate -s 2G large.bin; "
    "ln -s /etc/passwd outside; ln -s .. above; head -c 9 /dev/zero > zeros; mkdir -p .git/hooks; "
    "echo evil > .git/hooks/pre-commit; chmod 0 zeros",
)


def read(path: str) -> Call:
    return call("read_file", path=path)


def results(house: House, *calls: Call, code: int = 0) -> list[ToolFinished]:
    """The result of each call, in a run that makes them one by one and then ends."""
    steps = [says(one) for one in calls]
    with scripted(*steps, says(text="Done.")) as server:
        done = house.run("-o", "stream-json", "do", server=server, code=code)
    return [event for event in done.events if isinstance(event, ToolFinished)]


def test_paths_that_lead_out_and_files_that_are_none(house: House) -> None:
    before = house.files
    paths = ["../../etc/passwd", "/etc/passwd", "outside", "above/x", "pipe", "huge.bin"]
    paths += ["large.bin", "zeros", "missing"]
    found = results(house, MAKE, *map(read, paths), FIX)
    assert len(found) == len(paths) + 2
    for path, one in zip(paths, found[1:-1], strict=True):
        assert one.is_error, path
        assert "\n" not in one.text, path
        assert "root:" not in one.text, path
    assert not found[-1].is_error
    after = house.files
    assert after.git == before.git
    assert after.tree["calc.py"][1] == FIXED
    assert not os.path.lexists(house.repo / "pipe")
    assert not os.path.lexists(house.repo / "large.bin")
    assert not (house.repo / ".git/hooks/pre-commit").read_bytes().startswith(b"evil")
    house.run("undo")
    assert house.files == before


def test_writes_that_lead_out(house: House) -> None:
    before = house.files
    outside = house.home / "target"
    outside.write_text("mine")
    link = call("run_shell_command", command=f"ln -s {outside} link; ln -s {outside.parent} dir")
    places = [str(outside), "link", "dir/target", "../../../target", ".git/config", ".GIT/config"]
    writes = [call("write_file", path=path, content="evil") for path in places]
    found = results(house, link, *writes)
    assert [one.is_error for one in found[1:]] == [True] * len(writes)
    assert outside.read_text() == "mine"
    assert house.files.git == before.git


def test_traps_in_the_user_s_own_tree(house: House) -> None:
    """Copying them neither hangs nor follows them, and they stay as they are."""
    os.mkfifo(house.repo / "pipe")
    (house.repo / "outside").symlink_to("/etc/passwd")
    put(house.repo, {"crlf.txt": b"one\r\ntwo\r\n", "zeros.bin": b"\0" * 100})
    before = house.files
    crlf = call("edit", path="crlf.txt", old_string="one\ntwo", new_string="one\n2")
    latin = call("edit", path="latin.txt", old_string="café", new_string="thé")
    found = results(house, read("pipe"), read("outside"), read("zeros.bin"), crlf, latin)
    assert [one.is_error for one in found] == [True, True, True, False, False]
    after = house.files
    assert after.tree["crlf.txt"][1] == b"one\r\n2\r\n"
    assert after.tree["latin.txt"][1] == "thé\n".encode("latin-1")
    assert stat.S_ISFIFO(os.lstat(house.repo / "pipe").st_mode)
    changed = {path for path in after.tree if after.tree[path] != before.tree.get(path)}
    assert changed == {"crlf.txt", "latin.txt"}


def test_an_edit_that_finds_nothing_or_too_much(house: House) -> None:
    put(house.repo, {"twice.py": b"x = 1\ny = 2\nx = 1\n"})
    none = call("edit", path="twice.py", old_string="z = 3", new_string="z = 4")
    two = call("edit", path="twice.py", old_string="x = 1", new_string="x = 3")
    found = results(house, none, two, call("edit", path="twice.py"), call("fly", to="moon"))
    assert all(one.is_error for one in found)
    assert "twice.py" in found[0].text
    assert "2" in found[1].text
    assert "old_string" in found[2].text
    assert "fly" in found[3].text
    assert (house.repo / "twice.py").read_bytes() == b"x = 1\ny = 2\nx = 1\n"
    assert (house.repo / "calc.py").read_bytes() == FILES["calc.py"]


def test_a_huge_file_of_the_user_s_is_named_before_anything_is_copied(house: House) -> None:
    with open(house.repo / "huge.bin", "wb") as file:
        file.truncate(1 << 40)
    with scripted(says(FIX), says(text="Done.")) as server:
        done = house.run("do", server=server, code=44)
    assert "needs" in done.out
    assert "are free" in done.out
    (house.repo / "huge.bin").unlink()
