"""The taggers also learn the slots that the data's sources name beyond our arguments."""

from __future__ import annotations

from slipway_assistant.mind import mind
from slipway_assistant.minds.lexicon_crf import LexiconCrf


@mind(
    "hinted_crf",
    step=60,
    parent="lexicon_crf",
    note="the taggers learn the sources' other slots too (sort, owner, kind of music), which gives a name its neighbours",
)
class HintedCrf(LexiconCrf):
    """A LexiconCrf that learns finer tags than it uses."""

    hints = True
