from __future__ import annotations

import base64
import os
import struct
import zlib
from pathlib import Path

import pytest

from qwright.agent.errors import ConfigError
from qwright.agent.image_header import read_header
from qwright.agent.images import LARGEST, attach, tokens
from qwright.agent.messages import Image


def png(width: int = 20, height: int = 20) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = zlib.compress(b"\0" * 32)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")
    )


def jpeg(width: int, height: int, *, preview: int = 40_000) -> bytes:
    """With an EXIF preview of another size before the frame, fill bytes and a restart marker."""
    inner = b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", 7, 9) + b"\0" * preview
    exif = b"\xff\xe1" + struct.pack(">H", len(inner) + 2) + inner
    tables = b"\xff\xc4\x00\x05\0\0\0" + b"\xff\xff\xff\xd0"
    frame = b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", height, width)
    return b"\xff\xd8" + exif + tables + frame + b"\x03" + b"\0" * 20


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0;"


def bmp(width: int, height: int, length: int = 40) -> bytes:
    size = struct.pack("<HH" if length == 12 else "<ii", width, height)
    return b"BM" + b"\0" * 12 + struct.pack("<I", length) + size + b"\0" * 40


def webp(kind: bytes, rest: bytes) -> bytes:
    body = b"WEBP" + kind + struct.pack("<I", len(rest)) + rest
    return b"RIFF" + struct.pack("<I", len(body)) + body


def vp8(width: int, height: int) -> bytes:
    frame = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height)
    return webp(b"VP8 ", frame + b"\0\0")


def vp8l(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14 | 1 << 28))


def vp8x(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X", b"\x10\0\0\0" + sides)


KINDS = [
    (png(640, 480), "image/png"),
    (jpeg(640, 480), "image/jpeg"),
    (gif(640, 480), "image/gif"),
    (bmp(640, 480), "image/bmp"),
    (bmp(640, -480), "image/bmp"),
    (bmp(640, 480, 12), "image/bmp"),
    (vp8(640, 480), "image/webp"),
    (vp8l(640, 480), "image/webp"),
    (vp8x(640, 480), "image/webp"),
]


@pytest.mark.parametrize(("data", "kind"), KINDS)
def test_kind_and_size_are_read_from_the_first_bytes(data: bytes, kind: str) -> None:
    header = read_header(data)
    assert header is not None
    assert (header.media_type, header.width, header.height) == (kind, 640, 480)


@pytest.mark.parametrize(("data", "kind"), KINDS)
def test_a_header_that_is_cut_or_spoilt_is_none_or_a_size(data: bytes, kind: str) -> None:
    for end in range(min(len(data), 60)):
        cut = read_header(data[:end])
        assert cut is None or (cut.media_type, cut.width) == (kind, 640)
    for at in range(min(len(data), 60)):
        spoilt = read_header(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        assert spoilt is None or (spoilt.width > 0 and spoilt.height > 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7",
        b"<svg/>",
        b"BM means nothing here, it is a text",
        b"RIFF\0\0\0\0WAVEfmt ",
        b"\xff\xd8" + b"\xff" * 100_000,
        b"\xff\xd8\xff\xe1\x00\x00" + b"\0" * 9,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
        png(0, 5),
        gif(5, 0),
    ],
)
def test_other_bytes_are_no_image(data: bytes) -> None:
    assert read_header(data) is None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project in it; the home of who types."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "project" / "docs").mkdir(parents=True)
    return tmp_path


def put(path: Path, data: bytes | None = None) -> Path:
    path.write_bytes(png() if data is None else data)
    return path


def seen(prompt: str, home: Path) -> tuple[str, list[str]]:
    text, images = attach(prompt, home / "project", vision=True, model="vl")
    for image in images:
        assert base64.b64decode(image.data).startswith(b"\x89PNG")
        assert image.media_type == "image/png"
    return text, [image.name for image in images]


@pytest.mark.parametrize(
    ("file", "written", "name"),
    [
        ("shot.png", "@shot.png", "shot.png"),
        ("shot.png", "shot.png", "shot.png"),
        ("shot.png", "./shot.png", "./shot.png"),
        ("shot.png", "(@shot.png)", "shot.png"),
        ("shot.png", "shot.png?!", "shot.png"),
        ("shot.png", "`shot.png`", "shot.png"),
        ("SHOT.PNG", "@SHOT.PNG", "SHOT.PNG"),
        ("docs/a.jpeg", "docs/a.jpeg,", "docs/a.jpeg"),
        ("my shot.png", r"my\ shot.png", "my shot.png"),
        ("my shot.png", '"my shot.png"', "my shot.png"),
        ("my shot.png", '@"my shot.png"', "my shot.png"),
        ("my shot.png", "'my shot.png'", "my shot.png"),
        ("shot (1).png", r"@shot\ \(1\).png", "shot (1).png"),
        ("Bild\u202fä.png", "Bild\u202fä.png", "Bild\u202fä.png"),
        ("../up.png", "../up.png", "../up.png"),
        ("../up.png", "~/up.png", "~/up.png"),
    ],
)
def test_names_as_people_type_them(home: Path, file: str, written: str, name: str) -> None:
    put(home / "project" / file)
    text, names = seen(f"Look at {written} now", home)
    assert names == [name]
    assert f"[image: {name}]" in text
    assert text.startswith("Look at ")
    assert text.endswith(" now")
    assert len(text) <= len(f"Look at [image: {name}]()?!`, now")


def test_an_absolute_path_and_several(home: Path) -> None:
    path = put(home / "elsewhere.png")
    put(home / "project" / "b.png")
    text, names = seen(f"{path} is as @b.png, not as 'b.png'.", home)
    assert names == [str(path), "b.png"]
    assert text == f"[image: {path}] is as [image: b.png], not as [image: b.png]."


@pytest.mark.parametrize(
    "prompt",
    [
        "Rename all @2x.png files",
        "mail me@shot.png",
        "https://example.org/shot.png",
        "shot.png.bak and shot.pngx",
        "Explain @README.md and @src/main.py",
        "don't touch 'a' or it's \"b\"",
        "a\\",
        "@",
        '"unclosed.png',
        "docs.png",
        "@docs.png/",
        "nothing\0.png",
        "x" * 5_000 + ".png",
        "",
    ],
)
def test_what_is_no_image_s_name_stays_as_it_is(home: Path, prompt: str) -> None:
    put(home / "project" / "shot.png")
    put(home / "project" / "README.md")
    (home / "project" / "docs.png").mkdir()
    assert seen(prompt, home) == (prompt, [])


def test_a_text_of_any_shape_is_read_once(home: Path) -> None:
    for unit in ("x", "@", '"', "'", "\\", ".png", "\\ ", '@"', "(", "a'b.png"):
        text, names = seen(unit * 20_000, home)
        assert (text, names) == (unit * 20_000, [])


class TestRefused:
    def line(self, prompt: str, home: Path, *, vision: bool = True) -> str:
        with pytest.raises(ConfigError) as caught:
            attach(prompt, home / "project", vision=vision, model="qwen3-coder-plus")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_images_for_a_model_that_sees_none(self, home: Path) -> None:
        path = put(home / "project" / "shot.png")
        for written in ("@shot.png", str(path), '@"shot.png"', "~/project/shot.png"):
            line = self.line(f"See {written}", home, vision=False)
            assert "qwen3-coder-plus sees no images" in line
            assert "--model" in line

    def test_but_not_the_name_of_a_file_to_work_on(self, home: Path) -> None:
        put(home / "project" / "docs" / "logo.png")
        prompt = "Link docs/logo.png in the README; 'docs/logo.png' is 20 pixels wide"
        assert attach(prompt, home / "project", vision=False, model="m") == (prompt, [])

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"version https://git-lfs.github.com/spec/v1\n", "is no PNG, JPEG"),
            (b"", "is no PNG, JPEG"),
            (png() + b"\0" * LARGEST, "7.5 MB"),
            (png(20_000, 20_000), "20000 x 20000 pixels"),
            (png(2**31, 2**31), "pixels, more than"),
            (png(5, 50), "5 x 50 pixels; a side needs more than 10"),
            (png(20, 5_000), "no more than 200 times"),
        ],
    )
    def test_what_a_model_could_not_take(self, home: Path, data: bytes, said: str) -> None:
        put(home / "project" / "shot.png", data)
        assert said in self.line("See @shot.png", home)
        assert seen("Mind shot.png", home) == ("Mind shot.png", [])

    def test_what_is_no_file(self, home: Path) -> None:
        os.mkfifo(home / "project" / "pipe.png")
        (home / "project" / "folder.png").mkdir()
        assert "no regular file" in self.line("@pipe.png", home)
        assert "no regular file" in self.line("@folder.png", home)
        assert "name too long" in self.line(f"@{'x' * 5_000}.png", home)

    def test_a_link_that_leads_out_of_the_project(self, home: Path) -> None:
        secret = put(home / "private.png")
        (home / "project" / "logo.png").symlink_to(secret)
        (home / "project" / "out").symlink_to(home)
        assert "is a link out of" in self.line("@logo.png", home)
        assert "is a link out of" in self.line("@out/private.png", home)
        assert seen("logo.png", home) == ("logo.png", [])

    def test_links_within_it_and_links_the_user_names_are_followed(self, home: Path) -> None:
        put(home / "project" / "docs" / "real.png")
        (home / "project" / "logo.png").symlink_to("docs/real.png")
        (home / "way").symlink_to(home / "project" / "docs")
        assert seen("@logo.png", home)[1] == ["logo.png"]
        assert seen(f"{home}/way/real.png", home)[1] == [f"{home}/way/real.png"]

    def test_a_link_to_nothing_and_one_to_itself(self, home: Path) -> None:
        (home / "project" / "gone.png").symlink_to("nowhere.png")
        (home / "project" / "ring.png").symlink_to("ring.png")
        assert seen("@gone.png", home) == ("@gone.png", [])
        assert "cannot be read" in self.line("@ring.png", home)


def image(data: bytes) -> Image:
    return Image(media_type="image/png", data=base64.b64encode(data).decode())


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (png(28, 28), 4),
        (png(280, 280), 100),
        (png(281, 280), 110),
        (png(1920, 1080), 69 * 39),
        (png(8_000, 8_000), 16_384),
        (jpeg(280, 280), 100),
        (jpeg(280, 280, preview=65_000), 100),
        (b"no image", 16_384),
    ],
)
def test_tokens_by_pixels(data: bytes, count: int) -> None:
    assert tokens(image(data + b"\0" * 500_000)) == count


def test_tokens_of_what_is_no_base64() -> None:
    assert tokens(Image(media_type="image/png", data="%%%")) == 16_384
