"""All settings together."""

from fetchconf.settings import Settings
from fetchconf.sources import from_environment, from_file


def load(path, environment):
    """Defaults, then the file, then the environment."""
    return Settings().merged(from_file(path)).merged(from_environment(environment))
