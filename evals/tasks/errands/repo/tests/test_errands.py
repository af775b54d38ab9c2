import pytest
from errands.__main__ import main


@pytest.fixture()
def errands(tmp_path, capsys):
    def run(*arguments, code=0):
        assert main([str(tmp_path / "list.json"), *arguments]) == code
        shown = capsys.readouterr()
        return (shown.out + shown.err).rstrip("\n")

    return run


def test_add_and_list(errands):
    assert errands("add", "water the plants") == "[ ]  1 water the plants"
    errands("add", "call Ann")
    assert errands("list") == "[ ]  1 water the plants\n[ ]  2 call Ann"


def test_done_goes_to_the_end(errands):
    errands("add", "one")
    errands("add", "two")
    assert errands("done", "1") == "[x]  1 one"
    assert errands("list") == "[ ]  2 two\n[x]  1 one"


def test_no_such_item(errands):
    assert errands("done", "7", code=1) == "errands: there is no item 7"
