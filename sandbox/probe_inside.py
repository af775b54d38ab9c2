"""Runs inside a sandbox and prints as JSON what it finds in force there; see `probe`.

Only the standard library: in the container there is no qwright.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import socket

X86 = platform.machine() == "x86_64"
BAD = ctypes.c_void_p(1)
"""An address no call can use, so that one the filter lets through fails with EFAULT."""
NEW_USER = 0x10000000
CALLS: dict[str, tuple[int, tuple[object, ...]]] = {
    "io_uring_setup": (425, (1, BAD)),
    "bpf": (321 if X86 else 280, (0, BAD, 128)),
    "keyctl": (250 if X86 else 219, (0, -3, 0)),
    "userfaultfd": (323 if X86 else 282, (-1,)),
    "perf_event_open": (298 if X86 else 241, (BAD, 0, -1, -1, 0)),
    "ptrace": (101 if X86 else 117, (0, 0, 0, 0)),
    "process_vm_readv": (310 if X86 else 270, (0, BAD, -1, BAD, -1, 0)),
    "mount": (165 if X86 else 40, (BAD, BAD, BAD, 0, BAD)),
    "unshare": (272 if X86 else 97, (NEW_USER,)),
    "clone new user": (56 if X86 else 220, (NEW_USER | 0x100, 0, 0, 0, 0)),
    "setns": (308 if X86 else 268, (-1, 0)),
    "kexec_load": (246 if X86 else 104, (0, -1, BAD, -1)),
    "init_module": (175 if X86 else 105, (BAD, 0, BAD)),
    "open_by_handle_at": (304 if X86 else 265, (-1, BAD, 0)),
}
SOCKETS = {
    "AF_VSOCK": (40, socket.SOCK_STREAM, 0),
    "AF_ALG": (38, socket.SOCK_SEQPACKET, 0),
    "AF_PACKET": (17, socket.SOCK_RAW, 0),
    "AF_NETLINK netfilter": (16, socket.SOCK_RAW, 12),
}
LIMITS = {
    "pids": ("pids/pids.max", "pids.max"),
    "memory": ("memory/memory.limit_in_bytes", "memory.max"),
    "cpu": ("cpu/cpu.cfs_quota_us", "cpu.max"),
}


def call_error(number: int, arguments: tuple[object, ...]) -> str:
    """The name of the error of a system call, empty when it succeeded."""
    library = ctypes.CDLL(None, use_errno=True)
    result: int = library.syscall(ctypes.c_long(number), *arguments)
    return errno.errorcode.get(ctypes.get_errno(), "?") if result == -1 else ""


def socket_error(family: int, kind: int, protocol: int) -> str:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "?")
    return ""


def write_error(path: str) -> str:
    try:
        with open(path, "w"):
            os.unlink(path)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "?")
    return ""


def status() -> dict[str, str]:
    """The lines of /proc/self/status by name."""
    with open("/proc/self/status") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


def limit(places: tuple[str, str]) -> str:
    """The value of a limit under cgroup v1 or v2, empty when there is no file for it."""
    for place in places:
        try:
            with open(f"/sys/fs/cgroup/{place}") as file:
                return file.read().strip()
        except OSError:
            continue
    return ""


def main() -> None:
    found = {
        "status": status(),
        "limits": {name: limit(places) for name, places in LIMITS.items()},
        "interfaces": sorted(os.listdir("/sys/class/net")),
        "write to /": write_error("/.qwright-probe"),
        "errors": {name: call_error(*call) for name, call in CALLS.items()}
        | {name: socket_error(*which) for name, which in SOCKETS.items()},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
