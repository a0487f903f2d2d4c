"""Questions about the world: what is known here, then the person's own notes, then Wikipedia."""

from __future__ import annotations

import re

from slipway_assistant.backends import sentences
from slipway_assistant.backends.knowledge import tell
from slipway_assistant.backends.net import NetError
from slipway_assistant.backends.notes import Notes
from slipway_assistant.backends.wikipedia import Wikipedia
from slipway_assistant.skill import Answer, Context, SkillError, Soft, skill


@skill(
    "facts.ask",
    timeout_s=10.0,
    ask={
        "query": {"en": "What would you like to know?", "fr": "Que voulez-vous savoir ?", "ja": "何を知りたいですか？"}
    },
)
def ask(ctx: Context, *, query: Soft) -> Answer:
    """Answer a question about the world, or define a word.

    query: The question, or the word to be defined.
    """
    known = tell(query, ctx.lang) or (tell(ctx.heard, ctx.lang) if ctx.heard else None)
    if known:
        return Answer(known, {"source": "table"})
    noted = Notes(ctx.folder / "notes", index=ctx.folder / "notes.db").find(query)
    if noted:
        return Answer(noted[0], {"source": str(noted[1])})
    if ctx.settings.wikipedia_url:
        try:
            found = Wikipedia(ctx.settings.wikipedia_url, ctx.folder / "wikipedia").ask(
                subject(query), ctx.lang, ctx.now
            )
        except NetError as error:
            raise sentences.unreachable(error, _WIKIPEDIA) from None
        if found is not None:
            return Answer(found.text, {"source": "wikipedia", "title": found.title})
    raise SkillError(_UNKNOWN, mend="ask in other words")


def subject(query: str) -> str:
    """What is asked about: "barack obama" of "who is barack obama?"."""
    plain = re.sub(r"[?？!。.]+$", "", " ".join(query.split()))
    for pattern in _FRAMES:
        rest = re.sub(pattern, "", plain, flags=re.IGNORECASE).strip()
        if rest != plain and rest:
            plain = rest
    return plain


_FRAMES = (
    r"^(?:please |can you |could you |s'il te plaît )+",
    r"^(?:what(?:'s| is| are| was| were| does)|who(?:'s| is| was| are| were)|tell me (?:about|who|what)|define|explain|"
    r"what do you know about|look up|search for|the (?:definition|meaning) of|definition of|meaning of)\b(?: (?:is|was))?",
    r"^(?:qui (?:est|était|sont)|c'est quoi|qu'est-ce que c'est qu[e']|qu'est-ce qu[e']|que signifie|définis|définition de|"
    r"parle-moi de|que veut dire|quelle? est)\s*",
    r"^(?:the (?:definition|meaning) of|a|an|the|le|la|les|l'|un|une|des|du|de la|d')\s*(?<=[\s'])",
    r"(?:って|とは|は|について)?(?:何|なに|なん|誰|だれ|教えて|説明して|調べて)(?:ですか|でしょうか|だ|か|ください|下さい)?$",
    r"(?:って|とは|は|について)$",
    r" (?:mean|means|defined as)$",
)
_WIKIPEDIA = {"en": "Wikipedia", "fr": "Wikipédia", "ja": "ウィキペディア"}
_UNKNOWN = {
    "en": "Sorry, I do not know that.",
    "fr": "Désolé, je ne sais pas.",
    "ja": "すみません、わかりません。",
}
