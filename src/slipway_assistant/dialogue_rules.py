"""The rules of a dialogue, in the order in which they are tried. Start in `RULES` at the end.

A rule takes a turn and decides, or returns None where it has nothing to say. None of them changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from slipway_assistant.arithmetic import expression
from slipway_assistant.dialogue import Decision, Effect, Pending, Turn, arguments, do, tell
from slipway_assistant.dialogue_texts import favourite_kind, summary
from slipway_assistant.followups import CHANGE_NOTHING, LENGTHS, LONGEST_FRAGMENT, Call, carry, pointed, retold
from slipway_assistant.likings import likings
from slipway_assistant.numbers import find_numbers
from slipway_assistant.preferences import Preference, favourite_in, preference, wish
from slipway_assistant.schema import FUNCTIONS
from slipway_assistant.turns import words
from slipway_assistant.values import duration

SURE = 0.5
"""How sure the mind must be of a new command while a question waits for its answer."""
MUSIC = frozenset({"song", "artist", "album", "playlist", "genre"})
NAMES = frozenset({"song", "artist", "album", "title", "item", "query"})


def confirmation(turn: Turn) -> Decision | None:
    """Yes or no to what was asked; anything else is asked about once more, unless it is plainly a command."""
    pending, here = turn.state.pending, words(turn.lang)
    if pending is None or pending.kind != "confirm":
        return None
    if here.whole("yes", turn.text):
        if pending.call is not None:
            return do(turn, pending.call, "confirmed", confirmed=True)
        return tell(turn, turn.say("all forgotten"), "confirmed", effects=pending.effects)
    if here.whole("no", turn.text) or here.whole("stop", turn.text):
        return tell(turn, turn.say("all right"), "declined")
    if pending.tries or _new_command(turn, ""):
        return None
    question = turn.say("yes or no", question=pending.question)
    return tell(turn, question, "asked again", pending=replace(pending, tries=1))


def answer(turn: Turn) -> Decision | None:
    """The answer to a question: the missing argument, a favourite, what was liked, what was meant."""
    pending, here = turn.state.pending, words(turn.lang)
    if pending is None or pending.kind == "confirm":
        return None
    if here.whole("stop", turn.text) or here.whole("no", turn.text):
        return tell(turn, turn.say("all right"), "dropped")
    if _new_command(turn, str(pending.call["name"]) if pending.call else ""):
        return None
    decided = _ANSWERS[pending.kind](turn, pending)
    if decided is not None:
        return decided
    if pending.tries:
        return tell(turn, turn.say("not understood"), "given up")
    return tell(turn, pending.question, "asked again", pending=replace(pending, tries=1))


def _new_command(turn: Turn, name: str) -> bool:
    """Whether a sentence is plainly a command of its own rather than an answer to the question about `name`."""
    call = turn.call
    if call is None or call["name"] == name or turn.understanding.confidence < SURE:
        return False
    return words(turn.lang).shapes["command"].search(turn.text.strip()) is not None


def _argument(turn: Turn, pending: Pending) -> Decision | None:
    call = pending.call
    if call is None:
        return None
    before, name = dict(arguments(call)), str(call["name"])
    if turn.call is not None and turn.call["name"] == name and pending.argument in turn.call["arguments"]:
        said = {key: value for key, value in turn.call["arguments"].items() if key not in before}
        return do(turn, {"name": name, "arguments": {**before, **said}}, "answered")
    value = _read(name, pending.argument, turn)
    return do(turn, {"name": name, "arguments": {**before, **value}}, "answered") if value else None


def _read(name: str, argument: str, turn: Turn) -> dict[str, Any]:
    """The value of an argument in an answer that may be no more than that value."""
    here = words(turn.lang)
    if argument in LENGTHS:
        number = [n for n in find_numbers(turn.text.lower()) if n.value == int(n.value)]
        return dict(duration(turn.text)) or ({argument: int(number[0].value)} if number else {})
    function = FUNCTIONS.get(name)
    declared = function.argument(argument) if function else None
    kind = declared.kind if declared else "soft"
    if kind == "int":
        numbers = find_numbers(turn.text.lower())
        return {argument: int(numbers[0].value)} if numbers else {}
    if kind == "math":
        sum_ = expression(turn.text)
        return {argument: sum_} if sum_ else {}
    if kind == "enum":
        low = turn.text.lower()
        found = next((value for value in declared.values if value in low.split()), None) if declared else None
        return {argument: found} if found else {}
    value = here.named(turn.text) if argument in NAMES else here.trimmed(turn.text)
    return {argument: value} if value else {}


def _favourite_answer(turn: Turn, pending: Pending) -> Decision | None:
    kind = pending.argument
    said = preference(turn.text, turn.lang)
    value = said.value if said and said.value else words(turn.lang).named(turn.text)
    if not value:
        return None
    effect = Effect("remember", kind, value, "favourite", turn.text)
    if not pending.text:
        told = turn.say("favourite", kind=favourite_kind(kind, turn.lang), value=value)
        return tell(turn, told, "favourite kept", effects=(effect,))
    call = _with_favourite(turn, pending.text, pending.call, kind, value)
    return do(turn, call, "favourite answered", effects=(effect,)) if call else None


def _preference_answer(turn: Turn, pending: Pending) -> Decision | None:
    value = words(turn.lang).named(turn.text)
    if not value:
        return None
    return _kept(turn, [Preference(pending.argument, value, pending.liking)], pending.text)


def _correction_answer(turn: Turn, pending: Pending) -> Decision | None:
    return _corrected(turn, turn.text)


_ANSWERS: dict[str, Callable[[Turn, Pending], Decision | None]] = {
    "argument": _argument,
    "favourite": _favourite_answer,
    "preference": _preference_answer,
    "correction": _correction_answer,
}


def undo(turn: Turn) -> Decision | None:
    """ "Cancel that": what the last turn did is taken back."""
    state = turn.state
    if not words(turn.lang).whole("undo", turn.text):
        return None
    if state.remembered is not None:
        return _forgotten(turn, *state.remembered)
    if state.undo is not None:
        return _undone(turn, state.undo)
    if state.call is None:
        return None
    known = state.call["name"] in CHANGE_NOTHING
    return tell(turn, turn.say("nothing to undo" if known else "cannot undo"), "nothing to undo")


def _undone(turn: Turn, call: Call) -> Decision:
    decided = do(turn, call, "undo", confirmed=True, undoes=turn.state.said)
    return replace(decided, state=replace(decided.state, call=None))


def again(turn: Turn) -> Decision | None:
    """ "Again" does the last call once more, "say that again" says its answer."""
    here = words(turn.lang)
    if here.whole("say again", turn.text) and turn.state.answer:
        return tell(turn, turn.state.answer, "said again", pending=turn.state.pending)
    if here.whole("again", turn.text) and turn.state.call is not None:
        return do(turn, turn.state.call, "again")
    return None


def remembered(turn: Turn) -> Decision | None:
    """Questions about the memory and requests to it."""
    asked = wish(turn.text, turn.lang)
    if asked is None:
        return None
    if asked.act == "favourite":
        kind, value = favourite_kind(asked.kind, turn.lang), turn.memory.favourite(asked.kind)
        if value is not None:
            told = turn.say("your favourite", kind=kind, value=value)
            return tell(turn, told, "favourite told", remembered=(asked.kind, value))
        return tell(turn, turn.say("no favourite", kind=kind), "no favourite")
    if asked.act == "list":
        said = summary(turn.memory.items(), turn.lang)
        return tell(turn, said, "memory listed", remembered=turn.state.remembered)
    if asked.act == "forget everything":
        question = turn.say("forget all")
        return tell(
            turn, question, "asked", pending=Pending("confirm", question, effects=(Effect("forget everything"),))
        )
    if asked.act == "forget that":
        return _forget_that(turn)
    value = asked.value or turn.memory.favourite(asked.kind) or ""
    if value and turn.memory.find(value, kind=asked.kind or None):
        return _forgotten(turn, asked.kind, value)
    return tell(turn, turn.say("not known"), "not known") if asked.sure else None


def _forget_that(turn: Turn) -> Decision:
    if turn.state.remembered is not None:
        return _forgotten(turn, *turn.state.remembered)
    if turn.state.undo is not None:
        return _undone(turn, turn.state.undo)
    return tell(turn, turn.say("forget what"), "forget what")


def _forgotten(turn: Turn, kind: str, value: str) -> Decision:
    return tell(turn, turn.say("forgotten", value=value), "forgotten", effects=(Effect("forget", kind, value),))


def correction(turn: Turn) -> Decision | None:
    """ "No, I meant Boston": the last call with what was meant, after what the wrong one did is taken back."""
    here, state = words(turn.lang), turn.state
    if state.call is None:
        return None
    if here.whole("wrong", turn.text):
        question = turn.say("what was meant")
        return tell(turn, question, "wrong", pending=Pending("correction", question), undo=state.undo)
    meant = here.fragment("meant", turn.text)
    if swapped := here.fragment("not but", meant or turn.text):
        meant = swapped
    if not meant:
        return None
    if (decided := _corrected(turn, meant)) is not None:
        return decided
    question = turn.say("what was meant")
    return tell(turn, question, "wrong", pending=Pending("correction", question), undo=state.undo)


def _corrected(turn: Turn, meant: str) -> Decision | None:
    last, call = turn.state.call, None
    if last is None:
        return None
    if words(turn.lang).shapes["command"].search(meant):
        call = turn.again(meant)
    elif _short(meant, turn.lang):
        call = carry(last, turn.state.text, meant, turn.lang, turn.understand)
    call = call or turn.again(meant)
    if call is None:
        return None
    # Other music simply takes the place of what plays; a wrong timer would go on beside the right one.
    back = () if turn.state.undo is None or last["name"].startswith("music.") else (turn.state.undo,)
    decided = do(turn, call, "correction", before=back, undoes=turn.state.said)
    if call["name"] != last["name"]:
        return decided
    told = retold(turn.state.text, arguments(last), call["arguments"], turn.lang)
    return replace(decided, state=replace(decided.state, text=told))


def liked(turn: Turn) -> Decision | None:
    """What somebody says they like is kept; a command said with it is done."""
    said = preference(turn.text, turn.lang)
    if said is None:
        return None
    every = [said]
    if said.rest and (
        more := preference(said.rest, turn.lang) or preference(f"i {said.rest.removeprefix('and ')}", turn.lang)
    ):
        return _kept(turn, [said, more], turn.text)
    if said.rest and (call := turn.again(said.rest)) is not None:
        named = _named(turn, said)
        return do(turn, call, "understood, preference kept", effects=_effects([named], turn.text) if named else ())
    return _kept(turn, every, turn.text)


def _kept(turn: Turn, said: Sequence[Preference], sentence: str) -> Decision:
    named = [_named(turn, one) for one in said]
    sure = [one for one in named if one is not None]
    if len(sure) < len(named):
        question, first = turn.say("which one"), said[0]
        pending = Pending("preference", question, argument=first.kind, text=sentence, liking=first.liking)
        return tell(turn, question, "asked", pending=pending)
    one = sure[-1]
    told = turn.say(one.liking, value=one.value, kind=favourite_kind(one.kind, turn.lang))
    decided = tell(
        turn, told if len(sure) == 1 else turn.say("both"), "preference kept", effects=_effects(sure, sentence)
    )
    return replace(decided, state=replace(decided.state, remembered=(one.kind, one.value)))


def _effects(said: Sequence[Preference], sentence: str) -> tuple[Effect, ...]:
    return tuple(Effect("remember", one.kind, one.value, one.liking, sentence) for one in said)


def _named(turn: Turn, said: Preference) -> Preference | None:
    """The preference with the name of the thing: what plays now, or what the memory knows by that name."""
    if said.value:
        if said.kind == "thing" and (known := turn.memory.find(said.value)):
            return replace(said, kind=known[0].kind, value=known[0].value)
        return said
    playing = arguments(turn.state.call) if turn.state.call and turn.state.call["name"] == "music.play" else {}
    value = next(iter(turn.memory.last(said.kind, 1)), None) or playing.get(said.kind)
    return replace(said, value=str(value)) if value else None


def follow_up(turn: Turn) -> Decision | None:
    """ "And tomorrow?": the last call with what the fragment changes."""
    here, last = words(turn.lang), turn.state.call
    fragment = here.fragment("follow", turn.text)
    if last is None or not (fragment or turn.call is None):
        return None
    if not fragment:  # "tomorrow", "in Paris" alone, of which the mind makes nothing
        when = here.shapes["when"].fullmatch(turn.text.strip(" .!?,;。！？、"))
        fragment = turn.text.strip(" .!?,;。！？、") if when or here.shapes["in place"].match(turn.text) else ""
    if not fragment or not _short(fragment, turn.lang) or here.shapes["command"].search(fragment):
        return None
    call = carry(last, turn.state.text, fragment, turn.lang, turn.understand)
    if call is not None:
        # The sentence that would have said it whole is kept: the next fragment may change it again.
        decided = do(turn, call, "follow-up")
        told = retold(turn.state.text, arguments(last), call["arguments"], turn.lang)
        return replace(decided, state=replace(decided.state, text=told))
    if turn.call is not None and turn.understanding.confidence >= SURE:
        return None
    return tell(turn, turn.say("unclear", fragment=fragment), "unclear")


def _short(fragment: str, lang: str) -> bool:
    return len(fragment if lang == "ja" else fragment.split()) <= LONGEST_FRAGMENT[lang]


def favourite(turn: Turn) -> Decision | None:
    """ "Play my favourite song": the memory knows which one that is, or it is asked for."""
    found = favourite_in(turn.text, turn.lang)
    if found is None:
        return None
    value = turn.memory.favourite(found.kind)
    if value is not None:
        call = _with_favourite(turn, turn.text, turn.call, found.kind, value)
        return do(turn, call, "favourite") if call else None
    if turn.call is None and not likings(turn.lang).pieces["command"].search(turn.text):
        return None
    question = turn.say("which favourite", kind=favourite_kind(found.kind, turn.lang))
    pending = Pending("favourite", question, turn.call, found.kind, turn.text)
    return tell(turn, question, "asked", pending=pending)


def _with_favourite(turn: Turn, text: str, call: Call | None, kind: str, value: str) -> Call | None:
    """The call of a sentence in which the favourite stands for its name."""
    found = favourite_in(text, turn.lang)
    if found is None:
        return call
    phrase = text[found.start : found.end].lower()
    if kind in MUSIC:
        plays = likings(turn.lang).pieces["command"].search(text.strip()) is not None
        if call is not None and call["name"] in ("music.play", "playlist.add"):
            # What the mind read in the words "my favourite song" itself is no name.
            others = {
                key: said
                for key, said in call["arguments"].items()
                if str(said).lower() not in phrase or key == "service"
            }
            if not (call["name"] == "playlist.add" and kind == "playlist"):
                return {"name": call["name"], "arguments": {**others, kind: value}}
        if plays:
            return {"name": "music.play", "arguments": {kind: value}}
    return turn.again(text[: found.start] + value + text[found.end :])


def pronoun(turn: Turn) -> Decision | None:
    """ "Turn it off", "what is the weather there": what it is, the last call tells."""
    if turn.state.call is None:
        return None
    call = pointed(turn.state.call, turn.text, turn.call, turn.lang)
    return do(turn, call, "pronoun") if call is not None else None


RULES: tuple[Callable[[Turn], Decision | None], ...] = (
    confirmation,
    answer,
    undo,
    again,
    remembered,
    correction,
    liked,
    follow_up,
    favourite,
    pronoun,
)
"""What a sentence can be, besides a command of its own."""
