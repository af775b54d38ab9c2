"""Kind and size of a picture from its first bytes, without a library that decodes it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

_SIZES_FOLLOW = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers of a frame; the three are tables."""
_SEGMENTS = 10_000
"""So many no picture has; a file made of filling bytes is not read for seconds."""
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


@dataclass(frozen=True, slots=True)
class Header:
    """`width` and `height` in pixels, at least 1."""

    media_type: str
    width: int
    height: int


def read_header(data: bytes) -> Header | None:
    """None for what is no PNG, JPEG, WebP, GIF or BMP, whatever its name says."""
    for magic, media_type, size_of in _KINDS:
        if data.startswith(magic):
            try:
                width, height = size_of(data)
            except (struct.error, IndexError, ValueError):
                return None
            return Header(media_type, width, height) if width > 0 and height > 0 else None
    return None


def _png(data: bytes) -> tuple[int, int]:
    kind, width, height = struct.unpack_from(">4sII", data, 12)
    if kind != b"IHDR":
        raise ValueError(kind)
    return width, height


def _gif(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _bmp(data: bytes) -> tuple[int, int]:
    (length,) = struct.unpack_from("<I", data, 14)
    if not 12 <= length <= 256:
        raise ValueError(length)
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", data, 18)
    return width, abs(height)  # negative: the first line is the top one


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(_SEGMENTS):
        if data[at] != 0xFF:
            raise ValueError(at)
        marker = data[at + 1]
        if marker in _SIZES_FOLLOW:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker == 0xFF:
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + max(struct.unpack_from(">H", data, at + 2)[0], 2)
    raise ValueError(at)


def _webp(data: bytes) -> tuple[int, int]:
    if data[8:12] != b"WEBP":
        raise ValueError
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return (width + 1, height + 1) if len(data) >= 30 else (0, 0)
    if kind == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError(kind)


_KINDS: tuple[tuple[bytes, str, Callable[[bytes], tuple[int, int]]], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png", _png),
    (b"\xff\xd8\xff", "image/jpeg", _jpeg),
    (b"RIFF", "image/webp", _webp),
    (b"GIF87a", "image/gif", _gif),
    (b"GIF89a", "image/gif", _gif),
    (b"BM", "image/bmp", _bmp),
)
