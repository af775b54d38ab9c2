"""Calls as text, for servers that read none: tools in the system prompt, calls in the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qwright.agent.dialects import Constraint, Reader
from qwright.agent.dialects.forms import FORMS, FormName, instruction, wire_turns
from qwright.agent.dialects.grammar import call_grammar
from qwright.agent.dialects.history import prose_beside_calls
from qwright.agent.dialects.reader import TextReader
from qwright.agent.messages import Message
from qwright.agent.model import ToolSpec


class TextDialect:
    """Tools in the system prompt, calls and results as text, in one of the forms.

    `constraint` "grammar" (llama.cpp) and "structured" (vLLM, SGLang) send a grammar, so that a
    call cannot be malformed. `require_call`: then every answer must be a call.
    """

    def __init__(
        self,
        form: FormName = "hermes",
        *,
        constraint: Constraint = "none",
        require_call: bool = False,
    ) -> None:
        self._name: FormName = form
        self._form = FORMS[form]
        self._constraint = constraint
        self._require_call = require_call

    def system_suffix(self, tools: Sequence[ToolSpec]) -> str:
        return instruction(self._form, tools) if tools else ""

    def wire(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
        return wire_turns(messages, self.system_suffix(tools), lambda one: self._wire(one, tools))

    def request(self, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        if not tools or self._constraint not in ("grammar", "structured"):
            return {}
        grammar = call_grammar(tools, form=self._name, require_call=self._require_call)
        if self._constraint == "grammar":
            return {"extra_body": {"grammar": grammar}}
        # vLLM's name for it, and SGLang's; either overlooks the other's.
        return {"extra_body": {"structured_outputs": {"grammar": grammar}, "ebnf": grammar}}

    def reader(self, tools: Sequence[ToolSpec]) -> Reader:
        return TextReader(tools)

    def _wire(self, message: Message, tools: Sequence[ToolSpec]) -> dict[str, Any]:
        # Qwen's templates raise on a system message that is not the first.
        role = "user" if message.role == "system" else message.role
        parts = [message.content] if message.content else []
        if prose_beside_calls(message, tools) is None:
            good = (call for call in message.tool_calls if call.error is None)
            parts += [self._form.render(call) for call in good]
        return {"role": role, "content": "\n".join(parts)}
