"""`slipway-assistant bench`: accuracy, confidence and latency, measured; exit 1 when a latency budget is not kept."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import click

from slipway_assistant import options

BUDGETS_MS = {
    "text to call, p50": 10.0,
    "text to call, p95": 20.0,
    "end of speech to skill, p50": 200.0,
    "end of speech to skill, p95": 500.0,
    "answer to first sound, p95": 50.0,
}
"""What `bench` fails on, in milliseconds, on two cores."""
KEPT, BROKEN = 0, 1


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE", help="JSON lines."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="The first N utterances only.")
@click.option("--speech", type=click.IntRange(0), default=0, metavar="N", help="Say and hear N English sentences too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@options.variant
@options.minds
def bench(data: Path | None, limit: int | None, speech: int, as_json: bool, variant: str, minds: Path | None) -> int:
    """Measure accuracy by language, source and function, confidence, and latency. Exits 1 when a latency budget breaks.

    FILE has an utterance a line: id, source, lang, text, call (or null), grade ("call" or "name"). Without it the dev set is
    used.
    """
    from slipway_assistant import bench as measures
    from slipway_assistant import data as utterances
    from slipway_assistant.opening import ready_mind

    rows = (utterances._read(data) if data is not None else utterances.load("dev"))[:limit]
    mind = ready_mind(variant, minds)
    asked = measures.measured(mind, rows)
    told: dict[str, Any] = {
        "data": str(data) if data is not None else str(utterances.describe()),
        "variant": variant or _best(),
        "call": measures.right_share(asked),
        **{key: measures.table(asked, attrgetter(key)) for key in ("lang", "source", "function")},
        "nothing": measures.refusals(asked),
        "reliability": measures.reliability(asked),
        "calibration error": measures.calibration_error(asked),
        "deferred": measures.deferred(asked),
        "ms": {"text to call": measures.times([one.ms for one in asked])},
    }
    told["ms"]["answer to first sound"] = measures.times(_voices())
    if speech:
        told["speech"] = _speech(mind, rows, speech)
        told["ms"]["end of speech to skill"] = told["speech"]["ms"]["end of speech to skill"]
    told["memory_mb"] = measures.memory_mb()
    told["budgets"] = _budgets(told["ms"])
    click.echo(json.dumps(told, default=_plain, ensure_ascii=False, indent=2) if as_json else "\n".join(_lines(told)))
    return KEPT if all(budget["kept"] for budget in told["budgets"]) else BROKEN


def _best() -> str:
    from slipway_assistant.mind import BEST

    return BEST


def _voices() -> list[float]:
    """Milliseconds from an answer to its first sound, over plain answers in the three languages."""
    import time

    from slipway_assistant.settings import load
    from slipway_assistant.voice import open_voice

    voice = open_voice(load())
    answers = {
        "en": "It is seven degrees in Boston and it rains.",
        "fr": "Il fait sept degrés à Paris et il pleut.",
        "ja": "東京は7度で、雨です。",
    }
    took = []
    for lang, text in answers.items():
        next(iter(voice.say(text, lang)))
        for _ in range(20):
            began = time.perf_counter()
            next(iter(voice.say(text, lang)))
            took.append((time.perf_counter() - began) * 1e3)
    return took


def _speech(mind: Any, rows: Any, most: int) -> dict[str, Any]:
    from slipway_assistant import bench as measures
    from slipway_assistant.bench_speech import error_rate, said_how, spoken, voice_of
    from slipway_assistant.listening import ears_for
    from slipway_assistant.settings import load

    found = spoken(ears_for(load(), mind, None), mind, rows, most)

    def by(key: Any) -> list[dict[str, Any]]:
        names = sorted({key(one) for one in found})
        groups = {name: [one for one in found if key(one) == name] for name in names}
        return [
            {
                "of": name,
                "n": len(group),
                "words wrong": error_rate(group),
                "call": _right(group),
                "name": _right(group, "named"),
            }
            for name, group in groups.items()
        ]

    heard = [one for one in found if one.pieces]
    return {
        "n": len(found),
        "call": _right(found),
        "name": _right(found, "named"),
        "words wrong": error_rate(found),
        "not heard": sum(not one.pieces for one in found),
        "in pieces": sum(one.pieces > 1 for one in found),
        "noise": by(said_how),
        "voice": by(voice_of),
        "ms": {
            "wait for the end of speech": measures.times([one.waited_ms for one in heard]),
            "ears then": measures.times([one.ears_ms for one in heard]),
            "text to call": measures.times([one.mind_ms for one in heard]),
            "end of speech to skill": measures.times([one.to_skill_ms for one in heard]),
        },
    }


def _right(found: Any, field: str = "right") -> Any:
    from slipway_assistant.bench import share

    return share([getattr(one, field) for one in found], [one.cluster for one in found])


def _budgets(ms: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    rows = []
    for name, allowed in BUDGETS_MS.items():
        stage, _, which = name.rpartition(", ")
        if stage in ms and ms[stage]["n"]:
            took = ms[stage][which]
            rows.append({"budget": name, "allowed_ms": allowed, "took_ms": took, "kept": took <= allowed})
    return rows


def _plain(thing: Any) -> Any:
    return asdict(thing) if is_dataclass(thing) and not isinstance(thing, type) else str(thing)


def _lines(told: dict[str, Any]) -> list[str]:
    out = [
        f"{told['variant']} on {told['data']}; 95 % intervals",
        f"right calls  {told['call']}  (n={told['call'].n:,})",
    ]
    for key in ("lang", "source", "function"):
        out += ["", f"{key:<16} {'n':>6}  {'call':<22} name"]
        out += [f"{row['of']:<16} {row['n']:>6,}  {row['call']!s:<22} {row['name']}" for row in told[key]]
    nothing = told["nothing"]
    out += ["", f"nothing is called when nothing is meant: {nothing['left alone']} (n={nothing['left alone'].n:,})"]
    out += [f"nothing is called when something is meant: {nothing['refused']} (n={nothing['refused'].n:,})"]
    out += ["", f"{'confidence':<16} {'n':>6}  {'said':>6}  right"]
    out += [
        f"{row['from']:.2f} to {row['to']:.2f}     {row['n']:>6,}  {row['said']:>6.3f}  {row['right']}"
        for row in told["reliability"]
    ]
    out += [f"expected calibration error {told['calibration error']:.3f}"]
    out += ["", f"{'deferred below':<16} {'share':>6}  {'kept: right':<22} deferred: right"]
    out += [
        f"{row['below']:<16.2f} {row['deferred']:>6.3f}  {row['kept right']!s:<22} {row['deferred right']}"
        for row in told["deferred"]
    ]
    if "speech" in told:
        out += _speech_lines(told["speech"])
    out += ["", f"{'milliseconds':<28} {'n':>6} {'p50':>8} {'p95':>8} {'longest':>8}"]
    every = (
        told["ms"]
        if "speech" not in told
        else {**told["ms"], **told["speech"]["ms"], "text to call": told["ms"]["text to call"]}
    )
    out += [
        f"{name:<28} {t['n']:>6.0f} {t['p50']:>8.2f} {t['p95']:>8.2f} {t['max']:>8.1f}" for name, t in every.items()
    ]
    out += [f"memory at most {told['memory_mb']:.0f} MB", ""]
    out += [
        f"{row['budget']}: {row['took_ms']:.1f} ms of {row['allowed_ms']:.0f}: {'kept' if row['kept'] else 'BROKEN'}"
        for row in told["budgets"]
    ]
    return out


def _speech_lines(said: dict[str, Any]) -> list[str]:
    out = [
        "",
        f"said by espeak-ng, heard by the ears: right calls {said['call']} (n={said['n']}), right names {said['name']}",
    ]
    out += [
        f"words wrong {said['words wrong']:.3f}; {said['not heard']} not heard, {said['in pieces']} taken for several"
    ]
    for key in ("noise", "voice"):
        out += ["", f"{key:<16} {'n':>6}  {'words wrong':>11}  {'call':<22} name"]
        out += [
            f"{row['of']:<16} {row['n']:>6}  {row['words wrong']:>11.3f}  {row['call']!s:<22} {row['name']}"
            for row in said[key]
        ]
    return out
