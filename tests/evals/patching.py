"""What git makes of a patch."""

from __future__ import annotations

import subprocess
from pathlib import Path


def applied(folder: Path, files: dict[str, str], patch: str) -> dict[str, str]:
    """The files after `git apply`, as bytes would have it."""
    root = folder / "applied"
    root.mkdir()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    subprocess.run(
        ["git", "apply", "-"],
        cwd=root,
        input=patch.encode(),
        check=True,
        env={"PATH": "/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": str(folder)},
    )
    return {
        file.relative_to(root).as_posix(): file.read_bytes().decode()
        for file in root.rglob("*")
        if file.is_file()
    }
