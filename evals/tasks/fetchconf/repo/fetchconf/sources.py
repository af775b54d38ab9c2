"""Settings read from a file and from the environment."""

import json
from pathlib import Path

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def from_file(path):
    """What a JSON file says; a file that is not there says nothing."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def from_environment(environment):
    """What the FETCH_ variables say."""
    found = {}
    for name, read in READERS.items():
        text = environment.get(f"FETCH_{name.upper()}")
        if text:
            found[name] = read(text)
    return found


def _switch(text):
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(f"neither yes nor no: {text!r}")
    return word in TRUE


READERS = {"retries": int, "timeout": float, "verify": _switch, "proxy": str}
