"""What opens when a sample is chosen: rendered here, kept compressed until a browser asks."""

from __future__ import annotations

import zlib
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from qwright.agent.eventlog import read_events
from qwright.agent.render.read_diff import FileDiff, read_diff
from qwright.agent.viewer.page import templates
from qwright.agent.viewer.steps import clipped, read_steps
from qwright.evals.instance import Instance, TestGrading
from qwright.evals.report.folder import Sample
from qwright.tools.sanitise import sanitise

FOLDER = Path(__file__).parent / "templates"
_LONGEST = 200_000
"""Characters of a patch that are drawn."""
_TESTS = (("FAIL_TO_PASS", "Must pass now"), ("PASS_TO_PASS", "Must still pass"))


@dataclass(frozen=True, slots=True)
class Tests:
    """What the grader said of one list of tests."""

    title: str
    failed: list[str]
    passed: list[str]
    missing: list[str]
    """Tests of the task that the verdict does not name."""


def detail(sample: Sample, instance: Instance) -> str:
    """HTML of one sample: panels of trajectory, patches, tests, grader's log and task."""
    result = sample.result
    template = templates(FOLDER).get_template("detail.html.j2")
    return template.render(
        result=result,
        instance=instance,
        prompt=sanitise(instance.prompt),
        found=read_steps(read_events(sample.folder / "events.jsonl")),
        patch=_files(result.solution.patch if result.solution else ""),
        gold=_files(instance.gold or ""),
        tests=_tests(sample, instance),
        log=clipped(sample.text("grade/test_output.txt")),
        note=sanitise(result.verdict.note) if result.verdict else "",
        error=sanitise(result.error),
    )


def packed(html: str) -> str:
    """Deflated without a header, in base64: what DecompressionStream("deflate-raw") reads."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = packer.compress(html.encode("utf-8", errors="replace")) + packer.flush()
    return b64encode(data).decode()


def _files(patch: str) -> list[FileDiff]:
    cut = sanitise(patch[:_LONGEST])
    files = read_diff(cut)
    if len(patch) > _LONGEST:
        files.append(FileDiff("the rest", note=f"{len(patch) - _LONGEST:,} characters not shown"))
    return files


def _tests(sample: Sample, instance: Instance) -> list[Tests]:
    verdict = sample.result.verdict
    if verdict is None or not isinstance(instance.grading, TestGrading):
        return []
    wanted = (instance.grading.fail_to_pass, instance.grading.pass_to_pass)
    found: list[Tests] = []
    for (key, title), names in zip(_TESTS, wanted, strict=True):
        said = verdict.tests.get(key, {})
        failed, passed = said.get("failure", []), said.get("success", [])
        known = {*failed, *passed}
        missing = [name for name in names if name not in known]
        shown = [[sanitise(name) for name in some] for some in (failed, passed, missing)]
        found.append(Tests(title, *shown))
    return [one for one in found if one.failed or one.passed or one.missing]
