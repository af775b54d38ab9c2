"""Trajectories as HTML: a fragment for the eval report, or a page of its own."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from qwright.agent.events import Event
from qwright.agent.viewer import wording
from qwright.agent.viewer.markdown import as_html
from qwright.agent.viewer.steps import read_steps
from qwright.tools.sanitise import sanitise

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = Path(__file__).parent / "templates"


def fragment(events: Iterable[Event]) -> str:
    """The trajectory as an element to be put into a page that has this folder's style."""
    return templates().get_template("trajectory.html.j2").render(found=read_steps(events))


def page(title: str, facts: Sequence[tuple[str, str]], events: Iterable[Event]) -> str:
    """A page of its own that loads nothing; its only script is ours, named by hash."""
    script = asset("trajectory.js")
    return (
        templates()
        .get_template("page.html.j2")
        .render(
            title=title,
            facts=[(name, value) for name, value in facts if value],
            found=read_steps(events),
            style=asset("trajectory.css"),
            script=script,
            policy=policy(script),
        )
    )


def policy(script: str) -> str:
    """A Content-Security-Policy under which `script` may run, and nothing may be loaded."""
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def asset(name: str, folder: Path = FOLDER) -> str:
    """A style or script of ours, to be written into a page."""
    return (folder / name).read_text(encoding="utf-8")


def templates(*folders: Path) -> Environment:
    """Templates of these folders and of this one. Everything is escaped but markdown."""
    return _environment((*folders, FOLDER))


@cache
def _environment(folders: tuple[Path, ...]) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "seconds": wording.seconds,
        "amount": wording.amount,
        "dollars": wording.dollars,
        "percent": wording.percent,
        "plural": wording.plural,
        "harmless": sanitise,
        "markdown": _markdown,
        # A style or script of ours, never what a model or a program said.
        "ours": Markup,
    }
    made.filters.update(cast("dict[str, Any]", filters))
    return made


def _markdown(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(as_html(text))
