"""Configuration files as people keep them: values with their origin, lines changed in place."""

from __future__ import annotations

import difflib
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from qwright.agent.config import (
    PROJECT_FILE,
    Config,
    ProjectConfig,
    is_trusted,
    load_layers,
    parse,
    project_root,
    trust,
    user_file,
)
from qwright.agent.errors import ConfigError
from qwright.agent.language import say
from qwright.sandbox.tree import Tree

_VARIABLES = {"model": ("OPENAI_MODEL", "QWEN_MODEL"), "base_url": ("OPENAI_BASE_URL",)}
"""Where a value comes from that no file sets."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key with the value that holds, as TOML; empty for none."""

    key: str
    value: str
    origin: str
    """A file, a variable, or empty for qwright's own default."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One of the two files: the user's, or the one of a project."""

    path: Path
    shown: str
    kind: type[BaseModel]
    project: Path | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.kind.model_fields)

    def read(self) -> str:
        """The text; empty where there is no file. Raises ConfigError, PathError."""
        if self.project is not None:
            tree = Tree(self.project)
            data = tree.read(PROJECT_FILE) if tree.exists(PROJECT_FILE) else b""
        else:
            with suppress(FileNotFoundError):
                return _read(self.path)
            data = b""
        return data.decode("utf-8", "replace")

    def replace(self, text: str) -> None:
        """Write `text` once it is found valid; a trusted project's file stays trusted.

        Raises ConfigError for what it says, and for a file that cannot be written.
        """
        parse(text, self.kind, self.shown)
        self._write(text)

    def change(self, key: str, value: str) -> str:
        """Set `key` to `value`, TOML or plain text; the line as it is now. Raises ConfigError."""
        import tomlkit

        name = self._known(key)
        if name == "profile":
            raise ConfigError("profile is a table of its own: qwright config edit")
        current = self.read()

        def with_value(one: object) -> str:
            document = _document(current, self.shown)
            document[name] = one
            return tomlkit.dumps(document)

        text = _first_valid(value, with_value, self)
        self._write(text)
        return f"{name} = {_toml(tomlkit.parse(text)[name])}"

    def remove(self, key: str) -> bool:
        """Take `key` out, a wrong one too; whether it was there. Raises ConfigError."""
        import tomlkit

        document = _document(self.read(), self.shown)
        name = key if key in document else self._known(key)
        if name not in document:
            return False
        del document[name]
        self._write(tomlkit.dumps(document))
        return True

    def _known(self, key: str) -> str:
        return known_key(
            key, self.keys, ", and a project's file sets no other" * bool(self.project)
        )

    def _write(self, text: str) -> None:
        if self.project is None:
            _write(self.path, text)
            return
        trusted = is_trusted(self.project) or not self.read()
        Tree(self.project).write(PROJECT_FILE, text.encode())
        if trusted:
            trust(self.project)


def user_config() -> ConfigFile:
    """The user's own file."""
    return ConfigFile(user_file(), str(user_file()), Config)


def project_config(directory: Path) -> ConfigFile:
    """The file of the project that `directory` belongs to."""
    project = project_root(directory)
    return ConfigFile(project / PROJECT_FILE, PROJECT_FILE, ProjectConfig, project)


def settings(directory: Path) -> list[Setting]:
    """Every key with the value that holds in `directory`, in the order of Config.

    Raises ConfigError for a file that cannot be read.
    """
    layers = load_layers(directory)
    own = layers.project.model_fields_set if layers.project else set[str]()
    found: list[Setting] = []
    for key, value in layers.merged.model_dump().items():
        origin = PROJECT_FILE if key in own else ""
        if not origin and key in layers.user.model_fields_set:
            origin = str(user_file())
        variable = next((one for one in _VARIABLES.get(key, ()) if os.environ.get(one)), "")
        if value is None and variable:
            found.append(Setting(key, _toml(os.environ[variable]), variable))
        else:
            found.append(Setting(key, _shown(key, value), origin))
    return found


def setting(key: str, directory: Path) -> Setting:
    """One key of `settings`. Raises ConfigError, with the nearest name for one that is unknown."""
    name = known_key(key, tuple(Config.model_fields))
    return next(one for one in settings(directory) if one.key == name)


def known_key(key: str, keys: tuple[str, ...], more: str = "") -> str:
    """The key that is meant, `max-turns` for max_turns too. Raises ConfigError."""
    name = key.strip().lower().replace("-", "_")
    if name in keys:
        return name
    close = difflib.get_close_matches(name, keys, n=2, cutoff=0.6)
    advice = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(keys)}{more}"
    raise ConfigError(f"there is no setting {key!r}; {advice}")


def template() -> str:
    """A file to begin with: every key as a comment, with what it does."""
    lines = [f"# {say('config.template')}", ""]
    for key, field in Config.model_fields.items():
        if key != "profile":
            default = field.get_default()
            shown = _toml(default) if default is not None else '""'
            lines += [f"# {about(key)}", f"# {key} = {shown}", ""]
    return "\n".join(lines)


def about(key: str) -> str:
    """What a key does, for people."""
    return say(f"config.about_{key}")


def _first_valid(value: str, with_value: Callable[[object], str], file: ConfigFile) -> str:
    """The file's new text with `value` as TOML, as text, or as a list of one text."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    tried: list[object] = []
    with suppress(TOMLKitError):
        tried.append(tomlkit.value(value))
    wrong: ConfigError | None = None
    for one in (*tried, value, [value]):
        text = with_value(one)
        try:
            parse(text, file.kind, file.shown)
        except ConfigError as error:
            # What is wrong with the plain text says most: that is what was typed.
            wrong = error if wrong is None or one is value else wrong
        else:
            return text
    assert wrong is not None
    raise wrong


def _document(text: str, shown: str) -> Any:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"{shown} is not valid TOML: {error}; qwright config edit") from None


def _shown(key: str, value: Any) -> str:
    if key == "profile":
        return ", ".join(one["match"] for one in value)
    return "" if value is None else _toml(value)


def _toml(value: Any) -> str:
    import tomlkit

    return str(cast(Any, tomlkit.item(value)).as_string())


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None


def _write(path: Path, text: str) -> None:
    """Old or new, never half; a link, as people's dotfiles are, stays one. New files are 0600."""
    try:
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(opened, "w", encoding="utf-8") as out:
                os.fchmod(out.fileno(), mode)
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
