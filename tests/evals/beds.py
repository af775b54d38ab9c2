"""Test beds for the tests, and everything that is in one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from qwright.evals.instance import Source
from qwright.evals.testbed.history import head_commit
from qwright.evals.testbed.sources import make_bed
from tests.sandbox.repos import contents, git


def make(source: Source, folder: Path) -> Path:
    bed = folder / "work" / "bed"
    bed.mkdir(parents=True)
    asyncio.run(make_bed(source, "no image", bed, folder / "cache", print))
    return bed


def everything_in(bed: Path) -> bytes:
    """All that is in a test bed: every object of its store unpacked, and every file as it is."""
    objects = git(bed, "cat-file", "--batch-all-objects", "--batch")
    files = b"".join(data for _, data in contents(bed).values())
    names = "\n".join(path for path in contents(bed))
    return objects.encode(errors="surrogateescape") + files + names.encode()


def require_one_commit(bed: Path) -> str:
    """Nothing but one commit, its trees and its blobs; the commit."""
    commit = head_commit(bed)
    reachable = git(bed, "rev-list", "--objects", "--all").split("\n")
    known = {line.split(" ")[0] for line in reachable if line}
    listed = git(
        bed, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"
    )
    assert {line.split()[0] for line in listed.splitlines()} == known
    assert [line for line in listed.splitlines() if line.endswith(("commit", "tag"))] == [
        f"{commit} commit"
    ]
    assert git(bed, "for-each-ref", "--format=%(refname) %(objectname)") == (
        f"refs/heads/main {commit}\n"
    )
    assert git(bed, "remote") == git(bed, "reflog") == git(bed, "stash", "list") == ""
    assert git(bed, "config", "--local", "--list", "--name-only").split() == [
        "core.repositoryformatversion",
        "core.filemode",
        "core.bare",
    ]
    left = {file.name for file in (bed / ".git").iterdir()}
    assert left <= {"HEAD", "config", "index", "info", "objects", "refs", "shallow"}
    git(bed, "fsck", "--strict")
    assert git(bed, "status", "--porcelain", "--ignored") == ""
    return commit
