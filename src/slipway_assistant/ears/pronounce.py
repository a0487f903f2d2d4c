"""How a word sounds, in the phones of the CMU dictionary: `Pronunciations().of(["khruangbin"])`.

First the dictionary that comes with pocketsphinx (126,000 English words), then espeak-ng, whose phonemes are mapped here. A
name that espeak-ng reads wrongly is heard only when it is said as wrongly; the user can give its sound: `names.sounds`.
"""

from __future__ import annotations

import subprocess
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from slipway.errors import InfrastructureError, MissingExtra

MISSING_ESPEAK = "apt-get install espeak-ng"
_TABLE = (
    "aɪə AY AH; aɪɚ AY ER; aʊɚ AW ER; ɑːɹ AA R; ɔːɹ AO R; oːɹ AO R; ɪɹ IH R; ʊɹ UH R; ɛɹ EH R; iə IY AH; "
    "əl AH L; n̩ AH N; tʃ CH; dʒ JH; oʊ OW; əʊ OW; eɪ EY; aɪ AY; aʊ AW; ɔɪ OY; eə EH R; ɪə IH R; ʊə UH R; iː IY; "
    "uː UW; ɑː AA; ɔː AO; ɜː ER; oː OW; aː AA; ɛː EH; eː EY; p P; b B; t T; d D; k K; ɡ G; g G; f F; v V; θ TH; "
    "ð DH; s S; z Z; ʃ SH; ʒ ZH; h HH; m M; n N; ŋ NG; l L; ɹ R; r R; j Y; w W; x K; ɾ T; ɬ L; ɲ N Y; ç HH; β V; "
    "ɣ G; ʁ R; c K; ɪ IH; ᵻ IH; i IY; ɛ EH; e EH; æ AE; a AA; ɑ AA; ɐ AH; ʌ AH; ə AH; ɚ ER; ɔ AO; o OW; ʊ UH; "
    "u UW; y UW; ø ER; œ ER; ɒ AA; ʔ; ː; ɑ̃ AA N; ɛ̃ AE N; ɔ̃ AO N; "
)
_PHONES = {ipa: said for ipa, _, said in (entry.strip().partition(" ") for entry in _TABLE.split(";")) if ipa}
_LONGEST = max(map(len, _PHONES))


def phones(ipa: str) -> str:
    """espeak-ng's phonemes, written in IPA, as phones of the CMU dictionary; what has none is left out."""
    said: list[str] = []
    for phoneme in ipa.replace("ˈ", "").replace("ˌ", "").replace(" ", "_").split("_"):
        at = 0
        while at < len(phoneme):
            # An unknown phoneme is read by its letters, longest first: an accent more must not cost the word.
            for length in range(min(_LONGEST, len(phoneme) - at), 0, -1):
                if (known := _PHONES.get(phoneme[at : at + length])) is not None:
                    said += known.split()
                    break
            else:
                length = 1
            at += length
    return " ".join(said)


class Pronunciations:
    """Looks words up; `own` gives the sound of words that a person wrote down."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self._own = own or {}

    def of(self, words: Iterable[str]) -> dict[str, list[str]]:
        """Every pronunciation of each word; a word that nothing can read is left out."""
        known = cmudict()
        found: dict[str, list[str]] = {}
        strange: list[str] = []
        for word in words:
            plain = _plain(word)
            if word in self._own:
                found[word] = [self._own[word]]
            elif word in known or plain in known:
                found[word] = known.get(word) or known[plain]
            elif plain.endswith("'s") and plain[:-2] in known:
                found[word] = [f"{said} {_genitive(said)}" for said in known[plain[:-2]]]
            else:
                strange.append(word)
        for word, said in zip(strange, espeak(strange), strict=True):
            if said:
                found[word] = [said]
        return found


def _genitive(said: str) -> str:
    last = said.split()[-1]
    if last in {"S", "Z", "SH", "ZH", "CH", "JH"}:
        return "IH Z"
    return "S" if last in {"P", "T", "K", "F", "TH"} else "Z"


def _plain(word: str) -> str:
    """Without accents: the dictionary has `cafe`."""
    return "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))


@cache
def cmudict() -> dict[str, list[str]]:
    """The dictionary of pocketsphinx, read once: 0.2 s."""
    try:
        import pocketsphinx
    except ImportError:
        raise MissingExtra.named("voice", "pocketsphinx") from None
    entries: dict[str, list[str]] = {}
    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    for line in path.read_text("utf-8").splitlines():
        word, _, said = line.partition(" ")
        entries.setdefault(word.partition("(")[0], []).append(said.strip())
    return entries


def espeak(words: list[str], voice: str = "en-us") -> list[str]:
    """The phones of words as espeak-ng would say them, in one run of it; empty for a word it says nothing for."""
    if not words:
        return []
    said = _espeak_lines(words, voice)
    if len(said) != len(words):  # a word that is read as two clauses shifts the others: then one by one
        said = [" ".join(_espeak_lines([word], voice)) for word in words]
    return [phones(line) for line in said]


def _espeak_lines(words: list[str], voice: str) -> list[str]:
    # A full stop and an empty line end a clause, and each clause is printed on a line of its own.
    text = "".join(f"{word}.\n\n" for word in words)
    command = ["espeak-ng", "-q", "--ipa", "--sep=_", "-v", voice, "--stdin"]
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=True)
    except FileNotFoundError:
        raise InfrastructureError(
            "espeak-ng, which says how unknown names sound, is missing", mend=MISSING_ESPEAK
        ) from None
    except (subprocess.SubprocessError, OSError) as error:
        raise InfrastructureError(f"espeak-ng could not read {len(words)} words aloud: {error}") from None
    return [line for line in done.stdout.splitlines() if line.strip()]
