"""The report as a file: everything it needs is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from qwright.agent.errors import ConfigError
from qwright.agent.viewer import wording
from qwright.agent.viewer.page import asset, policy, templates
from qwright.evals.report.detail import FOLDER, detail, packed
from qwright.evals.report.folder import RunFolder, read_run
from qwright.evals.report.headline import comparisons, facts_of, failures_of, titled, words_for
from qwright.evals.report.plots import Run, plots_of
from qwright.evals.report.rows import (
    ORDER,
    WORDS,
    Row,
    class_of,
    is_graded,
    is_resolved,
    mark_of,
    rows_of,
)
from qwright.evals.result import Result
from qwright.evals.stats import summarise
from qwright.tools.sanitise import shown_name


class Chosen(TypedDict):
    """A sample as the page's script knows it."""

    payload: str
    """The id of the element that holds its detail."""
    label: str
    mark: str
    words: str


def write_report(runs: Path | Sequence[Path], target: Path | None = None) -> Path:
    """Write one page about these runs' folders, side by side where there are several.

    The page goes to `target`, or to report.html in the first folder; returns where it is.
    Raises ConfigError when a folder is no run, or the page cannot be written.
    """
    folders = [read_run(one) for one in ([runs] if isinstance(runs, Path) else runs)]
    file = target or folders[0].directory / "report.html"
    text = _page(folders)
    try:
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        shown = shown_name(str(file))
        raise ConfigError(f"cannot write {shown}: {error.strerror}; name another file") from None
    return file


def _page(folders: Sequence[RunFolder]) -> str:
    names = titled(folders)
    runs = [
        Run(name, one.instances, one.results, summarise(one.results, one.instances))
        for name, one in zip(names, folders, strict=True)
    ]
    rows = rows_of(folders)
    index, payloads = _details(rows, names)
    script = asset("trajectory.js") + asset("report.js", FOLDER)
    return (
        templates(FOLDER)
        .get_template("report.html.j2")
        .render(
            title=f"{len(runs)} runs" if len(runs) > 1 else names[0],
            runs=runs,
            facts=[facts_of(one) for one in folders],
            comparisons=comparisons(runs),
            plots=plots_of(runs),
            failures=failures_of(runs),
            rows=rows,
            marks=Counter(row.mark for row in rows),
            order=ORDER,
            words=WORDS,
            index=index,
            payloads=payloads,
            style=asset("trajectory.css") + asset("report.css", FOLDER),
            script=script,
            policy=policy(script),
            seconds=wording.seconds,
            amount=wording.amount,
        )
    )


def _details(
    rows: Sequence[Row], names: Sequence[str]
) -> tuple[list[list[Chosen]], Mapping[str, str]]:
    """By row, its samples; and by id, their compressed details."""
    index: list[list[Chosen]] = []
    payloads: dict[str, str] = {}
    repeated = any(sample.result.sample for row in rows for _, sample in row.samples)
    for row in rows:
        index.append([])
        for at, sample in row.samples:
            key = f"payload-{len(payloads)}"
            payloads[key] = packed(detail(sample, row.instance))
            label = " · ".join(
                [names[at]] * (len(names) > 1)
                + [f"sample {sample.result.sample + 1}"] * (repeated or len(names) == 1)
            )
            index[-1].append(_chosen(key, label, sample.result))
    return index, payloads


def _chosen(key: str, label: str, result: Result) -> Chosen:
    mark = mark_of(int(is_resolved(result)), int(is_graded(result)))
    words = WORDS[mark] if not (found := class_of(result)) else f"{WORDS[mark]}: {words_for(found)}"
    return Chosen(payload=key, label=label, mark=mark, words=words)
