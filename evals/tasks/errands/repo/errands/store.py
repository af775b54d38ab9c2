"""The list in its file."""

import json
from pathlib import Path

from errands.model import Item


class Store:
    def __init__(self, path):
        self.path = Path(path)
        self.items = self._load()

    def add(self, text):
        """A new item with the next number; written at once."""
        number = max((item.number for item in self.items), default=0) + 1
        item = Item(number, text)
        self.items.append(item)
        self._save()
        return item

    def finish(self, number):
        """Mark an item as done. Raises LookupError."""
        for item in self.items:
            if item.number == number:
                item.done = True
                self._save()
                return item
        raise LookupError(f"there is no item {number}")

    def _load(self):
        if not self.path.exists():
            return []
        rows = json.loads(self.path.read_text(encoding="utf-8"))
        return [Item(row["number"], row["text"], row["done"]) for row in rows]

    def _save(self):
        rows = [{"number": item.number, "text": item.text, "done": item.done} for item in self.items]
        self.path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
