from __future__ import annotations

from pathlib import Path

import pytest

from qwright.agent.config import PROJECT_FILE, Config, load, trust
from qwright.agent.errors import ConfigError
from qwright.agent.profile import Price, profile_for
from qwright.sandbox.dirs import config_dir, state_dir


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path / "home"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    (path / ".qwright").mkdir(parents=True)
    return path


def user_writes(text: str) -> None:
    config_dir().mkdir(parents=True, exist_ok=True)
    (config_dir() / "config.toml").write_text(text, encoding="utf-8")


def project_writes(project: Path, text: str) -> None:
    (project / PROJECT_FILE).write_text(text, encoding="utf-8")


def test_without_files_the_defaults_hold(project: Path) -> None:
    assert load(project) == (Config(), [])


def test_the_user_s_file(project: Path) -> None:
    user_writes('model = "m"\nnetwork = "full"\nsetup = ["a", "b"]\nmax_turns = 7\neffort = "low"')
    config, notices = load(project)
    assert config == Config(model="m", network="full", setup=("a", "b"), max_turns=7, effort="low")
    assert notices == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = ", "not valid TOML"),
        ('modell = "m"', "modell"),
        ("max_turns = 'many'", "max_turns"),
        ("max_turns = 0", "max_turns"),
        ('network = "some"', "network"),
        ('effort = "huge"', "effort"),
        ('apply = "never"', "apply"),
        ('mode = "yolo"', "mode"),
        ('language = "fr"', "language"),
        ('theme = "pink"', "theme"),
        ('editing = "nano"', "editing"),
        ("screen_reader = 'maybe'", "screen_reader"),
        ("setup = 'pip install x'", "setup"),
        ("max_cost = 0", "max_cost"),
        ("[[profile]]\ncontext = 1", "profile.0.match"),
        ("[[profile]]\nmatch = 'a'\ncontxt = 1", "profile.0.contxt"),
        ("[[profile]]\nmatch = 'a'\ncontext = 0", "profile.0.context"),
        ("[[profile]]\nmatch = 'a'\nsampling = { temp = 1 }", "profile.0.sampling.temp"),
        ("[[profile]]\nmatch = 'a'\nprices = [{ input = 1 }]", "profile.0.prices.0.output"),
        ("[[profile]]\nmatch = 'a'\n[[profile]]\nmatch = '('", "profile.1.match"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_file_and_key(
    project: Path, text: str, said: str
) -> None:
    user_writes(text)
    with pytest.raises(ConfigError) as caught:
        load(project)
    assert said in str(caught.value)
    assert "config.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_the_repl_reads(project: Path) -> None:
    user_writes('apply = "manual"\nmode = "plan"\nlanguage = "zh"\ntheme = "dark"\nediting = "vi"')
    config, _ = load(project)
    assert (config.apply, config.mode, config.language) == ("manual", "plan", "zh")
    assert (config.theme, config.editing, config.screen_reader) == ("dark", "vi", False)


def test_a_file_that_is_no_text(project: Path) -> None:
    user_writes("")
    (config_dir() / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"config\.toml"):
        load(project)


def test_a_profile_of_the_users_own(project: Path) -> None:
    user_writes(
        'max_cost = 1.5\n[[profile]]\nmatch = "^mine"\ncontext = 8192\nvision = true\n'
        "sampling = { temperature = 0.1 }\nprices = [{ input = 1, output = 2 }]\n"
    )
    config, _ = load(project)
    mine = profile_for("Mine-7B", "vllm", own=config.profile)
    assert config.max_cost == 1.5
    assert (mine.context, mine.vision, mine.sampling.temperature) == (8_192, True, 0.1)
    assert mine.prices == (Price(input=1, output=2),)


def test_a_flag_wins_over_what_is_configured() -> None:
    config = Config(model="m", base_url="http://box/v1")
    assert config.asked(None, None) == ("m", "http://box/v1")
    assert config.asked("n", None) == ("n", "http://box/v1")
    assert config.asked("n", "http://other/v1") == ("n", "http://other/v1")
    assert config.asked("ollama/n", None) == ("ollama/n", None)
    assert config.asked("ollama/n", "http://other/v1") == ("ollama/n", "http://other/v1")


class TestTrust:
    def test_a_project_is_ignored_and_the_user_is_told(self, project: Path) -> None:
        project_writes(project, 'setup = ["rm -rf /"]\nimage = "evil"\n')
        config, notices = load(project)
        assert config == Config()
        assert len(notices) == 1
        assert "qwright trust" in notices[0]

    def test_it_counts_once_trusted(self, project: Path) -> None:
        user_writes('setup = ["mine"]\nmodel = "m"\n')
        project_writes(project, 'setup = ["theirs"]\nverify = "make test"\n')
        assert "theirs" in trust(project)
        config, notices = load(project)
        assert (config.setup, config.verify, config.model) == (("theirs",), "make test", "m")
        assert notices == []

    def test_what_it_does_not_set_stays_the_user_s(self, project: Path) -> None:
        user_writes('image = "mine"\nverify = "mine"\n')
        project_writes(project, 'verify = "theirs"\n')
        trust(project)
        config, _ = load(project)
        assert (config.image, config.verify) == ("mine", "theirs")

    def test_a_change_takes_the_trust_away(self, project: Path) -> None:
        project_writes(project, 'verify = "a"\n')
        trust(project)
        project_writes(project, 'verify = "b"\n')
        config, notices = load(project)
        assert config.verify is None
        assert notices
        project_writes(project, 'verify = "a"\n')
        assert load(project)[0].verify == "a"

    def test_it_is_trust_in_one_place(self, project: Path, tmp_path: Path) -> None:
        project_writes(project, 'verify = "a"\n')
        trust(project)
        copy = tmp_path / "copy"
        (copy / ".qwright").mkdir(parents=True)
        project_writes(copy, 'verify = "a"\n')
        assert load(copy)[0].verify is None

    @pytest.mark.parametrize(
        "text",
        [
            *('model = "m"', 'base_url = "http://evil/v1"', 'network = "full"', "max_turns = 1"),
            *("max_cost = 9", 'profile = [{ match = "", context = 9 }]'),
            *('apply = "auto"', 'mode = "auto"', 'language = "zh"', "title = false"),
        ],
    )
    def test_a_project_can_set_nothing_that_leaks_or_unlocks(
        self, project: Path, text: str
    ) -> None:
        project_writes(project, text)
        with pytest.raises(ConfigError, match=text.split()[0]):
            trust(project)
        assert load(project)[0] == Config()

    def test_the_root_s_file_holds_in_the_whole_repository(self, project: Path) -> None:
        inner = project / "a/b"
        inner.mkdir(parents=True)
        project_writes(project, 'verify = "root"\n')
        assert load(inner) == (Config(), [])
        (project / ".git").mkdir()
        config, notices = load(inner)
        assert config == Config()
        assert str(project) in notices[0]
        trust(inner)
        assert load(inner)[0].verify == load(project)[0].verify == "root"

    def test_a_file_of_the_directory_itself_comes_first(self, project: Path) -> None:
        (project / ".git").write_text("gitdir: elsewhere\n")
        inner = project / "inner"
        (inner / ".qwright").mkdir(parents=True)
        project_writes(project, 'verify = "root"\n')
        project_writes(inner, 'verify = "inner"\n')
        trust(project)
        assert load(inner)[0].verify is None
        trust(inner)
        assert load(inner)[0].verify == "inner"
        assert load(project)[0].verify == "root"

    def test_no_file_above_the_repository_counts(self, project: Path) -> None:
        repository = project / "clone"
        (repository / ".git").mkdir(parents=True)
        project_writes(project, 'verify = "outside"\n')
        trust(project)
        assert load(repository) == (Config(), [])

    def test_the_notice_names_the_command_for_where_one_is(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project_writes(project, 'verify = "a"\n')
        assert load(project)[1][0].endswith(f"qwright trust {project}")
        monkeypatch.chdir(project)
        assert load(Path())[1][0].endswith("qwright trust")

    def test_there_must_be_something_to_trust(self, project: Path) -> None:
        with pytest.raises(ConfigError, match="nothing to trust"):
            trust(project)

    def test_a_link_out_of_the_project_is_not_read(self, project: Path, tmp_path: Path) -> None:
        (tmp_path / "outside.toml").write_text('verify = "x"\n')
        (project / PROJECT_FILE).symlink_to(tmp_path / "outside.toml")
        assert load(project) == (Config(), [])

    @pytest.mark.parametrize("damage", ["", "[1]", "null", '{"a": 1}', "\xff"])
    def test_a_damaged_list_trusts_nobody(self, project: Path, damage: str) -> None:
        project_writes(project, 'verify = "a"\n')
        trust(project)
        (state_dir() / "trusted.json").write_text(damage, encoding="latin-1")
        assert load(project)[0].verify is None
        trust(project)
        assert load(project)[0].verify == "a"
