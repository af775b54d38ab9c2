"""Long pasted text as a chip in the input: `[#1 pasted, 42 lines]`."""

from __future__ import annotations

import re

from qwright.tools.sanitise import sanitise

LINES = 5
CHARACTERS = 600
CHIP = re.compile(r"\[#\d+ pasted, \d+ (?:lines|characters)\]")


class Pastes:
    """The texts behind the chips of the input."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def fold(self, pasted: str) -> str:
        """What goes into the input for `pasted`: itself made safe, or a chip when it is long."""
        text = sanitise(pasted.replace("\r\n", "\n").replace("\r", "\n"))
        lines = text.count("\n") + (not text.endswith("\n"))
        if lines > LINES:
            measure = f"{lines} lines"
        elif len(text) > CHARACTERS:
            measure = f"{len(text)} characters"
        else:
            return text
        chip = f"[#{len(self._texts) + 1} pasted, {measure}]"
        self._texts[chip] = text
        return chip

    def unfold(self, text: str) -> str:
        """`text` with every chip that stands for a paste replaced by it."""
        return CHIP.sub(lambda found: self._texts.get(found[0], found[0]), text)

    def clear(self) -> None:
        """Forget them: what was submitted holds them unfolded."""
        self._texts.clear()

    def chip_before(self, text: str) -> int:
        """How many characters a chip at the end of `text` takes; 0 where there is none."""
        chip = next((chip for chip in self._texts if text.endswith(chip)), "")
        return len(chip)
