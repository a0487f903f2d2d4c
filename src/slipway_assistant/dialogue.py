"""Dialogue: what a sentence asks for after the ones before it. "And tomorrow?", "cancel that", "yes", "my favourite song".

Start in `RULES`: they are tried in order, and the first that knows what to do decides. `decide()` is a pure function of the
state, what was said and what the memory knows, so a conversation can be replayed; `Dialogue` keeps the state, and does to
the memory what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from slipway.errors import StoreError
from slipway_assistant.dialogue_texts import text as phrase
from slipway_assistant.followups import Call, Understand, undoing
from slipway_assistant.memory import Item, Liking, Memory
from slipway_assistant.mind import Understanding

EXPIRES = timedelta(minutes=2)
"""After so long nobody means the turn before any more."""


class Recall(Protocol):
    """What the dialogue asks the memory."""

    def favourite(self, kind: str) -> str | None:
        """The favourite of a kind."""

    def last(self, kind: str, n: int = 1) -> Sequence[str]:
        """What was asked for last."""

    def find(self, query: str, *, kind: str | None = None) -> Sequence[Item]:
        """What is called so."""

    def items(self) -> Sequence[Item]:
        """All that is remembered."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What is to be done to the memory: `act` is "remember", "forget" or "forget everything"."""

    act: str
    kind: str = ""
    value: str = ""
    liking: Liking = "like"
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """A question that was asked: its `kind`, what it was about, and how often it was asked again.

    confirm: yes or no to `call` or `effects`. argument: `argument` of `call` is missing. favourite: the favourite of the kind
    `argument`, for the sentence `text`. preference: the thing that is liked or not. correction: what was meant.
    """

    kind: str
    question: str
    call: Call | None = None
    argument: str = ""
    text: str = ""
    liking: Liking = "like"
    effects: tuple[Effect, ...] = ()
    tries: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """What is known of the turns before: the last sentence and call, what was said, how to take it back, what was asked.

    ``text`` is the sentence that would have said the last call whole ("and tomorrow?" has none of its own), ``said`` what was
    said."""

    at: datetime | None = None
    text: str = ""
    said: str = ""
    call: Call | None = None
    answer: str = ""
    undo: Call | None = None
    pending: Pending | None = None
    remembered: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What is to be done: `before` quietly, then `call` and its answer said; or only `say`. `why` names the rule.

    `confirmed`: a yes was given, or the person asked for just this. `undoes`: the sentence whose doing is taken back, which says
    more about it than "cancel that" does. Nothing at all where nothing was understood.
    """

    call: Call | None
    why: str = ""
    say: str = ""
    confirmed: bool = False
    before: tuple[Call, ...] = ()
    undoes: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a rule looks at: the state, the sentence, what the mind made of it, and ways to ask mind and memory again."""

    state: State
    text: str
    lang: str
    understanding: Understanding
    memory: Recall
    understand: Understand | None = None

    @property
    def call(self) -> Call | None:
        """What the mind makes of the sentence alone."""
        return self.understanding.call

    def again(self, text: str) -> Call | None:
        """What the mind makes of another sentence; where there is no mind at hand, what it made of this one."""
        return self.understand(text, self.lang).call if self.understand else self.call

    def say(self, occasion: str, **parts: str) -> str:
        """The words for an occasion in the language of the turn."""
        return phrase(occasion, self.lang, **parts)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule decided: what to do, the state after it, and what happens to the memory."""

    resolved: Resolved
    state: State
    effects: tuple[Effect, ...] = ()


def do(turn: Turn, call: Call | None, why: str, *, effects: Sequence[Effect] = (), **more: Any) -> Decision:
    """Decide to make a call."""
    state = replace(
        turn.state, text=turn.text, said=turn.text, call=call, answer="", undo=None, pending=None, remembered=None
    )
    return Decision(Resolved(call, why, **more), state, tuple(effects))


def tell(
    turn: Turn, said: str, why: str, *, pending: Pending | None = None, effects: Sequence[Effect] = (), **changes: Any
) -> Decision:
    """Decide to say something. The call before stays the one that "and tomorrow?" is about, but "cancel that" is not."""
    after = {"undo": None, "remembered": None, **changes}
    state = replace(turn.state, answer=said, pending=pending, **after)
    return Decision(Resolved(None, why, said), state, tuple(effects))


def decide(
    state: State,
    text: str,
    lang: str,
    understanding: Understanding,
    now: datetime,
    memory: Recall,
    understand: Understand | None = None,
) -> Decision:
    """What to do about a sentence. Changes nothing; the same is decided whenever it is asked again."""
    from slipway_assistant.dialogue_rules import RULES

    known = state if state.at is not None and abs(now - state.at) <= EXPIRES else State()
    turn = Turn(known, text, lang, understanding, memory, understand)
    for rule in RULES:
        decided = rule(turn)
        if decided is not None:
            return replace(decided, state=replace(decided.state, at=now))
    if understanding.call is None:
        return Decision(Resolved(None, "nothing understood"), known)
    return replace(made := do(turn, understanding.call, "understood"), state=replace(made.state, at=now))


class Dialogue:
    """The conversation with one person. `understand` sends a changed sentence through the mind again.

    For each turn: `resolve`, do what it says, and `after` with the answer of the call that was made.
    """

    def __init__(self, memory: Memory, understand: Understand | None = None) -> None:
        self.memory = memory
        self.understand = understand
        self.state = State()

    @property
    def expecting(self) -> bool:
        """Whether a question was asked, so that the next words need no wake word."""
        return self.state.pending is not None

    def resolve(self, text: str, lang: str, understanding: Understanding, now: datetime) -> Resolved:
        """What to do about a sentence. Never raises: where the memory cannot be used, that is said."""
        try:
            decided = decide(self.state, text, lang, understanding, now, self.memory, self.understand)
            for effect in decided.effects:
                self._do(effect)
        except StoreError as error:
            return Resolved(
                understanding.call, f"no memory: {error}", "" if understanding.call else phrase("no memory", lang)
            )
        self.state = decided.state
        return decided.resolved

    def after(self, call: Call, answer: Any) -> None:
        """What the skill answered (an `Answer`): its question waits for a reply, and what it did can be taken back."""
        pending = None
        if answer.ask:
            pending = Pending("argument", answer.text, call, answer.ask)
        elif answer.confirm:
            pending = Pending("confirm", answer.text, call)
        undo = undoing(call, answer.data) if answer.ok and pending is None else None
        self.state = replace(self.state, call=call, answer=answer.text, pending=pending, undo=undo)

    def forget_turns(self) -> None:
        """Begin a new conversation."""
        self.state = State()

    def _do(self, effect: Effect) -> None:
        if effect.act == "remember":
            self.memory.remember(effect.kind, effect.value, effect.sentence, liking=effect.liking)
        elif effect.act == "forget":
            self.memory.forget(effect.value, kind=effect.kind or None)
        else:
            self.memory.forget_everything()


def arguments(call: Call | None) -> Mapping[str, Any]:
    """The arguments of a call; none of no call."""
    return call["arguments"] if call is not None else {}
