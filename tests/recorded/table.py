"""The nine servers. Each row was written beside what the server sends (source in the comment)."""

from __future__ import annotations

from typing import Any

from tests.recorded.servers import Server, envelope, pieces_of_call, usage, whole_call

_FAMILIES = ("qwen2.5-coder", "qwen3", "qwen3-coder", "qwen3.6")
_CACHED = {"usage": {"prompt_tokens_details": {"cached_tokens": 256}}}
_CREATED = 1795350000


def _models(*names: str) -> dict[str, str]:
    return dict(zip(_FAMILIES, names, strict=True))


def _llama_event(delta: dict[str, Any], finish: str | None, model: str) -> dict[str, Any]:
    choice = {"finish_reason": finish, "index": 0, "delta": delta}
    head = {"choices": [choice], "created": _CREATED, "id": "chatcmpl-6UK0Vg84OUiw"}
    more = {"system_fingerprint": "b7230-5c1e2f", "object": "chat.completion.chunk"}
    return {**head, "model": model, **more}


def _llama_last(model: str) -> dict[str, Any]:
    counted = {"completion_tokens": 57, "prompt_tokens": 412, "total_tokens": 469}
    timings = {"cache_n": 400, "prompt_n": 12, "prompt_ms": 81.2, "predicted_ms": 2281.5}
    event = _llama_event({}, None, model)
    return {**event, "choices": [], "usage": counted, "timings": timings}


def _dashscope_event(delta: dict[str, Any], finish: str | None, model: str) -> dict[str, Any]:
    choice = {"delta": delta, "finish_reason": finish, "index": 0, "logprobs": None}
    head = {"choices": [choice], "object": "chat.completion.chunk", "usage": None}
    more = {"system_fingerprint": None, "model": model, "id": "chatcmpl-8a1f6c32-7d0e"}
    return {**head, "created": _CREATED, **more}


def _openrouter_last(model: str) -> dict[str, Any]:
    event = _OPENROUTER({"role": "assistant", "content": ""}, None, model)
    return {**event, "usage": {"prompt_tokens": 412, "completion_tokens": 57, "cost": 0.0003}}


_OPENROUTER = envelope(
    "gen-1795350000-Qx7", before={"provider": "DeepInfra"}, after={"native_finish_reason": None}
)
_VLLM_ID, _SGLANG_ID = "chatcmpl-60f4dda0a1af43a0", "2f740cb93d6c4bac80a0324a11e51610"
_LLAMA_CALL = pieces_of_call("Xc9TIkJ0pQ2y", later={})

SERVERS: dict[str, Server] = {
    # Model Studio help pages; later fragments carry an empty id.
    "dashscope": Server(
        _models("qwen2.5-coder-32b-instruct", "qwen3-32b", "qwen3-coder-plus", "qwen3.6-plus"),
        _dashscope_event,
        pieces_of_call("call_6f1a2b", later={"id": "", "type": "function"}),
        usage("chatcmpl-8a1f6c32-7d0e", **_CACHED),
        {"content": "", "role": "assistant"},
        step=7,
    ),
    # OpenRouter's streaming documentation: comments keep the line open.
    "openrouter": Server(
        _models(
            "qwen/qwen-2.5-coder-32b-instruct",
            "qwen/qwen3-32b",
            "qwen/qwen3-coder",
            "qwen/qwen3.6-27b",
        ),
        _OPENROUTER,
        pieces_of_call("call_or", later={"id": None, "type": "function"}, name="null"),
        _openrouter_last,
        {"content": ""},
        reasoning="reasoning",
        comment=": OPENROUTER PROCESSING",
        role=True,
    ),
    # ModelScope counts the tokens in every event and leaves the id of later fragments empty.
    "modelscope": Server(
        _models(
            "Qwen/Qwen2.5-Coder-32B-Instruct",
            "Qwen/Qwen3-32B",
            "Qwen/Qwen3-Coder-30B-A3B-Instruct",
            "Qwen/Qwen3.6-27B",
        ),
        envelope(
            "chatcmpl-ms-1",
            before={"system_fingerprint": "", "usage": {"prompt_tokens": 412}},
            after={"logprobs": None},
        ),
        pieces_of_call("call_ms", later={"id": "", "type": None}, name="null"),
        usage("chatcmpl-ms-1"),
        {"role": "assistant", "content": "", "reasoning_content": ""},
        step=8,
    ),
    # vllm-project/vllm#26345, #20611
    "vllm": Server(
        _models(
            "Qwen/Qwen2.5-Coder-7B-Instruct",
            "Qwen/Qwen3-14B",
            "Qwen/Qwen3-Coder-30B-A3B-Instruct",
            "Qwen/Qwen3.6-35B-A3B",
        ),
        envelope(_VLLM_ID, after={"logprobs": None, "token_ids": None}),
        pieces_of_call("chatcmpl-tool-9dab2efa4fb0", later={}),
        usage(_VLLM_ID),
        {"role": "assistant", "content": ""},
        reasoning="reasoning",
        step=3,
        fused=True,
    ),
    # sgl-project/sglang#7117
    "sglang": Server(
        _models(
            "Qwen/Qwen2.5-Coder-7B-Instruct",
            "Qwen/Qwen3-8B-AWQ",
            "Qwen/Qwen3-Coder-30B-A3B-Instruct",
            "Qwen/Qwen3.6-27B",
        ),
        envelope(_SGLANG_ID, before={"usage": None}, after={"matched_stop": None}),
        pieces_of_call("call_e1c0", later={"id": None, "type": "function"}, name="null"),
        usage(_SGLANG_ID),
        {"role": "assistant", "content": "", "reasoning_content": None, "tool_calls": None},
        step=5,
    ),
    # ollama/ollama#15457: whole calls, the role on every delta
    "ollama": Server(
        _models("qwen2.5-coder:7b", "qwen3:8b", "qwen3-coder:30b", "qwen3.6:27b"),
        envelope("chatcmpl-842", before={"system_fingerprint": "fp_ollama"}),
        whole_call("call_x9k2"),
        usage("chatcmpl-842"),
        {"content": ""},
        reasoning="reasoning",
        role=True,
    ),
    # lmstudio-ai/lmstudio-bug-tracker#830: empty ids; thoughts stay in the text
    "lmstudio": Server(
        _models(
            "qwen2.5-coder-14b-instruct",
            "qwen/qwen3-14b",
            "qwen/qwen3-coder-30b",
            "qwen/qwen3.6-35b-a3b",
        ),
        envelope(
            "chatcmpl-turc940nek7uo7",
            before={"system_fingerprint": "qwen"},
            after={"logprobs": None},
        ),
        pieces_of_call("", later={"id": "", "type": "function"}),
        usage("chatcmpl-turc940nek7uo7", stats={}),
        {"role": "assistant", "content": ""},
        reasoning="",
        newline="\r\n",
        end="-",
    ),
    # As recorded here (llamacpp/*.json).
    "llamacpp": Server(
        _models(
            "qwen2.5-coder-7b-instruct-q4_k_m.gguf",
            "Qwen3-8B-Q4_K_M.gguf",
            "Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf",
            "Qwen3.6-27B-Q4_K_M.gguf",
        ),
        _llama_event,
        _LLAMA_CALL,
        _llama_last,
        {"role": "assistant", "content": None},
        step=3,
        end="-",
    ),
    # The same engine in qwright's own process: it is sent no tools, and reads no thoughts.
    "embedded": Server(
        _models("q15.gguf", "q3.gguf", "q3c.gguf", "q36.gguf"),
        _llama_event,
        _LLAMA_CALL,
        _llama_last,
        {"role": "assistant", "content": None},
        reasoning="",
        step=2,
        comment=":",
        end="-",
    ),
}
