"""Where an input or output goes by its size: onto the span, into a blob, or cut. Runs on the writer's thread, after redaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from slipway.store.payloads import BLOB, reference

_encode = msgspec.json.Encoder().encode


class Payloads:
    """Up to ``inline_bytes`` of JSON stay on the span, up to ``max_bytes`` are kept whole in a blob, the rest is cut and counted.
    ``inline_bytes`` None: there is nowhere to put blobs, so everything stays on the span."""

    def __init__(
        self,
        *,
        inline_bytes: int | None,
        max_bytes: int,
        cut: Callable[[Any, int], Any],
        count: Callable[[], None] = lambda: None,
    ) -> None:
        self.blobs = inline_bytes is not None
        self.inline = max_bytes if inline_bytes is None else min(inline_bytes, max_bytes)
        self.most = max_bytes
        self._cut, self.count = cut, count

    def fit(self, value: Any) -> Any:
        """``value``, or what stands for it on the span. A value that looks like a reference becomes a blob, to be none."""
        if value is None or (type(value) is str and len(value) * 6 <= self.inline):
            return value
        kept = self._cut(value, self.most)
        if kept is not value:
            self.count()
        if not self.blobs:
            return kept
        data = _encode(kept)
        if len(data) <= self.inline and not named_as_blob(kept):
            return kept
        return reference(kept, data)


def named_as_blob(value: Any) -> bool:
    """Could somebody's own value be taken for a reference?"""
    return type(value) is dict and BLOB in value
