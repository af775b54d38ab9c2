"""What is killed by test_crash.py: one action of a session, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from qwright.sandbox.accept import apply_result, undo_apply
from qwright.sandbox.session_dir import Session


def main(path: Path, action: str) -> None:
    session = Session.load(path, own=True)
    store = session.store()
    log = store.log()
    base, result = log[0], log[1]
    source = Path(session.record.source)
    if action == "apply":
        apply_result(source, path, store, base, result)
    elif action == "undo":
        undo_apply(source, path, store)
    elif action == "checkpoint":
        for number in range(200):
            (path / "ws/counter").write_text(str(number))
            store.record(f"number {number}", number)
    elif action == "restore":
        for target in (base, result) * 50:
            store.restore(target)
    else:
        for _ in range(50):
            apply_result(source, path, store, base, result)
            undo_apply(source, path, store)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
