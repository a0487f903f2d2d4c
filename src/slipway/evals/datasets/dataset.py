"""A dataset in memory: frozen examples whose version is the hash of their content."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slipway.data import DatasetVersion, Example, canonical_json, content_hash
from slipway.errors import NotFound, UsageError
from slipway.evals.datasets.conditions import satisfied

if TYPE_CHECKING:
    from slipway.evals.datasets.diff import Diff
    from slipway.store.protocol import Store


@dataclass(frozen=True)
class Dataset:
    """Examples under a name. ``slices`` are the metadata fields by which results are broken down; ``source`` says where the
    rows came from. Made by `dataset` or `load_version`; every method gives a new one."""

    name: str
    examples: tuple[Example, ...]
    slices: tuple[str, ...] = ()
    source: str = ""

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    def __getitem__(self, example_id: str) -> Example:
        """The example with that id. Raises `NotFound`."""
        try:
            return self.by_id[example_id]
        except KeyError:
            raise NotFound.among(f"example in {self.name}", example_id, self.by_id) from None

    @cached_property
    def by_id(self) -> Mapping[str, Example]:
        """Examples by id."""
        return {example.id: example for example in self.examples}

    @cached_property
    def lines(self) -> bytes:
        """The rows as canonical JSON lines: what a version keeps, and what its hash is taken of."""
        return b"".join(canonical_json(example) + b"\n" for example in self.examples)

    @cached_property
    def version(self) -> str:
        """64 hex digits over the name and every field of every example, in order."""
        head = canonical_json({"dataset": self.name}) + b"\n"
        return hashlib.sha256(head + self.lines).hexdigest()

    def slices_of(self, example: Example) -> dict[str, Any]:
        """The values of the slice fields of one example; a field that it lacks is None."""
        return {name: example.metadata.get(name) for name in self.slices}

    def where(self, condition: Callable[[Example], bool] | None = None, /, **conditions: Any) -> Dataset:
        """The examples that satisfy all conditions: ``where(lang="en", skill__in=["news", "music"])`` over metadata, id and
        cluster, with the store's suffixes (``__ne __ge __gt __le __lt __in __prefix``), or ``where(lambda e: ...)``."""
        keep = tuple(
            example
            for example in self.examples
            if (condition is None or condition(example)) and satisfied(_fields(example), conditions)
        )
        return replace(self, examples=keep)

    def sample(self, n: int, seed: int = 0) -> Dataset:
        """``n`` examples drawn without replacement, in their old order; all of them when there are no more than ``n``."""
        if n < 0:
            raise UsageError(f"cannot draw {n} examples", mend="give a number of at least 0")
        chosen = sorted(random.Random(seed).sample(range(len(self)), min(n, len(self))))
        return replace(self, examples=tuple(self.examples[index] for index in chosen))

    def split(self, *, seed: int = 0, **shares: float) -> dict[str, Dataset]:
        """Parts by share: ``split(train=0.8, test=0.2)``. Shares are scaled to 1.

        A part is decided by the hash of an example's cluster (its id, if it has none), so a cluster is never torn apart and
        adding rows moves no other row; sizes are therefore only about right.
        """
        total = sum(shares.values())
        if not shares or min(shares.values()) < 0 or total <= 0:
            raise UsageError("the shares of a split must be positive", mend="split(train=0.8, test=0.2)")
        parts: dict[str, list[Example]] = {name: [] for name in shares}
        for example in self.examples:
            unit = example.cluster if example.cluster is not None else example.id
            point = int(content_hash([seed, unit])[:13], 16) / 16**13 * total
            chosen = list(shares)[-1]
            for name, share in shares.items():
                if point < share:
                    chosen = name
                    break
                point -= share
            parts[chosen].append(example)
        return {name: replace(self, name=f"{self.name}-{name}", examples=tuple(part)) for name, part in parts.items()}

    def diff(self, other: Dataset) -> Diff:
        """What changed from this dataset to ``other``, by id, down to the field."""
        from slipway.evals.datasets.diff import compare

        return compare(self, other)

    def save(self, store: Store, **more: Any) -> DatasetVersion:
        """Keep this version in the store (see `kept.save`)."""
        from slipway.evals.datasets.kept import save

        return save(self, store, **more)

    def _repr_html_(self) -> str:
        from slipway.data.text import shorten
        from slipway.evals.html import table

        first = self.examples[:20]
        cells = [(e.id, e.input, e.expected, *self.slices_of(e).values()) for e in first]
        caption = f"{self.name}@{self.version[:12]}: {len(self):,} examples, {len(first)} shown"
        rows = [["" if cell is None else shorten(cell, 300) for cell in row] for row in cells]
        return table(["id", "input", "expected", *self.slices], rows, caption)


def _fields(example: Example) -> Mapping[str, Any]:
    return {"cluster": example.cluster, **example.metadata, "id": example.id}
