"""The one place that touches the swebench package, which has no types of its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypedDict, cast

from qwright.agent.errors import ConfigError
from qwright.evals.instance import Instance, TestGrading

EXIT_CODE = ">>>>> Test Exit Code"
APPLIED = ">>>>> Applied Patch"
NOT_APPLIED = ">>>>> Patch Apply Failed"
APPLY_COMMANDS = (
    "git apply --verbose",
    "git apply --verbose --3way",
    "git apply --verbose --reject",
    "patch --batch --forward --fuzz=5 -p1 -i",
)
_UNREADABLE = (AttributeError, LookupError, SyntaxError, TypeError, ValueError)
"""What swebench's parsers let out over a log they do not understand, such as broken XML."""
NEEDS = "Grading needs the swebench package: `pip install 'qwright[eval]'`."

Row = dict[str, Any]


class _Spec(Protocol):
    """swebench's TestSpec: what it makes of a row."""

    eval_script: str


Parser = Callable[[str, object], dict[str, str]]


class TestsStatus(TypedDict):
    success: list[str]
    failure: list[str]


class Report(TypedDict, total=False):
    """What report.json says of one instance."""

    patch_is_None: bool
    patch_exists: bool
    patch_successfully_applied: bool
    resolved: bool
    infra_failure: bool
    infra_failure_reason: str
    tests_status: dict[str, TestsStatus]


def version() -> str:
    """The version of swebench, "" without it."""
    try:
        return metadata.version("swebench")
    except metadata.PackageNotFoundError:
        return ""


def row(instance: Instance, image: str, eval_script: str) -> Row:
    """The row of a data set that swebench makes its test from. Classic columns and those of 5.x."""
    grading = instance.grading
    assert isinstance(grading, TestGrading)
    known = instance.metadata
    words = {name: str(known.get(name) or "") for name in ("repo", "version", "base_commit")}
    return {
        **words,
        "instance_id": instance.id,
        "problem_statement": instance.prompt,
        "patch": instance.gold or "",
        "FAIL_TO_PASS": list(grading.fail_to_pass),
        "PASS_TO_PASS": list(grading.pass_to_pass),
        "image": image,
        "eval_script": eval_script,
        "log_parser": grading.log_parser,
        "eval_type": grading.eval_type,
    }


def eval_script(instance: Instance, text: str) -> str:
    """The script as swebench runs it: with its own first lines, and the tests' exit code kept."""
    return _spec(instance, text).eval_script


def _spec(instance: Instance, eval_script: str) -> _Spec:
    """swebench's own test specification. Raises ConfigError: no swebench, no such log parser."""
    grading = instance.grading
    assert isinstance(grading, TestGrading)
    if grading.log_parser not in parsers():
        raise ConfigError(
            f"{instance.id}: swebench {version()} has no log parser {grading.log_parser!r}; "
            "name one of its PARSER_REGISTRY."
        )
    make = cast(Callable[[Row], _Spec], _module("utils").make_test_spec)
    return make(row(instance, "", eval_script))


@cache
def parsers() -> Mapping[str, Parser]:
    """Names of log parsers to the parsers."""
    return cast(Mapping[str, Parser], _module("log_parsers").PARSER_REGISTRY)


def statuses(instance: Instance, lines: Sequence[str]) -> dict[str, str]:
    """What the instance's log parser reads in `lines`: test to PASSED, FAILED and so on."""
    grading = instance.grading
    assert isinstance(grading, TestGrading)
    try:
        return parsers()[grading.log_parser]("\n".join(lines), None)
    except _UNREADABLE:
        return {}


def report(instance: Instance, patch: str, log: Path) -> dict[str, Report]:
    """SWE-bench's verdict on a saved log, as it stands in report.json. Blocks."""
    judge = cast(Callable[..., dict[str, Report]], _module("grading").get_eval_report)
    prediction = {
        "instance_id": instance.id,
        "model_name_or_path": "qwright",
        "model_patch": patch,
    }
    try:
        return judge(
            test_spec=_spec(instance, ""),
            prediction=prediction,
            test_log_path=str(log),
            include_tests_status=True,
        )
    except _UNREADABLE:
        facts = dict.fromkeys(("patch_is_None", "patch_successfully_applied", "resolved"), False)
        return {instance.id: cast(Report, facts | {"patch_exists": True, "infra_failure": False})}


@cache
def _module(name: str) -> ModuleType:
    """A module of swebench.harness. Raises ConfigError without it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_module(f"swebench.harness.{name}")
        except ImportError as error:
            raise ConfigError(NEEDS) from error
