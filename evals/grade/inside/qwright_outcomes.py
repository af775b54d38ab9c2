"""A pytest plugin that tells the grader, beside the log, which tests ran and how each ended.

It is loaded before anything of the repository, takes a key that nobody else gets any more, and
writes one signed line for each outcome. What it cannot do is in docs/evals.md: code under test
runs in the same process.

It runs in whatever Python (3.6 and later) and pytest the image has: hence quoted annotations and
the absence of newer syntax.
"""

import ast
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
WATCHED = ("_pytest", "pluggy", "unittest", "ast", "builtins", "pytest")
"""Modules, with all below them, whose functions and classes decide how a test ends."""


class Outcomes:
    """The plugin's hooks."""

    # No attribute of an instance can stand before the method `tell`, which comes last.
    __slots__ = ("bodies", "config", "marked", "modules", "plugins", "raised", "written")

    def __init__(self, config: "pytest.Config") -> "None":
        self.config = config
        self.plugins: set[int] = set()
        self.marked: dict[str, set[str]] = {}
        self.bodies: dict[str, object] = {}
        self.modules: list[pytest.Module] = []
        self.raised: dict[str, tuple[str, bool]] = {}
        self.written: dict[str, set[object]] = {}

    def tell(self, kind: "str", **facts: "object") -> "None":
        """Write a signed line."""
        raise NotImplementedError

    def pytest_sessionstart(self) -> "None":
        self.look_for_plugins("known")

    def pytest_collection_finish(self, session: "pytest.Session") -> "None":
        for item in session.items:
            self.marked[item.nodeid] = {mark.name for mark in item.iter_markers()}
            module = item.getparent(pytest.Module)
            if module is None:
                continue
            if module not in self.modules:
                self.modules.append(module)
            self.bodies[item.nodeid] = code_of(getattr(item, "obj", None))
            file = foreign_body(item, path_of(module))
            if file:
                self.tell("body", id=item.nodeid, file=file)
        self.look_for_changes()
        for module in self.modules:
            self.compare_with_source(module, session)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: "pytest.Item", call: "Any") -> "None":
        """Remember what was raised, before anything can say otherwise; makes no report."""
        if call.when == "setup":
            self.raised.pop(item.nodeid, None)
        # Where the tests are unittest's, pytest sets it from this list, in a moment.
        kept = getattr(item, "_excinfo", None)
        excinfo = kept[0] if kept else call.excinfo
        if excinfo is not None:
            imperative = excinfo.typename in ("XFailed", "Skipped", "SkipTest")
            self.raised[item.nodeid] = (origin(excinfo), imperative)
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
        self.look_for_changes()
        self.look_for_plugins()
        canaries = [passes(module, session) for module in self.modules[:MOST_CANARIES]]
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

    def compare_with_source(self, module: "pytest.Module", session: "pytest.Session") -> "None":
        """Tell of tests whose code is not what their file says, asserts and all."""
        path = path_of(module)
        for item in session.items:
            code = code_of(unwrapped(item))
            mine = file_of(code) == path and item.getparent(pytest.Module) is module
            if mine and not self.is_in(code, path):
                self.tell("written", id=item.nodeid)

    def is_in(self, code: "object", path: "str") -> "bool":
        """Whether a file says what a code object does; yes when nobody knows."""
        if path not in self.written:
            self.written[path] = as_written(path, self.config)
        return not self.written[path] or bodies_in(code) <= self.written[path]

    def look_for_changes(self) -> "None":
        now = machinery()
        for name, code in MACHINERY.items():
            if name in now and now[name] is not code:
                file = file_of(now[name])
                # A code object can name any file; what it does must be in that file.
                genuine = hasattr(now[name], "co_code") and self.is_in(now[name], file)
                self.tell("changed", name=name, file=file, genuine=genuine)

    def look_for_plugins(self, kind: "str" = "plugin") -> "None":
        """Tell of plugins that are new, and where they were written."""
        for plugin in self.config.pluginmanager.get_plugins():
            if id(plugin) in self.plugins:
                continue
            self.plugins.add(id(plugin))
            for name in dir(plugin):
                if name.startswith("pytest_"):
                    file = file_of(code_of(getattr(plugin, name, None)))
                    self.tell(kind, name=name, file=file)

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
    """The file of a code object, or of the class of something else that can be called."""
    file = getattr(code, "co_filename", None)
    if not isinstance(file, str):
        file = getattr(sys.modules.get(type(code).__module__), "__file__", None)
    return file if isinstance(file, str) else ""


def machinery() -> "dict[str, object]":
    """What decides outcomes, as it is now: name to code object."""
    found: dict[str, object] = {}
    for module_name, module in list(sys.modules.items()):
        if module_name.split(".")[0] not in WATCHED:
            continue
        for name, value in list(vars(module).items()):
            if callable(value):
                found[module_name + "." + name] = code_of(value)
            if isinstance(value, type) and value.__module__ == module_name:
                found.update(members(module_name + "." + name, value))
    return found


def members(name: "str", owner: "type") -> "dict[str, object]":
    return {
        name + "." + attribute: code_of(value)
        for attribute, value in list(vars(owner).items())
        if callable(value) or isinstance(value, (classmethod, staticmethod))
    }


def loaded() -> "list[str]":
    """The files of all modules that came before us."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return sorted({os.path.abspath(file) for file in files if isinstance(file, str)})


def path_of(node: "Any") -> "str":
    return str(getattr(node, "path", None) or node.fspath)


def unwrapped(item: "pytest.Item") -> "Any":
    """The function of a test below all decorators that tell of what they wrap."""
    function: Any = getattr(item, "obj", None)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def foreign_body(item: "Any", module: "str") -> "str":
    """The file of a test's body when the test module defines that test and the body is elsewhere.

    A decorator of the library may do that as well: the grader asks whether a patch wrote the file.
    """
    file = file_of(code_of(unwrapped(item)))
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


def as_written(path: "str", config: "pytest.Config") -> "set[object]":
    """All function bodies that a test file can have by what it says; empty when nobody knows."""
    from _pytest.assertion import rewrite

    # Other versions of pytest rewrite in other ways; a file that does not compile has no tests.
    with suppress(OSError, SyntaxError, TypeError, ValueError):
        with open(path, "rb") as file:
            source = file.read()
        tree = ast.parse(source, filename=path)
        rewrite.rewrite_asserts(tree, source, path, config)
        found = bodies_in(compile(tree, path, "exec", dont_inherit=True))
        return found | bodies_in(compile(source, path, "exec", dont_inherit=True))
    return set()


def bodies_in(code: "Any") -> "set[object]":
    """What the code objects in `code`, and it itself, do: comparable, wherever they were made."""
    inner = [one for one in code.co_consts if hasattr(one, "co_code")]
    plain = [repr(one) for one in code.co_consts if not hasattr(one, "co_code")]
    names = (code.co_name, code.co_names, code.co_varnames)
    found: set[object] = {(code.co_firstlineno, code.co_code, names, tuple(plain))}
    for one in inner:
        found |= bodies_in(one)
    return found


def passes(module: "pytest.Module", session: "pytest.Session") -> "bool":
    """Whether a test that must fail passes when it is run like any other, by any of their names."""
    from _pytest import runner

    def body() -> "None":
        raise AssertionError("this test fails")

    maker = getattr(pytest.Function, "from_parent", pytest.Function)
    # Whatever a repository's fixtures raise here must not change how its run ends.
    with suppress(Exception):
        names = [item.name for item in session.items if item.getparent(pytest.Module) is module]
        item = maker(name=names[os.urandom(1)[0] % len(names)], parent=module, callobj=body)
        reports = runner.runtestprotocol(item, log=False, nextitem=None)
        return any(report.when == "call" and report.passed for report in reports)
    return False


def pytest_configure(config: "pytest.Config") -> "None":
    if not FOLDER or hasattr(config, "workerinput"):
        return
    say = teller()

    class Telling(Outcomes):
        __slots__ = ()

        def tell(self, kind: "str", **facts: "object") -> "None":
            say(kind, **facts)

    say("begin", loaded=LOADED)
    config.pluginmanager.register(Telling(config), "qwright-" + os.urandom(4).hex())


LOADED = loaded()
MACHINERY = machinery()
forget_ourselves()
