"""Instances as SWE-bench has them: rows, and one image each, for the official tools."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from qwright.agent.errors import ConfigError
from qwright.evals.grade import swebench_border
from qwright.evals.grade.packing import Folder, pack
from qwright.evals.instance import TestGrading
from qwright.evals.testbed.prepare import Testbed
from qwright.sandbox import hardening, owners
from qwright.sandbox.engine import Engine, connect, in_engine
from qwright.sandbox.errors import SandboxError
from qwright.sandbox.execution import Command, output_of
from qwright.sandbox.image import BUILD_SECONDS, image_info

WORKDIR = "/testbed"
"""Where SWE-bench's harness looks for the files, always."""
ROWS = "rows.jsonl"
SESSION = "export"
_ENTRYPOINT = ["/usr/bin/env"]
"""Runs any command as it is. The engine does not let an image lose the one it was made from."""
_TEXTS = ("hints_text", "created_at", "test_patch", "difficulty", "version", "repo")


async def export_rows(
    testbeds: Sequence[Testbed], target: Path, progress: Callable[[str], None] = lambda line: None
) -> Path:
    """Write the instances to `target`/rows.jsonl, and build an image of this machine for each.

    `swebench eval target/rows.jsonl` and mini-swe-agent's `--subset target --split train` read
    them. Raises ConfigError for instances SWE-bench has no form for, SandboxError.
    """
    for testbed in testbeds:
        _require_form(testbed)
    engine = await connect(BUILD_SECONDS)
    rows: list[dict[str, Any]] = []
    for number, testbed in enumerate(testbeds, 1):
        progress(f"Building the image of {testbed.instance.id} ({number}/{len(testbeds)})")
        rows.append(exported_row(testbed, await _build(engine, testbed)))
    target.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    draft = target / f".{ROWS}.new"
    draft.write_text(text)
    os.replace(draft, target / ROWS)
    return target / ROWS


def exported_row(testbed: Testbed, image: str) -> dict[str, Any]:
    """The row of an instance whose files are in `image`. Classic columns and those of version 5."""
    instance = testbed.instance
    row = swebench_border.row(instance, image, testbed.eval_script)
    known = {name: str(instance.metadata.get(name) or "") for name in _TEXTS}
    return {
        **row,
        **known,
        "FAIL_TO_PASS": json.dumps(row["FAIL_TO_PASS"]),
        "PASS_TO_PASS": json.dumps(row["PASS_TO_PASS"]),
        "base_commit": testbed.commit,
        "environment_setup_commit": testbed.commit,
        "image_name": image,
        "python_path": instance.env.get("PYTHONPATH", ""),
    }


def image_name(identity: str) -> str:
    """The image of an instance as SWE-bench names those that are on no registry."""
    name = re.sub(r"[^a-z0-9_.-]+|_{3,}|[.-]{2,}", "-", identity.lower()).strip("-_.")
    if name != identity:
        name = f"{name or 'instance'}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    return f"sweb.eval.x86_64.{name}:latest"


def _require_form(testbed: Testbed) -> None:
    instance = testbed.instance
    if not isinstance(instance.grading, TestGrading):
        raise ConfigError(
            f"{instance.id} is not graded by a list of tests, so SWE-bench has no form for it; "
            "export instances with FAIL_TO_PASS."
        )
    if instance.mount.rstrip("/") != WORKDIR:
        raise ConfigError(
            f"{instance.id} lies at {instance.mount}, and SWE-bench's harness looks at {WORKDIR}; "
            "export instances that lie there."
        )


async def _build(engine: Engine, testbed: Testbed) -> str:
    name = image_name(testbed.instance.id)
    before = await image_info(engine, name)
    made = await in_engine("Building the image", lambda: _commit(engine, testbed, name))
    if before and before["Id"] != made:
        # Still used, or known by another name as well.
        with suppress(SandboxError):
            await in_engine(
                "Removing the old image",
                lambda: engine.api.remove_image(before["Id"], force=False),
            )
    return name


def _commit(engine: Engine, testbed: Testbed, name: str) -> str:
    """Blocks. The image's id."""
    api = engine.api
    own = api.inspect_image(testbed.image)["Config"]["Env"] or []
    container = api.create_container(
        testbed.image,
        entrypoint=_ENTRYPOINT,
        command=["sleep", "infinity"],
        # `docker stop`, as the harness does it, else waits for what never listens.
        stop_signal="SIGKILL",
        user="0:0",
        labels=owners.labels(SESSION),
        host_config=api.create_host_config(network_mode="none"),
        use_config_proxy=False,
    )["Id"]
    try:
        api.start(container)
        # What the image has there itself may know the future: its .git, for one.
        output_of(engine, container, Command(("rm", "-rf", WORKDIR), "0:0", workdir="/"))
        with tempfile.TemporaryFile() as archive:
            pack((Folder(testbed.directory, WORKDIR),), archive)
            api.put_archive(container, "/", archive)
        repository, _, tag = name.partition(":")
        return api.commit(container, repository, tag, changes=_changes(testbed, own))["Id"]
    finally:
        api.remove_container(container, force=True, v=True)


def _changes(testbed: Testbed, own: list[str]) -> list[str]:
    """What the image's configuration says beside its files, as lines of a Dockerfile."""
    given = testbed.instance.env
    full = hardening.environment("none", own, False, given)
    variables = [f"ENV {name}={json.dumps(full[name])}" for name in given]
    blank = f'{owners.PID}="" {owners.SESSION}=""'
    return [
        *variables,
        f"LABEL {blank}",
        f"WORKDIR {WORKDIR}",
        "USER root",
        'CMD ["bash"]',
    ]
