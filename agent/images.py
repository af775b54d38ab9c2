"""Pictures in a prompt: found by the names the user typed, checked, and read on the host."""

from __future__ import annotations

import base64
import os
import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from qwright.agent.errors import ConfigError
from qwright.agent.image_header import Header, read_header
from qwright.agent.messages import Image

LARGEST = 7_500_000
"""Bytes: 10 MB once they are base64, more than that DashScope does not take."""
MOST_PIXELS = 67_108_864
SMALLEST_SIDE = 10
LONGEST_SHAPE = 200
"""How many times as long as wide; Qwen's vision models refuse more, and smaller sides."""
_PATCH = 28
_TOKENS = range(4, 16_384 + 1)
"""Of one picture: servers scale it up or down to stay within."""
_HEADER_CHARACTERS = 400_000
"""Of base64. The size of a JPEG comes after its previews and colour tables."""

_BLANK = r" \t\n\r\f\v"
_NAMES = r"(?:png|jpe?g|webp|gif|bmp)"
_MENTION = re.compile(
    rf"@?(?P<quote>[\"'`])(?P<quoted>[^\"'`\r\n]{{1,1024}}\.{_NAMES})(?P=quote)"
    # Possessive, so that a text without blanks is read once and not once per character.
    rf"|(?P<bare>(?:\\[^\n]|[^\\\"'`{_BLANK}])++)",
    re.IGNORECASE,
)
_BEFORE, _AFTER = "([{<", ")]}>.,;:!?"


@dataclass(frozen=True, slots=True)
class _Mention:
    """A name in the prompt. `marked`: with @, or absolute, so that a picture must be meant."""

    start: int
    end: int
    path: str
    marked: bool


def attach(prompt: str, directory: Path, *, vision: bool, model: str) -> tuple[str, list[Image]]:
    """The prompt with `[image: NAME]` for every picture named in it, and the pictures.

    Names are relative to `directory`. A name that is no file stays text. So does a relative one
    without @ of a file that cannot be sent: it may be what the task is about. Raises ConfigError
    where a picture was surely meant and cannot be sent, or `model` has no `vision`.
    """
    images: dict[str, Image] = {}
    kept, at = "", 0
    for mention in _mentions(prompt):
        image = _image(mention, directory, vision=vision, model=model)
        if image:
            images[mention.path] = image
            kept += f"{prompt[at : mention.start]}[image: {mention.path}]"
            at = mention.end
    return kept + prompt[at:], list(images.values())


def tokens(image: Image) -> int:
    """About how many tokens a picture takes in a Qwen model's window."""
    return _tokens(image.data[:_HEADER_CHARACTERS])


@lru_cache(maxsize=16)
def _tokens(data: str) -> int:
    try:
        header = read_header(base64.b64decode(data))
    except ValueError:
        header = None
    if header is None:
        return _TOKENS[-1]
    patches = -(-header.width // _PATCH) * -(-header.height // _PATCH)
    return min(max(patches, _TOKENS[0]), _TOKENS[-1])


def _mentions(prompt: str) -> list[_Mention]:
    found: list[_Mention] = []
    for match in _MENTION.finditer(prompt):
        start, end, written = match.start(), match.end(), match["quoted"]
        marked = prompt[start] == "@"
        if written is None:
            bare = match["bare"]
            start += len(bare) - len(bare.lstrip(_BEFORE))
            end -= len(bare) - len(bare.rstrip(_AFTER))
            marked = prompt[start : start + 1] == "@"
            written = re.sub(r"\\(.)", r"\1", prompt[start + marked : end])
        if re.search(rf".\.{_NAMES}$", written, re.IGNORECASE) and "\0" not in written:
            absolute = written.startswith(("/", "~/"))
            found.append(_Mention(start, end, written, marked or absolute))
    return found


def _image(mention: _Mention, directory: Path, *, vision: bool, model: str) -> Image | None:
    """The picture; None where the name is no file or may be meant as a mere name."""
    try:
        data = _read(mention.path, directory)
        header = _check(data, mention.path)
    except FileNotFoundError:
        return None
    except ConfigError:
        if mention.marked:
            raise
        return None
    if not vision:
        if mention.marked:
            raise ConfigError(
                f"{model} sees no images, so {mention.path} cannot be shown to it: name a model "
                "that does with --model, e.g. qwen3.8-27b or qwen2.5-vl-72b-instruct"
            )
        return None
    text = base64.b64encode(data).decode("ascii")
    return Image(media_type=header.media_type, data=text, name=mention.path)


def _read(name: str, directory: Path) -> bytes:
    """The bytes of a regular file. Raises FileNotFoundError where there is none, ConfigError."""
    path = directory / Path(name).expanduser() if name.startswith("~/") else directory / name
    try:
        _refuse_links_outward(name, path, directory)
        # Not blocking: to open a pipe would wait for its other end.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(name) from None
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"{name} cannot be read: {_reason(error)}") from None
    try:
        facts = os.fstat(number)
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError(f"{name} is no regular file; an image must be one")
        if facts.st_size > LARGEST:
            raise ConfigError(
                f"{name} has {facts.st_size / 1e6:.1f} MB; an image may have {LARGEST / 1e6:g} MB:"
                " make it smaller"
            )
        with open(number, "rb", closefd=False) as file:
            return file.read(LARGEST)
    finally:
        os.close(number)


def _refuse_links_outward(name: str, path: Path, directory: Path) -> None:
    """A link that a repository brings along must not show the model what the user did not name."""
    if os.path.isabs(name) or name.startswith("~/"):
        return
    base, real = os.path.realpath(directory), os.path.realpath(path)
    inside = os.path.commonpath([base, real]) == base
    if not inside and real != os.path.normpath(os.path.join(base, name)):
        raise ConfigError(f"{name} is a link out of {directory}; give the path it leads to")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _check(data: bytes, name: str) -> Header:
    header = read_header(data)
    if header is None:
        raise ConfigError(f"{name} is no PNG, JPEG, WebP, GIF or BMP image, or a damaged one")
    width, height = header.width, header.height
    if width * height > MOST_PIXELS:
        raise ConfigError(
            f"{name} has {width} x {height} pixels, more than {MOST_PIXELS:,}: make it smaller"
        )
    short, long = sorted((width, height))
    if short <= SMALLEST_SIDE or long > LONGEST_SHAPE * short:
        raise ConfigError(
            f"{name} has {width} x {height} pixels; a side needs more than {SMALLEST_SIDE}, and no"
            f" more than {LONGEST_SHAPE} times the other"
        )
    return header
