"""Child process that fetches one file of a model hub: REPO REVISION FILE DESTINATION.

Bytes are appended to DESTINATION, so a fetch that was cut goes on where it stopped. An own process,
because the library neither stops halfway nor reports in a way that can be cancelled. Its failures
leave as a traceback, the last line of which is what a person is told.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import BinaryIO, Protocol, cast

CONNECT_TIMEOUT = 5.0
"""Seconds until a hub that cannot be reached is given up for the next source."""


class _Metadata(Protocol):
    @property
    def size(self) -> int | None: ...


class _Hub(Protocol):
    """What is used of huggingface_hub, parts of which come without types."""

    def hf_hub_url(self, repo_id: str, filename: str, *, revision: str) -> str: ...
    def get_hf_file_metadata(self, url: str, *, timeout: float) -> _Metadata: ...


class _Transfer(Protocol):
    def build_hf_headers(self) -> dict[str, str]: ...
    def http_get(
        self,
        url: str,
        temp_file: BinaryIO,
        *,
        resume_size: int,
        headers: dict[str, str],
        expected_size: int | None,
    ) -> None: ...


def fetch(repo: str, revision: str, file: str, destination: Path) -> None:
    """Append what is missing of the file to `destination`. Raises what the hub library raises."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    hub = cast(_Hub, importlib.import_module("huggingface_hub"))
    transfer = cast(_Transfer, importlib.import_module("huggingface_hub.file_download"))

    url = hub.hf_hub_url(repo, file, revision=revision)
    size = hub.get_hf_file_metadata(url, timeout=CONNECT_TIMEOUT).size
    # Not hf_hub_download: it begins again at the first byte, and tries an unreachable hub for 20 s.
    with destination.open("ab") as out:
        headers = transfer.build_hf_headers()
        transfer.http_get(url, out, resume_size=out.tell(), headers=headers, expected_size=size)


def main() -> None:
    repo, revision, file, destination = sys.argv[1:]
    fetch(repo, revision, file, Path(destination))


if __name__ == "__main__":
    main()
