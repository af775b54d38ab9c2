"""qwright's own simple rows: files, a prompt and a command that tells whether it is done."""

from __future__ import annotations

from qwright.evals.datasets.patch_text import file_patch
from qwright.evals.datasets.rows import Row
from qwright.evals.instance import CommandGrading, FilesSource, Instance

TIMEOUT = 60.0
"""Seconds for the verify command of a row that names none."""
_OWN = ("id", "files", "prompt", "verify", "solution_files", "timeout", "setup", "needs", "image")


def is_simple(row: Row) -> bool:
    return {"id", "files", "prompt"} <= row.data.keys()


def simple_instance(row: Row) -> Instance:
    """{id, files, prompt, verify, solution_files}: what is no solution file is restored.

    Without solution files what the verify command names is. The agent knows that command. Raises
    ConfigError.
    """
    files = row.texts("files")
    solution = row.texts("solution_files") if row.data.get("solution_files") else {}
    verify = row.text("verify")
    changed = (file_patch(path, files.get(path), text) for path, text in solution.items())
    return Instance(
        id=row.id("id"),
        prompt=row.text("prompt"),
        source=FilesSource(files=files),
        grading=CommandGrading(
            command=verify,
            restored=tuple(
                path for path in files if (path not in solution if solution else path in verify)
            ),
        ),
        gold="".join(changed) or None,
        verify=verify,
        image=row.optional("image") or None,
        timeout=row.number("timeout", TIMEOUT),
        setup=row.names("setup") if "setup" in row.data else (),
        needs=row.names("needs") if "needs" in row.data else (),
        metadata={name: value for name, value in row.data.items() if name not in _OWN},
    )
