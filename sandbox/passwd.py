"""A name for the user of the commands, so that `whoami` and `getpwuid` work."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from pathlib import Path

from qwright.sandbox import owners
from qwright.sandbox.dirs import cache_dir
from qwright.sandbox.engine import Api
from qwright.sandbox.hardening import HOME

MOST_BYTES = 1_000_000


def passwd_file(api: Api, image_id: str, owner: tuple[int, int]) -> Path | None:
    """A host file to mount at /etc/passwd: the image's own plus a line for `owner`'s uid.

    None when the image knows that uid. Kept in the cache, one file per image and owner. Blocks.
    """
    uid, gid = owner
    if uid == 0:
        return None
    digest = image_id.removeprefix("sha256:")[:24]
    path = cache_dir() / "passwd" / f"{digest}-{uid}-{gid}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, _with_user(_image_passwd(api, image_id), uid, gid))
    return path if path.stat().st_size else None


def _with_user(text: str, uid: int, gid: int) -> str:
    """`text` with a line for `uid`; empty when there is one already."""
    lines = [line.split(":") for line in text.splitlines()]
    if any(len(fields) > 2 and fields[2] == str(uid) for fields in lines):
        return ""
    return f"{text.rstrip()}\nqwright:x:{uid}:{gid}:qwright:{HOME}:/bin/bash\n".lstrip()


def _image_passwd(api: Api, image_id: str) -> str:
    container = api.create_container(
        image_id, entrypoint=["true"], labels=owners.labels("passwd"), use_config_proxy=False
    )["Id"]
    try:
        chunks, _ = api.get_archive(container, "/etc/passwd")
        archive = io.BytesIO(b"".join(chunks))
    finally:
        api.remove_container(container, force=True, v=True)
    with tarfile.open(fileobj=archive) as tar:
        member = tar.next()
        file = tar.extractfile(member) if member and member.isfile() else None
        return file.read(MOST_BYTES).decode(errors="replace") if file else ""


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
    os.replace(file.name, path)
