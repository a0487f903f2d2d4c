"""Conversations at the terminal: one sentence (`ask --do`), a keyboard (`talk --text`), a recording, a microphone.

Start in `by_keyboard`; `by_voice` is the same with ears.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

import click

from slipway.errors import ConfigError
from slipway_assistant.app import Assistant, Turn
from slipway_assistant.opening import open_assistant, record_turns
from slipway_assistant.settings import load

DONE, NOT_DONE = 0, 1
_log = logging.getLogger(__name__)


def do_one(text: str, lang: str | None, variant: str, minds: Path | None, *, as_json: bool) -> int:
    """Do what one sentence asks for and print what is said. Returns 1 when it could not be done."""
    record_turns()
    assistant = open_assistant(load(), variant=variant, minds=minds, voice=False)
    try:
        turn = assistant.turn_text(text, lang)
    finally:
        assistant.close()
    click.echo(json.dumps(as_plain(turn), ensure_ascii=False, default=str) if as_json else shown(turn))
    return DONE if turn.answer is not None and (turn.answer.ok or turn.answer.ask) else NOT_DONE


def by_keyboard(assistant: Assistant, lines: Iterable[str], out: TextIO, *, lang: str | None, prompt: bool) -> int:
    """Answer each line until there are no more."""
    if prompt:
        print("Write to the assistant; an empty line or Ctrl-D ends.", file=out)
    for line in lines:
        if not line.strip():
            if prompt:
                break
            continue
        print(shown(assistant.turn_text(line.strip(), lang)), file=out, flush=True)
    return DONE


def by_recording(assistant: Assistant, path: Path, out: TextIO, *, lang: str | None) -> int:
    """Answer each utterance of a WAV file. Returns 1 where there is none."""
    from slipway_assistant.ears import wav
    from slipway_assistant.listening import said_now

    sound = wav.read(path)
    answered = 0
    try:
        for speech in assistant.ears.utterances(wav.blocks(sound), lang=lang):
            print(f"> {speech.heard.text}", file=out)
            print(shown(assistant.turn_speech(said_now(speech))), file=out, flush=True)
            answered += 1
    except ConfigError:
        # A language that nothing here can hear: that is said aloud too, before the error says what to do.
        assistant.turn_audio(sound, lang)
        raise
    if not answered:
        print("nobody was understood in it", file=out)
    return DONE if answered else NOT_DONE


def by_microphone(assistant: Assistant, out: TextIO, *, lang: str | None) -> int:
    """Listen and answer until Ctrl-C."""
    from slipway_assistant.ears.barge_in import BargeIn
    from slipway_assistant.ears.detectors import open_detector
    from slipway_assistant.ears.microphone import Microphone
    from slipway_assistant.ears.wake import WakeWord
    from slipway_assistant.hands_free import HandsFree

    settings = assistant.settings
    wake = WakeWord(settings.wake_word) if settings.wake_word else None
    conversation = HandsFree(
        assistant,
        wake=wake,
        barge_in=BargeIn(open_detector("webrtc")) if assistant.sink is not None else None,
        shown=lambda turn: print(f"> {turn.text}\n{shown(turn)}", file=out, flush=True),
        woken=lambda: print("...", file=out, flush=True),
    )
    asked = f'Say "{settings.wake_word}", then what you want' if wake is not None else "Speak"
    with Microphone(settings.microphone) as microphone:
        print(f"{asked}; Ctrl-C ends.", file=out, flush=True)
        conversation.run(microphone, lang)
    return DONE


def telling(assistant: Assistant, out: TextIO) -> Callable[[str, str], None]:
    """How what rings is told: on the screen, and aloud where there is a voice."""

    def tell(text: str, lang: str) -> None:
        print(f"* {text}", file=out, flush=True)
        assistant.speak(text, lang)

    return tell


def shown(turn: Turn) -> str:
    """What is said, and under it what was called and how long that took."""
    from slipway_assistant.cli import spoken

    said = turn.answer.text if turn.answer is not None else "(nothing: that was not for me)"
    if turn.answer is not None and turn.answer.data.get("mend"):
        said += f"\n  {turn.answer.data['error']}"
    took = turn.ms.get("chat", 0.0)
    return f"{said}\n  {spoken(turn.call)}   confidence {turn.confidence:.2f}, understood in {took:.1f} ms"


def as_plain(turn: Turn) -> dict[str, Any]:
    """A turn as JSON has it, without its sound."""
    answer = turn.answer
    return {
        "text": turn.text,
        "lang": turn.lang,
        "call": turn.call,
        "confidence": round(turn.confidence, 4),
        "why": turn.why,
        "said": answer.text if answer is not None else "",
        "ok": answer is not None and answer.ok,
        "ask": answer.ask if answer is not None else "",
        "confirm": answer is not None and answer.confirm,
        "data": dict(answer.data) if answer is not None else {},
        "ms": {name: round(took, 3) for name, took in turn.ms.items()},
        "trace_id": turn.trace_id,
    }
