"""Markdown of a model's as HTML that loads nothing and runs nothing."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def as_html(text: str) -> str:
    """Safe HTML of `text`: no HTML of its own, no picture, no link that is a script."""
    return _parser().render(text)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # No HTML of the model's, and no picture: opening the page must not reach out to anybody.
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
