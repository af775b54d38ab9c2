"""The three directories qwright keeps outside the repositories it works on."""

from __future__ import annotations

import os
from pathlib import Path


def config_dir() -> Path:
    """The user's configuration; `$QWRIGHT_HOME/config` when that variable is set."""
    return _directory("config")


def state_dir() -> Path:
    """Sessions and servers; made with mode 0700. `$QWRIGHT_HOME/state` when that is set."""
    path = _directory("state")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
    return path


def cache_dir() -> Path:
    """What can be fetched again, such as models. `$QWRIGHT_HOME/cache` when that is set."""
    return _directory("cache")


def _directory(kind: str) -> Path:
    home = os.environ.get("QWRIGHT_HOME")
    if home:
        return Path(home).absolute() / kind
    import platformdirs

    paths = {
        "config": platformdirs.user_config_path,
        "state": platformdirs.user_state_path,
        "cache": platformdirs.user_cache_path,
    }
    return paths[kind]("qwright")
