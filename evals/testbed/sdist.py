"""Source distributions by name, version and hash, fetched without running any of their code.

`pip download` would run the build backend of an sdist to learn its metadata, so the package index
is read here: its simple API, at the addresses of the user's own pip configuration.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

from qwright.evals.instance import SdistSource
from qwright.evals.testbed.address import public
from qwright.evals.testbed.pip_settings import PipSettings, pip_settings
from qwright.sandbox.errors import WorkspaceError

if TYPE_CHECKING:
    from httpx2 import Client

Progress = Callable[[str], None]
ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_SECONDS = 60.0
_PART = 1 << 20


@dataclass(frozen=True, slots=True)
class Link:
    """A file that an index names."""

    name: str
    address: str
    sha256: str = ""
    """As the index says it; "" when it does not."""


def fetch_sdist(
    source: SdistSource, folder: Path, progress: Progress, settings: PipSettings | None = None
) -> Path:
    """The archive, in `folder`; its hash is checked whenever it is asked for.

    Raises WorkspaceError: no index has it, none can be reached, or what came has another hash.
    """
    kept = folder / f"{source.sha256}.tar"
    if kept.is_file() and _digest_of(kept) == source.sha256:
        return kept
    with closing(_Index(settings or pip_settings())) as index:
        link = index.find(source)
        progress(f"Fetching {link.name}")
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{kept.name}.{secrets.token_hex(4)}"
        try:
            found = index.save(link, partial)
            if found != source.sha256:
                raise WorkspaceError(
                    f"{link.name} is not the file the row was made for: its SHA-256 is {found}, "
                    f"not {source.sha256}; nothing of it was unpacked"
                )
            partial.rename(kept)
        finally:
            partial.unlink(missing_ok=True)
    return kept


class _Index:
    """The indexes and folders of one configuration."""

    def __init__(self, settings: PipSettings) -> None:
        self._settings = settings
        self._opened: Client | None = None

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def find(self, source: SdistSource) -> Link:
        """The link to the file with the source's hash, or at least name. Raises WorkspaceError."""
        errors: list[str] = []
        named: list[Link] = []
        for place in self._places(source.name):
            try:
                links = list(self._links(place))
            except WorkspaceError as error:
                errors.append(str(error))
                continue
            for link in links:
                if link.sha256 == source.sha256 and link.name.endswith(ARCHIVES):
                    return link
            named += [link for link in links if _is_sdist(link.name, source)]
        if named:
            return named[0]
        why = f" ({errors[0]})" if errors else ""
        raise WorkspaceError(
            f"no package index has the source distribution of {source.name} {source.version}{why}: "
            "check the network and `pip config list`"
        )

    def save(self, link: Link, target: Path) -> str:
        """Write the file, and tell its SHA-256. Raises WorkspaceError."""
        content = hashlib.sha256()
        try:
            with target.open("xb") as out:
                for part in self._parts(link.address):
                    content.update(part)
                    out.write(part)
        except OSError as error:
            raise WorkspaceError(f"cannot save {link.name}: {error.strerror or error}") from error
        return content.hexdigest()

    def _places(self, name: str) -> Iterator[str]:
        yield from self._settings.find_links
        for index in self._settings.indexes:
            yield f"{index.rstrip('/')}/{_canonical(name)}/"

    def _links(self, place: str) -> list[Link]:
        folder = _local(place)
        if folder is None:
            return self._remote_links(place)
        page = folder / "index.html"
        if page.is_file():
            return _page_links(page.read_text("utf-8", "replace"), page.as_uri())
        if folder.is_dir():
            return [Link(file.name, file.as_uri()) for file in sorted(folder.iterdir())]
        return []

    def _remote_links(self, place: str) -> list[Link]:
        import httpx2

        try:
            answer = self._client().get(place, headers={"Accept": _ACCEPT})
            if answer.status_code in (404, 410):
                return []
            answer.raise_for_status()
            if "json" in answer.headers.get("content-type", ""):
                return _json_links(answer.json(), str(answer.url))
            return _page_links(answer.text, str(answer.url))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise WorkspaceError(f"{public(place)}: {_words(error)}") from error

    def _parts(self, address: str) -> Iterator[bytes]:
        import httpx2

        file = _local(address)
        if file is not None:
            with file.open("rb") as opened:
                yield from _read(opened)
            return
        try:
            with self._client().stream("GET", address) as answer:
                answer.raise_for_status()
                yield from answer.iter_bytes(_PART)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise WorkspaceError(f"cannot fetch {public(address)}: {_words(error)}") from error

    def _client(self) -> Client:
        import httpx2

        if self._opened is None:
            chosen = self._settings
            verify = ssl.create_default_context(cafile=chosen.certificates)
            self._opened = httpx2.Client(
                verify=verify, proxy=chosen.proxy, follow_redirects=True, timeout=_SECONDS
            )
        return self._opened


def _is_sdist(name: str, source: SdistSource) -> bool:
    for suffix in ARCHIVES:
        if name.endswith(suffix):
            project, _, version = name.removesuffix(suffix).rpartition("-")
            return _canonical(project) == _canonical(source.name) and version == source.version
    return False


def _canonical(name: str) -> str:
    """A project's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _json_links(page: Any, address: str) -> list[Link]:
    """Of the JSON form of PEP 691. Raises ValueError."""
    try:
        return [
            Link(one["filename"], urljoin(address, one["url"]), one["hashes"].get("sha256", ""))
            for one in cast("dict[str, Any]", page)["files"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no answer of a package index") from error


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [text for name, text in attrs if tag == "a" and name == "href" and text]


def _page_links(page: str, address: str) -> list[Link]:
    """Of the HTML form of PEP 503."""
    anchors = _Anchors()
    anchors.feed(page)
    links: list[Link] = []
    for href in anchors.found:
        whole, fragment = urldefrag(urljoin(address, href))
        name = unquote(urlsplit(whole).path).rpartition("/")[2]
        links.append(Link(name, whole, fragment.removeprefix("sha256=") if "=" in fragment else ""))
    return links


def _local(place: str) -> Path | None:
    """The path of a file: address or a bare path; None for what is elsewhere."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if "://" in place else Path(place).expanduser()


def _read(opened: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: opened.read(_PART), b"")


def _digest_of(file: Path) -> str:
    content = hashlib.sha256()
    with file.open("rb") as opened:
        for part in _read(opened):
            content.update(part)
    return content.hexdigest()


def _words(error: Exception) -> str:
    return public(error) or type(error).__name__
