"""A conversation as one HTML page that loads nothing, runs nothing, and reads by day and night."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING

from qwright.agent.export_parts import Part

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1c2024; --dim: #60646c;
  --line: #d9d9e0; --code: #f4f4f6; --you: #eef4ff; --good: #18794e; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --back: #15171a; --text: #e6e8eb; --dim: #9ba1a6;
  --line: #34383d; --code: #1f2226; --you: #1b2638; --good: #4cc38a; --bad: #ff8b7e; } }
body { background: var(--back); color: var(--text); max-width: 52rem; margin: 2rem auto;
  padding: 0 1rem; font: 16px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; color: var(--dim); }
dd { margin: 0; }
pre, code { font: .875rem/1.45 ui-monospace, monospace; background: var(--code);
  border-radius: 4px; }
pre { padding: .6rem .8rem; overflow-x: auto; white-space: pre-wrap; }
code { padding: .1rem .25rem; } pre code { padding: 0; }
section, details, p.note { margin: 1rem 0; }
.prompt { background: var(--you); border-radius: 8px; padding: .6rem .9rem; }
.prompt pre { background: none; padding: 0; margin: 0; font: inherit; }
summary { cursor: pointer; color: var(--dim); font-family: ui-monospace, monospace; }
.failed > summary { color: var(--bad); } .note { color: var(--dim); font-style: italic; }
ins { color: var(--good); text-decoration: none; } del { color: var(--bad);
  text-decoration: none; }
table { border-collapse: collapse; } td, th { border: 1px solid var(--line);
  padding: .2rem .5rem; }
"""


def as_html(title: str, facts: Iterable[tuple[str, str]], parts: Iterable[Part]) -> Iterator[str]:
    """The page in pieces. Everything in it is escaped; markdown is drawn for answers only."""
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n<dl>\n"
    )
    for name, value in facts:
        yield f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n" if value else ""
    yield "</dl>\n"
    markdown = _markdown()
    for part in parts:
        yield _shown(part, markdown)
    yield "</body>\n</html>\n"


def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # No HTML of the model's, and no picture: opening the page must not reach out to anybody.
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def _shown(part: Part, markdown: MarkdownIt) -> str:
    match part.kind:
        case "prompt":
            return f'<section class="prompt"><pre>{escape(part.body)}</pre></section>\n'
        case "answer":
            return f"<section>\n{markdown.render(part.body)}</section>\n"
        case "note":
            return f'<p class="note">{escape(part.head)}</p>\n'
        case "thought":
            return _folded("Thoughts", escape(part.body), "")
        case "call":
            body = _diff(part.body) if part.language == "diff" else escape(part.body)
            return _folded(part.head, body, "failed" if part.failed else "")


def _folded(head: str, body: str, kind: str) -> str:
    return f'<details class="{kind}"><summary>{escape(head)}</summary><pre>{body}</pre></details>\n'


def _diff(text: str) -> str:
    return "\n".join(map(_diff_line, text.splitlines()))


def _diff_line(line: str) -> str:
    safe = escape(line)
    if line.startswith(("+++", "---")):
        return safe
    return {"+": f"<ins>{safe}</ins>", "-": f"<del>{safe}</del>"}.get(line[:1], safe)
