"""openat2(2): open a path so that the kernel itself keeps it beneath a directory.

A check of a path followed by an open of it is a race that a container can win; this is not.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

from qwright.sandbox.errors import WorkspaceError

_SYSCALL = 437  # the same number on x86-64 and aarch64
_NO_MAGICLINKS = 0x02
_NO_SYMLINKS = 0x04
_BENEATH = 0x08
_TRIES = 64


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


_libc = ctypes.CDLL(None, use_errno=True)


def open_beneath(
    directory: int, path: str, flags: int, mode: int = 0, *, links: bool = True
) -> int:
    """Open `path` relative to the descriptor `directory` and return a new descriptor.

    Symbolic links are followed only while they stay beneath `directory`, and not at all when
    `links` is false. Raises OSError as open(2) does; EXDEV means that the path leads outside.
    Raises WorkspaceError where the kernel has no openat2.
    """
    if sys.platform != "linux":
        raise WorkspaceError("qwright works on Linux only: it needs the openat2 system call")
    how = _OpenHow(flags | os.O_CLOEXEC, mode, _BENEATH | _NO_MAGICLINKS)
    if not links:
        how.resolve |= _NO_SYMLINKS
    name = os.fsencode(path)
    failed = 0
    for _ in range(_TRIES):
        descriptor: int = _libc.syscall(
            _SYSCALL, directory, name, ctypes.byref(how), ctypes.sizeof(how)
        )
        if descriptor >= 0:
            return descriptor
        failed = ctypes.get_errno()
        # EAGAIN: something was renamed while ".." was resolved, so the kernel could not be sure.
        if failed not in (errno.EAGAIN, errno.EINTR):
            break
    if failed == errno.ENOSYS:
        raise WorkspaceError("this kernel has no openat2: qwright needs Linux 5.6 or newer")
    raise OSError(failed, os.strerror(failed), path)
