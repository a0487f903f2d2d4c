"""Lineage: which prompt, dataset, model, code, environment and people an answer came from (M4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from slipway.data import DatasetVersion, Environment, EvalRun, Feedback, Prompt, Sample, Span, Variant
from slipway.server.deriving import facts
from slipway.server.routes.prompts import PromptShown
from slipway.server.routes.runs import VariantShown
from slipway.server.routes.traces import trace_of
from slipway.server.routing import Call, route
from slipway.server.views import DatasetShown, FeedbackShown, RunShown, held_out, shown, shown_run
from slipway.track import dialects

MOST_SPANS = 5_000
MOST_FEEDBACK = 1_000
_PROMPTS = (  # name, version: beside those that dialects know
    ("slipway.prompt.name", "slipway.prompt.version"),
    ("llm.prompt_template.name", "llm.prompt_template.version"),
)
_PROMPT_ID = ("slipway.prompt.id", "gen_ai.prompt.id")


class PromptUsed(msgspec.Struct):
    """A prompt that the spans or the variant name; ``kept`` is that version, when it is in the store."""

    name: str
    version: str
    kept: PromptShown | None


class ModelUsed(msgspec.Struct):
    """A model and how many calls of it the trace holds."""

    model: str
    provider: str | None
    calls: int


class CodeUsed(msgspec.Struct):
    """The code: the commit, and the digest of the blob with the uncommitted change where there was one."""

    commit: str | None
    branch: str | None
    dirty: bool
    diff_blob: str | None
    repository: str | None


class EnvironmentUsed(msgspec.Struct):
    """The machine and what was installed. ``packages`` maps distribution to version."""

    id: str
    captured_ns: int
    code: CodeUsed
    python: str
    platform: str
    command: list[str]
    packages: Mapping[str, str]
    lock_file: str | None
    lock_blob: str | None


class SampleUsed(msgspec.Struct):
    """The example of the dataset version that the trace answers, and how it was scored."""

    run_id: str
    example_id: str
    repeat: int
    status: str
    scores: Mapping[str, float | None]


class People(msgspec.Struct):
    """Who asked (users of the spans), who judged (feedback)."""

    users: list[str]
    reviewers: list[str]


class Lineage(msgspec.Struct):
    """Where an answer came from. Parts that nobody recorded are null or empty. ``complete`` is false for a trace of so many
    spans that not all were looked at."""

    trace_id: str
    name: str
    started_ns: int
    prompts: list[PromptUsed]
    models: list[ModelUsed]
    dataset: DatasetShown | None
    sample: SampleUsed | None
    run: RunShown | None
    variant: VariantShown | None
    environments: list[EnvironmentUsed]
    services: list[Mapping[str, Any]]
    feedback: list[FeedbackShown]
    people: People
    complete: bool


@route("GET", "/api/v1/lineage/{trace_id}", needs="viewer")
def lineage(call: Call, trace_id: str) -> Lineage:
    """The lineage of the answer that a trace gave."""
    store = call.state.store
    trace = trace_of(call, trace_id)
    mine = {"trace_id": trace.trace_id, "project": call.project}
    spans = list(store.find(Span, mine, limit=MOST_SPANS + 1))
    complete = len(spans) <= MOST_SPANS
    spans = spans[:MOST_SPANS]
    run = _of_project(call, EvalRun, [trace.run_id, *(span.run_id for span in spans)])
    variant = _of_project(call, Variant, [run.variant_id]) if run is not None else None
    said = list(store.find(Feedback, mine, newest_first=True, limit=MOST_FEEDBACK))
    where_from = [span.environment_id for span in spans] + ([run.environment_id] if run is not None else [])
    dataset = _of_project(call, DatasetVersion, [run.dataset_id]) if run is not None else None
    return Lineage(
        trace_id=trace.trace_id,
        name=trace.name,
        started_ns=trace.started_ns,
        prompts=_prompts(call, spans, variant),
        models=_models(spans),
        dataset=shown(dataset, DatasetShown) if dataset is not None else None,
        sample=_sample(call, run, dataset, trace.trace_id),
        run=shown_run(run) if run is not None else None,
        variant=shown(variant, VariantShown) if variant is not None else None,
        environments=[_environment(found) for found in _environments(call, where_from)],
        services=_services(spans),
        feedback=[shown(each, FeedbackShown) for each in said],
        people=People(
            sorted({user for span in spans if (user := facts(span).user_id)}), sorted({f.who for f in said if f.who})
        ),
        complete=complete,
    )


def _of_project(call: Call, kind: type[Any], ids: Iterable[str | None]) -> Any:
    """The first of them that there is in this project."""
    for identity in dict.fromkeys(ids):
        where = {"id": identity, "project": call.project}
        found = next(call.state.store.find(kind, where, limit=1), None) if identity else None
        if found is not None:
            return found
    return None


def _environments(call: Call, ids: Iterable[str | None]) -> list[Environment]:
    found = (_of_project(call, Environment, [identity]) for identity in dict.fromkeys(ids))
    return [environment for environment in found if environment is not None]


def _environment(found: Environment) -> EnvironmentUsed:
    code = CodeUsed(found.commit, found.branch, found.dirty, found.diff_blob, found.repository)
    names = ("id", "captured_ns", "python", "platform", "packages", "lock_file", "lock_blob")
    rest = {name: getattr(found, name) for name in names}
    return EnvironmentUsed(code=code, command=list(found.command), **rest)


def _models(spans: Iterable[Span]) -> list[ModelUsed]:
    counts: Counter[tuple[str, str | None]] = Counter()
    for span in spans:
        said = facts(span)
        if said.model and said.call:
            counts[said.model, said.provider] += 1
    return [ModelUsed(model, provider, calls) for (model, provider), calls in counts.most_common()]


def _services(spans: Iterable[Span]) -> list[Mapping[str, Any]]:
    """What the exporters said of the programs that recorded, each once."""
    found: list[Mapping[str, Any]] = []
    for span in spans:
        if span.resource and span.resource not in found and len(found) < 20:
            found.append(span.resource)
    return found


def _prompts(call: Call, spans: Iterable[Span], variant: Variant | None) -> list[PromptUsed]:
    named: dict[tuple[str, str], None] = {}
    ids: dict[str, None] = {}
    for span in spans:
        found = dialects.derive(span)
        if found.prompt_name:
            named[found.prompt_name, found.prompt_version or ""] = None
        for name, version in _PROMPTS:
            if isinstance(said := span.attributes.get(name), str):
                named[said, str(span.attributes.get(version, ""))] = None
        ids |= {said: None for key in _PROMPT_ID if isinstance(said := span.attributes.get(key), str)}
    configured = variant.config.get("prompt") if variant is not None else None
    if isinstance(configured, str):
        name, _, version = configured.rpartition("@v")
        named[(name, version) if name and version.isdigit() else (configured, "")] = None
    used = [PromptUsed(name, version, _kept(call, name, version)) for name, version in named]
    for identity in ids:
        kept = _of_project(call, Prompt, [identity])
        if kept is not None and not any(use.kept and use.kept.id == identity for use in used):
            used.append(PromptUsed(kept.name, str(kept.version), shown(kept, PromptShown)))
    return used


def _kept(call: Call, name: str, version: str) -> PromptShown | None:
    number = version.removeprefix("v")
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        return None  # which version it was is not known: naming the newest would be a guess
    where = {"project": call.project, "name": name, "version": int(number)}
    found = next(call.state.store.find(Prompt, where, limit=1), None)
    return shown(found, PromptShown) if found is not None else None


def _sample(call: Call, run: EvalRun | None, dataset: DatasetVersion | None, trace_id: str) -> SampleUsed | None:
    if run is None or held_out(run) or (dataset is not None and dataset.sealed):
        return None
    found = next(call.state.store.find(Sample, {"run_id": run.id, "trace_id": trace_id}, limit=1), None)
    if found is None:
        return None
    scores = {score.name: score.value for score in found.scores}
    return SampleUsed(run.id, found.example_id, found.repeat, found.status, scores)
