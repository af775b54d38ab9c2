from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qwright.sandbox.container import sweep_orphans
from qwright.sandbox.engine import connect_blocking
from qwright.sandbox.owners import SESSION

pytestmark = [pytest.mark.docker]

DYING = """
import os, signal, sys
from qwright.sandbox.engine import connect_blocking
from qwright.sandbox.passwd import passwd_file

api = connect_blocking().api
api.get_archive = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
passwd_file(api, api.inspect_image(sys.argv[1])["Id"], (4321, 4321))
"""


def test_a_process_that_dies_while_it_looks_leaves_nothing_for_ever(
    image: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DYING, image],
        env={
            **os.environ,
            "QWRIGHT_HOME": str(tmp_path),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    label = {"label": f"{SESSION}=passwd"}
    left = [one["Id"] for one in connect_blocking().api.containers(all=True, filters=label)]
    assert left
    assert set(left) <= set(asyncio.run(sweep_orphans()))
    assert connect_blocking().api.containers(all=True, filters=label) == []
