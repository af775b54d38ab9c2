"""Which server and model to ask, from flags and the variables people already have set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from qwright.agent.errors import ConfigError

Provider = Literal[
    "openai",
    "dashscope",
    "openrouter",
    "modelscope",
    "embedded",
    "llamacpp",
    "vllm",
    "sglang",
    "ollama",
    "lmstudio",
    "compatible",
]
"""Who answers: known by the host name, else by what the server says of itself; "compatible" is a
server that has not been asked, or that nothing more is known of."""

LOCAL: frozenset[Provider] = frozenset(
    {"embedded", "llamacpp", "vllm", "sglang", "ollama", "lmstudio"}
)
"""Servers that people run themselves: nothing is charged by the token."""

DASHSCOPE_URL = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"
"""The international region. A DashScope key is valid in one region only; for another one set
OPENAI_BASE_URL, for example https://dashscope.aliyuncs.com/compatible-mode/v1 for Beijing."""
OPENAI_URL = "https://api.openai.com/v1"
DASHSCOPE_MODEL = "qwen3-coder-plus"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model behind one server. `key` is empty where none is needed, and never in the repr."""

    base_url: str
    key: str = field(repr=False)
    model: str
    provider: Provider

    @property
    def shown_url(self) -> str:
        """The base URL without what may be secret in it."""
        parts = urlsplit(self.base_url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))

    @property
    def key_variable(self) -> str:
        """The variable a user sets this endpoint's key in."""
        return "DASHSCOPE_API_KEY" if self.provider == "dashscope" else "OPENAI_API_KEY"

    @property
    def is_loopback(self) -> bool:
        host = urlsplit(self.base_url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def resolve_endpoint(
    environ: Mapping[str, str],
    *,
    model: str | None = None,
    base_url: str | None = None,
    embedded: Collection[str] = (),
) -> Endpoint | None:
    """The endpoint that flags (`model`, `base_url`) and `environ` name; None: the embedded model.

    Flags win over OPENAI_BASE_URL, OPENAI_MODEL and QWEN_MODEL. DASHSCOPE_API_KEY alone means
    DashScope's international region and qwen3-coder-plus, and is sent to no other host.
    OPENAI_API_KEY alone names no model and so sends nothing anywhere. `embedded` holds the names
    the embedded server knows. Raises ConfigError for a URL, a key or a combination without sense.
    """
    url = _text(base_url) or _text(environ.get("OPENAI_BASE_URL"))
    name = _text(model) or _named(environ)
    if url:
        return _at(_clean_url(url), name, environ)
    if name in embedded:
        return None
    has_openai_key = bool(_text(environ.get("OPENAI_API_KEY")))
    is_qwen = not name or "qw" in name.lower()
    if _text(environ.get("DASHSCOPE_API_KEY")) and (is_qwen or not has_openai_key):
        return _at(DASHSCOPE_URL, name, environ)
    if not name:
        return None
    if not has_openai_key or is_qwen:
        raise ConfigError(
            f"no server is known for the model {name}: give --base-url (or OPENAI_BASE_URL), or set"
            " DASHSCOPE_API_KEY; `qwright models list` shows the embedded models"
        )
    return _at(OPENAI_URL, name, environ)


def _named(environ: Mapping[str, str]) -> str:
    return _text(environ.get("OPENAI_MODEL")) or _text(environ.get("QWEN_MODEL"))


def _at(url: str, model: str, environ: Mapping[str, str]) -> Endpoint:
    provider = _provider(url)
    names = ("DASHSCOPE_API_KEY", "OPENAI_API_KEY")
    usable = names if provider == "dashscope" else names[1:]
    keys = [_text(environ.get(name)) for name in usable]
    key = next((one for one in keys if one), "")
    if not (key.isascii() and key.isprintable()):
        raise ConfigError("the API key holds characters that no key has; set its variable again")
    model = model or (DASHSCOPE_MODEL if provider == "dashscope" else "")
    if not model:
        raise ConfigError("no model is named for this server: give --model or set OPENAI_MODEL")
    return Endpoint(url, key, model, provider)


def _provider(url: str) -> Provider:
    host = urlsplit(url).hostname or ""
    if host == "aliyuncs.com" or host.endswith(".aliyuncs.com"):
        return "dashscope"
    if host == "api.openai.com" or host.endswith(".api.openai.com"):
        return "openai"
    return "compatible"


def _clean_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError(
            "the base URL must look like http://127.0.0.1:8080/v1; see --base-url, OPENAI_BASE_URL"
        )
    return url.rstrip("/").removesuffix("/chat/completions").rstrip("/")


def _text(value: str | None) -> str:
    return (value or "").strip()
