"""What people keep in files for coding agents: AGENTS.md and QWEN.md, from the root down.

A repository's files are its words, not the user's: they stand in the first prompt as notes, never
in the system prompt, and grant nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qwright.agent.profile import Profile
from qwright.agent.tokens import tokens_in
from qwright.sandbox.dirs import config_dir
from qwright.sandbox.errors import PathError, WorkspaceError
from qwright.sandbox.tree import Tree

NAMES = ("AGENTS.md", "QWEN.md")
_LONGEST = 1_000_000
"""Bytes of a file that is read at all."""
_SMALL_TOKENS = 600
"""For a small model, which loses the task in longer notes."""
_HEAD = (
    "Notes on this project, kept in its files for coding agents. Follow them where they fit; "
    "the task below comes first."
)


@dataclass(frozen=True, slots=True)
class _Note:
    name: str
    text: str
    in_repository: bool = True


@dataclass(frozen=True, slots=True)
class Layer:
    """A file of notes, as /memory shows it: `name` beneath `root`; no text where there is none."""

    root: Path
    name: str
    text: str

    @property
    def path(self) -> Path:
        return self.root / self.name

    def write(self, text: str) -> None:
        """Replace what the file says. Raises PathError, WorkspaceError."""
        self.root.mkdir(parents=True, exist_ok=True)
        Tree(self.root).write(self.name, text.strip().encode() + b"\n")


def layers(directory: Path) -> list[Layer]:
    """What holds in `directory`; also the user's own and the root's that are not there yet."""
    root = _root(directory.resolve())
    own = Layer(config_dir(), NAMES[0], _read(config_dir(), NAMES[0]))
    found = [Layer(root, note.name, note.text) for note in _repository(directory.resolve())]
    first = [] if any(one.name == NAMES[0] for one in found) else [Layer(root, NAMES[0], "")]
    return [own, *first, *found]


def notes_for(directory: Path, profile: Profile, *, own: bool = True) -> str:
    """The notes that hold in `directory`, fit to stand before the task; "" where there are none.

    With `own` the user's AGENTS.md, beside config.toml, comes first, then those of the repository
    from its root down. They take a tenth of the model's window at most. Never raises.
    """
    notes: dict[str, _Note] = {}
    for note in (*(_users() if own else ()), *_repository(directory.resolve())):
        notes.setdefault(note.text, note)  # one name is often a link to the other
    budget = profile.context // 10
    if profile.prompt == "small":
        budget = min(budget, _SMALL_TOKENS)
    shown = _fitted(list(notes.values()), budget)
    return "\n\n".join([_HEAD, *shown]) if shown else ""


def _users() -> Iterator[_Note]:
    text = _read(config_dir(), NAMES[0])
    if text:
        yield _Note("the user's own AGENTS.md", text, in_repository=False)


def _repository(directory: Path) -> Iterator[_Note]:
    """From the folder that holds .git down to `directory`; that alone where there is none."""
    root = _root(directory)
    way = directory.relative_to(root).parts
    for depth in range(len(way) + 1):
        folder = "/".join(way[:depth])
        for name in NAMES:
            path = f"{folder}/{name}".lstrip("/")
            text = _read(root, path)
            if text:
                yield _Note(path, text)


def _root(directory: Path) -> Path:
    above = (directory, *directory.parents)
    return next((one for one in above if (one / ".git").exists()), directory)


def _read(root: Path, path: str) -> str:
    """The text of a regular file beneath `root`; "" for anything else."""
    try:
        data = Tree(root).read(path, _LONGEST)
    except (PathError, WorkspaceError):
        return ""
    return "" if b"\0" in data else data.decode("utf-8", "replace").strip()


def _fitted(notes: list[_Note], budget: int) -> list[str]:
    """Each note with its name; the longest are cut until all take no more than `budget` tokens."""
    sizes = [tokens_in(note.text) for note in notes]
    share = _share(sizes, budget)
    return [_shown(note, size, share) for note, size in zip(notes, sizes, strict=True)]


def _share(sizes: list[int], budget: int) -> int:
    """The most tokens each may take: what the short ones leave is divided among the long."""
    left, share = budget, budget
    for place, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - place)
        if size > share:
            return share
        left -= size
    return budget


def _shown(note: _Note, size: int, share: int) -> str:
    text, cut = note.text, ""
    if size > share:
        kept = note.text[: len(note.text) * share // size]
        text = kept[: kept.rfind("\n") + 1].rstrip() or kept
        advice = f"; read {note.name} for the rest" if note.in_repository else ""
        cut = f"\n(cut: {len(note.text) - len(text):,} more characters{advice})"
    return f'<notes from="{note.name}">\n{text}{cut}\n</notes>'
