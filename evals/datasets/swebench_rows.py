"""SWE-bench rows: the classic columns, those of version 5, and workspaces that need no image."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from qwright.evals.datasets.eval_script import eval_script
from qwright.evals.datasets.patch_text import touched
from qwright.evals.datasets.rows import Row
from qwright.evals.instance import (
    DirectorySource,
    GitSource,
    ImageSource,
    Instance,
    SdistSource,
    Source,
    TestGrading,
)

MOUNT = "/testbed"
_KEPT = (
    *("repo", "version", "base_commit", "environment_setup_commit", "created_at", "difficulty"),
    *("hints_text", "test_patch", "license", "language"),
)
_FAR = re.compile(r"(https?|ssh|git)://|[\w.-]+@[\w.-]+:")
"""What is no place of this machine."""
_CONDA = "/opt/miniconda3/envs/testbed/bin:$PATH"
"""Where SWE-bench's own Python images have the interpreter that the project is installed in."""


def is_swebench(row: Row) -> bool:
    return {"instance_id", "problem_statement"} <= row.data.keys()


def swebench_instance(row: Row) -> Instance:
    """Classic columns, with those of version 5 or `test_cmd` and `log_parser` for grading.

    `workspace` says where the files are when not in an image: {pypi, sha256, root}, {git, commit},
    {path}. `setup` are commands that install what the project needs. Raises ConfigError.
    """
    identity = row.id("instance_id")
    workspace = row.mapping("workspace")
    mount = row.optional("mount") or MOUNT
    source = ImageSource(path=mount) if workspace is None else _source(row, workspace)
    mount = source.path if isinstance(source, ImageSource) else mount
    image = row.optional("image") or row.optional("image_name") or row.optional("docker_image")
    if not image and isinstance(source, ImageSource):
        image = hub_image(identity)
    return Instance(
        id=identity,
        prompt=row.text("problem_statement"),
        source=source,
        grading=_grading(row, mount),
        gold=row.optional("patch") or None,
        image=image or None,
        mount=mount,
        env=_environment(row, image),
        setup=row.names("setup") if row.data.get("setup") else (),
        timeout=row.number("timeout", 1800.0),
        metadata={name: row.data[name] for name in _KEPT if row.data.get(name) is not None},
    )


def hub_image(identity: str) -> str:
    """The image of an instance, as SWE-bench names those it publishes."""
    name = identity.lower().replace("__", "_1776_")
    return f"swebench/sweb.eval.x86_64.{name}:latest"


def _source(row: Row, workspace: dict[str, Any]) -> Source:
    inner = Row(f"{row.where}: workspace", row.folder, workspace)
    if "pypi" in workspace:
        name, _, version = inner.text("pypi").partition("==")
        if not name or not version:
            raise inner.error("pypi must be name==version")
        tree = row.optional("base_commit") or None
        digest, root = inner.text("sha256"), inner.optional("root")
        return SdistSource(name=name, version=version, sha256=digest, root=root, tree=tree)
    if "git" in workspace:
        commit = inner.optional("commit") or row.text("base_commit")
        url = inner.text("git")
        far = _FAR.match(url)
        return GitSource(url=url if far else _place(inner, url), commit=commit)
    if "path" in workspace:
        return DirectorySource(path=Path(_place(inner, inner.text("path"))))
    if "image" in workspace:
        return ImageSource(path=inner.text("image"))
    raise inner.error("needs one of pypi, git, path, image")


def _place(row: Row, named: str) -> str:
    """A place beneath the data set's folder: a row, whoever wrote it, reaches no other.

    Raises ConfigError.
    """
    folder = row.folder.resolve()
    near = (folder / named).resolve()
    if not (near.exists() and near.is_relative_to(folder)):
        raise row.error(f"{named!a} is nothing in the data set's own folder: put it there")
    return str(near)


def _environment(row: Row, image: str) -> dict[str, str]:
    path = row.optional("python_path")
    found = {"PYTHONPATH": path} if path else {}
    if "sweb.eval." in image:
        found["PATH"] = _CONDA
    return found


def _grading(row: Row, mount: str) -> TestGrading:
    test_patch = row.optional("test_patch")
    script = row.optional("eval_script")
    if not script and row.optional("test_cmd"):
        path = row.optional("python_path")
        script = eval_script(
            row.text("test_cmd"),
            test_patch,
            mount=mount,
            commit=row.optional("base_commit") or "HEAD",
            env={"PYTHONPATH": path} if path else {},
            before=row.names("pre_install") if row.data.get("pre_install") else (),
        )
    return TestGrading(
        eval_script=script,
        fail_to_pass=row.names("FAIL_TO_PASS") if script else (),
        pass_to_pass=row.names("PASS_TO_PASS") if script else (),
        log_parser=row.text("log_parser") if script else "",
        eval_type="fail_only" if row.optional("eval_type") == "fail_only" else "pass_and_fail",
        test_paths=touched(test_patch).paths,
    )
