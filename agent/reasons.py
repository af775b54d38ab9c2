"""Why an attempt stands: what AttemptChosen says, in English; a person reads it `translated`."""

from __future__ import annotations

PASSES = "`{command}` passes"
LEAST_FAILING = "{failed} of {total} tests fail, the fewest"
FIRST_CHANGE = "the first that changed something"
MOST_PASSING = "passes the most tests, {most}"
SMALLEST = "the tests do not tell them apart: the smallest change"
SMALLEST_UNTESTED = "no tests tell them apart: the smallest change"
NO_TIME = "no time to compare them: the first"
ONLY_CHANGE = "the only change there is"
ONLY_END = "the only one that came to its end"
NO_CHANGE = "none changed anything"
ALL = (
    *(PASSES, LEAST_FAILING, FIRST_CHANGE, MOST_PASSING, SMALLEST, SMALLEST_UNTESTED),
    *(NO_TIME, ONLY_CHANGE, ONLY_END, NO_CHANGE),
)
