"""The files of notes as /memory offers them for editing."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwright.agent.memory import layers, notes_for
from qwright.agent.profile import DEFAULT
from qwright.sandbox.errors import PathError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    (root / "src").mkdir()
    return root


def test_what_is_not_there_yet_can_be_begun(project: Path, tmp_path: Path) -> None:
    own, roots = layers(project / "src")
    assert (own.path, own.text) == (tmp_path / "home" / "config" / "AGENTS.md", "")
    assert (roots.path, roots.text) == (project / "AGENTS.md", "")
    own.write("Be brief.")
    roots.write("  Use tabs.\n\n")
    assert roots.path.read_text() == "Use tabs.\n"
    notes = notes_for(project, DEFAULT)
    assert "Be brief." in notes
    assert "Use tabs." in notes


def test_all_that_hold_are_offered_from_the_root_down(project: Path) -> None:
    (project / "QWEN.md").write_text("qwen")
    (project / "src" / "AGENTS.md").write_text("below")
    (project / "AGENTS.md").write_text("above")
    found = [str(one.path.relative_to(project)) for one in layers(project / "src")[1:]]
    assert found == ["AGENTS.md", "QWEN.md", "src/AGENTS.md"]


def test_a_link_out_of_the_project_is_neither_shown_nor_written(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (project / "AGENTS.md").symlink_to(tmp_path / "secret")
    roots = layers(project)[1]
    assert roots.text == ""
    with pytest.raises(PathError):
        roots.write("mine")
    assert (tmp_path / "secret").read_text() == "secret\n"
