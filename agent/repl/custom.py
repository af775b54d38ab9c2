"""A person's and a project's own commands: markdown files that are prompts, never code.

`<config>/commands/**/*.md` and, once they are trusted, `<project>/.qwright/commands/**/*.md`.
`sub/name.md` is `/sub:name`. Front matter may hold `description` and `argument-hint`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from qwright.agent.config import project_root
from qwright.agent.repl.command import words
from qwright.sandbox.dirs import config_dir, state_dir
from qwright.sandbox.durable import write_json
from qwright.sandbox.errors import PathError, WorkspaceError
from qwright.sandbox.tree import Tree

FOLDER = ".qwright/commands"
_LARGEST = 100_000
"""Bytes of a file."""
_MOST = 500
"""Files of a folder."""
_NAME = re.compile(r"[\w.-]+(:[\w.-]+)*")
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
_TRUSTED = TypeAdapter(dict[str, str])
_PLACE = re.compile(r"\$(ARGUMENTS|[1-9])(?!\w)")


@dataclass(frozen=True, slots=True)
class CustomCommand:
    """One file. `of_project`: it came with the repository, not from the user."""

    name: str
    body: str
    description: str = ""
    hint: str = ""
    of_project: bool = False

    def prompt(self, arguments: str) -> str:
        """The body with `$ARGUMENTS` and `$1` to `$9` filled in; without any, they follow it."""
        given = words(arguments)

        def fill(found: re.Match[str]) -> str:
            if found[1] == "ARGUMENTS":
                return arguments
            return "".join(given[int(found[1]) - 1 : int(found[1])])

        filled, count = _PLACE.subn(fill, self.body)
        return filled if count or not arguments else f"{self.body}\n\n{arguments}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """`untrusted`: how many commands of the project wait to be allowed."""

    commands: Mapping[str, CustomCommand]
    untrusted: int = 0


def load(directory: Path) -> Loaded:
    """The commands that hold in `directory`; the user's own win. Never raises for a bad file."""
    mine = {one.name: one for one in _parsed(_own_files(config_dir() / "commands"))}
    project = project_root(directory)
    files = _files(project, FOLDER)
    theirs = {one.name: one for one in _parsed(files, of_project=True)}
    if theirs and _trusted().get(str(project)) != _digest(files):
        return Loaded(mine, len(theirs))
    return Loaded({**theirs, **mine})


def of_project(directory: Path) -> list[CustomCommand]:
    """The project's commands, allowed or not."""
    return list(_parsed(_files(project_root(directory), FOLDER), of_project=True))


def trust(directory: Path) -> list[CustomCommand]:
    """Allow the project's commands as they are now, and return them; none where it has none."""
    project = project_root(directory)
    files = _files(project, FOLDER)
    found = list(_parsed(files, of_project=True))
    if found:
        write_json(_trust_file(), {**_trusted(), str(project): _digest(files)})
    return found


def _trust_file() -> Path:
    return state_dir() / "trusted_commands.json"


def _trusted() -> dict[str, str]:
    """Resolved folder to the digest of its commands; a damaged list trusts nobody."""
    try:
        return _TRUSTED.validate_json(_trust_file().read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}


def _digest(files: Mapping[str, bytes]) -> str:
    """Of all names and bytes: what is added or changed must be allowed again."""
    sums = hashlib.sha256()
    for path, data in files.items():
        sums.update(hashlib.sha256(path.encode(errors="surrogateescape")).digest())
        sums.update(hashlib.sha256(data).digest())
    return sums.hexdigest()


def _parsed(files: Mapping[str, bytes], *, of_project: bool = False) -> Iterator[CustomCommand]:
    for path, data in files.items():
        name = path.removesuffix(".md").replace("/", ":")
        text = data.decode("utf-8", "replace")
        if _NAME.fullmatch(name) and text.strip():
            yield _parse(name.lower(), text, of_project)


def _own_files(folder: Path) -> dict[str, bytes]:
    """The user's markdown files. Links count, wherever they lead: so people keep dotfiles."""
    found: dict[str, bytes] = {}
    for file in sorted(folder.rglob("*.md"))[:_MOST]:
        with suppress(OSError):
            if file.is_file() and file.stat().st_size <= _LARGEST:
                found[file.relative_to(folder).as_posix()] = file.read_bytes()
    return found


def _files(root: Path, folder: str) -> dict[str, bytes]:
    """Markdown files beneath the folder by their path in it; links that lead out are left out."""
    found: dict[str, bytes] = {}
    if not (root / folder).is_dir():
        return found
    try:
        tree = Tree(root)
        paths = sorted(entry.path for entry in tree.walk(folder, _MOST) if entry.kind == "file")
    except (PathError, WorkspaceError):
        return found
    for path in paths:
        if path.endswith(".md"):
            with suppress(PathError):
                found[path.removeprefix(f"{folder}/")] = tree.read(path, _LARGEST)
    return found


def _parse(name: str, text: str, of_project: bool) -> CustomCommand:
    front = _FRONT.match(text)
    facts = _facts(front[1]) if front else {}
    body = text[front.end() :] if front else text
    first = body.strip().partition("\n")[0].lstrip("# ")
    return CustomCommand(
        name,
        body.strip(),
        facts.get("description", first),
        facts.get("argument-hint", ""),
        of_project,
    )


def _facts(front: str) -> dict[str, str]:
    """`key: value` lines; quotes around a value fall away. Other YAML is passed over."""
    facts: dict[str, str] = {}
    for line in front.splitlines():
        key, colon, value = line.partition(":")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        if colon and value and not key.startswith((" ", "\t", "#")):
            facts[key.strip().lower()] = value
    return facts
