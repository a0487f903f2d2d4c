"""``open_model("openai/gpt-x")``: a model by provider and name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from slipway.config import load
from slipway.errors import ConfigError, NotFound
from slipway.models.protocol import Model
from slipway.registry import lookup


def open_model(spec: str = "", **options: Any) -> Model:
    """The model that ``provider/name`` names: ``openai/gpt-x``, ``openai/meta-llama/llama-3`` (the name may have slashes),
    ``scripted/always this answer``. Without a spec, the ``model`` of slipway.toml or SLIPWAY_MODEL.

    ``options`` go to the provider (``base_url=``, ``api_key=``, ``prices=`` ...); prices are otherwise those of slipway.toml.
    Raises `NotFound` for an unknown provider, `ConfigError` for a spec that is none, `MissingExtra` when the provider needs a
    package that is not installed.
    """
    spec = spec or load().model
    provider, name = _split(spec, "model")
    opened = lookup("model", provider)
    if "prices" in signature(opened).parameters and "prices" not in options:
        options["prices"] = load().prices
    model: Model = _made(opened, spec, name, options)
    return model


def open_embedder(spec: str, **options: Any) -> Callable[[Sequence[str]], Any]:
    """The embedder that ``openai/name`` names: an async callable from texts to vectors."""
    provider, name = _split(spec, "embedder")
    if provider != "openai":
        raise NotFound.among("provider of embeddings", provider, ["openai"])
    from slipway.models.openai import OpenAIEmbedder

    embedder: Callable[[Sequence[str]], Any] = _made(OpenAIEmbedder, spec, name, options)
    return embedder


def _split(spec: str, what: str) -> tuple[str, str]:
    provider, slash, name = spec.partition("/")
    if not slash or not provider or not name:
        said = f"{spec!r} names no {what}" if spec else f"no {what} is chosen"
        raise ConfigError(
            said, mend="write provider/name, such as openai/gpt-x; in slipway.toml: model = 'openai/gpt-x'"
        )
    return provider, name


def _made(provider: Any, spec: str, name: str, options: dict[str, Any]) -> Any:
    try:
        return provider(name, **options)
    except TypeError as error:
        raise ConfigError(f"{spec}: {error}", mend="see the provider's options") from None
