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


def test_no_retries_in_the_file(file):
    assert load(file(retries=0), {}).retries == 0


def test_verification_off_in_the_file(file):
    assert load(file(verify=False), {}).verify is False


def test_verification_off_in_the_environment(tmp_path):
    assert load(tmp_path / "none.json", {"FETCH_VERIFY": "off"}).verify is False


def test_no_timeout_in_the_environment(file):
    assert load(file(timeout=5.0), {"FETCH_TIMEOUT": "0"}).timeout == 0.0


def test_an_empty_proxy_in_the_file_stays_empty(file):
    assert load(file(proxy=""), {}).proxy == ""


def test_an_empty_variable_leaves_what_the_file_says(file):
    assert load(file(proxy="http://localhost:3128", retries=0), {"FETCH_PROXY": "", "FETCH_RETRIES": ""}).proxy == "http://localhost:3128"


def test_null_leaves_a_switch_on(file):
    assert load(file(verify=None), {}).verify is True


def test_merging_an_empty_text_clears_a_setting():
    from fetchconf.settings import Settings

    assert Settings(proxy="http://localhost:3128").merged({"proxy": ""}).proxy == ""
