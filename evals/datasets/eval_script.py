"""The script that runs an instance's tests, in the form that SWE-bench 5 gives its own."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence

from qwright.evals.datasets.patch_text import touched

START = ">>>>> Start Test Output"
END = ">>>>> End Test Output"
STEADY = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}
"""What makes two runs of the same tests alike."""


def eval_script(
    command: str,
    test_patch: str,
    *,
    mount: str,
    commit: str = "HEAD",
    env: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
) -> str:
    """Bash that restores the tests as of `commit`, adds `test_patch` and runs `command`.

    `env` comes on top of STEADY, `before` are commands run first, in `mount`.
    """
    exports = " ".join(
        f"{name}={shlex.quote(value)}" for name, value in {**STEADY, **(env or {})}.items()
    )
    reset = _reset(test_patch, commit)
    lines = [
        "#!/bin/bash",
        "set -uxo pipefail",
        f"cd {shlex.quote(mount)}",
        f"git config --global --add safe.directory {shlex.quote(mount)}",
        f"export {exports}",
        *before,
        *reset,
        *_applied(test_patch),
        f": '{START}'",
        command,
        f": '{END}'",
        *reset,
    ]
    return "\n".join(lines) + "\n"


def _reset(test_patch: str, commit: str) -> list[str]:
    found = touched(test_patch)
    lines: list[str] = []
    if found.new:
        lines.append(f"rm -rf -- {shlex.join(found.new)}")
    if found.before:
        lines.append(f"git checkout {commit} -- {shlex.join(found.before)}")
    return lines


def _applied(test_patch: str) -> list[str]:
    if not test_patch.strip():
        return []
    text = test_patch if test_patch.endswith("\n") else test_patch + "\n"
    word = "EOF_" + hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:12]
    return [f"git apply -v - <<'{word}'", text.removesuffix("\n"), word]
