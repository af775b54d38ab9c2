import json

import pytest
from fetchconf.load import load


@pytest.fixture()
def file(tmp_path):
    def write(**values):
        path = tmp_path / "settings.json"
        path.write_text(json.dumps(values))
        return path

    return write


def test_defaults(tmp_path):
    settings = load(tmp_path / "none.json", {})
    assert (settings.retries, settings.timeout, settings.verify, settings.proxy) == (3, 30.0, True, "")


def test_the_file_wins_over_the_defaults(file):
    assert load(file(retries=5), {}).retries == 5


def test_the_environment_wins_over_the_file(file):
    assert load(file(timeout=5.0), {"FETCH_TIMEOUT": "7.5"}).timeout == 7.5


def test_null_leaves_the_default(file):
    assert load(file(retries=None), {}).retries == 3


def test_unknown_names_are_an_error(file):
    with pytest.raises(KeyError, match="colour"):
        load(file(colour="red"), {})
