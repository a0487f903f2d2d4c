"""What changed between two versions of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.data import Example, canonical_json
from slipway.evals.datasets.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Change:
    """One example that is in both: ``fields`` maps a path (``expected.arguments.when``) to (old, new); None: absent."""

    id: str
    fields: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Diff:
    """Ids that came, went and changed, in the order of the newer and the older dataset."""

    old: str
    new: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()
    unchanged: int = 0
    by_field: Mapping[str, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.added or self.removed or self.changed)

    def __str__(self) -> str:
        fields = ", ".join(f"{name} in {count}" for name, count in self.by_field.items())
        return (
            f"{self.old[:12]} -> {self.new[:12]}: {len(self.added)} added, {len(self.removed)} removed, "
            f"{len(self.changed)} changed{f' ({fields})' if fields else ''}, {self.unchanged} the same"
        )


def compare(old: Dataset, new: Dataset) -> Diff:
    """What changed from ``old`` to ``new``, matched by id."""
    before, after = old.by_id, new.by_id
    changes = [
        Change(key, fields) for key in after if key in before and (fields := dict(_changes(before[key], after[key])))
    ]
    counts: dict[str, int] = {}
    for change in changes:
        for path in change.fields:
            counts[path] = counts.get(path, 0) + 1
    return Diff(
        old=old.version,
        new=new.version,
        added=tuple(key for key in after if key not in before),
        removed=tuple(key for key in before if key not in after),
        changed=tuple(changes),
        unchanged=sum(key in before for key in after) - len(changes),
        by_field=dict(sorted(counts.items(), key=lambda item: -item[1])),
    )


def _changes(old: Example, new: Example) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name in ("input", "expected", "metadata", "cluster"):
        yield from _between(name, getattr(old, name), getattr(new, name))


def _between(path: str, old: Any, new: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            if key in old and key in new:
                yield from _between(f"{path}.{key}", old[key], new[key])
            else:
                yield f"{path}.{key}", (old.get(key), new.get(key))
    elif canonical_json(old) != canonical_json(new):
        yield path, (old, new)
