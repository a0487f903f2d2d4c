"""Slots: which part of a local model's memory reads a prompt, and whether it may reuse what it read before.

A beginning that was read under one LoRA adapter, or under another scale of it, is another text to the model. llama.cpp keeps
what each slot read last, and in a store beside them what was read earlier, without saying under which adapter. That store is
left off, and here it is decided when a slot's own beginning counts: only when its last prompt was read under the same scales.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Scales = tuple[float, ...]
"""The scale of each loaded adapter, in the order they were loaded."""


@dataclass(slots=True)
class _Slot:
    number: int
    scales: Scales | None = None  # None: what it holds is unknown
    used: int = 0
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A slot for one prompt. ``reuse``: its last prompt was read under the same scales, so that a common beginning counts."""

    slot: int
    reuse: bool


class Slots:
    """The slots of one loaded model. No more threads than slots may ask for one at a time."""

    def __init__(self, count: int) -> None:
        self._slots = [_Slot(number) for number in range(count)]
        self._free = threading.Condition()
        self._turns = 0

    @contextmanager
    def take(self, scales: Scales) -> Iterator[Turn]:
        """The idle slot that last read under ``scales``, else the one that was idle longest."""
        with self._free:
            while not any(not slot.busy for slot in self._slots):
                self._free.wait()
            idle = [slot for slot in self._slots if not slot.busy]
            same = [slot for slot in idle if slot.scales == scales]
            chosen = max(same, key=lambda slot: slot.used) if same else min(idle, key=lambda slot: slot.used)
            turn = Turn(chosen.number, bool(same))
            chosen.scales = None
            chosen.busy = True
        try:
            yield turn
        except BaseException:
            chosen.scales = None  # nobody knows how far it came
            raise
        else:
            chosen.scales = scales
        finally:
            with self._free:
                self._turns += 1
                chosen.used, chosen.busy = self._turns, False
                self._free.notify()
