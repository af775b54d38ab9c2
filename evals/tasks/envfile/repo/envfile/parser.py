"""Lines of a .env file."""

import re

from envfile.values import expand, read_value

LINE = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)")


class EnvError(ValueError):
    """A line that cannot be read."""


def parse(text):
    """Name to value. Raises EnvError."""
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise EnvError(f"line {number}: no NAME=value")
        try:
            value, expands = read_value(match[2])
        except ValueError as error:
            raise EnvError(f"line {number}: {error}") from None
        values[match[1]] = expand(value, values) if expands else value
    return values
