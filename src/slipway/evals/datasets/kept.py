"""Dataset versions in the store: each save of changed rows makes one, with the version before as its parent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from slipway.data import DatasetVersion, Example
from slipway.errors import NotFound, SealedError, StoreError, UsageError
from slipway.evals.datasets.dataset import Dataset

if TYPE_CHECKING:
    from slipway.store.protocol import Store


def save(
    dataset: Dataset,
    store: Store,
    *,
    project: str = "default",
    provenance: Mapping[str, Any] | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> DatasetVersion:
    """Keep the rows as a blob and the version as a record of ``project``. The same content again gives the version that is
    there; saved by another project it is that project's too."""
    kept = store.get(DatasetVersion, dataset.version, project)
    if kept is not None:
        return kept
    mine = {"name": dataset.name, "project": project}
    newest = next(store.find(DatasetVersion, mine, newest_first=True, limit=1), None)
    version = DatasetVersion(
        id=dataset.version,
        name=dataset.name,
        size=len(dataset),
        rows_blob=store.put_blob(dataset.lines),
        created_ns=clock(),
        source=dataset.source,
        parent_id=newest.id if newest else None,
        slices=dataset.slices,
        project=project,
        provenance=dict(provenance or {}),
    )
    store.write([version])
    return version


def versions(store: Store, name: str | None = None) -> list[DatasetVersion]:
    """Every version (of ``name``), oldest first; one that several projects saved, as the first of them saved it."""
    return _once(store.find(DatasetVersion, {"name": name} if name else None))


def load_version(store: Store, which: str) -> Dataset:
    """The dataset that ``which`` means: a version id, a prefix of one, a name (its newest version) or ``name@prefix``.

    Raises `NotFound`, `UsageError` when a prefix fits several, `SealedError` for a held-out one, `StoreError` when the rows
    are not what was saved.
    """
    version = _find(store, which)
    if version.sealed:
        raise SealedError(f"dataset {version.name!r} is sealed; its examples are never shown", mend="use another suite")
    rows = store.get_blob(version.rows_blob)
    decode = msgspec.json.Decoder(Example).decode
    examples = tuple(decode(line) for line in rows.split(b"\n") if line)
    dataset = Dataset(name=version.name, examples=examples, slices=tuple(version.slices), source=version.source)
    if dataset.version != version.id:
        raise StoreError(
            f"the rows of {version.name} {version.id[:12]} are not those that were saved",
            mend="run: slipway doctor --deep",
        )
    return dataset


def _find(store: Store, which: str) -> DatasetVersion:
    name, _, prefix = which.rpartition("@")
    where: dict[str, Any] = {"id__prefix": prefix} | ({"name": name} if name else {})
    exact = next(store.find(DatasetVersion, {"id": prefix}, limit=1), None) if len(prefix) == 64 and not name else None
    if exact is not None:
        return exact
    found = _once(store.find(DatasetVersion, where)) if prefix else []
    if not name:
        named = next(store.find(DatasetVersion, {"name": which}, newest_first=True, limit=1), None)
        if named is not None:
            return named
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{which!r} begins several dataset versions", mend="give more digits")
    known = {version.name for version in store.find(DatasetVersion)}
    raise NotFound.among("dataset", which, known)


def _once(found: Iterable[DatasetVersion]) -> list[DatasetVersion]:
    once: dict[str, DatasetVersion] = {}
    for version in found:
        once.setdefault(version.id, version)
    return list(once.values())
