"""``open_model("openai/gpt-x")``: a model by provider and name; or by where it is: ``gguf:/path``, ``http://...``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from inspect import signature
from typing import Any
from urllib.parse import unquote

from slipway.config import load
from slipway.errors import ConfigError, NotFound
from slipway.models.protocol import Embedder, Model
from slipway.registry import lookup

GGUF = "gguf"


def open_model(spec: str = "", **options: Any) -> Model:
    """The model that a text names:

    - ``provider/name``: ``openai/gpt-x``, ``openai/meta-llama/llama-3`` (the name may have slashes), ``scripted/this answer``;
    - ``gguf:/path/model.gguf?lora=/path/a.gguf&scale=1.0&ctx=2048``, or ``gguf:NAME`` of one that was pulled;
    - ``http://127.0.0.1:8000/v1#name``: an OpenAI-compatible endpoint, and the model to ask there.

    Without a text, the user's default (see `default_spec`). ``options`` go to the provider (``base_url=``, ``api_key=``,
    ``prices=``, ``timeout_s=`` ...); prices are otherwise those of slipway.toml. Raises `NotFound` for an unknown provider,
    `ConfigError` for a text that names none or a file that is not there, `MissingExtra` when a package is not installed.
    """
    spec = spec or default_spec()
    provider, name, more = _split(spec, "model")
    opened = lookup("model", provider)
    if "prices" in signature(opened).parameters and "prices" not in options:
        options["prices"] = load().prices
    model: Model = _made(opened, spec, name, {**more, **options})
    return model


def open_embedder(spec: str, **options: Any) -> Embedder:
    """What makes vectors of texts: ``openai/name``, ``http://127.0.0.1:8000/v1#name`` or ``gguf:/path/model.gguf``."""
    provider, name, more = _split(spec, "embedder")
    if provider == "openai":
        from slipway.models import openai

        embedder: Embedder = _made(openai.OpenAIEmbedder, spec, name, {**more, **options})
    elif provider == GGUF:
        from slipway.models import llamacpp

        embedder = _made(llamacpp.LlamaEmbedder, spec, name, {**more, **options})
    else:
        raise NotFound.among("provider of embeddings", provider, ["openai", GGUF])
    return embedder


def default_model(**options: Any) -> Model | None:
    """The user's default model; None when none is named. `default_spec` says where it is looked for."""
    spec = default_spec()
    return open_model(spec, **options) if spec else None


def default_spec(environ: Mapping[str, str] = os.environ) -> str:
    """What names the user's default model, the first of these; "" when nothing does.

    SLIPWAY_MODEL; SLIPWAY_GGUF (a file or a name), with the adapter SLIPWAY_LORA (its path, or path=scale); SLIPWAY_MODEL_URL
    with SLIPWAY_MODEL_NAME; the ``model`` of slipway.toml.
    """
    if environ.get("SLIPWAY_MODEL"):
        return environ["SLIPWAY_MODEL"]
    if environ.get("SLIPWAY_GGUF"):
        return _gguf_spec(environ["SLIPWAY_GGUF"], environ.get("SLIPWAY_LORA", ""))
    chosen = load(environ=environ).model
    if environ.get("SLIPWAY_MODEL_URL"):
        of_file = chosen.removeprefix("openai/") if chosen.startswith("openai/") else ""
        return f"openai/{environ.get('SLIPWAY_MODEL_NAME') or of_file or 'default'}"
    return chosen


def _gguf_spec(path: str, lora: str) -> str:
    spec = path if path.startswith(f"{GGUF}:") else f"{GGUF}:{path}"
    if not lora:
        return spec
    adapter, equals, scale = lora.rpartition("=")
    if not equals or not _is_number(scale):
        adapter, scale = lora, "1.0"
    return f"{spec}{'&' if '?' in spec else '?'}lora={adapter.replace('%', '%25').replace('&', '%26')}&scale={scale}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _split(spec: str, what: str) -> tuple[str, str, dict[str, Any]]:
    """(provider, name, options) of a text that names a model."""
    if spec.startswith(("http://", "https://")):
        url, _, name = spec.partition("#")
        return "openai", name or os.environ.get("SLIPWAY_MODEL_NAME") or "default", {"base_url": url}
    if spec.startswith((f"{GGUF}:", f"{GGUF}/")):
        path, _, query = spec[len(GGUF) + 1 :].partition("?")
        if path:
            return GGUF, path, _options(spec, query)
    provider, slash, name = spec.partition("/")
    if not slash or not provider or not name:
        said = f"{spec!r} names no {what}" if spec else f"no {what} is chosen"
        raise ConfigError(
            said,
            mend="write provider/name, such as openai/gpt-x, or gguf:/path/model.gguf; in slipway.toml: model = '...'",
        )
    return provider, name, {}


def _options(spec: str, query: str) -> dict[str, Any]:
    from slipway.models.llamacpp import KINDS

    options: dict[str, Any] = {}
    for part in filter(None, query.split("&")):
        key, _, value = part.partition("=")
        if key not in KINDS:
            raise ConfigError(f"{spec}: {NotFound.among('option of a GGUF model', key, KINDS)}")
        try:
            made = KINDS[key](unquote(value))
        except ValueError:
            raise ConfigError(f"{spec}: {key} is a number, not {value!r}", mend="such as ctx=2048") from None
        if key in ("lora", "scale"):
            options.setdefault(key, []).append(made)
        else:
            options[key] = made
    if len(options.get("scale", ())) == 1:
        options["scale"] = options["scale"][0]
    return options


def _made(provider: Any, spec: str, name: str, options: dict[str, Any]) -> Any:
    try:
        return provider(name, **options)
    except TypeError as error:
        raise ConfigError(f"{spec}: {error}", mend="see the provider's options") from None
