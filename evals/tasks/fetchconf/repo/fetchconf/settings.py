"""The settings and where they come from."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Settings:
    retries: int = 3
    timeout: float = 30.0
    verify: bool = True
    proxy: str = ""

    def merged(self, values):
        """These settings with `values` (name to value) on top. Unknown names raise KeyError."""
        unknown = set(values) - set(self.__dataclass_fields__)
        if unknown:
            raise KeyError(f"unknown settings: {', '.join(sorted(unknown))}")
        return replace(self, **{name: value or getattr(self, name) for name, value in values.items()})
