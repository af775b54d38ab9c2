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


def test_two_requirements_on_one_package():
    rows = {"a": {"1": ["c>=1"]}, "b": {"1": ["c<2"]}, "c": {"1": [], "2": []}}
    assert picked(rows, "a", "b") == {"a": "1", "b": "1", "c": "1"}


def test_two_requirements_of_the_command_line():
    assert picked({"a": {"1": [], "2": []}}, "a>=1", "a<2") == {"a": "1"}


def test_an_older_version_where_the_newest_leads_nowhere():
    rows = {"web": {"1.0": ["log>=1,<2"], "1.1": ["log>=2"]}, "log": {"1.4": [], "2.0": []}}
    assert picked(rows, "web", "log<2") == {"web": "1.0", "log": "1.4"}


def test_going_back_over_several_packages():
    rows = {
        "a": {"1": [], "2": []},
        "b": {"1": ["d==1"], "2": ["d==2"]},
        "c": {"1": ["a==1", "d==1"]},
        "d": {"1": [], "2": []},
    }
    assert picked(rows, "a", "b", "c") == {"a": "1", "b": "1", "c": "1", "d": "1"}


def test_what_a_dropped_version_required_is_not_picked():
    rows = {"a": {"1": [], "2": ["b", "c<0"]}, "b": {"1": []}, "c": {"1": []}}
    assert picked(rows, "a") == {"a": "1"}


def test_the_first_required_is_the_newest():
    rows = {"a": {"1": [], "2": ["c==1"]}, "b": {"1": [], "2": ["c==2"]}, "c": {"1": [], "2": []}}
    assert picked(rows, "a", "b") == {"a": "2", "b": "1", "c": "1"}
    assert picked(rows, "b", "a") == {"b": "2", "a": "1", "c": "2"}


def test_packages_that_require_each_other():
    rows = {"a": {"1": ["b==1"], "2": ["b==2"]}, "b": {"1": ["a==1"], "2": ["a==1"]}}
    assert picked(rows, "a") == {"a": "1", "b": "1"}


def test_no_solution_names_a_package():
    rows = {"a": {"1": ["c<1"], "2": ["c>2"]}, "c": {"1": [], "2": []}}
    with pytest.raises(NoSolution, match="c"):
        picked(rows, "a")


def test_many_packages_do_not_need_forever():
    rows = {f"p{n}": {str(v): ([f"p{n + 1}>={v}"] if n < 30 else []) for v in range(1, 6)} for n in range(31)}
    found = picked(rows, "p0", "p30<=3")
    assert set(found.values()) == {"3"}
    assert len(found) == 31


def test_prereleases_come_before_their_release():
    rows = {"a": {"2.0-rc1": [], "2.0-rc2": [], "2.0": [], "1.0": []}}
    assert picked(rows, "a>=2.0-rc1") == {"a": "2.0"}
    assert picked(rows, "a>=2.0-rc1,<2.0") == {"a": "2.0-rc2"}


def test_prereleases_are_not_picked_unasked():
    rows = {"a": {"1.0": [], "2.0-rc1": [], "3.0-rc1": []}}
    assert picked(rows, "a") == {"a": "1.0"}
    assert picked(rows, "a>=2.0-beta") == {"a": "2.0-rc1"}
    assert picked(rows, "a", "a>=2.0-beta") == {"a": "2.0-rc1"}
    with pytest.raises(NoSolution):
        picked(rows, "a>=2.0")


def test_trailing_zeros_mean_nothing():
    assert picked({"a": {"1.0.0": []}}, "a==1") == {"a": "1.0.0"}
    assert picked({"a": {"2.0-rc1": []}}, "a==2-rc1") == {"a": "2.0-rc1"}
