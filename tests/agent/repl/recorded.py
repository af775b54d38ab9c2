"""A session as it happens: what the views of the REPL are tested with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qwright.agent import events as ev
from qwright.tools.diff import unified

PROMPT = (
    "The test for quantities in the cart fails. Find out why, fix it, and say what you changed."
)
_OLD = '''class Cart:
    """What a customer wants to buy."""

    def __init__(self):
        self.items = []

    def total(self):
        return sum(item.price for item in self.items)

    def empty(self):
        return not self.items
'''
_NEW = _OLD.replace(
    "        return sum(item.price for item in self.items)\n",
    '        """The price of everything, quantities counted."""\n'
    "        return sum(item.price * item.quantity for item in self.items)\n",
).replace("def empty(self)", "def is_empty(self) -> bool")
_FAILING = """============================= test session starts ==============================
collected 14 items

tests/test_cart.py ..F..                                                  [ 35%]
tests/test_checkout.py .........                                          [100%]

    def test_total_counts_quantities():
        cart = Cart()
        cart.add(Item("apple", 2.5, quantity=3))
>       assert cart.total() == 7.5
E       assert 2.5 == 7.5

tests/test_cart.py:31: AssertionError
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_total_counts_quantities - assert 2.5 == 7.5
========================= 1 failed, 13 passed in 0.42s ========================="""
_PASSING = """..............                                                           [100%]
14 passed in 0.38s
All checks passed!
Success: no issues found in 31 source files
done"""
ANSWER = """The total ignored **quantities**: `Cart.total` added each price once, whatever \
`quantity` said. It is fixed in `src/shop/cart.py`, and the whole suite passes now.

## What changed

1. `total` multiplies each price by its quantity.
2. `empty` is called `is_empty`, as its only caller in `src/shop/checkout.py` already expected; \
the old name stays nowhere.
   - no public import changed
   - *two* tests cover it

```python
def total(self) -> float:
\t\"\"\"The price of everything, quantities counted.\"\"\"
\treturn sum(item.price * item.quantity for item in self.items)
```

| Case | Before | After |
|:-----|-------:|:-----:|
| one apple at 2.50 | 2.50 | 2.50 |
| 三个苹果 | 2.50 | 7.50 |

> Prices are floats; for money you may want `decimal.Decimal`, see [the \
docs](https://docs.python.org/3/library/decimal.html).

- [x] fixed
- [ ] released

Anything else I should look at?"""
_STEPS = (
    "Run the failing test and read what it says",
    "Make the total count quantities",
    "Rename `empty` where it is used",
    "Run the whole suite",
)
_STATES = {"x": "completed", ">": "in_progress", " ": "pending"}
_Called = tuple[ev.ToolStarted, ev.ToolFinished]
_TOKENS = ev.Tokens(prompt=14230, cached=11800, completion=1204)


def called(
    name: str, arguments: dict[str, Any], *, error: bool = False, seconds: float = 0.01, **told: Any
) -> _Called:
    """A call and its result; `told` is the details, and `text` what the model was told."""
    text = str(told.pop("text", ""))
    key = f"{name}-{len(str(arguments))}"
    return (
        ev.ToolStarted(id=key, name=name, arguments=arguments),
        ev.ToolFinished(
            id=key, name=name, is_error=error, text=text, details=told, seconds=seconds
        ),
    )


def planned(states: str) -> _Called:
    todos = [
        {"content": step, "status": _STATES[state]}
        for step, state in zip(_STEPS, states, strict=True)
    ]
    left = sum(state != "x" for state in states)
    return called("todo_write", {"todos": todos}, todos=todos, left=left)


def ran(command: str, code: int, output: str, seconds: float) -> _Called:
    return called(
        "run_shell_command",
        {"command": command},
        error=code != 0,
        seconds=seconds,
        exit_code=code,
        output=output,
        timed_out=False,
        out_of_memory=False,
    )


def edited(path: str, before: str | None, after: str) -> _Called:
    diff = unified(path, before, after)
    name = "edit" if before else "write_file"
    return called(
        name, {"path": path}, path=path, diff=diff.text, added=diff.added, removed=diff.removed
    )


def streamed(text: str, size: int = 5) -> list[ev.Event]:
    parts = (text[at : at + size] for at in range(0, len(text), size))
    return [ev.TextDelta(text=part) for part in parts]


def finished(reason: ev.StopReason = "done", text: str = "") -> ev.RunFinished:
    return ev.RunFinished(
        reason=reason, text=text, turns=4, tokens=_TOKENS, seconds=94.2, cost=0.0123
    )


def session() -> Sequence[ev.Event]:
    """A whole run: everything that a good one shows, and what can go wrong on the way."""
    deep = "packages/storefront/src/main/python/shop/internal/checkout/a_long_name_for_it.py"
    docs = "# The cart\n\n" + "".join(f"Line {number} of the docs.\n" for number in range(30))
    check = "python -m pytest -q && ruff check . && mypy --strict src/shop packages/storefront"
    missing = "src/shop/checkout.py: old_string was not found.\n    if cart.empty():"
    return [
        ev.RunStarted(session="s1", model="qwen3-coder-30b", prompt=PROMPT),
        ev.TurnStarted(turn=1),
        *(ev.Prefilling(done=done, total=2048) for done in (0, 512, 1536, 2048)),
        *(ev.ReasoningDelta(text=word) for word in ("I run", " the test", " first.")),
        *streamed("I'll start with the failing test, then look at `Cart.total`.\n"),
        *planned(">   "),
        *ran("python -m pytest -q", 1, _FAILING, 1.24),
        ev.TurnStarted(turn=2),
        *called("read_file", {"path": "src/shop/cart.py"}, first=1, last=11, lines=11),
        *called("read_file", {"path": deep, "offset": 120}, first=120, last=199, lines=412),
        *called("grep_search", {"pattern": r"\.empty\(", "path": "src", "glob": "*.py"}, matches=3),
        *called("glob", {"pattern": "tests/**/test_*.py"}, count=12),
        *called("list_directory", {"path": "src/shop"}, text="cart.py"),
        *planned("x>  "),
        *streamed("`total` never looks at `quantity`. I change that.\n\n"),
        *edited("src/shop/cart.py", _OLD, _NEW),
        ev.CheckpointMade(step=3, commit="abc"),
        *called("edit", {"path": "src/shop/checkout.py"}, error=True, text=missing),
        *edited("docs/cart.md", None, docs),
        *planned("xxx>"),
        *ran(f"{check}\necho done", 0, _PASSING, 73.2),
        *planned("xxxx"),
        *streamed("This text is void, since the req"),
        ev.Retrying(reason="the server closed the connection", attempt=1, wait=2.0),
        ev.Compacted(summary="...", before=30100, after=9200),
        ev.Notice(text="the model's window is nearly full"),
        ev.TurnStarted(turn=4),
        *streamed(ANSWER),
        ev.VerifyFinished(command="make check", exit_code=0, output="ok", seconds=1.3),
        finished(text=ANSWER),
    ]
