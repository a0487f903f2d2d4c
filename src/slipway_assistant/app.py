"""The assistant whole: what is heard becomes a call, the call is done, the answer is said. Start in `Assistant.turn_text`.

    assistant = open_assistant(load())
    turn = assistant.turn_text("what time is it")
    turn.call, turn.answer.text, turn.audio, turn.ms

Every turn is one trace (stages.py). Nothing that is recorded, kept or counted on the way can make a turn fail.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from slipway.errors import SlipwayError
from slipway_assistant import mind as minds
from slipway_assistant.afterwards import Afterwards
from slipway_assistant.settings import Settings
from slipway_assistant.skill import Answer, Context, Forgetful, pick, run, skills
from slipway_assistant.stages import BUDGETS_MS, Stages, called, messages, turn
from slipway_assistant.text import detect_language
from slipway_assistant.voice.loudspeaker import Sink, play
from slipway_assistant.voice.voice import Audio, Voice

if TYPE_CHECKING:
    from slipway_assistant.memory import Memory

IDLE_S = 300.0
"""After so long a silence a new conversation begins."""
_log = logging.getLogger(__name__)


class Recognised(Protocol):
    """What a recogniser says it heard."""

    @property
    def text(self) -> str:
        """The words."""
        ...

    @property
    def lang(self) -> str:
        """Their language."""
        ...

    @property
    def confidence(self) -> float:
        """How probably they are right."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """Speech that has ended: how to get its text, how long it took to be sure of its end, and the sound (16 kHz).

    `took_s` is what recognition took after that where it is over already; None where `recognise` is what does it.
    """

    recognise: Callable[[], Recognised]
    lang: str
    waited_s: float = 0.0
    took_s: float | None = None
    pcm: Any = None

    @property
    def ended_s(self) -> float:
        """How long ago the speech ended."""
        return self.waited_s + (self.took_s or 0.0)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: what was heard and called, the answer, its sound, milliseconds by stage, and the trace of it.

    `answer` is None where nobody spoke to the assistant. `why` is the dialogue's reason for the call.
    """

    text: str
    lang: str
    call: Mapping[str, Any] | None
    confidence: float
    answer: Answer | None
    audio: tuple[Audio, ...]
    ms: Mapping[str, float]
    trace_id: str
    session: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Heard:
    text: str
    lang: str
    instead: Answer | None = None


@dataclass(frozen=True, slots=True)
class _Plain:
    """What a sentence asks for where there is no dialogue: just what the mind understood."""

    call: Mapping[str, Any] | None
    why: str = ""
    say: str = ""
    confirmed: bool = False
    before: tuple[Mapping[str, Any], ...] = ()
    undoes: str = ""


class Assistant:
    """Takes turns, one at a time. `sink` plays the answers as they are made; without one they are in `Turn.audio` only.

    `now` is the time of day that skills go by, `clock` what stages are measured with.
    """

    def __init__(
        self,
        settings: Settings,
        mind: minds.Mind,
        ears: Any = None,
        voice: Voice | None = None,
        *,
        name: str = minds.BEST,
        memory: Memory | None = None,
        dialogue: Any = None,
        sink: Sink | None = None,
        budgets: Mapping[str, float] = BUDGETS_MS,
        now: Callable[[], datetime] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.settings, self.mind, self.ears, self.voice, self.name = settings, mind, ears, voice, name
        self.memory, self.dialogue, self.sink, self.budgets = memory, dialogue, sink, budgets
        self.announce: Callable[[str, str], None] = self.speak
        self.after = Afterwards(settings)
        self._now = now or (lambda: datetime.now(settings.zone))
        self._clock = clock
        self._one = threading.Lock()
        self._quiet = threading.Event()
        self._session, self._last = "", float("-inf")

    def turn_text(self, text: str, lang: str | None = None, *, addressed: bool = True, aloud: bool = True) -> Turn:
        """Answer what was written. `addressed` False: it may be meant for somebody else, who is left alone then.

        `aloud` False: the sound is made, and not played.
        """
        heard = _Heard(text, lang or self.settings.language or detect_language(text))
        return self._turn(0.0, None, lambda stages: heard, addressed, aloud)

    def turn_speech(self, said: Said, *, addressed: bool = True, aloud: bool = True) -> Turn:
        """Answer what was said just now."""
        return self._turn(said.ended_s, said.pcm, lambda stages: self._heard(stages, said), addressed, aloud)

    def turn_audio(self, pcm: Any, lang: str | None = None, *, addressed: bool = True, aloud: bool = True) -> Turn:
        """Answer a recording: 16-bit samples, 16,000 a second."""
        from slipway_assistant.listening import said_in

        said = said_in(self.ears, pcm, lang or self.settings.language)
        return self.turn_speech(said, addressed=addressed, aloud=aloud)

    def warm(self) -> None:
        """Load what would make the first turn slow: the skills, the voice, and what the mind loads when it is first asked."""
        skills()
        for lang in ("en", "fr", "ja"):
            minds.answer(self.mind, "1", lang)
            for _ in self.voice.say("1", lang) if self.voice is not None else ():
                pass

    def thumb(self, trace_id: str, *, up: bool) -> None:
        """What the person thinks of a turn."""
        self.after.thumb(trace_id, up=up)

    def interrupt(self) -> None:
        """Somebody talks over the answer: it ends within one chunk."""
        self._quiet.set()
        if self.voice is not None:
            self.voice.stop()

    def speak(self, text: str, lang: str) -> None:
        """Say something that nobody asked for just now, such as that a timer is done; after the turn that is going on."""
        if self.voice is not None and self.sink is not None:
            with self._one:
                self._quiet.clear()
                play(self.voice.say(text, lang), self.sink, self._quiet)

    def session(self) -> str:
        """The conversation that a turn now would belong to."""
        if not self._session or self._clock() - self._last > IDLE_S:
            self._session = uuid.uuid4().hex
        return self._session

    def close(self) -> None:
        """Write down what is still on its way."""
        self.after.close()
        if self.memory is not None:
            self.memory.close()

    def _turn(self, before_s: float, pcm: Any, hear: Callable[[Stages], _Heard], addressed: bool, aloud: bool) -> Turn:
        with self._one:
            self._quiet.clear()
            with turn(self.session(), before_s=before_s, budgets=self.budgets, clock=self._clock) as stages:
                made = self._answered(stages, hear(stages), addressed, aloud)
                stages.root.set(self.after.audio(stages.trace_id, pcm, made.audio))
            self._last = self._clock()
            self.after.turn(made)
            return made

    def _answered(self, stages: Stages, heard: _Heard, addressed: bool, aloud: bool) -> Turn:
        stages.root.record_input(heard.text)
        stages.root.set({"slipway.language": heard.lang})
        understanding, resolved = minds.Understanding(None, 0.0), _Plain(None)
        answer = heard.instead
        if answer is None and heard.text.strip():
            understanding, resolved = self._understood(stages, heard)
            answer = self._done(stages, heard, resolved, addressed)
        elif answer is None and addressed:
            answer = Answer(pick(heard.lang, _PARDON), ok=False)
        audio = self._said(stages, answer.text, heard.lang, aloud) if answer is not None else ()
        stages.root.record_output(answer.text if answer is not None else "")
        return Turn(
            heard.text,
            heard.lang,
            resolved.call,
            understanding.confidence,
            answer,
            audio,
            stages.ms,
            stages.trace_id,
            stages.session,
            resolved.why,
        )

    def _heard(self, stages: Stages, said: Said) -> _Heard:
        """The text of speech. Where it cannot be recognised, the person is told so, and on the screen what to do about it."""
        stages.past("end_of_speech", ago_s=said.ended_s, lasted_s=said.waited_s)
        with stages.stage("speech_to_text") as span:
            if said.took_s is not None:
                span.began_before(said.took_s)
                stages.told(span, "speech_to_text", said.took_s * 1e3)
            span.set({"gen_ai.output.type": "text"})
            if said.pcm is not None:
                span.set({"slipway.audio_s": round(len(said.pcm) / 16_000, 3)})
            try:
                heard = said.recognise()
            except SlipwayError as error:
                span.record_error(error)
                told = {"error": str(error), "mend": error.mend or ""}
                return _Heard("", said.lang, Answer(pick(said.lang, _DEAF), told, ok=False))
            span.set({"slipway.language": heard.lang, "slipway.confidence": round(heard.confidence, 4)})
            span.record_output(heard.text)
            return _Heard(heard.text, heard.lang)

    def _understood(self, stages: Stages, heard: _Heard) -> tuple[minds.Understanding, Any]:
        with stages.stage("chat") as span:
            understanding = minds.answer(self.mind, heard.text, heard.lang)
            resolved = self._resolved(heard, understanding)
            span.set(
                {
                    "gen_ai.provider.name": "slipway",
                    "gen_ai.request.model": self.name,
                    "gen_ai.input.messages": messages("user", {"type": "text", "content": heard.text}),
                    "gen_ai.output.messages": messages("assistant", called(resolved.call)),
                    "slipway.confidence": round(understanding.confidence, 4),
                    "slipway.why": resolved.why,
                }
            )
            return understanding, resolved

    def _resolved(self, heard: _Heard, understanding: minds.Understanding) -> Any:
        """What is to be done, by what was said before. Where the memory cannot be used: by the sentence alone."""
        if self.dialogue is None:
            return _Plain(understanding.call)
        try:
            return self.dialogue.resolve(heard.text, heard.lang, understanding, self._now())
        except SlipwayError as error:
            _log.warning("the conversation so far cannot be used: %s", error)
            return _Plain(understanding.call)

    def _done(self, stages: Stages, heard: _Heard, resolved: Any, addressed: bool) -> Answer | None:
        if resolved.call is None:
            if resolved.say:
                return Answer(resolved.say)
            return Answer(pick(heard.lang, _NOTHING), ok=False) if addressed else None
        stages.passed("to_skill")
        with stages.stage("execute_tool") as span:
            arguments = json.dumps(dict(resolved.call["arguments"]), ensure_ascii=False)
            span.set({"gen_ai.tool.name": resolved.call["name"], "gen_ai.tool.type": "function"})
            span.set({"gen_ai.tool.call.arguments": arguments})
            for quietly in resolved.before:  # what a misunderstanding did is taken back first
                run(quietly, self._context(heard, resolved, undoes=True))
            answer = run(resolved.call, self._context(heard, resolved, undoes=not resolved.before))
            span.set({"gen_ai.tool.call.result": answer.text})
            if not answer.ok and "error" in answer.data:
                span.set_status("error")
                span.set({"error.type": str(answer.data["error"]).partition(":")[0]})
        if self.dialogue is not None:
            try:
                self.dialogue.after(resolved.call, answer)
            except SlipwayError as error:
                _log.warning("what was done could not be remembered: %s", error)
        return answer

    def _context(self, heard: _Heard, resolved: Any, *, undoes: bool) -> Context:
        return Context(
            heard.lang,
            self._now(),
            self.settings,
            self.settings.folder,
            self.memory or Forgetful(),
            confirmed=resolved.confirmed,
            # Which timer is taken back, the sentence that set it says.
            heard=(resolved.undoes if undoes else "") or heard.text,
            announce=self.announce,
        )

    def _said(self, stages: Stages, text: str, lang: str, aloud: bool) -> tuple[Audio, ...]:
        if self.voice is None or not text:
            return ()
        made: list[Audio] = []
        with stages.stage("text_to_speech") as span:
            span.record_input(text)
            span.set(
                {"gen_ai.output.type": "speech", "gen_ai.request.model": self.voice.name, "slipway.language": lang}
            )
            try:
                whole = self._sounded(stages, span, self.voice.say(text, lang), made, self.sink if aloud else None)
            except (SlipwayError, OSError) as error:
                # The answer stands on the screen all the same.
                span.record_error(error)
                _log.warning("the answer cannot be said: %s", error)
                return tuple(made)
            seconds = round(sum(audio.seconds for audio in made), 3)
            span.set({"slipway.interrupted": not whole, "slipway.audio_s": seconds})
        return tuple(made)

    def _sounded(
        self, stages: Stages, span: Any, audios: Iterator[Audio], made: list[Audio], sink: Sink | None
    ) -> bool:
        """Make the sound, and play it where there is something to play it with. Returns whether all of it was said."""
        began = self._clock()

        def kept() -> Iterator[Audio]:
            for audio in audios:
                made.append(audio)
                if sink is None:
                    stages.heard_first(span, began)
                yield audio

        if sink is not None:
            return play(kept(), sink, self._quiet, heard=lambda audio: stages.heard_first(span, began))
        for _ in kept():
            pass
        return not self._quiet.is_set()


_NOTHING = {
    "en": "Sorry, I cannot help with that.",
    "fr": "Désolé, je ne peux pas vous aider pour cela.",
    "ja": "すみません、それはできません。",
}
_PARDON = {
    "en": "Sorry, I did not hear anything.",
    "fr": "Désolé, je n'ai rien entendu.",
    "ja": "すみません、聞こえませんでした。",
}
_DEAF = {
    "en": "Sorry, I cannot understand speech yet. The screen says what I need.",
    "fr": "Désolé, je ne comprends pas encore le français parlé. L'écran dit ce qu'il me faut.",
    "ja": "すみません、まだ日本語を聞き取れません。必要なものは画面に出ています。",
}
