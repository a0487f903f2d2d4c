"""Models: one protocol for every language model. Start in protocol.py.

    model = Retry(open_model("openai/gpt-x", base_url="http://127.0.0.1:8000/v1"))

Wrappers (`Retry`, `Fallback`, `Cached`, `RateLimited`) are models that hold a model.
"""

from slipway.models.cached import Cached
from slipway.models.fallback import Fallback
from slipway.models.fuse import remote_calls_forbidden
from slipway.models.opening import default_model, default_spec, open_embedder, open_model
from slipway.models.protocol import Embedder, Model
from slipway.models.rated import RateLimited
from slipway.models.retry import Retry
from slipway.models.scripted import ScriptedModel

__all__ = [
    "Cached",
    "Embedder",
    "Fallback",
    "Model",
    "RateLimited",
    "Retry",
    "ScriptedModel",
    "default_model",
    "default_spec",
    "open_embedder",
    "open_model",
    "remote_calls_forbidden",
]
