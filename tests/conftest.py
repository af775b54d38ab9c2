from __future__ import annotations

import pytest

from qwright.agent import language


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the language of who runs the tests; one that is chosen holds for its test only."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr(language, "_chosen", list[language.Language]())
