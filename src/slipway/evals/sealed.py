"""Looks at a held-out suite: budgeted, written to a ledger, and telling only what the budget can pay for.

A look asks one thing, whether this variant is better than the best so far, at the level alpha / budget
(`slipway.evals.stats.take_look` names the sources); only a yes changes the score that is shown. Each look is inserted under the
next number, a key that only one process can have, so of two that race for the last look one gets it and the other is
refused. The best's scores by example are kept, encrypted, beside the look that made it the best.

Start with `take_look`; sealed_rows.py seals and opens the rows, sealed_key.py keeps the key. See docs/concepts/held-out.md.
"""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from slipway.data import EvalRun, Look, Variant, canonical_json, new_id
from slipway.errors import SealedError, UsageError
from slipway.evals.sealed_key import close_box, load_key, open_box
from slipway.evals.sealed_rows import SealedSuite, all_sealed, find_sealed, seal, unseal_rows

if TYPE_CHECKING:
    from slipway.store.protocol import Store

Scores = Mapping[str, "float | Sequence[float | None] | None"]


@dataclass(frozen=True, slots=True)
class Told:
    """All that a look tells. ``better``: than the best so far, at a level the whole budget pays for. ``shown`` is the best's
    score, rounded, with an interval at 1 - alpha / budget, ``low`` to ``high`` (None for scores beyond 0 to 1).
    ``recorded``: this variant was looked at before, and this is what was told then; no look was spent."""

    suite: str
    number: int
    variant_id: str
    better: bool
    shown: float
    low: float | None
    high: float | None
    metric: str
    looks_left: int
    locked: bool
    recorded: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return asdict(self)

    def __str__(self) -> str:
        """``look 3 of held-out: no better than the best so far, which scores 0.75 [0.68, 0.82]; 17 looks left``."""
        if self.number == 1:
            says = "the first, which sets the score to beat:"
        else:
            says = (
                "better than the best so far; it scores"
                if self.better
                else "not shown better than the best so far, which scores"
            )
        ends = "" if self.low is None or self.high is None else f" [{self.low:.3g}, {self.high:.3g}]"
        left = "locked, no look is left" if self.locked else f"{self.looks_left} looks left"
        again = "; told before, no look was spent" if self.recorded else ""
        return f"look {self.number} of {self.suite}: {says} {self.shown:.3g}{ends}; {left}{again}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every look at a suite, oldest first, and what is left of the budget. ``shown`` is None before the first look."""

    suite: str
    budget: int
    looks: tuple[Look, ...]

    @property
    def used(self) -> int:
        """Looks spent."""
        return len(self.looks)

    @property
    def left(self) -> int:
        """Looks left."""
        return max(0, self.budget - self.used)

    @property
    def locked(self) -> bool:
        """Whether the budget is spent."""
        return self.left == 0

    @property
    def shown(self) -> float | None:
        """The best score so far, as it was told."""
        return self.looks[-1].told["shown"] if self.looks else None

    def find(self, variant_id: str, recipe: str = "") -> Told | None:
        """What was told about this variant, marked as recorded; None when nobody looked."""
        for look in self.looks:
            if look.variant_id == variant_id and look.told.get("recipe", "") == recipe:
                return _told(look, self.budget, recorded=True)
        return None

    def to_dict(self) -> dict[str, Any]:
        """Budget and looks (number, who, when, variant, why, told) as JSON types."""
        looks = [
            {
                "number": look.number,
                "who": look.who,
                "when_ns": look.when_ns,
                "variant_id": look.variant_id,
                "variant": look.told.get("variant", ""),
                "why": look.why,
                **{name: look.told.get(name) for name in ("better", "shown", "low", "high", "metric")},
            }
            for look in self.looks
        ]
        own = {"suite": self.suite, "budget": self.budget, "used": self.used, "left": self.left, "locked": self.locked}
        return {**own, "shown": self.shown, "looks": looks}

    def __str__(self) -> str:
        """A line for each look."""
        state = "locked" if self.locked else f"{self.left} left"
        lines = [f"{self.suite}: {self.used} of {self.budget} looks spent, {state}"]
        for look in self.looks:
            when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(look.when_ns / 1e9))
            says = "first" if look.number == 1 else "better" if look.told["better"] else "no better"
            name = look.told.get("variant") or look.variant_id[:12]
            lines.append(
                f"{look.number:4d}  {when}  {look.who}  {name}  {says}, {look.told['shown']:.3g} shown  {look.why}"
            )
        return "\n".join(lines)


def ledger(store: Store, suite: str) -> Ledger:
    """The ledger of a sealed suite. Needs no key. Raises `NotFound`."""
    return _ledger(store, find_sealed(store, suite))


def _ledger(store: Store, sealed: SealedSuite) -> Ledger:
    looks = sorted(store.find(Look, {"suite": sealed.suite}), key=lambda look: look.number)
    return Ledger(sealed.suite, sealed.looks, tuple(looks))


def check_look(store: Store, suite: str, *, variant: Variant | str, why: str, recipe: str = "") -> Told | None:
    """Before a run is paid for: what was told about this variant already, or None when a look can be taken.

    Raises `UsageError` without a reason, `SealedError` when the suite is locked.
    """
    _reason(why)
    book = ledger(store, suite)
    known = book.find(_id(variant), recipe)
    if known is None and book.locked:
        raise _locked(book)
    return known


def seal_scores(store: Store, suite: str, scores: Scores, *, metric: str = "", key: bytes | str | None = None) -> str:
    """Keep scores by example, encrypted; the address of the blob, for ``EvalRun.summary["sealed_scores"]``."""
    sealed, secret = find_sealed(store, suite), load_key(key)
    return _keep(store, sealed, secret, _means(scores), metric)


def take_look(
    store: Store,
    suite: str,
    run_or_scores: EvalRun | Scores,
    *,
    variant: Variant | str = "",
    who: str,
    why: str,
    recipe: str = "",
    metric: str = "",
    key: bytes | str | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> Told:
    """Spend one look on a variant, and get all that it tells.

    ``run_or_scores`` is a run of the suite (with ``sealed_scores`` in its summary) or scores by example: a number where
    higher is better, or one for each repeat; None, no answer, counts 0. ``variant`` and ``recipe`` (hash of code, settings and
    model) are the run's unless given: the same two again spend nothing and tell the same. ``who`` and ``why`` go into the ledger.

    Raises `UsageError` without a reason, `SealedError` when the suite is locked, the key is another, an example has no
    score, or the metric is not the one of the looks before.
    """
    _reason(why)
    sealed = find_sealed(store, suite)
    if isinstance(run_or_scores, EvalRun):
        variant, recipe = variant or run_or_scores.variant_id, recipe or str(run_or_scores.config.get("recipe", ""))
    if not _id(variant):
        raise UsageError("a look needs the variant that it is taken at", mend="pass variant='NAME'")
    book = _ledger(store, sealed)
    known = book.find(_id(variant), recipe)
    if known is not None:
        return known
    if book.locked:
        raise _locked(book)
    secret = load_key(key)
    scores, metric = _scores(store, sealed, secret, run_or_scores, metric)
    named = {"variant": variant.name} if isinstance(variant, Variant) else {}
    entry = {**named, "recipe": recipe, "metric": metric, "id": new_id()}
    while True:
        look = _weigh(store, sealed, secret, book, scores, entry, Entry(_id(variant), who, why, clock()))
        store.write([look])
        kept = store.get(Look, suite, look.number)
        if kept is not None and kept.told.get("id") == entry["id"]:
            return _told(kept, sealed.looks)
        # Another process took this number: the best may be another now, and the budget spent.
        book = _ledger(store, sealed)
        known = book.find(_id(variant), recipe)
        if known is not None:
            return known
        if book.locked:
            raise _locked(book)


@dataclass(frozen=True, slots=True)
class Entry:
    """What goes into the ledger beside what is told."""

    variant_id: str
    who: str
    why: str
    when_ns: int


def _weigh(
    store: Store,
    sealed: SealedSuite,
    key: bytes,
    book: Ledger,
    scores: Mapping[str, float],
    facts: Mapping[str, Any],
    entry: Entry,
) -> Look:
    """The look that would stand next in the ledger."""
    import numpy as np

    import slipway.evals.stats as stats

    units = {example.id: example.cluster for example in unseal_rows(store, sealed, key)}
    if set(units) != set(scores):
        lacking = len(set(units) - set(scores))
        raise SealedError(
            f"a look needs a score for each of the {len(units)} examples: {lacking} have none, "
            f"{len(set(scores) - set(units))} are not of this suite",
            mend="run the suite to its end, without a cap on time or cost",
        )
    best = None
    best_look = next((look for look in reversed(book.looks) if look.told["better"]), None)
    if best_look is not None:
        best, before = _open_scores(store, sealed, key, best_look.told["scores"])
        if before != facts["metric"]:
            raise SealedError(
                f"the looks before were taken with the score {before!r}, this one is {facts['metric']!r}",
                mend="use the same scorer, or seal a suite for the other one",
            )
    order = sorted(units)
    clusters = [units[one] or f"only {one}" for one in order] if any(units.values()) else None
    candidate = np.array([scores[one] for one in order])
    made = stats.take_look(
        candidate,
        None if best is None else np.array([best[one] for one in order]),
        looks_used=book.used,
        budget=sealed.looks,
        shown=book.shown,
        alpha=sealed.alpha,
        step=sealed.step,
        clusters=clusters,
    )
    told: dict[str, Any] = {**facts, "better": made.better, "shown": made.shown, "low": None, "high": None}
    if candidate.min() >= 0 and candidate.max() <= 1:
        told["low"], told["high"] = _ends(made.shown, len(set(clusters or order)), sealed)
    if made.better:
        told["scores"] = _keep(store, sealed, key, scores, facts["metric"])
    return Look(
        suite=sealed.suite,
        number=book.used + 1,
        who=entry.who,
        when_ns=entry.when_ns,
        variant_id=entry.variant_id,
        why=entry.why,
        told=told,
        project=sealed.version.project,
    )


def _ends(shown: float, n: int, sealed: SealedSuite) -> tuple[float, float]:
    """An interval from the shown score alone, so that it tells nothing the score does not: Clopper-Pearson, whose variance
    no 0..1 score of that mean exceeds, with as many trials as clusters, at alpha / budget, widened by the rounding."""
    from slipway.evals.stats.intervals import clopper_pearson

    share = min(max(shown, 0.0), 1.0)
    low, high = clopper_pearson(share * n, n, 1 - sealed.alpha / sealed.looks)
    half = sealed.step / 2
    return round(max(0.0, low - half), 4), round(min(1.0, high + half), 4)


def _scores(
    store: Store, sealed: SealedSuite, key: bytes, given: EvalRun | Scores, metric: str
) -> tuple[dict[str, float], str]:
    if not isinstance(given, EvalRun):
        return _means(given), metric
    if given.dataset_id != sealed.version.id:
        raise SealedError(f"run {given.id[:12]} is not of suite {sealed.suite!r}", mend="run that suite")
    blob = given.summary.get("sealed_scores")
    if not blob:
        raise SealedError(f"run {given.id[:12]} kept no sealed scores", mend="run the suite again, to its end")
    return _open_scores(store, sealed, key, str(blob))


def _means(scores: Scores) -> dict[str, float]:
    made = {}
    for name, value in scores.items():
        values = [value] if value is None or isinstance(value, int | float) else list(value)
        made[name] = sum(0.0 if one is None or one != one else float(one) for one in values) / max(1, len(values))
    return made


def _keep(store: Store, sealed: SealedSuite, key: bytes, scores: Mapping[str, float], metric: str) -> str:
    data = canonical_json({"metric": metric, "scores": scores})
    return store.put_blob(close_box(key, "scores", data, sealed.bound))


def _open_scores(store: Store, sealed: SealedSuite, key: bytes, blob: str) -> tuple[dict[str, float], str]:
    what = f"the scores of suite {sealed.suite!r} (key {sealed.key})"
    found = msgspec.json.decode(open_box(key, "scores", store.get_blob(blob), sealed.bound, what=what))
    return {name: float(value) for name, value in found["scores"].items()}, found["metric"]


def _told(look: Look, budget: int, *, recorded: bool = False) -> Told:
    left = max(0, budget - look.number)
    told = look.told
    return Told(
        suite=look.suite,
        number=look.number,
        variant_id=look.variant_id,
        better=bool(told["better"]),
        shown=float(told["shown"]),
        low=told.get("low"),
        high=told.get("high"),
        metric=str(told.get("metric", "")),
        looks_left=left,
        locked=left == 0,
        recorded=recorded,
    )


def _id(variant: Variant | str) -> str:
    return variant.id if isinstance(variant, Variant) else variant


def _reason(why: str) -> None:
    if not why.strip():
        raise UsageError("a look needs a reason", mend='say why, for the ledger: --why "last check before the release"')


def _locked(book: Ledger) -> SealedError:
    return SealedError(
        f"suite {book.suite!r} is locked: all {book.budget} looks are spent",
        mend="seal a new suite with rows that nobody has used",
    )


def this_person() -> str:
    """``user@host``, for the ledger."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        name = "somebody"
    return f"{name}@{socket.gethostname()}"


__all__ = [
    "Ledger",
    "Told",
    "all_sealed",
    "check_look",
    "find_sealed",
    "ledger",
    "seal",
    "seal_scores",
    "take_look",
    "this_person",
    "unseal_rows",
]
