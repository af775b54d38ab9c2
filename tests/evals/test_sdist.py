"""Source distributions: found as pip would, checked before they are unpacked, never run."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qwright.evals.instance import SdistSource
from qwright.evals.testbed import sdist
from qwright.evals.testbed.pip_settings import PipSettings, default_index, said_by, settings_from
from qwright.evals.testbed.sdist import fetch_sdist
from qwright.sandbox.errors import WorkspaceError
from qwright.sandbox.unpack import unpack
from tests.evals.beds import make, require_one_commit
from tests.sandbox.repos import git

NAME = "some_thing-1.0.tar.gz"
JSON = "application/vnd.pypi.simple.v1+json"
Pages = dict[str, tuple[str, bytes]]
"""Path to content type and bytes."""


def archive_of(files: dict[str, bytes], *extra: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for member in extra:
            tar.addfile(member)
    return out.getvalue()


ARCHIVE = archive_of(
    {
        "some_thing-1.0/setup.py": b"open('ran', 'w').close()\n",
        "some_thing-1.0/pyproject.toml": b"[build-system]\nbuild-backend = 'setup'\n",
        "some_thing-1.0/.gitignore": b"version.py\n",
        "some_thing-1.0/version.py": b"v = 1\n",
        "beside/it": b"not the workspace\n",
    }
)
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
SOURCE = SdistSource(name="Some.Thing", version="1.0", sha256=SHA256, root="some_thing-1.0")


@pytest.fixture(name="pages")
def _pages() -> Pages:
    return {}


@pytest.fixture(name="server")
def _server(pages: Pages) -> Iterator[str]:
    """Serves `pages` over loopback, to those who know the password."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, data = pages.get(self.path, ("", b""))
            known = self.headers["Authorization"] == "Basic dXNlcjpzZWNyZXQ="
            self.send_response(401 if not known else 200 if kind else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://user:secret@127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def json_page(**hashes: str) -> tuple[str, bytes]:
    names = {"some_thing-1.0-py3-none-any.whl": "w.whl", "some_thing-1.0.1.tar.gz": "other"}
    files = [_entry(name, url, {}) for name, url in names.items()]
    files.append(_entry(NAME, f"../../files/{NAME}", hashes))
    return JSON, json.dumps({"files": files}).encode()


def _entry(name: str, url: str, hashes: dict[str, str]) -> dict[str, object]:
    return {"filename": name, "url": url, "hashes": hashes}


def html_page(**hashes: str) -> tuple[str, bytes]:
    tail = "".join(f"#{name}={text}" for name, text in hashes.items())
    page = f'<!DOCTYPE html><a href="x.whl">x</a><a class=y href="../../files/{NAME}{tail}">z</a>'
    return "text/html; charset=utf-8", page.encode()


@pytest.mark.parametrize("page", [json_page, html_page])
@pytest.mark.parametrize("hashes", [{"sha256": SHA256}, {}])
def test_an_index_is_asked_as_pip_would(
    server: str,
    pages: Pages,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: Callable[..., tuple[str, bytes]],
    hashes: dict[str, str],
) -> None:
    pages["/simple/some-thing/"] = page(**hashes)
    pages[f"/files/{NAME}"] = ("application/gzip", ARCHIVE)
    settings = PipSettings(indexes=("file:///nonexistent/simple", f"{server}/simple"))
    monkeypatch.setattr(sdist, "pip_settings", lambda: settings)
    bed = make(SOURCE, tmp_path)
    require_one_commit(bed)
    assert git(bed, "ls-files").split() == [
        ".gitignore",
        "pyproject.toml",
        "setup.py",
        "version.py",
    ]
    assert not list(tmp_path.rglob("ran"))
    pages.clear()  # and a second time it is there already
    assert fetch_sdist(SOURCE, tmp_path / "cache" / "sdists", print).read_bytes() == ARCHIVE


def test_folders_serve_as_well(tmp_path: Path) -> None:
    links, index = tmp_path / "links", tmp_path / "simple" / "some-thing"
    links.mkdir()
    index.mkdir(parents=True)
    (tmp_path / "files").mkdir()
    (links / NAME).write_bytes(ARCHIVE)
    (tmp_path / "files" / NAME).write_bytes(ARCHIVE)
    (index / "index.html").write_bytes(html_page(sha256=SHA256)[1])
    for number, settings in enumerate(
        [
            PipSettings(indexes=(), find_links=(str(links),)),
            PipSettings(indexes=((tmp_path / "simple").as_uri(),)),
        ]
    ):
        found = fetch_sdist(SOURCE, tmp_path / str(number), print, settings)
        assert found.read_bytes() == ARCHIVE


def test_what_has_another_hash_is_not_even_unpacked(
    server: str, pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages["/simple/some-thing/"] = json_page(sha256=SHA256)
    pages[f"/files/{NAME}"] = ("application/gzip", ARCHIVE + b" ")
    settings = PipSettings(indexes=(f"{server}/simple",))
    monkeypatch.setattr(sdist, "pip_settings", lambda: settings)
    with pytest.raises(WorkspaceError, match=f"its SHA-256 is .*, not {SHA256}"):
        make(SOURCE, tmp_path)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    pages[f"/files/{NAME}"] = ("application/gzip", ARCHIVE)
    damaged = fetch_sdist(SOURCE, tmp_path, print)
    damaged.write_bytes(b"damaged")
    assert fetch_sdist(SOURCE, tmp_path, print).read_bytes() == ARCHIVE


def test_errors_name_no_password(server: str, tmp_path: Path) -> None:
    settings = PipSettings(indexes=(f"{server}/simple", server.replace("secret", "forgotten")))
    with pytest.raises(
        WorkspaceError, match=r"no package index has .* of Some\.Thing 1\.0"
    ) as failed:
        fetch_sdist(SOURCE, tmp_path, print, settings)
    assert "401" in str(failed.value)
    assert "forgotten" not in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("change", [{"tree": "0" * 40}, {"root": "some_thing-2.0"}])
def test_other_files_than_the_row_was_made_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / NAME).write_bytes(ARCHIVE)
    settings = PipSettings(indexes=(), find_links=(str(tmp_path / "links"),))
    monkeypatch.setattr(sdist, "pip_settings", lambda: settings)
    with pytest.raises(WorkspaceError, match=r"their git tree is|has no folder some_thing-2\.0"):
        make(SOURCE.model_copy(update=change), tmp_path)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def device(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = tarfile.CHRTYPE
    return member


@pytest.mark.parametrize(
    "archive",
    [
        archive_of({"../out": b"x"}),
        archive_of({"/tmp/../out": b"x"}),
        archive_of({}, link("in", "/etc")),
        archive_of({}, link("a/in", "../../out")),
        archive_of({}, link("in", "../out", tarfile.LNKTYPE)),
        archive_of({"in/passwd": b"x"}, link("in", "/etc")),
        b"no archive",
        ARCHIVE[:100],
    ],
)
def test_an_archive_reaches_nothing_outside(tmp_path: Path, archive: bytes) -> None:
    (tmp_path / "out").write_bytes(b"untouched")
    (tmp_path / "target").mkdir()
    with pytest.raises(WorkspaceError):
        unpack(io.BytesIO(archive), tmp_path / "target")
    assert (tmp_path / "out").read_bytes() == b"untouched"
    assert not any(file.is_symlink() for file in tmp_path.rglob("*"))


def test_no_link_is_made_through_another(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    chain = archive_of({}, link("d", "."), link("s", "d/.."), link("s/new/evil", "x"))
    with pytest.raises(WorkspaceError, match="behind another"):
        unpack(io.BytesIO(chain), tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_an_archive_keeps_what_is_harmless(tmp_path: Path) -> None:
    extra = [
        *(link("top/to", "a/b"), link("top/hard", "top/a/b", tarfile.LNKTYPE), device("top/dev")),
        *(link("top/both", "top/to", tarfile.LNKTYPE), tarfile.TarInfo("top/twice")),
    ]
    files = {"top/a/b": b"x", "top2/c": b"y", "top/twice": b"first"}
    target = tmp_path / "target"
    target.mkdir()
    unpack(io.BytesIO(archive_of(files, *extra)), target, root="top")
    assert sorted(path.name for path in target.iterdir()) == ["a", "both", "hard", "to", "twice"]
    assert [(target / name).read_bytes() for name in ("hard", "to", "both")] == [b"x"] * 3
    assert (target / "both").is_symlink()
    assert (target / "twice").read_bytes() == b""


def configured(said: str) -> PipSettings:
    return settings_from(said, lambda: "https://default.example/simple")


def test_the_configuration_of_pip() -> None:
    said = """\
:env:.cert='/etc/ca.crt'
:env:.index-url='https://user:p%40ss@one.example/simple/'
global.index-url='https://two.example/simple'
global.extra-index-url='\\nfile:///srv/simple\\nhttps://three.example/simple'
download.find-links='/opt/wheels'
list.format='columns'
"""
    assert configured(said) == PipSettings(
        indexes=(
            "https://user:p%40ss@one.example/simple/",
            "file:///srv/simple",
            "https://three.example/simple",
        ),
        find_links=("/opt/wheels",),
        certificates="/etc/ca.crt",
    )
    assert configured("") == PipSettings(indexes=("https://default.example/simple",))
    assert settings_from("", lambda: "") == PipSettings()
    assert default_index().startswith("https://")
    variables = {"PIP_INDEX_URL": "https://one.example/", "INDEX_URL": "no", "PIP_NO_INDEX": "0"}
    assert configured(said_by(variables)).indexes == ("https://one.example/",)
    assert configured("global.no-index='true'\n").indexes == ()
