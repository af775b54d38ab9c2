from __future__ import annotations

from pathlib import Path

import pytest

from qwright.agent import learned
from qwright.agent.endpoint import Endpoint
from qwright.agent.learned import Learned, Lessons, recall, remember, remember_info, spoken_form
from qwright.agent.server_info import ServerInfo

HERE = Endpoint("http://u:secret@127.0.0.1:8000/v1?key=secret", "sk-secret", "m1", "vllm")
INFO = ServerInfo("vllm", True, "0.12.0", ("m1",), "w", 65_536, None, "xml", None, "structured")


@pytest.fixture(autouse=True, name="home")
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path))
    return tmp_path


def file(home: Path) -> Path:
    return home / "state" / "learned.json"


def test_nothing_is_known_at_first() -> None:
    assert recall(HERE) == Learned()


def test_what_was_kept_comes_back(home: Path) -> None:
    kept = Learned(at=1000.0, asked=1000.0, info=INFO, dialect="xml", refused=("min_p",))
    remember(HERE, kept)
    assert recall(HERE, now=1001.0) == kept
    other = Endpoint(HERE.base_url, "", "m2", "vllm")
    assert recall(other, now=1001.0) == Learned()
    assert "secret" not in file(home).read_text()
    assert file(home).stat().st_mode & 0o777 == 0o600


def test_facts_grow_old_before_habits_do() -> None:
    remember(HERE, Learned(at=1000.0, asked=1000.0, info=INFO, dialect="xml"))
    later = recall(HERE, now=1000.0 + learned.FACTS_SECONDS)
    assert (later.info, later.dialect) == (None, "xml")
    latest = recall(HERE, now=1000.0 + learned.HABITS_SECONDS)
    assert latest == Learned()
    assert recall(HERE, now=999.0) == Learned()


def test_facts_do_not_take_habits_away() -> None:
    Lessons(HERE, "hermes").tools_refused()
    after = remember_info(HERE, ServerInfo("vllm", True, template="{{ long }}"))
    assert after.dialect == recall(HERE).dialect == "hermes"
    known = recall(HERE).info
    assert known == ServerInfo("vllm", True)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"servers": 1}', '{"servers": {"http://127.0.0.1:8000/v1 m1": {"at": "x"}}}'],
)
def test_a_damaged_file_has_taught_nothing_and_is_replaced(home: Path, text: str) -> None:
    file(home).parent.mkdir()
    file(home).write_text(text)
    assert recall(HERE) == Learned()
    Lessons(HERE, "hermes").tools_refused()
    assert recall(HERE).dialect == "hermes"


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "MOST", 3)
    places = [Endpoint(f"http://127.0.0.1:{port}/v1", "", "m1", "vllm") for port in range(1, 6)]
    for place in places[:4]:
        Lessons(place, "hermes").tools_refused()
    Lessons(places[1], "hermes").fields_refused(["min_p"])
    Lessons(places[4], "hermes").tools_refused()
    known = [bool(recall(place).dialect) for place in places]
    assert known == [False, True, False, True, True]


def test_what_cannot_be_written_is_no_failure(home: Path) -> None:
    file(home).mkdir(parents=True)
    Lessons(HERE, "hermes").tools_refused()
    assert recall(HERE) == Learned()


def test_refused_fields_add_up() -> None:
    lessons = Lessons(HERE, "hermes")
    lessons.fields_refused({"min_p"})
    lessons.fields_refused({"seed"})
    assert Lessons(HERE, "hermes").refused == ("min_p", "seed")
    assert recall(HERE).dialect is None


XML = "<tool_call>\n<function=read_file>\n"


def test_calls_that_keep_coming_as_text_make_text_the_dialect() -> None:
    for _ in range(2):
        Lessons(HERE, "hermes").called(native=False, text=XML)
    assert recall(HERE).dialect is None
    Lessons(HERE, "hermes").called(native=False, text=XML)
    assert recall(HERE).dialect == "xml"


def test_a_server_that_reads_some_calls_is_given_time() -> None:
    lessons = Lessons(HERE, "hermes")
    for _ in range(5):
        lessons.called(native=False, text=XML)
        lessons.called(native=False, text=XML)
        lessons.called(native=True, text="")
    assert recall(HERE).dialect is None


def test_forms_are_told_apart() -> None:
    assert spoken_form(XML) == "xml"
    assert spoken_form('<tools>\n{"name": "x"}') == "tools"
    assert spoken_form('```json\n{"name": "x"}') == "hermes"


def test_a_window_is_kept_beside_the_rest() -> None:
    lessons = Lessons(HERE, "xml")
    lessons.tools_refused()
    lessons.window_found(9_000)
    assert (recall(HERE).window, recall(HERE).dialect) == (9_000, "xml")


def test_of_the_embedded_server_nothing_is_kept(home: Path) -> None:
    here = Endpoint("http://127.0.0.1:1/v1", "", "m1", "embedded")
    assert remember_info(here, INFO).info == INFO
    assert not file(home).exists()
