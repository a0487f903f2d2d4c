"""Slipway: from demo to production. Record every attempt, get a verdict instead of a percentage, find the next change.

    import slipway as sw

    sw.init(project="support-bot")          # from here on calls are recorded

    @sw.trace                               # a span for each call of this function
    def answer(question): ...

    run = sw.evaluate(answer_task, sw.dataset("examples.jsonl"), scorers=["exact"], variants=["a", "b"])
    print(sw.compare(run["a"], run["b"]))   # better, worse, not worse, or cannot tell: collect N more

Every public name is below; each is loaded when it is first used, so importing costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.data import Example, Message, Request, Score, Span, Variant
    from slipway.errors import SlipwayError
    from slipway.evals.compare import compare
    from slipway.evals.datasets import dataset
    from slipway.evals.gate import gate
    from slipway.evals.journey import journey
    from slipway.evals.limits import Limit
    from slipway.evals.run import evaluate
    from slipway.evals.suites import Suite
    from slipway.evals.task import task
    from slipway.models.opening import default_model, open_model
    from slipway.registry import register
    from slipway.scorers.judge import judge
    from slipway.store import open_store
    from slipway.track import current_span, flush, init, shutdown, span, trace
    from slipway.track.feedback import feedback
    from slipway.track.metrics import log
    from slipway.track.threads import wrap

__version__ = "0.1.0"

_HOME = {
    "Example": "slipway.data",
    "Limit": "slipway.evals.limits",
    "Message": "slipway.data",
    "Request": "slipway.data",
    "Score": "slipway.data",
    "SlipwayError": "slipway.errors",
    "Span": "slipway.data",
    "Suite": "slipway.evals.suites",
    "Variant": "slipway.data",
    "compare": "slipway.evals.compare",
    "current_span": "slipway.track",
    "dataset": "slipway.evals.datasets",
    "default_model": "slipway.models.opening",
    "evaluate": "slipway.evals.run",
    "feedback": "slipway.track.feedback",
    "flush": "slipway.track",
    "gate": "slipway.evals.gate",
    "init": "slipway.track",
    "journey": "slipway.evals.journey",
    "judge": "slipway.scorers.judge",
    "log": "slipway.track.metrics",
    "open_model": "slipway.models.opening",
    "open_store": "slipway.store",
    "register": "slipway.registry",
    "shutdown": "slipway.track",
    "span": "slipway.track",
    "task": "slipway.evals.task",
    "trace": "slipway.track",
    "wrap": "slipway.track.threads",
}

__all__ = [
    "Example",
    "Limit",
    "Message",
    "Request",
    "Score",
    "SlipwayError",
    "Span",
    "Suite",
    "Variant",
    "compare",
    "current_span",
    "dataset",
    "default_model",
    "evaluate",
    "feedback",
    "flush",
    "gate",
    "init",
    "journey",
    "judge",
    "log",
    "open_model",
    "open_store",
    "register",
    "shutdown",
    "span",
    "task",
    "trace",
    "wrap",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'slipway' has no attribute {name!r}")
    thing = getattr(import_module(home), name)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
