"""Configuration: the user's file, the project's once trusted, then flags."""

from __future__ import annotations

import hashlib
import os
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    PositiveFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
)

from qwright.agent.endpoint import names_server
from qwright.agent.errors import ConfigError
from qwright.agent.language import Language, say
from qwright.agent.policy import Mode
from qwright.agent.profile import OwnProfile
from qwright.agent.thinking import Effort
from qwright.sandbox.dirs import config_dir, state_dir
from qwright.sandbox.durable import write_json
from qwright.sandbox.errors import PathError
from qwright.sandbox.tree import Tree

PROJECT_FILE = ".qwright/config.toml"
_LIMIT = 100_000
_T = TypeVar("_T", bound=BaseModel)
_TRUSTED = TypeAdapter(dict[str, str])


class Config(BaseModel):
    """What a configuration file may set. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str | None = None
    base_url: str | None = None
    image: str | None = None
    setup: tuple[str, ...] = ()
    """Commands run once with network; their outcome is cached as an image."""
    network: Literal["none", "full"] = "none"
    verify: str | None = None
    max_turns: PositiveInt = 100
    max_cost: PositiveFloat | None = None
    """US dollars a run may cost."""
    profile: tuple[OwnProfile, ...] = ()
    """What the user knows of models; of several that match, the later ones win."""
    effort: Effort | None = None
    """How much the model thinks; None: as much as is its default."""
    apply: Literal["ask", "auto", "manual"] = "ask"
    """What the REPL does with a turn's result; "manual" leaves it until /accept."""
    mode: Mode = "auto"
    """Which calls the REPL asks about before they run."""
    language: Language | None = None
    """Of the interface; None: by the locale."""
    theme: Literal["auto", "dark", "light", "plain"] = "auto"
    editing: Literal["emacs", "vi"] = "emacs"
    screen_reader: bool = False
    """Plain lines that nothing redraws."""
    title: bool = True
    """Whether the model gives a session its title, in a short request of its own."""

    def asked(self, model: str | None, base_url: str | None) -> tuple[str | None, str | None]:
        """The model and the base URL to use, by the flags `model` and `base_url` or by this.

        A URL that is only configured gives way to a server named before the model of a flag.
        """
        url = None if names_server(model) else self.base_url
        return model or self.model, base_url or url


class ProjectConfig(BaseModel):
    """What a repository may set once the user trusts it: nothing that could leak or unlock."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    image: str | None = None
    setup: tuple[str, ...] = ()
    verify: str | None = None


@dataclass(frozen=True, slots=True)
class Layers:
    """Whose word holds: a project's, once it is trusted, before the user's."""

    user: Config
    project: ProjectConfig | None = None
    """None where there is none, or the user has not trusted it."""
    notices: tuple[str, ...] = ()

    @property
    def merged(self) -> Config:
        if self.project is None:
            return self.user
        return self.user.model_copy(update=self.project.model_dump(exclude_unset=True))


def load(directory: Path) -> tuple[Config, list[str]]:
    """The configuration that holds in `directory`, and notices for the user.

    Raises ConfigError for a file that cannot be read.
    """
    layers = load_layers(directory)
    return layers.merged, list(layers.notices)


def load_layers(directory: Path) -> Layers:
    """The files that make up what holds in `directory`. Raises ConfigError."""
    user = parse(_user_text(), Config, str(user_file()))
    project = project_root(directory)
    raw = _project_bytes(project)
    if raw is None:
        return Layers(user)
    if not _is_trusted(project, raw):
        where = "" if project == project_root(Path()) else f" {shlex.quote(str(project))}"
        command = f"qwright trust{where}"
        notice = say("config.untrusted", file=PROJECT_FILE, command=command)
        return Layers(user, notices=(notice,))
    return Layers(user, parse(raw.decode("utf-8", "replace"), ProjectConfig, PROJECT_FILE))


def user_file() -> Path:
    """Where the user's own configuration lies."""
    return config_dir() / "config.toml"


def is_trusted(directory: Path) -> bool:
    """Whether the file of the project `directory` belongs to counts as it is now."""
    project = project_root(directory)
    raw = _project_bytes(project)
    return raw is not None and _is_trusted(project, raw)


def project_root(directory: Path) -> Path:
    """Whose PROJECT_FILE holds: `directory` itself where it has one, else its repository's root."""
    start = directory.resolve()
    if _project_bytes(start) is not None:
        return start
    roots = (one for one in (start, *start.parents) if os.path.lexists(one / ".git"))
    return next(roots, start)


def trust(directory: Path) -> str:
    """Allow the project's file as it is now. A changed file must be allowed again."""
    project = project_root(directory)
    raw = _project_bytes(project)
    if raw is None:
        raise ConfigError(f"{project / PROJECT_FILE} does not exist; nothing to trust")
    parse(raw.decode("utf-8", "replace"), ProjectConfig, PROJECT_FILE)
    known = _trusted()
    known[str(project)] = hashlib.sha256(raw).hexdigest()
    write_json(_trust_file(), known)
    return raw.decode("utf-8", "replace")


def _user_text() -> str:
    try:
        return user_file().read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{user_file()} cannot be read: {error}") from None


def _project_bytes(project: Path) -> bytes | None:
    try:
        return Tree(project).read(PROJECT_FILE, _LIMIT)
    except PathError:
        return None


def _trust_file() -> Path:
    return state_dir() / "trusted.json"


def _trusted() -> dict[str, str]:
    """Resolved folder to the SHA-256 of its file; a damaged list trusts nobody."""
    try:
        return _TRUSTED.validate_json(_trust_file().read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}


def _is_trusted(project: Path, raw: bytes) -> bool:
    return _trusted().get(str(project)) == hashlib.sha256(raw).hexdigest()


def parse(text: str, kind: type[_T], where: str) -> _T:
    """The TOML of the file `where` as a configuration. Raises ConfigError, one line."""
    try:
        return kind.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{where}: {key}: {first['msg'].lower()}") from None
