"""Sealing a dataset and, for the runner alone, opening it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from slipway.data import DatasetVersion, Example, canonical_json, content_hash, digest
from slipway.errors import NotFound, NothingRan, SealedError, UsageError
from slipway.evals.sealed_key import close_box, key_name, keyed_hash, load_key, open_box

if TYPE_CHECKING:
    from slipway.evals.datasets import Dataset
    from slipway.store.protocol import Store

MOST_LOOKS = 10_000
MOST_SHARED = 0.1
"""The largest share of its rows that a new suite may have in common with one that is sealed already."""


@dataclass(frozen=True, slots=True)
class SealedSuite:
    """A sealed suite as its record tells it: no row, and nothing from which one could be had without the key."""

    version: DatasetVersion
    suite: str
    looks: int
    alpha: float
    step: float
    key: str

    @property
    def bound(self) -> bytes:
        """What the rows are authenticated with: a record whose budget was raised no longer opens them."""
        facts = {"suite": self.suite, "looks": self.looks, "alpha": self.alpha, "step": self.step}
        return canonical_json({**facts, "size": self.version.size, "id": self.version.id})


def seal(
    dataset: Dataset,
    *,
    suite: str,
    looks: int,
    store: Store,
    key: bytes | str | None = None,
    alpha: float = 0.05,
    step: float = 0.01,
    project: str = "default",
    clock: Callable[[], int] = time.time_ns,
) -> DatasetVersion:
    """Keep ``dataset`` encrypted as the held-out suite ``suite``, to be looked at ``looks`` times in all.

    ``alpha`` is the chance that any of all those looks calls a worthless variant better; ``step`` the rounding of the score
    that is shown. Ids and clusters are replaced by keyed hashes: they may be telling. The seal key is made when there is none.
    The file that the rows came from is not touched: move it away from those who build variants.

    The same call again gives the version that is there. Raises `SealedError` when the suite exists with other rows or another
    budget, when its rows are in the store unencrypted, or when more than a tenth of them are in another sealed suite.
    """
    if not suite.strip():
        raise UsageError("a sealed suite needs a name", mend="suite='held-out'")
    if not 1 <= looks <= MOST_LOOKS or not 0 < alpha < 1 or not 0 <= step < 1:
        raise UsageError(f"looks={looks}, alpha={alpha}, step={step} make no sense", mend="looks=20 is a good start")
    if not len(dataset):
        raise NothingRan("there are no rows to seal", mend="check the file, and the condition")
    secret = load_key(key, create=True)
    examples = tuple(_masked(example, secret) for example in dataset)
    lines = b"".join(canonical_json(example) + b"\n" for example in examples)
    version = DatasetVersion(
        id=keyed_hash(secret, "rows", lines),
        name=f"{suite}.sealed",
        size=len(examples),
        rows_blob="",
        created_ns=clock(),
        source=dataset.source,
        sealed=True,
        project=project,
        provenance={"suite": suite, "looks": looks, "alpha": alpha, "step": step, "key": key_name(secret)},
    )
    made = _read(version)
    known = _standing(store, made)
    if known is not None:
        return known if known.project == project else _joined(store, known, version)
    _refuse_known_rows(store, dataset, examples, secret)
    version = replace(version, rows_blob=store.put_blob(close_box(secret, "rows", lines, made.bound)))
    store.write([version])
    # Two may seal different rows under one name at the same moment: the first to arrive is the suite.
    if find_sealed(store, suite).version.id != version.id:
        raise _taken(find_sealed(store, suite))
    return version


def find_sealed(store: Store, suite: str) -> SealedSuite:
    """The sealed suite of that name. Raises `NotFound`."""
    known = all_sealed(store)
    for found in known:
        if found.suite == suite:
            return found
    raise NotFound.among("sealed suite", suite, [found.suite for found in known])


def all_sealed(store: Store) -> list[SealedSuite]:
    """Every sealed suite, oldest first; one that several projects sealed, as the first of them did."""
    once: dict[str, DatasetVersion] = {}
    for version in store.find(DatasetVersion, {"sealed": True}):
        once.setdefault(version.id, version)
    return [_read(version) for version in once.values()]


def unseal_rows(
    store: Store, version: DatasetVersion | SealedSuite, key: bytes | str | None = None
) -> tuple[Example, ...]:
    """The rows in the clear: for the runner, which passes them to the task and keeps none. Ids and clusters are opaque.

    Raises `SealedError` without the key that sealed them.
    """
    sealed = _read(version) if isinstance(version, DatasetVersion) else version
    secret = load_key(key)
    what = f"sealed suite {sealed.suite!r} (key {sealed.key})"
    lines = open_box(secret, "rows", store.get_blob(sealed.version.rows_blob), sealed.bound, what=what)
    decode = msgspec.json.Decoder(Example).decode
    return tuple(decode(line) for line in lines.split(b"\n") if line)


def _read(version: DatasetVersion) -> SealedSuite:
    facts: Mapping[str, Any] = version.provenance
    if not version.sealed or "looks" not in facts:
        raise UsageError(f"dataset {version.name!r} is not sealed", mend="load it as any other")
    return SealedSuite(
        version,
        str(facts["suite"]),
        int(facts["looks"]),
        float(facts["alpha"]),
        float(facts["step"]),
        str(facts["key"]),
    )


def _masked(example: Example, key: bytes) -> Example:
    cluster = example.cluster
    return replace(
        example,
        id=keyed_hash(key, "id", example.id.encode())[:16],
        cluster=None if cluster is None else keyed_hash(key, "cluster", str(cluster).encode())[:16],
    )


def _standing(store: Store, made: SealedSuite) -> DatasetVersion | None:
    """The version that stands, when these very rows are sealed under this name and budget already."""
    for found in all_sealed(store):
        same_rows = found.version.id == made.version.id
        if same_rows and found.suite == made.suite and found.bound == made.bound:
            return found.version
        if found.suite == made.suite:
            raise _taken(found)
        if same_rows:
            raise SealedError(
                f"these rows are sealed already, as suite {found.suite!r} with {found.looks} looks",
                mend="a fresh budget takes fresh rows that nobody has used",
            )
    return None


def _joined(store: Store, known: DatasetVersion, asked: DatasetVersion) -> DatasetVersion:
    """The same suite as a version of another project too; its looks are counted once for all of them."""
    store.write([replace(known, project=asked.project, created_ns=asked.created_ns, source=asked.source)])
    return store.get(DatasetVersion, known.id, asked.project) or known


def _taken(found: SealedSuite) -> SealedError:
    return SealedError(
        f"suite {found.suite!r} is sealed already: {found.version.size} rows, {found.looks} looks",
        mend="seal other rows under a name of their own; a budget is never raised",
    )


def _refuse_known_rows(store: Store, dataset: Dataset, examples: tuple[Example, ...], key: bytes) -> None:
    plain = next(store.find(DatasetVersion, {"rows_blob": digest(dataset.lines)}, limit=1), None)
    if plain is not None:
        raise SealedError(
            f"these rows are in the store unencrypted, as dataset {plain.name!r} {plain.id[:12]}",
            mend="seal rows that were never saved: split the file first, then save only the part for building variants",
        )
    known = _overlap(store, all_sealed(store), examples, key)
    if known is not None:
        found, shared = known
        raise SealedError(
            f"{shared} of {len(examples)} rows are in the sealed suite {found.suite!r} already",
            mend="a fresh budget takes fresh rows that nobody has used",
        )


def refuse_sealed_rows(store: Store, examples: Sequence[Example], key: bytes | str | None = None) -> None:
    """Raise `SealedError` when more than a tenth of ``examples``, or of a sealed suite, are the same rows: an open run would
    store them unencrypted and show what each answer is worth.

    Rows are the same when their inputs are. Without the key that sealed a suite nobody can tell, and nothing is refused.
    """
    sealed = all_sealed(store)
    if not sealed:
        return
    try:
        secret = load_key(key)
    except SealedError:
        return
    known = _overlap(store, sealed, examples, secret, either=True)
    if known is not None:
        found, shared = known
        raise SealedError(
            f"{shared} of these {len(examples)} rows are in the sealed suite {found.suite!r}: an open run would show them",
            mend=f"evaluate on other rows, or take a look: suite={found.suite!r} with why=",
        )


def _overlap(
    store: Store, sealed: Sequence[SealedSuite], examples: Sequence[Example], key: bytes, *, either: bool = False
) -> tuple[SealedSuite, int] | None:
    """The first suite of this key that shares more than `MOST_SHARED` of ``examples`` (``either``: or of its own rows), and
    how many of ``examples`` it has."""
    inputs = [content_hash(example.input) for example in examples]
    for found in sealed:
        if found.key != key_name(key):
            continue
        known = {content_hash(example.input) for example in unseal_rows(store, found, key)}
        shared = sum(item in known for item in inputs)
        own = len(known.intersection(inputs)) if either else 0
        if shared > MOST_SHARED * len(inputs) or own > MOST_SHARED * len(known):
            return found, shared
    return None
