"""Make text safe to show: no terminal control, no hidden reordering.

What a command prints, what a file holds and what a model writes reach a person's terminal. Escape
sequences can move the cursor, set the clipboard or hide text; bidi overrides make text read other
than it runs. All of them are removed here, and only here.
"""

from __future__ import annotations

import re

_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, modes
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # OSC: title, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"  # two-character escapes, character sets
)
_OVERSTRIKE = re.compile(r"[^\n\x08]\x08")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u206f\ud800-\udfff]")


def sanitise(text: str) -> str:
    """Return `text` without control characters, escape sequences and bidi overrides.

    Newline and tab stay; CRLF becomes a newline. A lone surrogate becomes U+FFFD, so that the
    result can always be encoded.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _SEQUENCES.sub("", text.replace("\r\n", "\n"))
    return _CONTROLS.sub(lambda found: "\ufffd" if found[0] >= "\ud800" else "", text)


def collapse_progress(text: str) -> str:
    """Keep only what a progress bar showed last: per line, the text after its last return."""
    if "\x08" in text:
        text = _OVERSTRIKE.sub("", text)
    if "\r" not in text:
        return text
    return "\n".join(_last_state(line) for line in text.split("\n"))


def _last_state(line: str) -> str:
    states = [state for state in line.split("\r") if state]
    return states[-1] if states else ""


def terminal_text(text: str) -> str:
    """What a person would have seen of a command's output in the end, as plain text."""
    return sanitise(collapse_progress(text))


def shown_name(name: str) -> str:
    """A file name on one line; quoted when it holds anything that would not show as it is."""
    plain = sanitise(name)
    if plain == name and "\n" not in name and "\t" not in name:
        return name
    return ascii(name)
