"""What a run comes to: the numbers of summary.json."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from pydantic import BaseModel, ConfigDict

from qwright.evals.instance import Instance
from qwright.evals.result import Result, Solution
from qwright.evals.stats.estimate import (
    Interval,
    Ratio,
    Spread,
    pass_all,
    pass_at,
    share,
    spread,
)
from qwright.evals.stats.failures import FailureClass, failure_class


class Use(BaseModel):
    """What the agent took, by graded sample."""

    model_config = ConfigDict(frozen=True)
    tokens: Spread = Spread()
    """Prompt and completion together."""
    prompt_tokens: Spread = Spread()
    completion_tokens: Spread = Spread()
    cached_tokens: Spread = Spread()
    estimated: bool = False
    """Whether a server left out some count."""
    cost: Spread | None = None
    """US dollars, over the samples whose cost is known; None where none is."""
    seconds: Spread = Spread()
    """The agent's own wall time."""
    turns: Spread = Spread()
    calls: Spread = Spread()
    """Requests to the model."""
    attempts: Spread = Spread()


class Calls(BaseModel):
    """How often calls of tools go wrong, over all graded samples."""

    model_config = ConfigDict(frozen=True)
    errors: Ratio = Ratio()
    """Calls whose result is an error."""
    edit_errors: Ratio = Ratio()
    """Of the calls that change a file."""
    malformed: Ratio = Ratio()
    """Calls that could not be read or did not fit their schema."""


class Summary(BaseModel):
    """Every share is of graded samples; faults of the infrastructure stand apart."""

    model_config = ConfigDict(frozen=True)
    instances: int
    """All of the run."""
    missing: tuple[str, ...] = ()
    """Instances without one graded sample."""
    samples: int = 0
    """Graded."""
    repeats: int = 0
    """The most graded samples of an instance."""
    resolved: int = 0
    """Samples."""
    rate: Interval
    """Resolved, over instances; repeats of one instance count as a cluster."""
    by_sample: tuple[Interval, ...] = ()
    """Resolved among the first, second, ... samples."""
    pass_at: dict[int, Interval] = {}
    """By k: at least one of k samples is right."""
    pass_all: dict[int, Interval] = {}
    """By k: all of k samples are right (pass^k)."""
    use: Use = Use()
    tools: Calls = Calls()
    phases: dict[str, Spread] = {}
    """Seconds of testbed, agent, grade."""
    failures: dict[FailureClass, int] = {}
    """Graded samples that are not resolved, by where that comes from; most frequent first."""
    infra: dict[str, int] = {}
    """Samples that failed for the infrastructure, by class; not part of any share."""
    stopped: int = 0
    """Samples that a limit of the whole run, or a person, stopped; not part of any share."""


def summarise(results: Sequence[Result], instances: Sequence[Instance]) -> Summary:
    """The numbers of a run. `results` of unknown instances are left out."""
    known = {one.id for one in instances}
    results = [one for one in results if one.instance in known]
    graded = [one for one in results if one.state == "done" and one.verdict and one.solution]
    by_instance = _passes(graded)
    solutions = [one.solution for one in graded if one.solution]
    faults = Counter(one.fault or "other" for one in results if one.state == "failed")
    return Summary(
        instances=len(known),
        missing=tuple(one.id for one in instances if one.id not in by_instance),
        samples=len(graded),
        repeats=max(map(len, by_instance.values()), default=0),
        resolved=sum(map(_is_resolved, graded)),
        rate=share([fmean(passes) for passes in by_instance.values()], len(graded)),
        by_sample=_by_sample(graded),
        pass_at=_over_k(by_instance, pass_at),
        pass_all=_over_k(by_instance, pass_all),
        failures=_failures(graded),
        infra=dict(faults.most_common()),
        stopped=sum(one.state == "stopped" for one in results),
        phases=_phases(graded),
        use=_use(solutions),
        tools=_calls(solutions),
    )


def _is_resolved(result: Result) -> bool:
    return result.verdict is not None and result.verdict.resolved


def _passes(graded: Sequence[Result]) -> dict[str, list[bool]]:
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for one in graded:
        found[one.instance].append(_is_resolved(one))
    return dict(found)


def _by_sample(graded: Sequence[Result]) -> tuple[Interval, ...]:
    found: defaultdict[int, list[float]] = defaultdict(list)
    for one in graded:
        found[one.sample].append(float(_is_resolved(one)))
    return tuple(share(found[number], len(found[number])) for number in sorted(found))


def _over_k(
    by_instance: Mapping[str, Sequence[bool]], estimate: Callable[[int, int, int], float]
) -> dict[int, Interval]:
    """By k, over the instances with at least k samples."""
    most = max(map(len, by_instance.values()), default=0)
    found: dict[int, Interval] = {}
    for k in range(1, most + 1):
        enough = [passes for passes in by_instance.values() if len(passes) >= k]
        rates = [estimate(len(passes), sum(passes), k) for passes in enough]
        found[k] = share(rates, sum(map(len, enough)))
    return found


def _failures(graded: Sequence[Result]) -> dict[FailureClass, int]:
    classes = map(failure_class, graded)
    found: Counter[FailureClass] = Counter()
    found.update(one for one in classes if one)
    return dict(found.most_common())


def _phases(graded: Sequence[Result]) -> dict[str, Spread]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for one in graded:
        for name, seconds in one.phases.items():
            found[name].append(seconds)
    return {name: spread(values) for name, values in found.items()}


def _use(solutions: Sequence[Solution]) -> Use:
    tokens = [one.tokens for one in solutions]
    costs = [one.cost for one in solutions if one.cost is not None]
    return Use(
        tokens=spread([one.prompt + one.completion for one in tokens]),
        prompt_tokens=spread([one.prompt for one in tokens]),
        completion_tokens=spread([one.completion for one in tokens]),
        cached_tokens=spread([one.cached for one in tokens]),
        estimated=any(one.estimated for one in tokens),
        cost=spread(costs) if costs else None,
        seconds=spread([one.seconds for one in solutions]),
        turns=spread([one.turns for one in solutions]),
        calls=spread([one.calls for one in solutions]),
        attempts=spread([one.attempts for one in solutions]),
    )


def _calls(solutions: Sequence[Solution]) -> Calls:
    made = sum(one.tool_calls for one in solutions)
    malformed = sum(one.malformed for one in solutions)
    return Calls(
        errors=Ratio(count=sum(one.tool_errors for one in solutions), of=made),
        edit_errors=Ratio(
            count=sum(one.edit_errors for one in solutions),
            of=sum(one.edit_calls for one in solutions),
        ),
        # One that nobody could read may not have been counted as made.
        malformed=Ratio(count=malformed, of=max(made, malformed)),
    )
