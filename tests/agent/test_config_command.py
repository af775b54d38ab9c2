"""`qwright config`: values with their origin, and files changed as a person would change them."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qwright.agent import language
from qwright.agent.cli import main
from qwright.agent.config import PROJECT_FILE, Config, ProjectConfig, load, trust, user_file
from qwright.agent.config_file import about, project_config, settings, template, user_config
from qwright.agent.errors import ConfigError
from tests.terminal import Terminal

WRITTEN = """\
# mine
model = "m"  # the good one
# network = "full"

[[profile]]
match = "x"  # a
context = 9000
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that is worked in; the user's home is beside it."""
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))
    for name in ("OPENAI_MODEL", "QWEN_MODEL", "OPENAI_BASE_URL", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "project"
    (path / ".git").mkdir(parents=True)
    monkeypatch.chdir(path)
    return path


def user_writes(text: str) -> Path:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(text, encoding="utf-8")
    return user_file()


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """An editor that does `body` to the file `path`."""
    script = tmp_path / "editor.py"
    script.write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[1])\n{body}\n")
    monkeypatch.setenv("EDITOR", f"'{sys.executable}' {script}")


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def qwright(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*argv: str) -> tuple[int, str, str]:
        code = main(["config", *argv])
        said = capfd.readouterr()
        return code, said.out, said.err

    return run


class TestSet:
    def test_comments_and_order_stay(self, qwright: Run) -> None:
        file = user_writes(WRITTEN)
        assert qwright("set", "model", "ollama/n")[0] == 0
        assert qwright("set", "mode", "ask")[0] == 0
        assert file.read_text() == WRITTEN.replace('"m"', '"ollama/n"').replace(
            '# network = "full"\n', '# network = "full"\nmode = "ask"\n'
        )
        config, _ = load(Path())
        assert (config.model, config.mode, config.profile[0].context) == ("ollama/n", "ask", 9000)

    @pytest.mark.parametrize(
        ("key", "typed", "value"),
        [
            ("verify", "python -m pytest -q", "python -m pytest -q"),
            ("verify", "true", "true"),
            ("model", "7", "7"),
            ("model", '"quoted"', "quoted"),
            ("max_turns", "7", 7),
            ("max-turns", "7", 7),
            ("MAX_TURNS", "7", 7),
            ("max_cost", "0.5", 0.5),
            ("title", "false", False),
            ("screen_reader", "true", True),
            ("setup", "pip install -e .", ("pip install -e .",)),
            ("setup", '["a b", "c"]', ("a b", "c")),
            ("language", "zh", "zh"),
            ("theme", "plain", "plain"),
            ("image", 'x" \nmode = "plan', 'x" \nmode = "plan'),
        ],
    )
    def test_what_is_typed(self, key: str, typed: str, value: object, qwright: Run) -> None:
        code, out, _ = qwright("set", key, typed)
        name = key.lower().replace("-", "_")
        assert code == 0
        assert name in out
        config, _ = load(Path())
        assert getattr(config, name) == value
        assert config.model_fields_set == {name}

    @pytest.mark.parametrize(
        ("key", "typed", "said"),
        [
            ("modle", "m", "did you mean mode or model?"),
            ("nothing_like_it", "m", "known: model"),
            ("network", "some", "network: input should be 'none' or 'full'"),
            ("max_turns", "0", "max_turns"),
            ("max_turns", "many", "max_turns"),
            ("language", "fr", "'en' or 'zh'"),
            ("title", "perhaps", "title"),
            ("profile", "x", "config edit"),
        ],
    )
    def test_what_makes_no_sense_is_one_line_and_writes_nothing(
        self, key: str, typed: str, said: str, qwright: Run
    ) -> None:
        file = user_writes(WRITTEN)
        code, out, err = qwright("set", key, typed)
        assert (code, out, err.count("\n")) == (42, "", 1)
        assert said in err
        assert file.read_text() == WRITTEN

    def test_a_new_file_is_the_user_s_alone(self, qwright: Run) -> None:
        old = os.umask(0)
        try:
            qwright("set", "model", "m")
        finally:
            os.umask(old)
        assert stat.S_IMODE(user_file().stat().st_mode) == 0o600

    def test_mode_and_link_of_a_file_stay(self, tmp_path: Path, qwright: Run) -> None:
        kept = tmp_path / "dotfiles.toml"
        kept.write_text("")
        kept.chmod(0o640)
        user_file().parent.mkdir(parents=True)
        user_file().symlink_to(kept)
        qwright("set", "model", "m")
        assert user_file().is_symlink()
        assert kept.read_text() == 'model = "m"\n'
        assert stat.S_IMODE(kept.stat().st_mode) == 0o640
        assert [path.name for path in kept.parent.glob(".dotfiles*")] == []

    def test_a_file_that_is_wrong_already(self, qwright: Run) -> None:
        file = user_writes('modell = "m"\n')
        code, _, err = qwright("set", "model", "m")
        assert (code, "modell" in err) == (42, True)
        assert file.read_text() == 'modell = "m"\n'
        assert qwright("unset", "modell")[0] == 0
        assert qwright("set", "model", "m")[0] == 0
        user_writes("model = ")
        assert "not valid TOML" in qwright("set", "model", "m")[2]

    def test_bytes_that_are_no_text(self, qwright: Run) -> None:
        assert qwright("set", "image", os.fsdecode(b"caf\xe9"))[0] == 0
        assert load(Path())[0].image == "caf\ufffd"


class TestUnset:
    def test_a_key(self, qwright: Run) -> None:
        file = user_writes(WRITTEN)
        code, out, _ = qwright("unset", "model")
        assert (code, "model" in out) == (0, True)
        assert file.read_text() == WRITTEN.replace('model = "m"  # the good one\n', "")
        assert "was not set" in qwright("unset", "model")[1]

    def test_an_unknown_one(self, qwright: Run) -> None:
        code, _, err = qwright("unset", "efort")
        assert (code, "did you mean effort?" in err) == (42, True)


class TestShow:
    def test_where_each_value_comes_from(self, project: Path) -> None:
        user_writes('model = "m"\nverify = "mine"\n')
        (project / ".qwright").mkdir()
        (project / PROJECT_FILE).write_text('verify = "theirs"\nimage = "i"\n')
        found = {one.key: (one.value, one.origin) for one in settings(project)}
        assert found["verify"] == ('"mine"', str(user_file()))
        trust(project)
        found = {one.key: (one.value, one.origin) for one in settings(project)}
        assert found["verify"] == ('"theirs"', PROJECT_FILE)
        assert found["image"] == ('"i"', PROJECT_FILE)
        assert found["model"] == ('"m"', str(user_file()))
        assert found["max_turns"] == ("100", "")
        assert found["base_url"] == ("", "")
        assert list(found) == list(Config.model_fields)

    def test_a_variable_counts_where_no_file_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_MODEL", "from-there")
        assert settings(Path())[0].origin == "OPENAI_MODEL"
        user_writes('model = "m"')
        assert settings(Path())[0].origin == str(user_file())

    def test_the_table(self, project: Path, qwright: Run) -> None:
        user_writes('model = "m"\n[[profile]]\nmatch = "big"\ncontext = 9\n')
        (project / ".qwright").mkdir()
        (project / PROJECT_FILE).write_text('image = "\\u001b[31mred"\n')
        code, out, err = qwright()
        assert code == 0
        assert "model" in out
        assert "big" in out
        assert "qwright trust" in err
        assert out == qwright("show")[1]
        trust(project)
        assert "\x1b" not in qwright("show")[1]

    def test_one_value(self, qwright: Run) -> None:
        user_writes('model = "m"\n')
        assert qwright("get", "model")[:2] == (0, '"m"\n')
        assert qwright("get", "max-turns")[:2] == (0, "100\n")
        assert qwright("get", "image")[:2] == (0, "\n")
        code, _, err = qwright("get", "modl")
        assert (code, "did you mean model" in err) == (42, True)

    def test_the_path(self, project: Path, qwright: Run) -> None:
        assert qwright("path")[1].strip() == str(user_file())
        assert qwright("path", "--project")[1].strip() == str(project / PROJECT_FILE)


class TestProject:
    def test_a_new_file_is_trusted_since_the_user_made_it(
        self, project: Path, qwright: Run
    ) -> None:
        assert qwright("set", "verify", "make test", "--project")[0] == 0
        assert load(project)[0].verify == "make test"
        qwright("set", "image", "python:3.12", "--project")
        assert load(project)[0].image == "python:3.12"
        assert (project / PROJECT_FILE).read_text() == (
            'verify = "make test"\nimage = "python:3.12"\n'
        )

    def test_a_file_of_others_does_not_become_trusted_by_one_more_line(
        self, project: Path, qwright: Run
    ) -> None:
        (project / ".qwright").mkdir()
        (project / PROJECT_FILE).write_text('setup = ["evil"]\n')
        code, _, err = qwright("set", "verify", "make test", "--project")
        assert (code, "qwright trust" in err) == (0, True)
        assert load(project)[0] == Config()

    @pytest.mark.parametrize("key", sorted({*Config.model_fields} - {*ProjectConfig.model_fields}))
    def test_it_can_set_nothing_that_leaks_or_unlocks(
        self, key: str, project: Path, qwright: Run
    ) -> None:
        code, _, err = qwright("set", key, "auto", "--project")
        assert (code, key in err) == (42, True)
        assert not (project / PROJECT_FILE).exists()

    def test_from_a_folder_below_it_is_the_root_s(
        self, project: Path, monkeypatch: pytest.MonkeyPatch, qwright: Run
    ) -> None:
        (project / "a").mkdir()
        monkeypatch.chdir(project / "a")
        qwright("set", "verify", "make", "--project")
        assert (project / PROJECT_FILE).is_file()

    def test_a_link_leads_nowhere(self, project: Path, tmp_path: Path, qwright: Run) -> None:
        user_writes('model = "m"\n')
        (project / ".qwright").symlink_to(user_file().parent)
        code, _, err = qwright("set", "verify", "x", "--project")
        assert (code != 0, err.count("\n")) == (True, 1)
        assert user_file().read_text() == 'model = "m"\n'


class TestEdit:
    def test_a_new_file_begins_with_every_key(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qwright: Run
    ) -> None:
        seen = tmp_path / "seen"
        body = f"pathlib.Path({str(seen)!r}).write_text(path.read_text())\n"
        editor(tmp_path, monkeypatch, body + "path.write_text('mode = \"plan\"\\n')")
        assert "Saved" in qwright("edit")[1]
        assert load(Path())[0].mode == "plan"
        assert all(
            f"# {key} = " in seen.read_text() for key in Config.model_fields if key != "profile"
        )

    def test_without_a_change_nothing_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qwright: Run
    ) -> None:
        editor(tmp_path, monkeypatch, "")
        assert "Nothing was changed" in qwright("edit")[1]
        assert not user_file().exists()

    def test_what_is_wrong_is_kept_but_does_not_count(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qwright: Run
    ) -> None:
        user_writes(WRITTEN)
        editor(tmp_path, monkeypatch, "path.write_text('mode = \"yolo\"')")
        code, _, err = qwright("edit")
        assert (code, "mode" in err) == (42, True)
        assert user_file().read_text() == WRITTEN
        kept = Path(err.strip().rpartition(" ")[2])
        assert kept.read_text() == 'mode = "yolo"'

    def test_on_a_terminal_it_can_be_mended(
        self, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = "was = path.read_text()\n"
        body += "path.write_text('mode = \"%s\"' % ('plan' if 'yolo' in was else 'yolo'))"
        editor(tmp_path, monkeypatch, body)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "qwright.agent", "config", "edit"]
        with Terminal(command, cwd=project, env=env) as terminal:
            shown = terminal.wait_for("Press Enter")
            assert "'auto-edit'" in shown
            assert not user_file().exists()
            terminal.press("enter")
            terminal.wait_for("Saved")
        assert load(Path())[0].mode == "plan"

    @pytest.mark.parametrize(
        ("body", "said"), [("sys.exit(3)", "ended with 3"), ("raise SystemExit(1)", "ended with 1")]
    )
    def test_an_editor_that_fails(
        self, body: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qwright: Run
    ) -> None:
        editor(tmp_path, monkeypatch, body)
        code, _, err = qwright("edit")
        assert (code, said in err) == (42, True)

    def test_no_editor(self, monkeypatch: pytest.MonkeyPatch, qwright: Run) -> None:
        monkeypatch.setenv("VISUAL", "no-such-editor-here --wait")
        assert "set EDITOR" in qwright("edit")[2]
        monkeypatch.delenv("VISUAL")
        monkeypatch.setenv("PATH", "/nowhere")
        assert "no editor was found" in qwright("edit")[2]


def test_the_template_is_a_file_that_says_the_defaults() -> None:
    lines = [line[2:] for line in template().splitlines() if " = " in line]
    file = user_writes("")
    set_ones = [line for line in lines if not line.endswith('= ""')]
    user_config().replace("\n".join(set_ones))
    assert file.read_text()
    assert load(Path())[0] == Config()


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_every_key_is_explained(spoken: language.Language) -> None:
    language.choose(spoken)
    assert all(len(about(key)) > 4 for key in Config.model_fields)


def test_a_text_is_checked_before_it_replaces_the_file(project: Path) -> None:
    with pytest.raises(ConfigError, match="network"):
        project_config(project).replace('network = "full"')
    assert not (project / PROJECT_FILE).exists()
