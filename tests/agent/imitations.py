"""What each kind of model server answers to questions about itself, with the fields of its source.

llama.cpp: tools/server/server-context.cpp; vLLM and SGLang: entrypoints/openai/protocol.py; Ollama:
api/types.go and server/routes.go; LM Studio: its REST documentation; OpenRouter: its model schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.agent.replay import Reply

HERMES_TEMPLATE = (
    "{%- if tools %}<|im_start|>system\n# Tools\n<tools>{{ tools | tojson }}</tools>\n"
    'Return <tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
    "{%- endif %}{%- for message in messages %}<|im_start|>{{ message.role }}\n"
    "{{ message.content }}<|im_end|>\n{%- endfor %}"
)
XML_TEMPLATE = HERMES_TEMPLATE.replace(
    '{"name": <function-name>, "arguments": <args-json-object>}',
    "<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n</parameter>\n"
    "</function>",
)
PLAIN_TEMPLATE = "{%- for message in messages %}{{ message.content }}{%- endfor %}"
NO_TOOLS = "registry.ollama.ai/library/m1:latest does not support tools"
"""What Ollama says (400) of a model whose template shows no tools."""
NO_PARSER = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
"""What vLLM says (400) when it was started without these flags."""
NO_JINJA = "tools param requires --jinja flag"
"""What llama-server says (500) when it was started without a template that can show tools."""

Pages = Mapping[str, Reply]


def page(value: object, status: int = 200) -> Reply:
    return Reply(json.dumps(value).encode(), status, kind="application/json")


def listing(*entries: dict[str, Any]) -> Reply:
    return page({"object": "list", "data": list(entries)})


def llamacpp(
    *,
    template: str = HERMES_TEMPLATE,
    tools: bool = True,
    n_ctx: int = 8192,
    vision: bool = False,
    weights: str = "some-model.gguf",
) -> Pages:
    caps = {"supports_tools": tools, "supports_tool_calls": tools, "supports_system_role": True}
    props = {
        "default_generation_settings": {"params": {"temperature": 0.8}, "n_ctx": n_ctx},
        "total_slots": 1,
        "model_alias": "m1",
        "model_path": f"/models/{weights}",
        "modalities": {"vision": vision, "video": False, "audio": False},
        "chat_template": template,
        "chat_template_caps": caps,
        "build_info": "b7000-abcdef12",
    }
    meta = {"n_vocab": 151_936, "n_ctx": n_ctx, "n_ctx_train": 32_768}
    return {
        "/props": page(props),
        "/v1/models": listing({"id": "m1", "owned_by": "llamacpp", "meta": meta}),
    }


def vllm(*, window: int = 65_536, root: str = "org/some-model") -> Pages:
    card = {"id": "m1", "owned_by": "vllm", "root": root, "max_model_len": window}
    return {"/v1/models": listing(card), "/version": page({"version": "0.12.0"})}


def sglang(*, window: int = 65_536) -> Pages:
    card = {"id": "m1", "object": "model", "owned_by": "sglang", "max_model_len": window}
    info = {"model_path": "m1", "is_generation": True, "has_image_understanding": False}
    return {"/v1/models": listing(card), "/get_model_info": page(info)}


def ollama(
    *,
    loaded: int | None = None,
    fixed: int | None = None,
    abilities: tuple[str, ...] = ("completion", "tools", "insert"),
    template: str = "{{- if .Tools }}<tools></tools> <tool_call>{{ end }}{{ .Prompt }}",
) -> Pages:
    """`loaded`: the window of the running model; `fixed`: num_ctx of its Modelfile."""
    running = {"name": "m1:latest", "model": "m1:latest", "context_length": loaded}
    parameters = [
        "temperature                    0.7",
        'stop                           "<|im_end|>"',
    ]
    if fixed:
        parameters.append(f"num_ctx                        {fixed}")
    show = {
        "parameters": "\n".join(parameters),
        "template": template,
        "capabilities": list(abilities),
        "model_info": {"general.architecture": "qwen2", "qwen2.context_length": 32_768},
    }
    return {
        "/v1/models": listing({"id": "m1:latest", "object": "model", "owned_by": "library"}),
        "/api/version": page({"version": "0.13.0"}),
        "/api/ps": page({"models": [running] if loaded else []}),
        "/api/show": page(show),
    }


def lmstudio(*, loaded: int | None = 4096) -> Pages:
    """It answers whatever it does not know with status 200."""
    entry: dict[str, Any] = {
        "id": "m1",
        "object": "model",
        "type": "llm",
        "arch": "qwen3",
        "state": "loaded" if loaded else "not-loaded",
        "max_context_length": 262_144,
        "capabilities": ["tool_use"],
    }
    if loaded:
        entry["loaded_context_length"] = loaded
    odd = {path: _unexpected(path) for path in ("/props", "/version", "/api/version", "/api/ps")}
    return {**odd, "/v1/models": listing({"id": "m1"}), "/api/v0/models": listing(entry)}


def _unexpected(path: str) -> Reply:
    return page({"error": f"Unexpected endpoint or method. (GET {path}). Returning 200 anyway"})


def openrouter() -> Pages:
    entry = {
        "id": "m1",
        "context_length": 262_144,
        "architecture": {"input_modalities": ["text", "image"]},
        "supported_parameters": ["max_tokens", "tools", "tool_choice"],
    }
    return {"/v1/models": listing({"id": "other", "context_length": 1}, entry)}
