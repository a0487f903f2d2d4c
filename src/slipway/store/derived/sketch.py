"""Sketch: durations as counts in logarithmic buckets, from which quantiles are told within 1 %.

DDSketch (Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12,
2019) with relative accuracy a = 0.01: bucket i holds (g^(i-1), g^i] with g = (1 + a) / (1 - a), and every value in it is within
a of 2 g^i / (g + 1). So for every q the quantile told lies within 1 % of the exact lower quantile (the value of rank
floor(q (n - 1)) of the n sorted ones), however many sketches were merged: buckets never move, merging adds counts, and what was
added can be taken away exactly. A duration of 64 bits needs 2,185 buckets at most. Zero has a bucket of its own.

A sketch is packed as pairs (bucket, count) of 2 and 4 bytes, so that thousands joined end to end are merged by one call into
numpy.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ACCURACY = 0.01
GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA = math.log(GAMMA)
BUCKETS = 2 + math.ceil(math.log(2**64) / _LOG_GAMMA)
_PAIR = struct.Struct("<HI")
LARGEST = 2**32 - 1


def bucket(duration_ns: int) -> int:
    """The bucket of a duration: 0 for none, 1 for 1 ns, and so on."""
    return 0 if duration_ns <= 0 else 1 + math.ceil(math.log(duration_ns) / _LOG_GAMMA)


def middle(number: int) -> float:
    """The duration that stands for all of a bucket."""
    return 0.0 if number == 0 else 2 * GAMMA ** (number - 1) / (GAMMA + 1)


def pack(counts: Mapping[int, int]) -> bytes:
    """The counts of buckets as bytes; empty buckets take no room."""
    return b"".join(_PAIR.pack(number, min(count, LARGEST)) for number, count in sorted(counts.items()) if count > 0)


def unpack(packed: bytes) -> dict[int, int]:
    """The inverse of `pack`."""
    return dict(_PAIR.iter_unpack(packed))


def merged(sketches: Sequence[bytes], groups: Iterable[int], number_of_groups: int) -> Any:
    """Counts as a numpy array (group, bucket): each sketch added to the group that is named for it."""
    import numpy as np

    joined = np.frombuffer(b"".join(sketches), dtype=[("bucket", "<u2"), ("count", "<u4")])
    lengths = [len(sketch) // _PAIR.size for sketch in sketches]
    group = np.repeat(np.fromiter(groups, dtype=np.int64, count=len(sketches)), lengths)
    flat = np.bincount(
        group * BUCKETS + joined["bucket"], weights=joined["count"], minlength=number_of_groups * BUCKETS
    )
    return flat.reshape(number_of_groups, BUCKETS)


def quantiles(counts: Any, wanted: Sequence[float]) -> list[float]:
    """The quantiles of one row of `merged`; NaN for each when it counts nothing."""
    import numpy as np

    total = np.cumsum(counts)
    if not total[-1]:
        return [math.nan] * len(wanted)
    ranks = [math.floor(q * (total[-1] - 1)) for q in wanted]
    return [middle(int(number)) for number in np.searchsorted(total, ranks, side="right")]
