"""The chain WAV -> call measured: sentences said by espeak-ng in several voices, speeds and noises, through the real ears.

Start in `spoken()`. A sentence is streamed to the ears block by block. From its true end (the sound is made, so it is known) to
the skill count: the silence that the ears wait for, what they and the mind still compute then. The waiting is sound and
is not slept through, so two hundred sentences take a minute or two.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_assistant.bench import graded
from slipway_assistant.data import Utterance
from slipway_assistant.ears import Ears
from slipway_assistant.ears.resample import RATE, Pcm
from slipway_assistant.ears.wav import blocks
from slipway_assistant.mind import Mind, answer
from slipway_assistant.spoken import Manner, Said, say, spread


@dataclass(frozen=True, slots=True)
class Heard:
    """One spoken sentence: its text as heard, the call, and what was waited for, in milliseconds.

    `waited_ms`: from the true end of speech until the ears were sure of it, in the time of the sound. `ears_ms`: what they
    computed then. `mind_ms`: text to call. `pieces`: 1 where the ears took it for one utterance.
    """

    row: Utterance
    manner: Manner
    text: str
    call: Mapping[str, Any] | None
    right: bool
    named: bool
    waited_ms: float
    ears_ms: float
    mind_ms: float
    pieces: int

    @property
    def cluster(self) -> str:
        """What it is a variant of."""
        return self.row.cluster or self.row.id

    @property
    def to_skill_ms(self) -> float:
        """From the end of speech to the start of the skill."""
        return self.waited_ms + self.ears_ms + self.mind_ms


def spoken(
    ears: Ears,
    mind: Mind,
    rows: Sequence[Utterance],
    most: int,
    *,
    seed: int = 0,
    cache: Path | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Heard]:
    """Up to `most` English sentences of `rows`, said and heard."""
    english = [row for row in rows if row.lang == "en"]
    return [
        heard(ears, mind, row, say(row.text, manner, cache=cache), clock)
        for row, manner in spread(english, most, seed=seed)
    ]


def heard(ears: Ears, mind: Mind, row: Utterance, said: Said, clock: Callable[[], float] = time.perf_counter) -> Heard:
    """One sentence through ears and mind."""
    given = _Given(said.pcm, clock)
    text, waited_ms, ears_ms, pieces = "", float("nan"), 0.0, 0
    for speech in ears.utterances(iter(given), lang="en"):
        if not pieces:
            text = speech.heard.text
            waited_ms = max(0.0, (speech.decided_s - said.ends_s) * 1e3)
            ears_ms = (clock() - given.latest) * 1e3
        pieces += 1
    began = clock()
    call = answer(mind, text, "en").call if text else None
    mind_ms = (clock() - began) * 1e3
    return Heard(row, said.manner, text, call, *graded(row, call), waited_ms, ears_ms, mind_ms, pieces)


class _Given:
    """The sound in blocks, and when the latest was taken: what passes from then on is what the ears compute."""

    def __init__(self, pcm: Pcm, clock: Callable[[], float]) -> None:
        self._pcm, self._clock, self.latest = pcm, clock, 0.0

    def __iter__(self) -> Iterator[Pcm]:
        for block in blocks(self._pcm, RATE * 32 // 1000):
            self.latest = self._clock()
            yield block


def word_errors(wanted: str, got: str) -> tuple[int, int]:
    """How many words must be changed, added or dropped, and of how many."""
    from slipway_assistant.ears.wording import spoken as words

    a, b = words(wanted), words(got)
    before = list(range(len(b) + 1))
    for at, word in enumerate(a, 1):
        row = [at]
        for other, heard in enumerate(b, 1):
            row.append(min(before[other] + 1, row[-1] + 1, before[other - 1] + (word != heard)))
        before = row
    return before[-1], len(a)


def error_rate(found: Sequence[Heard]) -> float:
    """The share of words that were heard wrong."""
    pairs = [word_errors(one.row.text, one.text) for one in found]
    return sum(wrong for wrong, _ in pairs) / max(sum(many for _, many in pairs), 1)


def said_how(one: Heard) -> str:
    """The noise it was said in, for a table."""
    noise = one.manner.snr_db
    return "faint noise" if noise is None else f"{noise} dB"


def voice_of(one: Heard) -> str:
    """The voice it was said in, for a table."""
    return re.sub(r"\+.*", "", one.manner.voice)
