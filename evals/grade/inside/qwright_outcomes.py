"""A pytest plugin that tells the grader, beside the log, which tests ran and how each ended.

It is loaded before anything of the repository, takes a key that nobody else gets any more, and
writes one signed line for each outcome. What it cannot do is in docs/evals.md: code under test
runs in the same process.

Runs in whatever Python and pytest the image has, from 3.6 and 3.9 on: hence the old syntax.
"""

import hashlib
import json
import os
import re
import sys
from contextlib import suppress

import pytest

_FOLDER = os.environ.pop("QWRIGHT_OUTCOMES", "")
_HERE = os.path.dirname(os.path.abspath(__file__))
_CRITICAL = (
    ("_pytest.runner", "runtestprotocol"),
    ("_pytest.runner", "call_and_report"),
    ("_pytest.runner", "call_runtest_hook"),
    ("_pytest.runner", "pytest_runtest_call"),
    ("_pytest.runner", "pytest_runtest_makereport"),
    ("_pytest.runner", "pytest_runtest_protocol"),
    ("_pytest.python", "pytest_pyfunc_call"),
    ("_pytest.outcomes", "fail"),
    ("_pytest.skipping", "pytest_runtest_makereport"),
)
_CRITICAL_CLASSES = (
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


def _forget_ourselves():
    # type: () -> None
    """Leave nothing to processes the tests start: their pytest runs are not the graded one."""
    words = os.environ.get("PYTEST_ADDOPTS", "").replace("-p qwright_outcomes", "").strip()
    if words:
        os.environ["PYTEST_ADDOPTS"] = words
    else:
        os.environ.pop("PYTEST_ADDOPTS", None)
    places = [place for place in os.environ.get("PYTHONPATH", "").split(":") if place != _HERE]
    if any(places):
        os.environ["PYTHONPATH"] = ":".join(places)
    else:
        os.environ.pop("PYTHONPATH", None)
    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != _HERE]


def _take_key():
    # type: () -> tuple[str, bytes]
    """The next unused key, which is gone afterwards, and its number."""
    for name in sorted(os.listdir(_FOLDER)):
        if name.startswith("key."):
            path = os.path.join(_FOLDER, name)
            with open(path, "rb") as file:
                key = file.read()
            os.unlink(path)
            return name[4:], key
    raise pytest.UsageError("the grader has no key left")


def _writer():
    # type: () -> object
    number, key = _take_key()
    path = os.path.join(_FOLDER, "run." + number)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    signer = hashlib.blake2b(key=key, digest_size=16)
    write, dumps = os.write, json.dumps
    owner = os.getpid()
    getpid = os.getpid

    def tell(kind, **facts):
        # type: (str, object) -> None
        # A child that was forked in a test goes on with a copy of all this.
        if getpid() != owner:
            return
        line = dumps([kind, facts]).encode()
        signer.update(line)
        write(file, signer.hexdigest().encode() + b" " + line + b"\n")

    return tell


def _code(function):
    # type: (object) -> object
    function = getattr(function, "__func__", function)
    return getattr(function, "__code__", function)


def _machinery():
    # type: () -> dict[str, object]
    """What decides outcomes, as it is now: name to code object."""
    found = {}
    for module, name in _CRITICAL:
        if module in sys.modules:
            found[module + "." + name] = _code(getattr(sys.modules[module], name, None))
    for module, name in _CRITICAL_CLASSES:
        owner = getattr(sys.modules.get(module), name, None)
        for attribute, value in list(vars(owner).items()) if owner else ():
            if callable(value) or isinstance(value, (classmethod, staticmethod)):
                found[module + "." + name + "." + attribute] = _code(value)
    return found


class Outcomes:
    """The plugin's hooks."""

    def __init__(self, tell, machinery):
        # type: (object, dict[str, object]) -> None
        self._tell = tell
        self._before = machinery
        self._marked = set()
        self._bodies = {}
        self._modules = []
        self._origins = {}
        self._config = None

    def pytest_configure(self, config):
        # type: (object) -> None
        self._config = config

    def pytest_collection_finish(self, session):
        # type: (object) -> None
        for item in session.items:
            if any(True for _ in item.iter_markers(name="xfail")):
                self._marked.add(item.nodeid)
            module = item.getparent(pytest.Module)
            if module is None:
                continue
            if module not in self._modules:
                self._modules.append(module)
            self._bodies[item.nodeid] = _code(getattr(item, "obj", None))
            file = _foreign(item, module)
            if file:
                self._tell("body", id=item.nodeid, file=file)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        # type: (object, object) -> None
        """Remember where a skip or an expected failure was asked for; makes no report."""
        if call.excinfo is not None:
            self._origins[item.nodeid] = _origin(call.excinfo)

    def pytest_runtest_logreport(self, report):
        # type: (object) -> None
        status = _status(report)
        if status is None:
            return
        facts = {"id": report.nodeid, "status": status, "shown": self._shown(report.nodeid)}
        if status in ("XFAIL", "SKIPPED"):
            facts["marked"] = report.nodeid in self._marked
            facts["origin"] = self._origins.get(report.nodeid, "")
        self._tell("outcome", **facts)

    def pytest_collectreport(self, report):
        # type: (object) -> None
        if report.failed:
            shown = self._shown(report.nodeid)
            self._tell("outcome", id=report.nodeid, status="ERROR", shown=shown)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session, exitstatus):
        # type: (object, object) -> None
        for item in session.items:
            body = _code(getattr(item, "obj", None))
            if item.nodeid in self._bodies and body is not self._bodies[item.nodeid]:
                self._tell("body", id=item.nodeid, file=_file(body))
        now = _machinery()
        changed = [name for name, code in self._before.items() if now.get(name) is not code]
        for name in changed:
            self._tell("changed", name=name, file=_file(now.get(name)))
        canaries = [_canary(module) for module in self._modules[:8]]
        self._tell("finish", status=int(exitstatus), canaries=canaries)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self):
        # type: () -> None
        self._tell("end")

    def _shown(self, nodeid):
        # type: (str) -> str
        """The id as the summary prints it."""
        try:
            return self._config.cwd_relative_nodeid(nodeid)
        except (AttributeError, ValueError):
            return nodeid


def _file(code):
    # type: (object) -> str
    return str(getattr(code, "co_filename", ""))


def _foreign(item, module):
    # type: (object, object) -> str
    """The file of a test's body when the test module defines that test and the body is not there.

    A decorator of the library may do that as well: the grader asks whether a patch wrote the file.
    """
    function = getattr(item, "obj", None)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    file = _file(_code(function))
    name = getattr(item, "originalname", None) or item.name
    if not file or file == str(module.fspath):
        return ""
    try:
        with open(str(module.fspath), encoding="utf-8", errors="replace") as text:
            source = text.read()
    except OSError:
        return ""
    return file if re.search(r"def\s+" + re.escape(name) + r"\b", source) else ""


def _origin(excinfo):
    # type: (object) -> str
    """The file that raised, or that called `pytest.skip` or `pytest.xfail`."""
    files = [str(entry.frame.code.raw.co_filename) for entry in excinfo.traceback]
    outside = [path for path in files if os.sep + "_pytest" + os.sep not in path]
    return outside[-1] if outside else ""


def _status(report):
    # type: (object) -> str | None
    """The word of pytest's summary for a report; None when it settles nothing."""
    expected = hasattr(report, "wasxfail")
    if report.failed:
        return "FAILED" if report.when == "call" else "ERROR"
    if report.skipped:
        return "XFAIL" if expected else "SKIPPED"
    if report.when == "call" and report.passed:
        return "XPASS" if expected else "PASSED"
    return None


def _canary(module):
    # type: (object) -> bool
    """Whether a test that must fail passes when it is run like any other."""
    from _pytest import runner

    def body():
        # type: () -> None
        raise AssertionError("this test fails")

    maker = getattr(pytest.Function, "from_parent", pytest.Function)
    # Whatever a repository's fixtures raise here must not change how its run ends.
    with suppress(Exception):
        item = maker(name="test_grading", parent=module, callobj=body)
        reports = runner.runtestprotocol(item, log=False, nextitem=None)
        return any(report.when == "call" and report.passed for report in reports)
    return False


def pytest_configure(config):
    # type: (object) -> None
    if not _FOLDER or hasattr(config, "workerinput"):
        return
    tell = _writer()
    plugin = Outcomes(tell, _BEFORE)
    tell("begin")
    config.pluginmanager.register(plugin, "qwright-" + os.urandom(4).hex())


_BEFORE = _machinery()
_forget_ourselves()
