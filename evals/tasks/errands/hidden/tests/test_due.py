import json

import pytest
from errands.__main__ import main


@pytest.fixture()
def errands(tmp_path, capsys):
    def run(*arguments, code=0):
        assert main([str(tmp_path / "list.json"), *arguments]) == code
        shown = capsys.readouterr()
        return (shown.out + shown.err).rstrip("\n")

    return run


def test_a_due_date_is_shown(errands):
    assert errands("add", "pay rent", "--due", "2024-03-01") == "[ ]  1 pay rent (due 2024-03-01)"
    assert errands("list") == "[ ]  1 pay rent (due 2024-03-01)"


def test_without_one_nothing_is_shown(errands):
    assert errands("add", "pay rent") == "[ ]  1 pay rent"


def test_it_survives_other_changes(errands):
    errands("add", "pay rent", "--due", "2024-03-01")
    errands("add", "call Ann")
    assert errands("done", "1") == "[x]  1 pay rent (due 2024-03-01)"
    assert errands("list") == "[ ]  2 call Ann\n[x]  1 pay rent (due 2024-03-01)"


def test_the_earliest_comes_first_and_those_without_come_last(errands):
    errands("add", "someday")
    errands("add", "late", "--due", "2024-12-24")
    errands("add", "soon", "--due", "2024-03-01")
    errands("add", "also soon", "--due", "2024-03-01")
    numbers = [line.split("]")[1].split()[0] for line in errands("list").splitlines()]
    assert numbers == ["3", "4", "2", "1"]


def test_done_ones_are_still_at_the_end(errands):
    errands("add", "soon", "--due", "2024-03-01")
    errands("add", "someday")
    errands("done", "1")
    assert [line[:3] for line in errands("list").splitlines()] == ["[ ]", "[x]"]


def test_before_lists_open_items_due_before_that_day(errands):
    errands("add", "soon", "--due", "2024-03-01")
    errands("add", "on the day", "--due", "2024-03-02")
    errands("add", "someday")
    errands("add", "finished", "--due", "2024-01-01")
    errands("done", "4")
    assert errands("list", "--before", "2024-03-02") == "[ ]  1 soon (due 2024-03-01)"


def test_before_with_nothing_to_show(errands):
    errands("add", "someday")
    assert errands("list", "--before", "2024-03-02") == ""


@pytest.mark.parametrize("text", ["tomorrow", "2024-02-30", "24-3-1", "2024-3-1"])
def test_what_is_no_date_is_an_error_and_changes_nothing(errands, tmp_path, text):
    errands("add", "someday")
    before = (tmp_path / "list.json").read_bytes()
    assert errands("add", "x", "--due", text, code=1) == f"errands: not a date (YYYY-MM-DD): {text}"
    assert errands("list", "--before", text, code=1) == f"errands: not a date (YYYY-MM-DD): {text}"
    assert (tmp_path / "list.json").read_bytes() == before


def test_a_file_of_an_older_version(errands, tmp_path):
    rows = [{"number": 5, "text": "old", "done": False}, {"number": 2, "text": "older", "done": True}]
    (tmp_path / "list.json").write_text(json.dumps(rows))
    assert errands("add", "new", "--due", "2024-03-01") == "[ ]  6 new (due 2024-03-01)"
    assert errands("list") == "[ ]  6 new (due 2024-03-01)\n[ ]  5 old\n[x]  2 older"


def test_the_date_is_in_the_file_as_text(errands, tmp_path):
    errands("add", "pay rent", "--due", "2024-03-01")
    errands("add", "call Ann")
    rows = json.loads((tmp_path / "list.json").read_text())
    assert rows[0]["due"] == "2024-03-01"
    assert rows[1].get("due") is None
