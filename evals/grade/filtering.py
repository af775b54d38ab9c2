"""What of an answer does not count: changes to the tests, and to what decides how tests run."""

from __future__ import annotations

import configparser
import json
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from qwright.evals.grade.applying import CONFIGURATION, Applied
from qwright.evals.instance import CommandGrading, Instance, TestGrading

RUNNER_FILES = frozenset(
    {
        "conftest.py",
        "pytest.ini",
        ".pytest.ini",
        "pytest.toml",
        ".pytest.toml",
        "sitecustomize.py",
        "usercustomize.py",
        ".mocharc",
        ".rspec",
        "karma.conf",
        "jest.config",
        "vitest.config",
        "phpunit.xml",
    }
)
"""Names, or what comes before an extension, of files that only say how tests run."""
RUNNER_MODULES = frozenset(
    {
        *("_pytest", "exceptiongroup", "iniconfig", "pluggy", "py", "pytest", "qwright_outcomes"),
        *("attr", "attrs", "packaging", "tomli", "pygments", "six", "typing_extensions"),
        *("importlib_metadata", "zipp", "setuptools", "pkg_resources", "more_itertools"),
    }
)
"""pytest, ours, and what one version of pytest or another imports."""
_SHADOWS = sys.stdlib_module_names | RUNNER_MODULES | {"sitecustomize", "usercustomize"}


def dropped(instance: Instance, base: Path, applied: Applied) -> list[str]:
    """Of the changed paths those that are to be as in the test bed, which is at `base`. Reads."""
    tests = _test_paths(instance)
    return sorted(
        path
        for path in applied.changed
        if _below(path, tests) or _decides(path, base) or _reconfigures(path, base, applied)
    )


def _test_paths(instance: Instance) -> tuple[str, ...]:
    match instance.grading:
        case TestGrading():
            return instance.grading.test_paths
        case CommandGrading():
            return instance.grading.restored
        case _:
            return ()


def _below(path: str, places: Iterable[str]) -> bool:
    """Whether `path` is one of the files, or in one of the folders, which end in a slash."""
    return any(
        path == place.rstrip("/") or (place.endswith("/") and path.startswith(place))
        for place in places
    )


def _decides(path: str, base: Path) -> bool:
    """Whether a file is read by interpreters and test runners on their own account."""
    parts = PurePosixPath(path).parts
    name = parts[-1]
    stem, _, extension = name.rpartition(".")
    if any(part.endswith((".dist-info", ".egg-info")) for part in parts):
        return not (base / parts[0]).exists()
    if ".git" in parts or name in RUNNER_FILES or stem in RUNNER_FILES or extension == "pth":
        return True
    if ".cargo" in parts or (name.endswith("_test.go") and name.startswith("main_")):
        return True
    return _shadows(parts, base)


def _shadows(parts: tuple[str, ...], base: Path) -> bool:
    """Whether a new module at the root, or in src, hides one of the runner or the interpreter."""
    place = 1 if len(parts) > 1 and parts[0] == "src" else 0
    top = parts[place]
    if top.split(".")[0] not in _SHADOWS:
        return False
    if len(parts) == place + 1:
        loads = top.endswith((".py", ".so", ".pyc", ".pyd"))
        return loads and not (base.joinpath(*parts[:place]) / top).exists()
    return not base.joinpath(*parts[: place + 1]).exists()


def _reconfigures(path: str, base: Path, applied: Applied) -> bool:
    """Whether a shared configuration file says something else about pytest than before."""
    name = PurePosixPath(path).name
    if name not in CONFIGURATION:
        return False
    file = base / path
    before = file.read_text(errors="replace") if file.is_file() and not file.is_symlink() else ""
    after = applied.configuration.get(path)
    # Gone, or no regular file any more.
    if after is None:
        return bool(_runner_part(name, before))
    return _runner_part(name, before) != _runner_part(name, after)


def _runner_part(name: str, text: str) -> str:
    """What a configuration file says about pytest, in a form that can be compared."""
    if name == "pyproject.toml":
        try:
            tools: dict[str, Any] = tomllib.loads(text).get("tool", {})
        except (tomllib.TOMLDecodeError, RecursionError):
            return text
        found = tools.get("pytest")
        return json.dumps(found, sort_keys=True, default=str) if found else ""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:
        return text
    return json.dumps({part: dict(parser[part]) for part in parser if "pytest" in part.lower()})
