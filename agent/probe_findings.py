"""The rows of a probe: what an answer shows."""

from __future__ import annotations

from dataclasses import dataclass

from qwright.agent.endpoint import Endpoint
from qwright.agent.messages import ToolCall
from qwright.agent.probe_asking import Answer
from qwright.agent.profile import Profile
from qwright.agent.server_info import ServerInfo


@dataclass(frozen=True, slots=True)
class Finding:
    """One row. `result` is short: yes, no, unknown, failed, or a value with its unit."""

    name: str
    result: str
    detail: str = ""


def introduced(endpoint: Endpoint, info: ServerInfo) -> list[Finding]:
    server = Finding("server", f"{info.provider} {info.version}".strip(), endpoint.shown_url)
    listed = endpoint.model in info.models or f"{endpoint.model}:latest" in info.models
    others = ", ".join(info.models[:8]) + (", ..." if len(info.models) > 8 else "")
    detail = info.weights if listed else f"not in its list: {others}" if info.models else ""
    return [server, Finding("model", endpoint.model, detail)]


def streaming(answer: Answer) -> Finding:
    if answer.pieces > 2:
        return Finding("streaming", "yes", f"in {answer.pieces} pieces")
    return Finding("streaming", "no", "the answer came in one piece")


def usage(answer: Answer) -> Finding:
    used = answer.usage
    if not (used.prompt and used.completion):
        return Finding("usage", "no", "the server counts no tokens")
    return Finding("usage", "yes", f"{used.prompt} prompt, {used.completion} answer tokens")


def cache(first: Answer, second: Answer) -> Finding:
    cached, of = second.usage.cached, second.usage.prompt
    times = f"first token after {first.first:.2f} s, again after {second.first:.2f} s"
    if cached:
        return Finding("prompt cache", "yes", f"{cached} of {of} tokens the second time; {times}")
    if second.first < first.first / 3:
        return Finding("prompt cache", "yes", f"not counted, but {times}")
    return Finding("prompt cache", "no", f"nothing cached the second time; {times}")


def prefill(answer: Answer) -> Finding:
    used = answer.usage
    seconds = used.prompt_seconds or answer.first
    read = used.prompt - used.cached
    if read <= 0 or seconds <= 0:
        return Finding("prompt speed", "unknown", "the server counts no tokens")
    return Finding("prompt speed", f"{read / seconds:,.0f} tokens/s", _clock(used.prompt_seconds))


def decode(*answers: Answer) -> Finding:
    """The faster of two: whatever else the machine does slows them."""
    speeds = [speed for answer in answers if (speed := answer.decode_speed)]
    if not speeds:
        return Finding("answer speed", "unknown", "the server counts no tokens")
    clock = _clock(answers[0].usage.completion_seconds)
    return Finding("answer speed", f"{max(speeds):,.1f} tokens/s", clock)


def _clock(seconds: float) -> str:
    return "by the server's clock" if seconds else "as it arrived here"


def thinking(on: Answer, off: Answer) -> Finding:
    if not on.thought:
        return Finding("thinking", "no", "none came, though the model is known to have some")
    if off.thought:
        return Finding("thinking", "yes", "and it cannot be switched off")
    return Finding("thinking", "yes", "and it can be switched off")


def judged(name: str, answer: Answer) -> Finding:
    """Whether the one call that was asked for came."""
    good = [call for call in answer.calls if _is_asked(call)]
    if len(answer.calls) == len(good) == 1:
        return Finding(name, "yes", "the call is valid")
    return Finding(name, "no", shown(answer))


def _is_asked(call: ToolCall) -> bool:
    return call.name == "read_file" and call.arguments == {"path": "README.md"} and not call.error


def shown(answer: Answer) -> str:
    """What came, in short."""
    if answer.calls:
        made = [
            f"{call.name}({', '.join(map(str, call.arguments.values()))})" for call in answer.calls
        ]
        return "came: " + ", ".join(made)
    words = " ".join(answer.text.split())
    return f"no call came, but: {words[:80]}" if words else "nothing came"


def dressed(text: str) -> str:
    """In what an answer's text holds its calls."""
    signs = {
        "<function=": "in <function=...> tags",
        "<tool_call>": "in <tool_call> tags",
        "<tools>": "in <tools> tags",
        "```": "in a code fence",
    }
    return next((shape for sign, shape in signs.items() if sign in text), "as bare JSON")


def spoken(profile: Profile, native: Answer | None, *, held: bool) -> Finding:
    bound = f" with {profile.constraint}" if held else ""
    why = "what runs will use"
    if profile.dialect != "native" and native and native.native and native.calls:
        why += "; the family is known to obey it better than native calls"
    return Finding("dialect", f"{profile.dialect}{bound}", why)
