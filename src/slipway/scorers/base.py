"""The scorer contract: a function that is given what it names, and says how good an output is.

    @register("scorer", "brief")
    def brief(output: str, expected: str) -> Score:
        return Score(name="brief", value=float(len(output) <= 80))

What a function may name is in `CONTEXT` (one output) or `GROUP_CONTEXT` (all repeats of one example); any other
parameter is a setting. A parameter annotated ``str`` is given text, whatever the task returned. It returns a Score, a
bool, a number, a mapping of names to numbers, several of these, or None for "cannot say"; ``async def`` is fine. A
registered function annotated ``-> Scorer`` is a factory: it is called with the settings.

`resolve` (in spec.py) turns ``"exact"``, ``"regex:^a"`` or ``{"name": "numeric", "tolerance": 0.1}`` into a Scorer.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from slipway.data import Example, Reply, Sample, Score, canonical_json
from slipway.errors import NotFound, UsageError
from slipway.scorers.version import version_of

if TYPE_CHECKING:
    from slipway.models.protocol import Model

CONTEXT = ("output", "expected", "input", "example", "metadata", "latency_ms", "cost_usd", "judge", "model")
"""What a scorer of one output may ask for. ``model`` is another name of ``judge``: the model that helps to score."""

GROUP_CONTEXT = ("outputs", "samples", "expected", "input", "example", "metadata", "judge", "model")
"""What a scorer over the repeats of one example may ask for; naming ``outputs`` or ``samples`` makes it one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One output to be scored, and what it was made from. ``judge`` is the model for scorers that need one."""

    example: Example
    output: Any
    latency_ms: float | None = None
    cost_usd: float | None = None
    judge: Model | None = None

    @property
    def expected(self) -> Any:
        """The example's expected output."""
        return self.example.expected

    @property
    def input(self) -> Any:
        """The example's input."""
        return self.example.input

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The example's metadata."""
        return self.example.metadata

    @property
    def model(self) -> Model | None:
        """The judge."""
        return self.judge


@dataclass(frozen=True, slots=True)
class Repeats:
    """All samples of one example, in the order of their repeats: what an aggregate scorer sees."""

    example: Example
    samples: tuple[Sample, ...]
    judge: Model | None = None

    @property
    def outputs(self) -> list[Any]:
        """The outputs of the samples that ended well."""
        return [sample.output for sample in self.samples if sample.status == "ok"]

    @property
    def expected(self) -> Any:
        """The example's expected output."""
        return self.example.expected

    @property
    def input(self) -> Any:
        """The example's input."""
        return self.example.input

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The example's metadata."""
        return self.example.metadata

    @property
    def model(self) -> Model | None:
        """The judge."""
        return self.judge


@dataclass(frozen=True, slots=True)
class Scorer:
    """A function with its settings, ready to score. Made by `Scorer.of` or `resolve`.

    ``aggregate`` scorers take `Repeats`, the others an `Outcome`; ``needs_model`` ones want a judge; ``awaits`` ones can only
    be awaited. ``version`` changes when the function, what it calls in its package, or a setting changes.
    """

    name: str
    function: Callable[..., Any]
    version: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    as_text: frozenset[str] = frozenset()
    needs_model: bool = False
    aggregate: bool = False
    awaits: bool = False

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        version: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        needs_model: bool | None = None,
    ) -> Scorer:
        """A scorer from a function. ``settings`` are passed to it; ``parameters`` (default: settings) are what is recorded
        and hashed. Raises `UsageError` when the function asks for something that does not exist."""
        mark = getattr(function, "__slipway__", None)
        name = str(name or (mark.name if mark else getattr(function, "__name__", type(function).__name__)))
        settings = dict(settings or {})
        signature = _signature(function, name)
        aggregate = "outputs" in signature or "samples" in signature
        known = GROUP_CONTEXT if aggregate else CONTEXT
        takes = tuple(key for key in signature if key in known and key not in settings)
        _check_settings(name, signature, settings, known)
        recorded = dict(parameters if parameters is not None else settings)
        defaults = {
            key: value.default
            for key, value in signature.items()
            if key not in known and value.default is not inspect.Parameter.empty
        }
        return cls(
            name=name,
            function=function,
            version=version or getattr(function, "version", None) or version_of(function, {**defaults, **recorded}),
            parameters={**defaults, **recorded} if parameters is None else recorded,
            takes=takes,
            as_text=frozenset(key for key in takes if signature[key].annotation in (str, "str")),
            needs_model="judge" in takes or "model" in takes if needs_model is None else needs_model,
            aggregate=aggregate,
            awaits=_awaits(function),
        )._with_settings(settings)

    def _with_settings(self, settings: Mapping[str, Any]) -> Scorer:
        if not settings:
            return self
        function = self.function

        def configured(**context: Any) -> Any:
            return function(**context, **settings)

        return replace(self, function=configured)

    def named(self, label: str) -> Scorer:
        """The same scorer under another name: its scores are called ``label`` and ``label.part``."""
        function, old = self.function, self.name

        def rename(made: tuple[Score, ...]) -> list[Score]:
            return [replace(s, name=label + s.name[len(old) :]) if _belongs(s.name, old) else s for s in made]

        if self.awaits:

            async def later(**context: Any) -> Any:
                return rename(as_scores(await function(**context), old))

            return replace(self, name=label, function=later)
        return replace(self, name=label, function=lambda **context: rename(as_scores(function(**context), old)))

    def now(self, outcome: Outcome | Repeats) -> tuple[Score, ...]:
        """The scores, without waiting. Raises `UsageError` for a scorer that must be awaited."""
        if self.awaits:
            raise UsageError(f"scorer {self.name!r} must be awaited", mend="await scorer.score(outcome) instead")
        try:
            return self._signed(self.function(**self._arguments(outcome)))
        except Exception as error:
            return (self._failed(error),)

    async def score(self, outcome: Outcome | Repeats) -> tuple[Score, ...]:
        """The scores. A scorer that raises gives one Score without a value, whose explanation says what happened."""
        if not self.awaits:
            return self.now(outcome)
        try:
            return self._signed(await self.function(**self._arguments(outcome)))
        except Exception as error:
            return (self._failed(error),)

    def _arguments(self, outcome: Outcome | Repeats) -> dict[str, Any]:
        if self.needs_model and outcome.judge is None and ("judge" in self.takes or "model" in self.takes):
            raise UsageError(f"scorer {self.name!r} needs a model", mend="pass judge=, or set model in slipway.toml")
        if not self.as_text:
            return {key: getattr(outcome, key) for key in self.takes}
        return {
            key: text_of(getattr(outcome, key)) if key in self.as_text else getattr(outcome, key) for key in self.takes
        }

    def _signed(self, result: Any) -> tuple[Score, ...]:
        return tuple(
            replace(score, scorer=score.scorer or self.name, scorer_version=score.scorer_version or self.version)
            for score in as_scores(result, self.name)
        )

    def _failed(self, error: Exception) -> Score:
        return Score(
            name=self.name,
            value=None,
            explanation=f"the scorer failed: {type(error).__name__}: {error}"[:2000],
            scorer=self.name,
            scorer_version=self.version,
            metadata={"scorer_error": type(error).__name__},
        )


async def score_all(scorers: Iterable[Scorer], outcome: Outcome | Repeats) -> tuple[Score, ...]:
    """The scores of every scorer, in order: aggregate scorers on `Repeats`, the others on an `Outcome`."""
    grouped = isinstance(outcome, Repeats)
    made: list[Score] = []
    for scorer in scorers:
        if scorer.aggregate is grouped:
            made.extend(await scorer.score(outcome) if scorer.awaits else scorer.now(outcome))
    return tuple(made)


def is_scorer_error(score: Score) -> bool:
    """Whether the scorer itself failed (as against a scorer that could not say)."""
    return "scorer_error" in score.metadata


def as_scores(result: Any, name: str) -> tuple[Score, ...]:
    """What a scorer function returned, as Scores. Raises TypeError for anything else."""
    if isinstance(result, Score):
        return (_finite(result),)
    if result is None:
        return (Score(name=name, value=None, explanation="the scorer did not say"),)
    if isinstance(result, Mapping):
        return tuple(_finite(_one(value, str(key))) for key, value in result.items())
    if isinstance(result, list | tuple):
        return tuple(score for item in result for score in as_scores(item, name))
    return (_finite(_one(result, name)),)


def text_of(value: Any) -> str:
    """``value`` as text: a Reply's text, a text itself, nothing for None, canonical JSON for the rest."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, Reply):
        return value.text
    return canonical_json(value).decode()


def _one(value: Any, name: str) -> Score:
    if isinstance(value, Score) or value is None:
        return value or Score(name=name, value=None, explanation="the scorer did not say")
    if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
        raise TypeError(f"returned {type(value).__name__}; return a Score, a bool or a number")
    return Score(name=name, value=float(value))


def _finite(score: Score) -> Score:
    if score.value is None or math.isfinite(score.value):
        return score
    return replace(
        score, value=None, explanation=f"not a finite number: {score.value}; {score.explanation}".rstrip("; ")
    )


def _belongs(score_name: str, scorer_name: str) -> bool:
    return score_name == scorer_name or score_name.startswith(scorer_name + ".")


def _signature(function: Callable[..., Any], name: str) -> dict[str, inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise UsageError(f"scorer {name!r} has no readable signature", mend="wrap it in a def") from None
    allowed = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    wrong = [key for key, value in parameters.items() if value.kind not in allowed]
    if wrong:
        raise UsageError(f"scorer {name!r} takes *{wrong[0]}", mend="name each parameter: they are filled in by name")
    return dict(parameters)


def _check_settings(
    name: str, signature: Mapping[str, inspect.Parameter], settings: Mapping[str, Any], known: Sequence[str]
) -> None:
    own = [key for key in signature if key not in known]
    for key in settings:
        if key not in signature:
            raise UsageError(f"scorer {name!r}: {NotFound.among('setting', key, own)}")
    for key in own:
        if key not in settings and signature[key].default is inspect.Parameter.empty:
            raise UsageError(
                f"scorer {name!r} asks for {key!r}, which is neither given nor known",
                mend=f"give {key}=..., or use one of: {', '.join(known)}",
            )


def _awaits(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004
