"""A house whose user has a git identity, for commits of their own."""

from __future__ import annotations

import pytest

from tests.e2e.house import House

GITCONFIG = "[user]\n\tname = Ada\n\temail = ada@example.org\n"


@pytest.fixture(autouse=True)
def _identity(house: House) -> None:
    (house.home / ".gitconfig").write_text(GITCONFIG)
