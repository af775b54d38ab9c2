from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qwright.agent.errors import ConfigError
from qwright.evals.datasets.load import load, require_gradable
from qwright.evals.datasets.patch_text import file_patch, touched
from qwright.evals.instance import (
    CommandGrading,
    DirectorySource,
    FilesSource,
    GitSource,
    ImageSource,
    Instance,
    RewardGrading,
    SdistSource,
    TestGrading,
)
from tests.evals.patching import applied

TEST_PATCH = file_patch("tests/test_a.py", "old\n", "new\n") + file_patch("tests/b.py", None, "b\n")
CLASSIC: dict[str, Any] = {
    "instance_id": "owner__Repo-12",
    "repo": "owner/Repo",
    "base_commit": "a" * 40,
    "problem_statement": "It is wrong.\n",
    "patch": "diff --git a/x b/x\n",
    "test_patch": TEST_PATCH,
    "FAIL_TO_PASS": '["tests/test_a.py::test_a"]',
    "PASS_TO_PASS": ["tests/b.py::test_b"],
    "version": "1.0",
    "hints_text": "",
}
FIVE = {
    **CLASSIC,
    "image": "example/image:1",
    "eval_script": "#!/bin/bash\n: '>>>>> Start Test Output'\n: '>>>>> End Test Output'\n",
    "log_parser": "parse_log_pytest",
    "eval_type": "fail_only",
}
SDIST = {
    **CLASSIC,
    "workspace": {"pypi": "thing==1.2", "sha256": "0" * 64, "root": "thing-1.2"},
    "test_cmd": "python3 -m pytest tests/test_a.py",
    "log_parser": "parse_log_pytest_v2",
    "python_path": "/testbed/src",
    "pre_install": ["touch made"],
}
SIMPLE: dict[str, Any] = {
    "id": "simple",
    "files": {"a.py": "x = 1\n", "test_a.py": "import a\nassert a.x == 2\n"},
    "prompt": "x must be 2",
    "verify": "python test_a.py",
    "solution_files": {"a.py": "x = 2"},
}


def jsonl(folder: Path, *rows: object, name: str = "test.jsonl") -> str:
    file = folder / name
    file.write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    return str(file)


def one(folder: Path, row: object) -> Instance:
    (found,) = load(jsonl(folder, row))
    return found


def test_a_row_of_version_5(tmp_path: Path) -> None:
    found = one(tmp_path, FIVE)
    assert found.id == "owner__Repo-12"
    assert found.prompt == "It is wrong.\n"
    assert found.image == "example/image:1"
    assert found.source == ImageSource(path="/testbed")
    assert found.gold == FIVE["patch"]
    assert found.verify is None
    assert found.grading == TestGrading(
        eval_script=FIVE["eval_script"],
        fail_to_pass=("tests/test_a.py::test_a",),
        pass_to_pass=("tests/b.py::test_b",),
        log_parser="parse_log_pytest",
        eval_type="fail_only",
        test_paths=("tests/test_a.py", "tests/b.py"),
    )
    assert found.metadata["base_commit"] == "a" * 40
    assert found.metadata["test_patch"] == TEST_PATCH


def test_a_classic_row_runs_and_says_what_grading_needs(tmp_path: Path) -> None:
    found = one(tmp_path, CLASSIC)
    assert found.image == "swebench/sweb.eval.x86_64.owner_1776_repo-12:latest"
    assert found.env["PATH"].endswith(":$PATH")
    with pytest.raises(ConfigError, match=r"1 of 2 .* owner__Repo-12: .*eval_script.*--no-grade"):
        require_gradable([found, one(tmp_path, SIMPLE)])
    require_gradable([one(tmp_path, row) for row in (FIVE, SDIST, SIMPLE)])


def test_a_row_with_a_source_distribution(tmp_path: Path) -> None:
    found = one(tmp_path, SDIST)
    assert found.image is None
    assert found.source == SdistSource(
        name="thing", version="1.2", sha256="0" * 64, root="thing-1.2", tree="a" * 40
    )
    assert found.env == {"PYTHONPATH": "/testbed/src"}
    assert isinstance(found.grading, TestGrading)
    script = found.grading.eval_script.splitlines()
    order = [
        script.index("touch made"),
        script.index(f"git checkout {'a' * 40} -- tests/test_a.py"),
        next(n for n, line in enumerate(script) if line.startswith("git apply")),
        script.index(": '>>>>> Start Test Output'"),
        script.index("python3 -m pytest tests/test_a.py"),
        script.index(": '>>>>> End Test Output'"),
    ]
    assert order == sorted(order)
    assert "rm -rf -- tests/b.py" in script


def test_other_workspaces(tmp_path: Path) -> None:
    repo = tmp_path / "upstream"
    repo.mkdir()
    git = {**CLASSIC, "workspace": {"git": "upstream"}}
    assert one(tmp_path, git).source == GitSource(url=str(repo), commit="a" * 40)
    far = {**CLASSIC, "workspace": {"git": "https://example.org/r.git", "commit": "beef"}}
    assert one(tmp_path, far).source == GitSource(url="https://example.org/r.git", commit="beef")
    path = {**CLASSIC, "workspace": {"path": "upstream"}}
    assert one(tmp_path, path).source == DirectorySource(path=repo)
    for place in ("/etc", "..", "upstream/../..", "nowhere"):
        for kind in ("path", "git"):
            with pytest.raises(ConfigError, match="own folder"):
                one(tmp_path, {**CLASSIC, "workspace": {kind: place}})
    with pytest.raises(ConfigError, match="own folder"):
        one(tmp_path, {**CLASSIC, "workspace": {"git": "file:///srv/r.git"}})
    image = one(tmp_path, {**CLASSIC, "image": "x", "workspace": {"image": "/srv/app"}})
    assert (image.source, image.mount) == (ImageSource(path="/srv/app"), "/srv/app")


def test_a_simple_row(tmp_path: Path) -> None:
    found = one(tmp_path, {**SIMPLE, "license": "MIT", "setup": ["pip install x"]})
    assert found.setup == one(tmp_path, {**SDIST, "setup": ["pip install x"]}).setup
    assert found.setup == ("pip install x",)
    assert found.source == FilesSource(files=SIMPLE["files"])
    assert found.grading == CommandGrading(command="python test_a.py", restored=("test_a.py",))
    assert found.verify == "python test_a.py"
    assert found.metadata == {"license": "MIT"}
    assert applied(tmp_path, SIMPLE["files"], found.gold or "") == {
        **SIMPLE["files"],
        **SIMPLE["solution_files"],
    }


def test_every_kind_of_file_gives_the_same_instances(tmp_path: Path) -> None:
    rows = [SDIST, {**FIVE, "instance_id": "second"}]
    expected = load(jsonl(tmp_path, *rows))
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    assert load(str(tmp_path / "rows.json")) == expected
    assert load(str(tmp_path)) == expected

    frames = tmp_path / "frames"
    (frames / "data").mkdir(parents=True)
    table: Any = importlib.import_module("pyarrow").Table
    parquet: Any = importlib.import_module("pyarrow.parquet")
    # A column has one type there; what a row lacks is null.
    columns = sorted({name for row in rows for name in row})
    alike = [{name: row.get(name) for name in columns} for row in rows]
    for row in alike:
        row["FAIL_TO_PASS"] = ["tests/test_a.py::test_a"]
    parquet.write_table(table.from_pylist(alike), frames / "data" / "dev-00000-of-00001.parquet")
    assert load(str(frames), split="dev") == expected

    datasets: Any = importlib.import_module("datasets")
    saved = tmp_path / "saved"
    datasets.DatasetDict({"dev": datasets.Dataset.from_list(alike)}).save_to_disk(saved)
    assert load(str(saved), split="dev") == expected
    with pytest.raises(ConfigError, match="no split test: it has dev"):
        load(str(saved))


BAD_ROWS: list[tuple[object, str]] = [
    ({**SDIST, "FAIL_TO_PASS": None}, "FAIL_TO_PASS is missing"),
    ({**SDIST, "PASS_TO_PASS": "[1"}, "PASS_TO_PASS is no list in JSON"),
    ({**SDIST, "PASS_TO_PASS": [1]}, "PASS_TO_PASS must be a list of texts"),
    ({**SDIST, "log_parser": ""}, "log_parser is missing"),
    ({**SDIST, "problem_statement": 3}, "problem_statement must be text"),
    ({**SDIST, "instance_id": "../up"}, "instance_id '../up' is no id"),
    ({**SDIST, "workspace": {"pypi": "thing", "sha256": "0"}}, "workspace: pypi must be name=="),
    ({**SDIST, "workspace": {"pypi": "thing==1"}}, "workspace: sha256 is missing"),
    ({**SDIST, "workspace": {}}, "workspace: needs one of pypi, git, path, image"),
    ({**SIMPLE, "verify": ""}, "verify is missing"),
    ({**SIMPLE, "files": {"a": 1}}, "files must be an object of path to text"),
    ({**SIMPLE, "timeout": -1}, "timeout must be a number above 0"),
    ({"id": "x"}, "no kind of row that is known"),
    ([], "a row must be an object"),
]


@pytest.mark.parametrize(("row", "words"), BAD_ROWS, ids=[words for _, words in BAD_ROWS])
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, row: object, words: str) -> None:
    file = jsonl(tmp_path, SIMPLE | {"id": "first"}, row)
    with pytest.raises(ConfigError) as failed:
        load(file)
    assert str(failed.value).startswith(f"{file}:3: {words}")
    assert "\n" not in str(failed.value)


def damaged(folder: Path) -> str:
    (folder / "x.jsonl").write_bytes(b'{"id": "\xff"}\n')
    return str(folder / "x.jsonl")


def not_json(folder: Path) -> str:
    (folder / "x.jsonl").write_text("\n{oh\n")
    return str(folder / "x.jsonl")


BAD_SETS: list[tuple[Callable[[Path], str], str]] = [
    (lambda folder: str(folder), "holds no data set"),
    (lambda folder: str(folder / "none.jsonl"), "no such file, folder or data set"),
    (lambda folder: jsonl(folder), "no instances in it"),
    (lambda folder: jsonl(folder, SIMPLE, SIMPLE | {"id": "Simple"}), "1 ids come twice"),
    (lambda folder: jsonl(folder, SIMPLE, name="rows.csv"), "give a .json, .jsonl or .parquet"),
    (damaged, "x.jsonl is damaged"),
    (not_json, "x.jsonl:2: no JSON"),
]


@pytest.mark.parametrize(("make", "words"), BAD_SETS, ids=[words for _, words in BAD_SETS])
def test_a_data_set_that_cannot_be_read(
    tmp_path: Path, make: Callable[[Path], str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as failed:
        load(make(tmp_path))
    assert "\n" not in str(failed.value)


def test_a_data_set_of_the_hub_needs_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("huggingface_hub.constants", "datasets.config"):
        monkeypatch.setattr(importlib.import_module(module), "HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match=r"cannot load the data set nobody/nothing \(test\)"):
        load("nobody/nothing")


def harbor(
    folder: Path, toml: str, dockerfile: str | None = "FROM debian\nWORKDIR /srv/app/\n"
) -> Path:
    task = folder / "task"
    for name in ("environment", "tests", "solution"):
        (task / name).mkdir(parents=True)
    (task / "task.toml").write_text(toml)
    (task / "instruction.md").write_text("Do it.\n")
    (task / "tests" / "test.sh").write_text("echo 1 > /logs/verifier/reward.txt\n")
    (task / "solution" / "solve.sh").write_text("true\n")
    if dockerfile:
        (task / "environment" / "Dockerfile").write_text(dockerfile)
    return task


HARBOR = """\
schema_version = "1.4"
[metadata]
difficulty = "easy"
[verifier]
timeout_sec = 33.0
[agent]
network_mode = "no-network"
[environment]
network_mode = "public"
[environment.env]
MODE = "test"
"""


def test_a_harbor_task(tmp_path: Path) -> None:
    task = harbor(tmp_path, HARBOR)
    (found,) = load(str(task))
    assert load(str(tmp_path)) == [found]
    assert found.prompt == "Do it.\n"
    assert found.source == ImageSource(path="/srv/app")
    assert found.mount == "/srv/app"
    assert found.grading == RewardGrading(tests=task / "tests")
    assert (found.image or "").startswith("qwright-harbor:")
    assert found.build == task / "environment"
    assert (found.network, found.timeout, found.env) == ("none", 33.0, {"MODE": "test"})
    assert found.metadata["solution"] == str(task / "solution" / "solve.sh")

    before = found.digest()
    (task / "tests" / "test.sh").write_text("echo 0 > /logs/verifier/reward.txt\n")
    assert load(str(task))[0].digest() != before
    (task / "environment" / "Dockerfile").write_text("FROM debian\nWORKDIR /srv/app\nRUN true\n")
    assert load(str(task))[0].image != found.image


def test_a_harbor_task_with_an_image_of_its_own(tmp_path: Path) -> None:
    toml = '[environment]\ndocker_image = "example/task:1"\nallow_internet = true\n'
    (found,) = load(str(harbor(tmp_path, toml, None)))
    assert (found.image, found.build, found.network) == ("example/task:1", None, "full")
    assert found.mount == "/app"


def test_a_harbor_task_that_cannot_be_run(tmp_path: Path) -> None:
    task = harbor(tmp_path, "", None)
    with pytest.raises(ConfigError, match="neither docker_image nor environment/Dockerfile"):
        load(str(task))
    (task / "environment" / "docker-compose.yaml").touch()
    with pytest.raises(ConfigError, match="several containers"):
        load(str(task))
    (task / "environment" / "docker-compose.yaml").unlink()
    (task / "task.toml").write_text('[verifier]\nenvironment_mode = "separate"\n')
    with pytest.raises(ConfigError, match="an image of its own"):
        load(str(task))
    (task / "task.toml").write_text("= 1")
    with pytest.raises(ConfigError, match=r"task.toml is no TOML"):
        load(str(task))


def test_the_starter_suite_hides_its_tests_in_the_script() -> None:
    found = load("starter")
    assert len(found) >= 12
    for task in found:
        assert isinstance(task.source, DirectorySource)
        assert isinstance(task.grading, TestGrading)
        assert task.gold
        assert task.verify is None
        hidden = task.source.path.parent / "hidden"
        names = {file.relative_to(hidden).as_posix() for file in hidden.rglob("*.*")}
        assert all(name.startswith(task.grading.test_paths) for name in names)
        assert touched(str(task.metadata["test_patch"])).after
