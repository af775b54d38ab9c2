"""Trajectories in mini-swe-agent's format 1.1, for its inspector and whatever else reads that."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qwright.agent import __version__
from qwright.agent import events as ev
from qwright.agent.errors import ConfigError
from qwright.agent.eventlog import read_events
from qwright.evals.report.folder import RunFolder, Sample, read_run
from qwright.evals.run.ledger import folder_name

FORMAT = "mini-swe-agent-1.1"
_STATUS: Mapping[str, str] = {
    "done": "Submitted",
    "not_verified": "Submitted",
    "turn_limit": "LimitsExceeded",
    "token_limit": "LimitsExceeded",
    "cost_limit": "LimitsExceeded",
    "time_limit": "TimeExceeded",
}
"""How a run ended, in its words; other endings keep ours."""


def export_mini(run_dir: Path, target: Path) -> Path:
    """Write <id>/<id>.traj.json and preds.json of the first samples, and sample-<n>/ of others.

    What mini-swe-agent itself wrote is copied. Returns `target`. Raises ConfigError.
    """
    run = read_run(run_dir)
    model = str(run.record.get("model") or "qwright")
    prompts = {one.id: one.prompt for one in run.instances}
    preds: defaultdict[Path, dict[str, dict[str, str]]] = defaultdict(dict)
    try:
        for sample in run.samples:
            instance, number = sample.result.instance, sample.result.sample
            if sample.result.state != "done" or sample.result.solution is None:
                continue
            folder = target / f"sample-{number}" if number else target
            _write_trajectory(folder, sample, run, prompts.get(instance, ""))
            preds[folder][instance] = {
                "model_name_or_path": model,
                "instance_id": instance,
                "model_patch": sample.result.solution.patch,
            }
        target.mkdir(parents=True, exist_ok=True)
        for folder, found in {target: dict[str, dict[str, str]](), **preds}.items():
            (folder / "preds.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}") from error
    return target


def trajectory(events: Iterable[ev.Event], prompt: str) -> list[dict[str, Any]]:
    """The messages of a run, all but the last one, whose role is "exit"."""
    talk = _Talk(prompt)
    for event in events:
        talk.hear(event)
    talk.end_turn()
    return talk.messages


def _write_trajectory(folder: Path, sample: Sample, run: RunFolder, prompt: str) -> None:
    name = folder_name(sample.result.instance)
    file = folder / name / f"{name}.traj.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    own = next(iter(sorted(sample.folder.glob("*.traj.json"))), None)
    if own:
        file.write_bytes(own.read_bytes())
        return
    events = read_events(sample.folder / "events.jsonl")
    data = _document(sample, run, trajectory(events, prompt))
    file.write_text(json.dumps(data, indent=2), encoding="utf-8")


def _document(sample: Sample, run: RunFolder, messages: list[dict[str, Any]]) -> dict[str, Any]:
    solution = sample.result.solution
    assert solution is not None
    status = _STATUS.get(solution.reason, solution.reason)
    extra = {"exit_status": status, "submission": solution.patch}
    config = {
        "agent": run.record.get("settings") or {},
        "agent_type": "qwright",
        "model": {"model_name": run.record.get("model")},
        "model_type": "qwright",
        "environment": {},
        "environment_type": "qwright",
    }
    info = {
        "model_stats": {"instance_cost": solution.cost or 0.0, "api_calls": solution.calls},
        "config": config,
        "mini_version": "",
        "qwright_version": __version__,
        **extra,
    }
    end = {"role": "exit", "content": solution.patch, "extra": extra}
    return {
        "info": info,
        "messages": [*messages, end],
        "trajectory_format": FORMAT,
        "instance_id": sample.result.instance,
    }


class _Talk:
    """Messages from events: one of the model for each turn, and one for each result."""

    def __init__(self, prompt: str) -> None:
        self.messages: list[dict[str, Any]] = []
        self._say(prompt)
        self._begin()

    def hear(self, event: ev.Event) -> None:
        match event:
            case ev.TurnStarted():
                self.end_turn()
            case ev.TextDelta():
                self._text += event.text
            case ev.ReasoningDelta():
                self._thought += event.text
            case ev.Retrying():
                self._text = self._thought = ""
            case ev.UsageReported():
                self._usage = event
            case ev.ToolStarted():
                self._calls.append(event)
            case ev.ToolFinished():
                self._results.append(_observation(event))
            case _:
                self._hear_beside(event)

    def _hear_beside(self, event: ev.Event) -> None:
        """What the harness says between two answers."""
        match event:
            case ev.VerifyFinished():
                self.end_turn()
                self._say(_verified(event), {"returncode": event.exit_code})
            case ev.AttemptStarted():
                self.end_turn()
                self._say(f"Attempt {event.attempt} of {event.of} begins.")
            case ev.AttemptChosen():
                self.end_turn()
                self._say(f"Attempt {event.attempt} was chosen: {event.why}")
            case _:
                pass

    def end_turn(self) -> None:
        """What the model said and was answered, if it said anything."""
        if self._text or self._thought or self._calls:
            self.messages += [self._answer(), *self._results]
        self._begin()

    def _begin(self) -> None:
        self._text = self._thought = ""
        self._usage: ev.UsageReported | None = None
        self._calls: list[ev.ToolStarted] = []
        self._results: list[dict[str, Any]] = []

    def _say(self, text: str, extra: dict[str, Any] | None = None) -> None:
        self.messages.append({"role": "user", "content": text, "extra": extra or {}})

    def _answer(self) -> dict[str, Any]:
        usage = self._usage
        tokens = usage.request if usage else ev.Tokens()
        counted = {
            "prompt_tokens": tokens.prompt,
            "completion_tokens": tokens.completion,
            "total_tokens": tokens.prompt + tokens.completion,
        }
        message: dict[str, Any] = {
            "role": "assistant",
            "content": self._text,
            "extra": {
                "actions": [_action(call) for call in self._calls],
                "cost": (usage.cost if usage else None) or 0.0,
                "response": {"usage": counted},
            },
        }
        if self._thought:
            message["reasoning_content"] = self._thought
        if self._calls:
            message["tool_calls"] = [_call(call) for call in self._calls]
        return message


def _action(call: ev.ToolStarted) -> dict[str, Any]:
    command = call.arguments.get("command")
    told = command if isinstance(command, str) else f"{call.name} {json.dumps(call.arguments)}"
    return {"command": told, "tool_call_id": call.id}


def _call(call: ev.ToolStarted) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _observation(event: ev.ToolFinished) -> dict[str, Any]:
    code = event.details.get("exit_code")
    returned = code if isinstance(code, int) else int(event.is_error)
    extra = {"raw_output": event.text, "returncode": returned}
    return {"role": "tool", "tool_call_id": event.id, "content": event.text, "extra": extra}


def _verified(event: ev.VerifyFinished) -> str:
    return f"{event.command}\nended with {event.exit_code}:\n{event.output}"
