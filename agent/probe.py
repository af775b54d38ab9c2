"""Trying a server out: what it says of itself, and what a few small requests show."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from qwright.agent.dialects import Constraint, DialectName
from qwright.agent.dialects.select import dialect_for
from qwright.agent.endpoint import Endpoint
from qwright.agent.errors import (
    ConstraintRefusedError,
    ContextOverflowError,
    ModelError,
    ToolsRefusedError,
)
from qwright.agent.fitting import fitted, profile_behind, small_window, text_form
from qwright.agent.learned import Learned, recall, remember, remember_info, spoken_form
from qwright.agent.model import ToolSpec
from qwright.agent.openai_client import preload
from qwright.agent.probe_asking import Answer, Ears, Question, ask, filler
from qwright.agent.probe_findings import (
    Finding,
    cache,
    decode,
    dressed,
    introduced,
    judged,
    prefill,
    shown,
    spoken,
    streaming,
    thinking,
    usage,
)
from qwright.agent.profile import OwnProfile, Profile
from qwright.agent.server_info import ServerInfo, describe, mending_line

_PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
_READ = ToolSpec("read_file", "Read a file.", _PATH)
_LIST = ToolSpec("list_directory", "List a directory.", _PATH)
_TOOLS = (_READ, _LIST)
_AGENT = "You are a coding agent. Use the tools."
_ONE = Question(_AGENT, "Read the file README.md.", _TOOLS, 160)
_PROSE = Question(_AGENT, "Say hello in one sentence. Do not call anything.", _TOOLS, 160)
_TWO = Question(
    _AGENT,
    "Read the files a.txt and b.txt: make two calls in one answer, nothing else.",
    _TOOLS,
    240,
)
_PROMPT_TOKENS = 300
"""Of the request that is timed, about."""
_LONG_TOKENS = 5_000
"""Of the prompt that shows whether a server cuts what it is sent, about."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `error` is why nothing could be asked, when that is so."""

    endpoint: Endpoint
    profile: Profile
    """As runs will use it."""
    findings: tuple[Finding, ...]
    error: ModelError | None = None


async def probe(
    endpoint: Endpoint, own: Sequence[OwnProfile], say: Callable[[str], None]
) -> Report:
    """Ask the server everything, and remember what was learned. `say` hears what is going on."""
    say("asking the server what it is")
    await asyncio.to_thread(preload)
    info = await describe(endpoint, seconds=1.8)
    endpoint = replace(endpoint, provider=info.provider)
    learned = remember_info(endpoint, info) if info.answered else recall(endpoint)
    known = profile_behind(endpoint.model, info, own)
    return await _Probe(endpoint, known, info, learned, say).run()


class _Probe:
    """The questions in their order; each later one may use what earlier ones found."""

    def __init__(
        self,
        endpoint: Endpoint,
        known: Profile,
        info: ServerInfo,
        learned: Learned,
        say: Callable[[str], None],
    ) -> None:
        self._endpoint = endpoint
        self._known = known
        self._info = info
        self._learned = learned
        self._say = say
        self._ears = Ears()
        self._thought = False
        """Whether thoughts came that nobody had asked for."""
        self._findings: list[Finding] = []

    async def run(self) -> Report:
        self._findings += introduced(self._endpoint, self._info)
        error = await self._text()
        if error is None:
            await self._thoughts()
            await self._calls()
            await self._window()
            self._findings.append(self._sight())
            self._keep()
        return Report(self._endpoint, self._profile, tuple(self._findings), error)

    @property
    def _profile(self) -> Profile:
        return fitted(self._known, self._info, self._learned)

    async def _text(self) -> ModelError | None:
        """Streaming, usage and speed, then the same request again for the cache."""
        self._say("asking for text")
        question = _counting()
        try:
            first = await self._ask(question, "native")
            second = await self._ask(question, "native")
        except ModelError as error:
            self._findings.append(Finding("text", "failed", str(error)))
            return error
        self._findings += [streaming(first), usage(first), cache(first, second)]
        self._findings += [prefill(first), decode(first, second)]
        self._thought = first.thought
        return None

    async def _thoughts(self) -> None:
        if self._profile.thinking == "none" and not self._thought:
            self._findings.append(Finding("thinking", "no", "no thoughts came"))
            return
        self._say("asking it to think")
        question = Question("You are helpful.", "What is 17 * 23?", (), 400)
        try:
            on = await self._ask(question, "native", effort_off=False)
            off = await self._ask(question, "native")
        except ModelError as error:
            self._findings.append(Finding("thinking", "failed", str(error)))
            return
        self._findings.append(thinking(on, off))

    async def _calls(self) -> None:
        self._learn(unbound=False)
        native = await self._native()
        form = text_form(self._known, self._info)
        text = await self._call(f"calls as text ({form})", form)
        if self._info.constraint != "none":
            await self._held(form, self._info.constraint)
        self._learn(dialect=_instead_of_native(native, text, form))
        if self._profile.constraint == "strict":
            await self._strict()
        profile = self._profile
        held = _is_held(profile.dialect, profile.constraint)
        self._findings.append(spoken(profile, native, held=held))
        await self._parallel(profile)

    def _learn(self, **changes: object) -> None:
        self._learned = self._learned.model_copy(update={**changes, "at": time.time()})

    async def _native(self) -> Answer | None:
        """None where the server takes no tools."""
        self._say("asking for a native call")
        name = "native calls"
        try:
            answer = await self._ask(_ONE, "native")
        except ToolsRefusedError as error:
            self._findings.append(Finding(name, "no", f"refused: {error}"))
            return None
        except ModelError as error:
            self._findings.append(Finding(name, "failed", str(error)))
            return None
        found = judged(name, answer)
        if answer.calls and not answer.native:
            detail = f"the call came as text, {dressed(answer.text)}; qwright reads it"
            found = Finding(name, "no", detail)
        self._findings.append(found)
        return answer

    async def _call(self, name: str, form: DialectName) -> Answer | None:
        self._say(f"asking for {name}")
        try:
            answer = await self._ask(_ONE, form)
        except ModelError as error:
            self._findings.append(Finding(name, "failed", str(error)))
            return None
        self._findings.append(judged(name, answer))
        return answer

    async def _held(self, form: DialectName, held: Constraint) -> None:
        """Ask for anything but a call: one that comes all the same was forced."""
        name = f"constrained calls ({held})"
        self._say(f"asking for {name}")
        try:
            answer = await self._ask(_PROSE, form, held, require_call=True)
        except ModelError as error:
            self._refused(name, error)
            return
        good = bool(answer.calls) and not any(call.error for call in answer.calls)
        detail = f"asked for prose; {shown(answer)}"
        self._findings.append(Finding(name, "yes" if good else "no", detail))

    async def _strict(self) -> None:
        self._say("asking for a strict call")
        try:
            self._findings.append(judged("strict calls", await self._ask(_ONE, "native", "strict")))
        except ModelError as error:
            self._refused("strict calls", error)

    def _refused(self, name: str, error: ModelError) -> None:
        if isinstance(error, ConstraintRefusedError):
            self._learn(unbound=True)
            self._findings.append(Finding(name, "no", f"refused: {error}"))
        else:
            self._findings.append(Finding(name, "failed", str(error)))

    async def _parallel(self, profile: Profile) -> None:
        self._say("asking for two calls at once")
        try:
            answer = await self._ask(_TWO, profile.dialect, profile.constraint, require_call=True)
        except ModelError as error:
            self._findings.append(Finding("parallel calls", "failed", str(error)))
            return
        paths = [call.arguments.get("path") for call in answer.calls]
        good = paths == ["a.txt", "b.txt"]
        result = "yes" if good else "no"
        self._findings.append(Finding("parallel calls", result, shown(answer)))

    async def _window(self) -> None:
        info = self._info
        if info.context is None and info.provider == "ollama":
            # The model is loaded by now, so its window is decided.
            info = await describe(self._endpoint, seconds=1.8)
            self._info = replace(self._info, context=info.context)
        if info.context:
            detail = "as the server says" + self._remedy()
            self._findings.append(Finding("window", f"{info.context:,} tokens", detail))
        elif self._endpoint.is_loopback:
            self._findings.append(await self._measured_window())
        else:
            detail = f"the server does not say; by the model's name {self._known.context:,}"
            self._findings.append(Finding("window", "unknown", detail))

    async def _measured_window(self) -> Finding:
        self._say("sending a long prompt")
        question = Question(filler(_LONG_TOKENS), "Say OK.", (), 4)
        try:
            answer = await self._ask(question, "native")
        except ContextOverflowError as error:
            if not error.window:
                return Finding("window", "failed", str(error))
            self._info = replace(self._info, context=error.window)
            return Finding("window", f"{error.window:,} tokens", "a longer prompt was refused")
        except ModelError as error:
            return Finding("window", "failed", str(error))
        counted = answer.usage.prompt
        if not counted:
            return Finding("window", "unknown", "the server neither says nor counts")
        if counted > 0.8 * _LONG_TOKENS:
            return Finding("window", "unknown", f"the server does not say; at least {counted:,}")
        self._info = replace(self._info, context=counted)
        detail = f"of a longer prompt no more was read, without a word{self._remedy()}"
        return Finding("window", f"about {counted:,} tokens", detail)

    def _remedy(self) -> str:
        if not small_window(self._known, self._info):
            return ""
        return f"; little for an agent: {mending_line(self._info.provider)}"

    def _sight(self) -> Finding:
        if self._info.vision is None:
            seen = "yes" if self._known.vision else "no"
            return Finding("vision", "unknown", f"the server does not say; by the name: {seen}")
        return Finding("vision", "yes" if self._info.vision else "no", "as the server says")

    def _keep(self) -> None:
        refused = tuple(sorted(self._ears.fields))
        facts = replace(self._info, template=None)
        kept = {"refused": refused, "info": facts, "strayed": 0}
        remember(self._endpoint, self._learned.model_copy(update=kept))

    async def _ask(
        self,
        question: Question,
        form: DialectName,
        constraint: Constraint = "none",
        *,
        require_call: bool = False,
        effort_off: bool = True,
    ) -> Answer:
        dialect = dialect_for(form, constraint=constraint, require_call=require_call)
        profile = fitted(self._known, self._info, Learned())
        hybrid = profile.thinking == "hybrid"
        effort = ("off" if effort_off else "low") if hybrid else None
        return await ask(self._endpoint, profile, dialect, question, self._ears, effort)


def _counting() -> Question:
    # Begun with what no server can have in its cache.
    system = f"Session {secrets.token_hex(8)}. {filler(_PROMPT_TOKENS)}"
    return Question(system, "Count from 1 to 20, separated by spaces.", (), 64)


def _is_held(form: DialectName, constraint: Constraint) -> bool:
    """Whether requests in this form say anything of the constraint."""
    free, bound = (
        dialect_for(form, constraint=one, require_call=True).request(_TOOLS)
        for one in ("none", constraint)
    )
    return free != bound


def _instead_of_native(
    native: Answer | None, text: Answer | None, form: DialectName
) -> DialectName | None:
    """What to speak where native calls do not come as such; None where they do."""
    if native and native.native and native.calls:
        return None
    if text and text.calls:
        return form
    return spoken_form(native.text) if native and native.calls else None
