import pytest
from envfile import EnvError, parse


def test_plain():
    assert parse("A=1\n\n# no\nexport B = two\n") == {"A": "1", "B": "two"}


def test_comment_after_a_value():
    assert parse("A=1 # one") == {"A": "1"}


def test_quotes():
    assert parse("A=\"x y\"\nB='p q'") == {"A": "x y", "B": "p q"}


def test_earlier_names():
    assert parse("S=https\nU=${S}://host\nV='${S}'") == {"S": "https", "U": "https://host", "V": "${S}"}


def test_a_line_without_equals():
    with pytest.raises(EnvError, match="line 2"):
        parse("A=1\nnonsense\n")


def test_an_open_quote():
    with pytest.raises(EnvError, match="line 1: no closing"):
        parse('A="never closed')
