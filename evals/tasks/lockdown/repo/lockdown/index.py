"""Which versions there are."""

import json
from pathlib import Path

from lockdown.requirement import parse
from lockdown.version import Version


class Index:
    def __init__(self, rows):
        self.rows = rows

    @classmethod
    def read(cls, path):
        return cls(json.loads(Path(path).read_text(encoding="utf-8")))

    def versions(self, name):
        """All versions of a package, newest first; none when it is not known."""
        return sorted(map(Version, self.rows.get(name, {})), reverse=True)

    def requirements(self, name, version):
        """What this version requires."""
        return [parse(text) for text in self.rows[name][version.text]]
