"""Presidio as one more redactor (extra ``[privacy]``), which fetches nothing from anywhere.

By itself Presidio downloads a spaCy model of 400 MB when it misses it, and the list of public suffixes when it sees an e-mail
address. Here it takes a model that is installed; without one its patterns still find numbers of identity cards, licences,
accounts and so on, but no names and places: `NAMES_NEED` says what to install.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from typing import Any

from slipway.errors import MissingExtra

MODELS = ("en_core_web_lg", "en_core_web_md", "en_core_web_sm")
NAMES_NEED = "python -m spacy download en_core_web_md"
LEAST_SCORE = 0.5
# A web address is no personal data by itself, and whose e-mail address it is the rows of `patterns` decide.
NOT_ASKED = frozenset({"URL", "EMAIL_ADDRESS", "DATE_TIME"})
_log = logging.getLogger("slipway")


def require() -> None:
    """Raises `MissingExtra` when Presidio is not installed."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        raise MissingExtra.named("privacy", "presidio-analyzer")


def presidio_hook() -> Callable[[str], str]:
    """Text in, text without what Presidio finds out. Raises `MissingExtra` when it is not installed."""
    require()
    engine = _engine()
    wanted = [entity for entity in engine.get_supported_entities(language="en") if entity not in NOT_ASKED]

    def hook(text: str) -> str:
        found = engine.analyze(text=text, language="en", entities=wanted, score_threshold=LEAST_SCORE)
        end = len(text) + 1
        for entity in sorted(found, key=lambda entity: (-entity.start, -entity.end)):
            if entity.end <= end:  # two that overlap: the rest of the text must keep its places
                text = f"{text[: entity.start]}[redacted {entity.entity_type.lower()}]{text[entity.end :]}"
                end = entity.start
        return text

    return hook


def _engine() -> Any:
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    name = next((name for name in MODELS if spacy.util.is_package(name)), None)
    if name is None:
        _log.warning("Presidio has no language model here: names and places are not redacted; mend: %s", NAMES_NEED)

    class Installed(SpacyNlpEngine):  # type: ignore[misc]
        """What is installed, or a pipeline that only splits words."""

        def load(self) -> None:
            """Load it."""
            self.nlp = {"en": spacy.load(name) if name else spacy.blank("en")}

    models = [{"lang_code": "en", "model_name": name or "blank"}]
    return AnalyzerEngine(nlp_engine=Installed(models=models), supported_languages=["en"])
