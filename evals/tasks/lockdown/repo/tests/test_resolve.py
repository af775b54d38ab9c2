import pytest
from lockdown.index import Index
from lockdown.requirement import parse
from lockdown.resolve import NoSolution, resolve


def picked(rows, *texts):
    found = resolve(Index(rows), [parse(text) for text in texts])
    return {name: version.text for name, version in found.items()}


def test_the_newest():
    assert picked({"a": {"1.9": [], "1.10": []}}, "a") == {"a": "1.10"}


def test_limits():
    assert picked({"a": {"1": [], "2": [], "3": []}}, "a>=1,<3,!=2") == {"a": "1"}


def test_what_is_required_is_picked_too():
    assert picked({"a": {"1": ["b<2"]}, "b": {"1.5": [], "2": []}}, "a") == {"a": "1", "b": "1.5"}


def test_a_package_that_is_not_there():
    with pytest.raises(NoSolution, match="zip"):
        picked({"a": {"1": ["zip"]}}, "a")


def test_not_a_requirement():
    with pytest.raises(ValueError, match="=>2"):
        parse("a=>2")
