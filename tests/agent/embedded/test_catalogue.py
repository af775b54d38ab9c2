from __future__ import annotations

import pytest

from qwright.agent.embedded.catalogue import (
    DEFAULT_MODEL,
    HubSource,
    WheelSource,
    find,
    load_catalogue,
)
from qwright.agent.errors import ConfigError


def test_every_entry_has_a_hub_source_at_a_commit() -> None:
    for entry in load_catalogue():
        assert isinstance(entry.sources[0], HubSource)
        assert len(entry.sources[0].revision) == 40
        assert entry.served_context <= entry.context


def test_the_two_small_models_have_wheels_behind_the_hub() -> None:
    counts = {
        entry.name: source.count
        for entry in load_catalogue()
        for source in entry.sources
        if isinstance(source, WheelSource)
    }
    assert counts == {"qwen2.5-coder-0.5b": 6, "qwen2.5-coder-1.5b": 22}


def test_names_aliases_and_files_are_unique() -> None:
    entries = load_catalogue()
    names = [name for entry in entries for name in (entry.name, *entry.aliases)]
    assert len(names) == len(set(names))
    assert len({entry.file for entry in entries}) == len(entries)


def test_a_model_is_found_by_name_and_alias_in_any_case() -> None:
    assert find("1.5B").name == DEFAULT_MODEL
    assert find("Qwen2.5-Coder-0.5B").parameters == "0.5B"


def test_an_unknown_name_gets_close_matches() -> None:
    with pytest.raises(ConfigError, match=r"did you mean .*qwen2\.5-coder-1\.5b") as caught:
        find("qwen2.5-coder-1.6b")
    assert "\n" not in str(caught.value)


def test_a_name_like_no_other_gets_the_whole_list() -> None:
    with pytest.raises(ConfigError, match=r"known: qwen2\.5-coder-0\.5b, .*qwen3-coder-30b-a3b"):
        find("zzz")


def test_the_research_licence_of_the_3b_is_told() -> None:
    assert find("3b").licence == "qwen-research"
