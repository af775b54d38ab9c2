import pytest
from envfile import EnvError, parse


def value(text):
    return parse(f"A={text}")["A"]


def test_hash_in_double_quotes():
    assert value('"hello # world"') == "hello # world"


def test_hash_in_single_quotes():
    assert value("'pass#word'") == "pass#word"


def test_hash_without_a_blank_is_part_of_the_value():
    assert value("#ff0000") == "#ff0000"
    assert value("a#b # c") == "a#b"


def test_a_tab_before_the_comment():
    assert value("x\t# comment") == "x"


def test_comment_after_quotes():
    assert value('"a # b" # it\'s "said"') == "a # b"
    assert value("'a' # b'") == "a"


def test_only_a_comment():
    assert value(" # nothing") == ""


def test_escaped_quote():
    assert value(r'"say \"hi\" # now"') == 'say "hi" # now'


def test_escaped_backslash_before_n():
    assert value(r'"C:\\new"') == r"C:\new"


def test_known_escapes():
    assert value(r'"a\tb\n"') == "a\tb\n"


def test_unknown_escapes_stay():
    assert value(r'"\d+\."') == r"\d+\."


def test_single_quotes_take_everything_as_it_stands():
    assert value(r"""'a "b" \n \\'""") == r"""a "b" \n \\"""


@pytest.mark.parametrize("text", ['"open', "'open # x", r'"open \"'], ids=["double", "single", "escaped"])
def test_open_quotes(text):
    with pytest.raises(EnvError, match="line 1: no closing"):
        value(text)


def test_expansion_in_double_quotes_only():
    assert parse("N=x\nD=\"${N}#1\"\nS='${N}#1'") == {"N": "x", "D": "x#1", "S": "${N}#1"}


def test_an_equals_sign_in_the_value():
    assert value("a=b==") == "a=b=="


def test_empty_quotes():
    assert parse("A=\"\"\nB=''\nC=") == {"A": "", "B": "", "C": ""}
