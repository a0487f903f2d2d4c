"""What the default ears hear of espeak-ng speech, and how soon after the end of speech the text and the call are there.

    python benchmarks/ears.py                      # 216 own dev sentences: every voice, speed and noise six times; three minutes
    python benchmarks/ears.py --names              # the sentences' own titles, names and places given as the user's
    python benchmarks/ears.py --data FILE --limit 300 --detector webrtc

The sentences are said by espeak-ng in six voices, three speeds and noise at 20 and 10 dB, with a seed. Those of the training
split, and the skills' patterns, make the language model; those asked are of the dev split, which neither it nor the mind saw.
Time is counted from the last sample that is speech, known before noise was added. Sound comes in blocks of 32 ms as from a
microphone; waiting for it is not slept through: `waiting` is in the time of the sound (what the detector needs to be sure, and
the silence), `ears` what was computed after the last block, `mind` text to call. Intervals are 95 %, by resampling clusters.
`as said` compares the arguments as words that are said: the heard "seven thirty" is then the expected "7:30".
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from slipway_assistant import bench_speech
from slipway_assistant.bench_speech import Heard, word_errors
from slipway_assistant.data import Utterance, _read, own
from slipway_assistant.ears import Ears
from slipway_assistant.ears.detectors import open_detector
from slipway_assistant.ears.endpoint import Patience
from slipway_assistant.ears.pocketsphinx_grammar import PocketSphinx
from slipway_assistant.ears.wording import spoken
from slipway_assistant.grade import grade
from slipway_assistant.listening import whole
from slipway_assistant.opening import ready_mind
from slipway_assistant.spoken import say, spread

RESAMPLES = 1_000
NAMED = (
    "song",
    "artist",
    "album",
    "playlist",
    "genre",
    "service",
    "device",
    "room",
    "list",
    "location",
    "source",
    "name",
)


def as_said(row: Utterance, call: Any) -> bool:
    """Whether the call is right when both it and the expected one are put in words."""

    def put(arguments: Any) -> dict[str, Any]:
        return {key: " ".join(spoken(value)) if isinstance(value, str) else value for key, value in arguments.items()}

    exact = {"expression", "action", "field"}
    expected = row.as_row()
    if row.call is None or call is None:
        return grade(expected, call).right
    keep = {key: value for key, value in call["arguments"].items() if key in exact}
    same = {key: value for key, value in row.arguments.items() if key in exact}
    expected["call"] = {"name": row.function, "arguments": {**put(row.arguments), **same}}
    return grade(expected, {"name": call["name"], "arguments": {**put(call["arguments"]), **keep}}).right


def interval(found: Sequence[Heard], of: Callable[[Sequence[Heard]], float]) -> str:
    """A figure with its 95 % interval."""
    groups: dict[str, list[Heard]] = {}
    for one in found:
        groups.setdefault(one.cluster, []).append(one)
    every, chance = list(groups.values()), np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        picked = chance.integers(0, len(every), len(every))
        drawn.append(of([one for index in picked for one in every[index]]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{of(found):.3f} [{low:.3f}, {high:.3f}]"


def word_error(found: Sequence[Heard]) -> float:
    """Wrong words for each word that was said."""
    pairs = [word_errors(one.row.text, one.text) for one in found]
    return sum(wrong for wrong, _ in pairs) / max(sum(many for _, many in pairs), 1)


def times(label: str, values: Sequence[float]) -> None:
    """One line of the latencies."""
    known = [value for value in values if value == value]
    if known:
        p50, p95 = np.quantile(known, [0.5, 0.95])
        print(f"| {label} | {p50:.0f} | {p95:.0f} | {len(known)} |")


def report(found: Sequence[Heard]) -> None:
    """The tables."""
    print("\n| | sentences | words wrong | exact call | as said | function right |\n|---|---|---|---|---|---|")
    slices: list[tuple[str, list[Heard]]] = [("all", list(found))]
    for key in ("voice", "speed", "snr_db"):
        for value in sorted({getattr(one.manner, key) for one in found}):
            slices.append((f"{key} {value}", [one for one in found if getattr(one.manner, key) == value]))
    for label, part in slices:
        print(
            f"| {label} | {len(part)} | {interval(part, word_error)} "
            f"| {interval(part, lambda of: float(np.mean([one.right for one in of])))} "
            f"| {interval(part, lambda of: float(np.mean([as_said(one.row, one.call) for one in of])))} "
            f"| {interval(part, lambda of: float(np.mean([one.named for one in of])))} |"
        )
    print("\n| milliseconds from the end of speech | p50 | p95 | n |\n|---|---|---|---|")
    times("waiting until the end was sure", [one.waited_ms for one in found])
    times("ears after that", [one.ears_ms for one in found])
    times("end of speech to text", [one.waited_ms + one.ears_ms for one in found])
    times("mind", [one.mind_ms for one in found if one.text])
    called = [one for one in found if one.call is not None]
    times("end of speech to the skill, where one is called", [one.to_skill_ms for one in called])
    times("the same, all sentences", [one.to_skill_ms for one in found])
    cut = [one for one in found if one.pieces > 1]
    print(f"\ncut in pieces: {len(cut)} of {len(found)}; nothing heard: {sum(not one.pieces for one in found)}")


def main() -> None:
    """Say, hear, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="JSON lines of utterances instead of our own dev split")
    parser.add_argument("--limit", type=int, default=216)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--names", action="store_true", help="give the sentences' names as the user's own")
    parser.add_argument("--detector", default="", choices=["", "silero", "webrtc"])
    parser.add_argument("--variant", default="", help="which mind")
    parser.add_argument("--short", type=float, default=Patience().short_s, help="silence after a whole command")
    parser.add_argument("--show", action="store_true", help="print what was said and heard")
    asked = parser.parse_args()
    rows = [row for row in (_read(asked.data) if asked.data else own("dev", "en")) if row.lang == "en"]
    mind = ready_mind(asked.variant)
    names: dict[str, list[str]] = {}
    for row in rows if asked.names else []:
        for key, value in row.arguments.items():
            if key in NAMED and isinstance(value, str):
                names.setdefault(key, []).append(value)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        recogniser = PocketSphinx(names, folder=Path(folder))
        print(f"{recogniser.grammar.words} words; grammar and recogniser made in {time.perf_counter() - began:.1f} s")
        ears = Ears(
            recogniser,
            detector=partial(open_detector, asked.detector),
            patience=Patience(short_s=asked.short),
            complete=whole(mind),
        )
        found, began, sound = [], time.perf_counter(), 0.0
        for row, manner in spread(rows, asked.limit, seed=asked.seed):
            said = say(row.text, manner)
            recogniser.forget_room()  # each sentence is another voice in another room
            found.append(bench_speech.heard(ears, mind, row, said))
            sound += len(said.pcm) / 16_000
            if asked.show:
                print(
                    f"  {manner.voice} {manner.speed} {manner.snr_db}: {row.text!r} -> {found[-1].text!r}", flush=True
                )
        took = time.perf_counter() - began
    report(found)
    print(f"{sound:.0f} s of sound in {took:.0f} s: {took / sound:.2f} of real time with the making of the speech")


if __name__ == "__main__":
    main()
