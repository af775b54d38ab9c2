"""Which server and model to ask, from flags and the variables people already have set."""

from __future__ import annotations

import re
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

OPENAI_URL = "https://api.openai.com/v1"
DASHSCOPE_MODEL = "qwen3-coder-plus"
_DASHSCOPE_REGIONS = {
    "intl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "cn": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "us": "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
    "hk": "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1",
}
"""A key is valid in one region only. A workspace's own host is named with --base-url."""
DASHSCOPE_URL = _DASHSCOPE_REGIONS["intl"]
_CODING_URL = "https://coding-intl.dashscope.aliyuncs.com/v1"
_CODING_URL_CN = "https://coding.dashscope.aliyuncs.com/v1"
_CODING_KEY = "sk-sp-"
"""How a Coding Plan's key begins; it is valid at the plan's own hosts only."""
_URLS: dict[Provider, str] = {
    "openai": OPENAI_URL,
    "openrouter": "https://openrouter.ai/api/v1",
    "modelscope": "https://api-inference.modelscope.cn/v1",
    "vllm": "http://127.0.0.1:8000/v1",
    "sglang": "http://127.0.0.1:30000/v1",
    "llamacpp": "http://127.0.0.1:8080/v1",
    "lmstudio": "http://127.0.0.1:1234/v1",
}
"""Where each is that is named before a model, as in `vllm/NAME`; Ollama's is in variables."""
_PREFIXES: dict[str, Provider] = {**{name: name for name in _URLS}, "ollama": "ollama"}
_OLLAMA_PORT = 11434
# No more of aliyuncs.com: customers' own servers are under it as well.
_HOSTS: tuple[tuple[str, Provider], ...] = (
    (r"(.+\.)?(dashscope(-[a-z]+)?|maas)\.aliyuncs\.com", "dashscope"),
    (r"(.+\.)?openrouter\.ai", "openrouter"),
    (r"(.+\.)?modelscope\.cn", "modelscope"),
    (r"(.+\.)?api\.openai\.com", "openai"),
)
_PLAN_KEYS = ("BAILIAN_CODING_PLAN_API_KEY", "ALIBABA_CODING_PLAN_API_KEY")
_KEYS: dict[Provider, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "modelscope": ("MODELSCOPE_API_KEY", "MODELSCOPE_SDK_TOKEN"),
    "vllm": ("VLLM_API_KEY",),
    "llamacpp": ("LLAMA_API_KEY",),
    "ollama": ("OLLAMA_API_KEY",),
}
_KEY_PAGES: dict[Provider, str] = {
    "openai": "https://platform.openai.com/api-keys",
    "dashscope": "the API keys of Alibaba Cloud Model Studio",
    "openrouter": "https://openrouter.ai/keys",
    "modelscope": "https://modelscope.cn/my/myaccesstoken",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model behind one server. `key` is empty where none is needed, and never in the repr."""

    base_url: str
    key: str = field(repr=False)
    model: str
    provider: Provider
    key_source: str = field(default="", compare=False)
    """The variable that the key came from; empty for the usual one."""

    @property
    def shown_url(self) -> str:
        """The base URL without what may be secret in it."""
        parts = urlsplit(self.base_url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))

    @property
    def key_variable(self) -> str:
        """The variable a user sets this endpoint's key in."""
        return self.key_source or next(iter(_KEYS.get(self.provider, ())), "OPENAI_API_KEY")

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

    Flags win over OPENAI_BASE_URL, OPENAI_MODEL and QWEN_MODEL. Where no URL is given, a model's
    name may begin with its server, as in `ollama/NAME`. DASHSCOPE_API_KEY alone means
    qwen3-coder-plus in DashScope's international region, or that of DASHSCOPE_REGION.
    OPENAI_API_KEY alone names no model and so sends nothing anywhere. A key goes to its own host
    only. `embedded` holds the names the embedded server knows. Raises ConfigError for a URL, a
    key or a combination without sense.
    """
    flag, url = _text(model), _text(base_url)
    if not url and (served := _by_prefix(flag, environ)):
        return served
    name = flag or _text(environ.get("OPENAI_MODEL")) or _text(environ.get("QWEN_MODEL"))
    url = url or _text(environ.get("OPENAI_BASE_URL"))
    if url:
        return _at(_clean_url(url), name, environ)
    if name in embedded:
        return None
    return _by_prefix(name, environ) or _by_keys(name, environ)


def names_server(model: str | None) -> bool:
    """Whether a name begins with its server, as `ollama/NAME` does."""
    prefix, slash, _ = _text(model).partition("/")
    return bool(slash) and (prefix in _PREFIXES or prefix == "dashscope")


def _by_keys(name: str, environ: Mapping[str, str]) -> Endpoint | None:
    """Where no server is named, the keys that are there tell of one."""
    has_openai_key = bool(_text(environ.get("OPENAI_API_KEY")))
    is_qwen = not name or "qw" in name.lower()
    if _dashscope_key(environ)[1] and (is_qwen or not has_openai_key):
        return _at_dashscope(name, environ)
    if not name:
        return None
    if not has_openai_key or is_qwen:
        raise ConfigError(
            f"no server is known for the model {name}: put one before it (ollama/{name},"
            f" openrouter/{name}, ...), give --base-url, or set DASHSCOPE_API_KEY;"
            " `qwright models list` shows the embedded models"
        )
    return _at(OPENAI_URL, name, environ)


def _by_prefix(name: str, environ: Mapping[str, str]) -> Endpoint | None:
    """The endpoint of a name such as `ollama/qwen3-coder:30b`; None for one without a server."""
    if not names_server(name):
        return None
    prefix, _, model = name.partition("/")
    if prefix == "dashscope":
        return _at_dashscope(model, environ)
    provider = _PREFIXES[prefix]
    url = _URLS.get(provider) or _ollama_url(environ)
    return _endpoint(url, model, provider, environ, _KEYS.get(provider, ()))


def _at(url: str, model: str, environ: Mapping[str, str]) -> Endpoint:
    """At a URL that a user gave; OPENAI_API_KEY is the key that goes with OPENAI_BASE_URL."""
    provider = _provider(url)
    model = model or (DASHSCOPE_MODEL if provider == "dashscope" else "")
    own = _KEYS.get(provider, ())
    if provider == "dashscope":
        own = _dashscope_variables(urlsplit(url).hostname or "")
    return _endpoint(url, model, provider, environ, (*own, "OPENAI_API_KEY"))


def _at_dashscope(model: str, environ: Mapping[str, str]) -> Endpoint:
    region = _text(environ.get("DASHSCOPE_REGION")).lower() or "intl"
    if region not in _DASHSCOPE_REGIONS:
        known = ", ".join(_DASHSCOPE_REGIONS)
        raise ConfigError(f"DASHSCOPE_REGION is {region!r}; it must be one of {known}")
    variable, key = _dashscope_key(environ)
    url = _DASHSCOPE_REGIONS[region]
    if variable in _PLAN_KEYS or key.startswith(_CODING_KEY):
        url = _CODING_URL_CN if region == "cn" else _CODING_URL
    return _endpoint(url, model or DASHSCOPE_MODEL, "dashscope", environ, (variable,))


def _dashscope_key(environ: Mapping[str, str]) -> tuple[str, str]:
    """The first variable that holds a key, and the key; empty where none does."""
    names = ("DASHSCOPE_API_KEY", *_PLAN_KEYS)
    found = ((name, _text(environ.get(name))) for name in names)
    return next((pair for pair in found if pair[1]), (names[0], ""))


def _dashscope_variables(host: str) -> tuple[str, ...]:
    """Those whose key may be valid at this host of DashScope."""
    if host.startswith("coding"):
        return (*_PLAN_KEYS, "DASHSCOPE_API_KEY")
    if host.startswith("token-plan."):
        return ("BAILIAN_TOKEN_PLAN_API_KEY", "DASHSCOPE_API_KEY")
    return ("DASHSCOPE_API_KEY",)


def _endpoint(
    url: str,
    model: str,
    provider: Provider,
    environ: Mapping[str, str],
    variables: tuple[str, ...],
) -> Endpoint:
    """The endpoint with the first key that `variables` hold. Raises ConfigError."""
    if not model:
        raise ConfigError("no model is named for this server: give --model or set OPENAI_MODEL")
    keys = ((name, _text(environ.get(name))) for name in variables)
    fallback = (variables[0] if variables else "OPENAI_API_KEY", "")
    variable, key = next((pair for pair in keys if pair[1]), fallback)
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"{variable} holds characters that no key has; set it again")
    _check_hosted(url, provider, variable, key)
    return Endpoint(url, key, model, provider, variable)


def _check_hosted(url: str, provider: Provider, variable: str, key: str) -> None:
    """What a hosted service would refuse, or what would show the key to others on the way."""
    if provider not in _KEY_PAGES:
        return
    if not key:
        where = _KEY_PAGES[provider]
        raise ConfigError(f"{provider} needs a key: set {variable} (made at {where})")
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise ConfigError(f"the key in {variable} is sent over https only: correct the base URL")
    if key.startswith(_CODING_KEY) and not (parts.hostname or "").startswith("coding"):
        raise ConfigError(
            f"{variable} holds the key of a Coding Plan, which is valid only at {_CODING_URL} or"
            f" {_CODING_URL_CN}: give no base URL, or one of these"
        )


def _provider(url: str) -> Provider:
    host = urlsplit(url).hostname or ""
    for pattern, provider in _HOSTS:
        if re.fullmatch(pattern, host):
            return provider
    return "compatible"


def _ollama_url(environ: Mapping[str, str]) -> str:
    """By OLLAMA_API_BASE, or by OLLAMA_HOST as Ollama itself reads it."""
    if base := _text(environ.get("OLLAMA_API_BASE")):
        url = _clean_url(base, "OLLAMA_API_BASE")
        return url if urlsplit(url).path else f"{url}/v1"
    given = _text(environ.get("OLLAMA_HOST"))
    scheme, separator, rest = given.rpartition("://")
    parts = urlsplit(_clean_url(f"{scheme or 'http'}://{_with_host(rest)}", "OLLAMA_HOST"))
    own = {"https": 443, "http": 80}[parts.scheme] if separator else _OLLAMA_PORT
    host = "127.0.0.1" if parts.hostname in ("0.0.0.0", "::") else parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{parts.port or own}{parts.path.rstrip('/')}/v1"


def _with_host(address: str) -> str:
    """`address` may be a port alone, or nothing."""
    return f"127.0.0.1{address}" if address[:1] in ("", ":", "/") else address


def _clean_url(url: str, source: str = "--base-url, OPENAI_BASE_URL") -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError(f"the base URL must look like http://127.0.0.1:8080/v1; see {source}")
    return url.rstrip("/").removesuffix("/chat/completions").rstrip("/")


def _text(value: str | None) -> str:
    return (value or "").strip()
