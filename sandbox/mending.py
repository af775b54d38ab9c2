"""Mends the refs of a store after a power cut: they are not synced one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from qwright.sandbox.plumbing import Plumbing

_NAME = re.compile("[0-9a-f]{40}")


def drop_broken_refs(git: Plumbing, steps: str, cursor: str, others: Iterable[str]) -> None:
    """Remove the refs whose commit is not whole, and point `cursor` at the last step that is.

    `steps` is the prefix of the numbered refs.
    """
    numbered = sorted((git.git_dir / steps).glob("[0-9]*"))
    rest = [git.git_dir / ref for ref in others if (git.git_dir / ref).exists()]
    last = git.git_dir / cursor
    commits = {ref: _commit(ref) for ref in (*numbered, *rest, last) if ref.exists()}
    whole = _whole(git, commits.values())
    for ref in (*numbered, *rest):
        if commits[ref] not in whole:
            ref.unlink()
    good = [commits[ref] for ref in numbered if commits[ref] in whole]
    if good and commits.get(last) not in whole:
        last.write_text(good[-1] + "\n")


def _commit(ref: Path) -> str:
    return ref.read_text(errors="replace").strip()


def _whole(git: Plumbing, commits: Iterable[str]) -> set[str]:
    wanted = sorted({commit for commit in commits if _NAME.fullmatch(commit)})
    asked = "".join(f"{commit}^{{tree}}\n" for commit in wanted).encode()
    answers = git.run("cat-file", "--batch-check", stdin=asked).splitlines()
    return {
        commit
        for commit, answer in zip(wanted, answers, strict=True)
        if not answer.endswith(b" missing")
    }
