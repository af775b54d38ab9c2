"""A Model behind any OpenAI-compatible server. The only module that imports openai."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from qwright.agent import __version__
from qwright.agent.cache_markers import HEADERS
from qwright.agent.dialects import Dialect, Reader
from qwright.agent.dialects.lenient_json import JsonValue
from qwright.agent.dialects.native import NativeDialect
from qwright.agent.endpoint import Endpoint
from qwright.agent.errors import (
    ContextOverflowError,
    ModelConnectionError,
    ModelError,
)
from qwright.agent.failures import (
    broken_answer,
    no_connection,
    says_overflow,
    silence,
    status_failure,
)
from qwright.agent.learned import Notes
from qwright.agent.messages import Message
from qwright.agent.model import (
    CallChunk,
    Chunk,
    Finish,
    PrefillChunk,
    RetryChunk,
    Sampling,
    ToolSpec,
    Usage,
)
from qwright.agent.profile import Profile
from qwright.agent.request_body import Ask, refused_fields, request_body
from qwright.agent.retry import RetryPolicy, retry_after, retry_wait
from qwright.agent.server_chunk import ServerChunk, model_names, read_chunk
from qwright.agent.thinking import Effort, thinks

if TYPE_CHECKING:
    from openai import APIError, APIStatusError, AsyncOpenAI, AsyncStream

_USAGE_GRACE = 5.0
"""Seconds the usage may come after the answer's last token; some servers never end the stream."""
_CONNECT = 10.0


def preload() -> None:
    """Import the SDK (about half a second) while something else is waited for."""
    import openai as openai


@dataclass(slots=True)
class _Attempt:
    """What one request has brought so far."""

    finish: str | None = None
    usage: Usage = field(default_factory=Usage)
    any_event: bool = False
    any_call: bool = False
    """Whether the server read a call."""

    def note(self, chunk: ServerChunk) -> None:
        self.any_event = True
        self.any_call = self.any_call or bool(chunk.delta.calls)
        self.finish = chunk.finish or self.finish
        self.usage = chunk.usage or self.usage


class OpenAIModel:
    """Streams answers from an endpoint, in the dialect of the model's profile.

    `fallback` gives the dialect to go on with after a refusal of tools or of a constraint; `notes`
    hears of fields that are refused, and of more. `stall` is how many seconds without a byte count
    as a dead server. Not for use from more than one event loop.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        profile: Profile,
        dialect: Dialect,
        *,
        effort: Effort | None = None,
        fallback: Callable[[ModelError], Dialect | None] | None = None,
        notes: Notes | None = None,
        retries: RetryPolicy | None = None,
        stall: float | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.profile = profile
        self._dialect = dialect
        self._effort: Effort | None = effort
        self._fallback = fallback
        self._notes = notes
        self._retries = retries or RetryPolicy()
        self._stall = stall or (600.0 if endpoint.is_loopback else 120.0)
        self._refused: set[str] = set(notes.refused if notes else ())
        self._client: AsyncOpenAI | None = None

    async def stream(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        *,
        sampling: Sampling | None = None,
        max_output: int | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        """As `Model.stream`. Retries by itself; each retry is announced by a RetryChunk."""
        ask: Ask | None = Ask(messages, tools, sampling, max_output, self._effort)
        while ask:
            again: Ask | None = None
            async with aclosing(self._patiently(ask)) as chunks:
                async for chunk in chunks:
                    yield chunk
                    if isinstance(chunk, RetryChunk) and chunk.usage:
                        again = replace(ask, effort="off")
            ask = again

    async def _patiently(self, ask: Ask) -> AsyncGenerator[Chunk, None]:
        failures = 0
        while True:
            try:
                async with aclosing(self._ask(ask)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except ModelError as error:
                if self._falls_back(error):
                    yield RetryChunk(str(error), 1, 0.0)
                    continue
                failures += 1
                wait = retry_wait(error, failures, self._retries, jitter=random.random())
                if wait is None:
                    raise
                reason = str(error)
            yield RetryChunk(reason, failures, wait)
            await asyncio.sleep(wait)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _ask(self, ask: Ask) -> AsyncGenerator[Chunk, None]:
        """One request. Calls and the Finish come after the server's own end of the answer."""
        stream = await self._open(ask)
        reader, attempt = self._dialect.reader(ask.tools), _Attempt()
        async with stream:
            async for chunk in self._chunks(stream, attempt):
                if chunk.read:
                    yield PrefillChunk(*chunk.read)
                for shown in reader.feed(chunk.delta):
                    yield shown
                if reader.done:
                    attempt.finish = attempt.finish or "stop"
                    break
        if attempt.finish is None:
            cause = "the stream ended early"
            raise broken_answer(self.endpoint, cause, any_event=attempt.any_event)
        last = reader.finish(attempt.finish)
        for chunk in last:
            yield chunk
        calls = any(isinstance(one, CallChunk) for one in last)
        if calls and self._notes and isinstance(self._dialect, NativeDialect):
            self._notes.called(native=attempt.any_call, text=reader.text)
        finish = _finish(reader, attempt, calls=calls)
        yield self._worth_asking_again(ask, finish, reader) or finish

    def _worth_asking_again(self, ask: Ask, finish: Finish, reader: Reader) -> RetryChunk | None:
        """For thoughts that used up the whole answer, where the model can do without."""
        empty = finish.reason == "length" and not (finish.text.strip() or reader.cut)
        hybrid = self.profile.thinking == "hybrid" and thinks(self.profile, ask.effort)
        if not (empty and finish.reasoning and hybrid):
            return None
        return RetryChunk("its thoughts left no room for an answer", 1, 0.0, finish.usage)

    async def _chunks(
        self, stream: AsyncStream[object], attempt: _Attempt
    ) -> AsyncIterator[ServerChunk]:
        """The server's events. After the answer's end a broken or silent stream is no failure."""
        import openai

        events = aiter(stream)
        while True:
            grace = _USAGE_GRACE if attempt.finish else None
            try:
                async with asyncio.timeout(grace):
                    chunk = read_chunk(cast(JsonValue, await anext(events)))
            except StopAsyncIteration:
                return
            except (openai.APIError, ValueError, TimeoutError) as error:
                if attempt.finish:
                    return
                raise self._stream_failure(error, attempt) from error
            attempt.note(chunk)
            yield chunk

    async def _open(self, ask: Ask) -> AsyncStream[object]:
        """Send the request; once more without the fields a server says it does not know."""
        import openai

        while True:
            body = request_body(
                self.endpoint, self.profile, self._dialect, ask, refused=self._refused
            )
            try:
                return await self._post(body)
            except openai.APIStatusError as error:
                failure = await self._status_failure(error)
                self._note_window(failure)
                if self._falls_back(failure):
                    continue
                refused = set[str]()
                # One that names max_tokens may mean that prompt and answer are too long together.
                if _is_complaint(error) and not isinstance(failure, ContextOverflowError):
                    refused |= refused_fields(body, _said(error))
                if refused:
                    self._leave_out(refused)
                else:
                    raise failure from error
            except openai.APITimeoutError as error:
                raise self._timeout(error) from error
            except openai.APIConnectionError as error:
                raise no_connection(self.endpoint, _cause(error)) from error

    def _leave_out(self, refused: set[str]) -> None:
        self._refused |= refused
        if self._notes:
            self._notes.fields_refused(refused)

    def _note_window(self, failure: ModelError) -> None:
        window = failure.window if isinstance(failure, ContextOverflowError) else None
        if self._notes and window:
            self._notes.window_found(window)

    def _falls_back(self, failure: ModelError) -> bool:
        other = self._fallback(failure) if self._fallback else None
        self._dialect = other or self._dialect
        return other is not None

    async def _post(self, body: dict[str, Any]) -> AsyncStream[object]:
        """Plain decoded events: servers put more into them than the SDK's types know."""
        from openai import AsyncStream

        client = self._connected()
        return await client.post(
            "/chat/completions",
            cast_to=object,
            body=body,
            stream=True,
            stream_cls=AsyncStream[object],
        )

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            self._client = _client(self.endpoint, self._stall)
        return self._client

    async def _status_failure(self, error: APIStatusError) -> ModelError:
        wait = retry_after(dict(error.response.headers), datetime.now(UTC))
        offered = await self._offered() if error.status_code == 404 else []
        return status_failure(
            self.endpoint, error.status_code, _said(error), retry_after=wait, offered=offered
        )

    async def _offered(self) -> list[str]:
        """The names of the models the server has; empty when it does not tell."""
        import openai

        try:
            answer = await self._connected().get(
                "/models", cast_to=object, options={"timeout": _CONNECT}
            )
        except (openai.APIError, ValueError):
            return []
        return model_names(cast(JsonValue, answer))

    def _timeout(self, error: APIError) -> ModelConnectionError:
        if "Connect" in type(error.__cause__).__name__:
            return no_connection(self.endpoint, "timed out")
        return silence(self.endpoint, self._stall)

    def _stream_failure(self, error: Exception, attempt: _Attempt) -> ModelError:
        """What broke a running answer: the line, the server's own error event, or no JSON."""
        import openai

        if isinstance(error, openai.APITimeoutError):
            return silence(self.endpoint, self._stall)
        if isinstance(error, openai.APIError) and not isinstance(error, openai.APIConnectionError):
            code = int(error.code) if error.code and error.code.isdigit() else 0
            status = code if code >= 400 else 500
            return status_failure(self.endpoint, status, error.message)
        cause = "no JSON in an event" if isinstance(error, json.JSONDecodeError) else _cause(error)
        return broken_answer(self.endpoint, cause, any_event=attempt.any_event)


def _client(endpoint: Endpoint, stall: float) -> AsyncOpenAI:
    from openai import AsyncOpenAI, DefaultAsyncHttpx2Client, Timeout

    timeout = Timeout(stall, connect=_CONNECT)
    # A proxy variable must not send loopback requests away, nor is there a certificate to check.
    plain = endpoint.is_loopback and endpoint.base_url.startswith("http:")
    http = DefaultAsyncHttpx2Client(timeout=timeout, trust_env=not plain, verify=not plain)
    client = AsyncOpenAI(
        api_key=endpoint.key or "none",
        base_url=endpoint.base_url,
        timeout=timeout,
        max_retries=0,
        default_headers=_headers(endpoint),
        http_client=http,
    )
    if endpoint.provider != "openai":
        client.organization = client.project = None
    return client


def _headers(endpoint: Endpoint) -> dict[str, str]:
    more = HEADERS if endpoint.provider == "dashscope" else {}
    return {"User-Agent": f"qwright/{__version__}", **more}


def _is_complaint(error: APIStatusError) -> bool:
    """Whether a server may mind a field; one that is only asked for too much names them as well."""
    return error.status_code in (400, 422) and not says_overflow(_said(error))


def _said(error: APIStatusError) -> str:
    """The server's own words: message and code of its error object, or else what it sent."""
    body = cast(dict[str, Any], error.body) if isinstance(error.body, dict) else {}
    parts = [str(body[key]) for key in ("message", "code") if body.get(key)]
    parts += [f"{key} {body[key]}" for key in ("n_prompt_tokens", "n_ctx") if body.get(key)]
    return ", ".join(parts) or error.response.text or error.message


def _cause(error: BaseException) -> str:
    """The innermost cause, which is the one that says something."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__


def _finish(reader: Reader, attempt: _Attempt, *, calls: bool) -> Finish:
    cut = attempt.finish == "length" or reader.cut
    reason = "calls" if calls else "length" if cut else "stop"
    return Finish(reason, attempt.usage, reader.text, reader.reasoning)
