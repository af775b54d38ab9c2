"""A pytest plugin that tells the grader, beside the log, which tests ran and how each ended.

It is loaded before anything of the repository, takes a key that nobody else gets any more, and
writes one signed line for each outcome. What it cannot do is in docs/evals.md: code under test
runs in the same process.

It runs in whatever Python (3.6 and later) and pytest the image has: hence quoted annotations and
the absence of newer syntax.
"""

import hashlib
import json
import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[..., None]

FOLDER = os.environ.pop("QWRIGHT_OUTCOMES", "")
HERE = os.path.dirname(os.path.abspath(__file__))
MOST_CANARIES = 8
FUNCTIONS = (
    ("_pytest.runner", "runtestprotocol"),
    ("_pytest.runner", "call_and_report"),
    ("_pytest.runner", "call_runtest_hook"),
    ("_pytest.runner", "pytest_runtest_call"),
    ("_pytest.runner", "pytest_runtest_makereport"),
    ("_pytest.runner", "pytest_runtest_protocol"),
    ("_pytest.python", "pytest_pyfunc_call"),
    ("_pytest.skipping", "pytest_runtest_makereport"),
    ("_pytest.outcomes", "fail"),
)
CLASSES = (
    ("_pytest.runner", "CallInfo"),
    ("_pytest.reports", "TestReport"),
    ("_pytest.reports", "BaseReport"),
    ("_pytest.python", "Function"),
    ("_pytest.unittest", "TestCaseFunction"),
    ("_pytest.main", "Session"),
    ("_pytest.python_api", "RaisesContext"),
    ("_pytest.raises", "RaisesExc"),
    ("unittest.case", "TestCase"),
    ("pluggy.hooks", "HookCaller"),
    ("pluggy._hooks", "HookCaller"),
    ("pluggy.manager", "PluginManager"),
    ("pluggy._manager", "PluginManager"),
)


class Outcomes:
    """The plugin's hooks."""

    def __init__(self, config: "pytest.Config", tell: "Tell") -> "None":
        self.config = config
        self.tell = tell
        self.plugins: set[int] = set()
        self.marked: dict[str, set[str]] = {}
        self.bodies: dict[str, object] = {}
        self.modules: list[pytest.Module] = []
        self.raised: dict[str, tuple[str, bool]] = {}

    def pytest_sessionstart(self) -> "None":
        self.plugins = {id(plugin) for plugin in self.config.pluginmanager.get_plugins()}

    def pytest_collection_finish(self, session: "pytest.Session") -> "None":
        for item in session.items:
            self.marked[item.nodeid] = {mark.name for mark in item.iter_markers()}
            module = item.getparent(pytest.Module)
            if module is None:
                continue
            if module not in self.modules:
                self.modules.append(module)
            self.bodies[item.nodeid] = code_of(getattr(item, "obj", None))
            file = foreign_body(item, str(module.fspath))
            if file:
                self.tell("body", id=item.nodeid, file=file)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: "pytest.Item", call: "Any") -> "None":
        """Remember what was raised, before anything can say otherwise; makes no report."""
        if call.when == "setup":
            self.raised.pop(item.nodeid, None)
        if call.excinfo is not None:
            imperative = call.excinfo.typename in ("XFailed", "Skipped", "SkipTest")
            self.raised[item.nodeid] = (origin(call.excinfo), imperative)
        self.look_for_plugins()

    def pytest_runtest_logreport(self, report: "Any") -> "None":
        status = status_of(report)
        if status:
            where, honest = self.honesty(report, status)
            shown = self.shown(report.nodeid)
            self.tell(
                "outcome",
                id=report.nodeid,
                shown=shown,
                status=status,
                origin=where,
                honest=honest,
            )

    def pytest_collectreport(self, report: "Any") -> "None":
        if report.failed:
            shown = self.shown(report.nodeid)
            self.tell("outcome", id=report.nodeid, shown=shown, status="ERROR", honest=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: "pytest.Session", exitstatus: "int") -> "None":
        for item in getattr(session, "items", ()):
            body = code_of(getattr(item, "obj", None))
            if item.nodeid in self.bodies and body is not self.bodies[item.nodeid]:
                self.tell("body", id=item.nodeid, file=file_of(body))
        now = machinery()
        for name, code in MACHINERY.items():
            if now.get(name) is not code:
                self.tell("changed", name=name, file=file_of(now.get(name)))
        self.look_for_plugins()
        canaries = [passes(module) for module in self.modules[:MOST_CANARIES]]
        self.tell("finish", status=int(exitstatus), canaries=canaries)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> "None":
        self.tell("end")

    def honesty(self, report: "Any", status: "str") -> "tuple[str, bool]":
        """The file that asked for a skip or an expected failure; whether pytest would say so."""
        where, imperative = self.raised.get(report.nodeid, ("", False))
        marks = self.marked.get(report.nodeid)
        # Under xdist the tests are collected, and run, in other processes.
        if marks is None:
            return "", True
        if status == "PASSED":
            return "", not where
        if status == "XFAIL":
            return where if imperative else "", imperative or "xfail" in marks
        by_mark = where.endswith(os.path.join("_pytest", "skipping.py"))
        return where, not by_mark or bool({"skip", "skipif"} & marks)

    def look_for_plugins(self) -> "None":
        """Tell of plugins that came after the session's start, and where they were written."""
        for plugin in self.config.pluginmanager.get_plugins():
            if id(plugin) in self.plugins:
                continue
            self.plugins.add(id(plugin))
            for name in dir(plugin):
                if name.startswith("pytest_"):
                    file = file_of(code_of(getattr(plugin, name, None)))
                    self.tell("plugin", name=name, file=file)

    def shown(self, nodeid: "str") -> "str":
        """The id as the summary prints it."""
        with suppress(AttributeError, ValueError):
            config: Any = self.config
            return str(config.cwd_relative_nodeid(nodeid))
        return nodeid


def forget_ourselves() -> "None":
    """Leave nothing to processes the tests start: their pytest runs are not the graded one."""
    words = os.environ.get("PYTEST_ADDOPTS", "").replace("-p qwright_outcomes", "").strip()
    places = [place for place in os.environ.get("PYTHONPATH", "").split(":") if place != HERE]
    for name, text in (("PYTEST_ADDOPTS", words), ("PYTHONPATH", ":".join(places))):
        os.environ.pop(name, None)
        if text:
            os.environ[name] = text
    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != HERE]


def take_key() -> "tuple[str, bytes]":
    """The number of the next unused key, and the key, which is gone afterwards."""
    for name in sorted(os.listdir(FOLDER)):
        if name.startswith("key."):
            path = os.path.join(FOLDER, name)
            with open(path, "rb") as file:
                key = file.read()
            os.unlink(path)
            return name[4:], key
    raise pytest.UsageError("the grader has no key left")


def teller() -> "Tell":
    """What writes a signed line; each signature covers all lines before it."""
    number, key = take_key()
    path = os.path.join(FOLDER, "run." + number)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    signer = hashlib.blake2b(key=key, digest_size=16)
    write, dumps, getpid, owner = os.write, json.dumps, os.getpid, os.getpid()

    def tell(kind: "str", **facts: "object") -> "None":
        # A child that was forked in a test goes on with a copy of all this.
        if getpid() == owner:
            line = dumps([kind, facts]).encode()
            signer.update(line)
            write(file, signer.hexdigest().encode() + b" " + line + b"\n")

    return tell


def code_of(function: "Any") -> "object":
    """What runs when `function` is called, as far as that can be compared."""
    function = getattr(function, "__func__", function)
    return getattr(function, "__code__", function)


def file_of(code: "object") -> "str":
    return str(getattr(code, "co_filename", ""))


def machinery() -> "dict[str, object]":
    """What decides outcomes, as it is now: name to code object."""
    found: dict[str, object] = {}
    for module, name in FUNCTIONS:
        if module in sys.modules:
            found[module + "." + name] = code_of(getattr(sys.modules[module], name, None))
    for module, name in CLASSES:
        owner: Any = getattr(sys.modules.get(module), name, None)
        members: dict[str, Any] = getattr(owner, "__dict__", {})
        for attribute, value in list(members.items()):
            if callable(value) or isinstance(value, (classmethod, staticmethod)):
                found[".".join((module, name, attribute))] = code_of(value)
    return found


def foreign_body(item: "Any", module: "str") -> "str":
    """The file of a test's body when the test module defines that test and the body is elsewhere.

    A decorator of the library may do that as well: the grader asks whether a patch wrote the file.
    """
    function: Any = getattr(item, "obj", None)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    file = file_of(code_of(function))
    if not file or file == module:
        return ""
    try:
        with open(module, encoding="utf-8", errors="replace") as text:
            source = text.read()
    except OSError:
        return ""
    name = getattr(item, "originalname", None) or item.name
    return file if re.search(r"def\s+" + re.escape(name) + r"\b", source) else ""


def origin(excinfo: "Any") -> "str":
    """The file that raised; for `pytest.skip` and the like, the file that called it."""
    files = [str(entry.frame.code.raw.co_filename) for entry in excinfo.traceback]
    inner = os.path.join("_pytest", "outcomes.py")
    outside = [path for path in files if not path.endswith(inner)]
    return outside[-1] if outside else "?"


def status_of(report: "Any") -> "str":
    """The word of pytest's summary for a report; "" when it settles nothing."""
    expected = hasattr(report, "wasxfail")
    if report.failed:
        return "FAILED" if report.when == "call" else "ERROR"
    if report.skipped:
        return "XFAIL" if expected else "SKIPPED"
    if report.when == "call" and report.passed:
        return "XPASS" if expected else "PASSED"
    return ""


def passes(module: "pytest.Module") -> "bool":
    """Whether a test that must fail passes when it is run like any other."""
    from _pytest import runner

    def body() -> "None":
        raise AssertionError("this test fails")

    maker = getattr(pytest.Function, "from_parent", pytest.Function)
    # Whatever a repository's fixtures raise here must not change how its run ends.
    with suppress(Exception):
        item = maker(name="test_grading", parent=module, callobj=body)
        reports = runner.runtestprotocol(item, log=False, nextitem=None)
        return any(report.when == "call" and report.passed for report in reports)
    return False


def pytest_configure(config: "pytest.Config") -> "None":
    if FOLDER and not hasattr(config, "workerinput"):
        tell = teller()
        tell("begin")
        config.pluginmanager.register(Outcomes(config, tell), "qwright-" + os.urandom(4).hex())


MACHINERY = machinery()
forget_ourselves()
