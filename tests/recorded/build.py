"""Makes the constructed streams beside it: `python -m tests.recorded.build` writes them anew.

Every stream is one JSON file in the folder of its server. `sse` joined is the body as it is sent;
`expect` is what must be read from it. Files without `fault` were recorded or written by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from tests.recorded.answers import Call, Case
from tests.recorded.faults_json import json_faults
from tests.recorded.faults_native import native_faults
from tests.recorded.faults_xml import xml_faults
from tests.recorded.quoted import quoted
from tests.recorded.servers import body
from tests.recorded.spread import spread
from tests.recorded.table import SERVERS

HERE = Path(__file__).parent
_TEXT_DIALECTS = {"xml": "xml", "tools": "tools"}
_AT_ONCE = 3
"""A fault of one form goes to this many servers, chosen by its name."""


def streams() -> Iterator[tuple[Path, str]]:
    """Every constructed stream: where it lies, and the text of the file."""
    for case in (*spread(), *quoted()):
        for server in SERVERS:
            yield _file(server, case)
    names = list(SERVERS)
    for case in (*json_faults(), *xml_faults(), *native_faults()):
        turn = crc32(case.name.encode())
        count = 1 if case.fault == "long" else _AT_ONCE
        for step in range(count):
            yield _file(names[(turn + 2 * step) % len(names)], case)


def _file(server: str, case: Case) -> tuple[Path, str]:
    text = json.dumps(_stream(server, case), ensure_ascii=False, indent=1)
    # U+2028 and such would look like line ends to some readers of the file.
    return HERE / server / f"{case.name}.json", _escaped(text) + "\n"


def _escaped(text: str) -> str:
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text
    )


def _stream(server: str, case: Case) -> dict[str, Any]:
    return {
        "source": "constructed",
        "server": server,
        "model": SERVERS[server].models[case.family],
        "thread": case.thread,
        **({"note": case.note} if case.note else {}),
        "form": case.form,
        "fault": case.fault,
        "dialect": _dialect(server, case),
        "tools": "agent",
        "expect": _expected(server, case),
        "sse": body(SERVERS[server], case),
    }


def _dialect(server: str, case: Case) -> str:
    """The embedded server is sent no tools: there the calls are text."""
    if server != "embedded" or case.native or case.fragments:
        return "native"
    return _TEXT_DIALECTS.get(case.form, "hermes")


def _expected(server: str, case: Case) -> dict[str, Any]:
    inline = "think>" in case.content or (case.reasoning and not SERVERS[server].reasoning)
    unsure = case.thought is None or inline
    return {
        "calls": [_call(call) for call in case.calls],
        "failed": case.failed,
        "shown": case.shown,
        "reasoning": None if unsure else case.reasoning,
    }


def _call(call: Call) -> dict[str, Any]:
    sure = {} if call.sure else {"or_error": True}
    return {"name": call.name, "arguments": call.arguments, **sure}


def write(built: Sequence[tuple[Path, str]]) -> None:
    """Write the streams and remove constructed ones that are no longer made."""
    made = {path for path, _ in built}
    for path in HERE.glob("*/*.json"):
        if path not in made and "fault" in json.loads(path.read_text(encoding="utf-8")):
            path.unlink()
    for path, text in built:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())


if __name__ == "__main__":
    write(list(streams()))
