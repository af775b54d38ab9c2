"""Questions beside the conversation: a session's title, a commit's message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import aclosing

from qwright.agent.compaction import changed_files
from qwright.agent.cost import cost_of, counted
from qwright.agent.errors import ModelError
from qwright.agent.limits import Budget, Limits, Stop
from qwright.agent.messages import Message
from qwright.agent.model import Finish, Model, RetryChunk, TextDelta
from qwright.agent.profile import Profile
from qwright.tools.sanitise import sanitise
from qwright.tools.truncate import truncate

_TITLE_WORDS = 6
_TITLE_CHARACTERS = 50
_SUBJECT = 72
_BODY = 1_000
_PATIENCE = 30.0
"""Seconds for a question that somebody did not ask themselves."""
_DIFF_SHARE = 0.25
"""Of the window, for the diff; code has some three characters to a token."""
_ROOM_TO_THINK = 2_000
"""Tokens more for a model that may think before it answers."""
_THOUGHTS = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```\w*\n(.*?)(\n```|\Z)", re.DOTALL)
_OPENING = re.compile(
    r"\A\W*(?:(?:sure|okay|certainly|of course|here(?:'s| is| are)|the)\b[^\n]*:\s*\n"
    r"|(?:suggested |git |session )?(?:title|commit(?: message)?|subject|message)\W*:)\s*",
    re.IGNORECASE,
)
_QUOTES = "\"'`*_\u201c\u201d\u2018\u2019\u300c\u300d\u00ab\u00bb"


async def ask_aside(
    model: Model,
    profile: Profile,
    prompt: str,
    *,
    max_output: int,
    budget: Budget | None = None,
) -> str:
    """One question without tools; the conversation does not see it. `max_output` is in tokens.

    `budget` counts what it takes; without one it has half a minute. Raises ModelError, Stop.
    """
    budget = budget or Budget(Limits(seconds=_PATIENCE))
    messages, text = [Message(role="user", content=prompt)], list[str]()
    room = max_output + (_ROOM_TO_THINK if profile.thinking != "none" else 0)
    asked = model.stream(messages, [], max_output=min(room, profile.max_output))
    async with aclosing(asked) as stream:
        while (chunk := await budget.wait(anext(stream, None))) is not None:
            match chunk:
                case TextDelta():
                    text.append(chunk.text)
                case RetryChunk():
                    text.clear()
                case Finish():
                    usage = counted(chunk, messages, [])
                    budget.spend(usage, cost_of(usage, profile))
                case _:
                    pass
    return sanitise("".join(text))


async def title_for(
    model: Model, profile: Profile, prompt: str, answer: str, *, budget: Budget | None = None
) -> str:
    """At most six words for a session that began so. Never fails: the prompt's own must do then.

    A small model is not asked: it names badly, and a single-user engine would be busy meanwhile.
    """
    own = _short(" ".join(prompt.split()))
    if profile.prompt == "small":
        return own
    asked = (
        f"Name this conversation in at most {_TITLE_WORDS} words, in the language of the request. "
        "Answer with the name alone.\n\n"
        f"Request: {truncate(prompt, 1_500)}\n\nAnswer: {truncate(answer, 800)}"
    )
    try:
        said = await ask_aside(model, profile, asked, max_output=40, budget=budget)
    except (ModelError, Stop):
        return own
    first = next(iter(_cleaned(said).splitlines()), "")
    return _short(first.strip(f" #.{_QUOTES}")) or own


async def commit_message(
    model: Model,
    profile: Profile,
    diff: str,
    log_examples: Sequence[str] = (),
    *,
    budget: Budget | None = None,
) -> str:
    """A message for `diff` in the style of former ones. Never fails: then it names the files."""
    style = "".join(f"\n- {one}" for one in log_examples)
    like = f"\nFormer subjects of this project, whose style to keep:{style}" if style else ""
    room = max(2_000, round(profile.context * _DIFF_SHARE * 3))
    asked = (
        f"Write the git commit message for the change below. The first line has at most {_SUBJECT} "
        "characters and says what the change does. Where that does not explain itself, add an "
        "empty line and one or two sentences that say why. Answer with the message alone."
        f"{like}\n\n{truncate(diff, room)}"
    )
    try:
        said = await ask_aside(model, profile, asked, max_output=200, budget=budget)
    except (ModelError, Stop):
        said = ""
    return _message(_cleaned(said)) or _names(diff)


def _cleaned(said: str) -> str:
    """An answer without what models put around it: thoughts, fences, a word before, quotes."""
    text = _THOUGHTS.sub("", said)
    if fenced := _FENCED.search(text):
        text = fenced[1]
    before = ""
    while text != before:
        before, text = text, _OPENING.sub("", text.strip()).strip()
    inner = text.strip(_QUOTES)
    quoted = text[:1] in _QUOTES and text[-1:] in _QUOTES and text[:1] not in inner
    return inner.strip() if quoted else text


def _short(text: str) -> str:
    """The first words of a line, within the length of a title."""
    words = text.split()[:_TITLE_WORDS]
    return " ".join(words)[:_TITLE_CHARACTERS].strip()


def _message(text: str) -> str:
    """Subject, empty line, body; "" for what has no subject."""
    subject, _, body = text.partition("\n")
    subject = subject.strip(" #")
    if len(subject) > _SUBJECT:
        subject = subject[: _SUBJECT + 1].rpartition(" ")[0] or subject[:_SUBJECT]
    # A line that begins with # would be a comment to git.
    lines = [line.rstrip() for line in body.strip().splitlines() if not line.startswith("#")]
    rest = "\n".join(lines).strip()[:_BODY]
    return f"{subject}\n\n{rest}".strip() if subject else ""


def _names(diff: str) -> str:
    files = [line.rsplit(" +", 1)[0] for line in changed_files(diff).splitlines()]
    if not files:
        return "Change files"
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"Change {files[0][: _SUBJECT - 20]}{more}"
