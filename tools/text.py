"""Bytes of a file as text and back, so that what was not edited stays identical."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_KINDS = (
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"%PDF", "PDF document"),
    (b"PK\x03\x04", "zip archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"\x7fELF", "ELF program or library"),
    (b"SQLite format 3", "SQLite database"),
    (b"\x00asm", "WebAssembly module"),
    (b"\xca\xfe\xba\xbe", "Java class"),
)
UNKNOWN = "binary file"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class FileText:
    """A file's text. `mark + text.encode(encoding)` are its bytes exactly."""

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    """The byte order mark; not part of `text`."""

    def encode(self, text: str) -> bytes:
        """The bytes of `text` in this file. Raises UnicodeEncodeError when it cannot hold it."""
        return self.mark + text.encode(self.encoding)

    @property
    def note(self) -> str:
        """What a reader should know of the encoding; empty for plain UTF-8."""
        if self.encoding == "utf-8":
            return "UTF-8 with BOM" if self.mark else ""
        return "not UTF-8, read as latin-1" if self.encoding == "latin-1" else "UTF-16"

    @property
    def newline(self) -> str:
        """The line end most lines have."""
        crlf = self.text.count("\r\n")
        return "\r\n" if crlf * 2 > self.text.count("\n") else "\n"


def decode(data: bytes) -> FileText | None:
    """Read `data` as UTF-8, UTF-16 with a mark, or latin-1; None when it is binary."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            found = _decode_exactly(data[len(mark) :], encoding, mark)
            if found is not None and "\0" not in found.text:
                return found
    if b"\0" in data:
        return None
    found = _decode_exactly(data, "utf-8", b"")
    if found is None and kind_of(data) == UNKNOWN:
        found = FileText(data.decode("latin-1"), "latin-1")
    return found


def _decode_exactly(data: bytes, encoding: str, mark: bytes) -> FileText | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return FileText(text, encoding, mark)


def kind_of(data: bytes) -> str:
    """Name the kind of a binary file from its first bytes."""
    return next((kind for magic, kind in _KINDS if data.startswith(magic)), UNKNOWN)


def split_lines(text: str) -> list[str]:
    """Lines without their ends (LF or CRLF); a final line end makes no empty last line."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def numbered(lines: list[str], first: int) -> str:
    """Lines as `read_file` shows them: right-aligned number, tab, text."""
    width = len(str(first + len(lines) - 1))
    return "\n".join(f"{n:>{width}}\t{line}" for n, line in enumerate(lines, first))
