"""An item of the list."""

from dataclasses import dataclass


@dataclass
class Item:
    number: int
    text: str
    done: bool = False
