"""What the fast path is not sure of goes to the user's language model, and where nobody is sure nothing is called."""

from __future__ import annotations

from collections.abc import Callable

from slipway_assistant.deferring import defer
from slipway_assistant.mind import Understanding, mind
from slipway_assistant.minds.neural import Neural

UNSURE = 0.5
"""Below this confidence a language model is asked, if there is one."""
TOO_UNSURE = 0.2
"""Below this one nothing is called, if there is none."""


@mind(
    "cascade",
    step=140,
    parent="neural",
    note="what it is not sure of goes to the language model that is configured, if any; where nobody is sure nothing is called",
)
class Cascade(Neural):
    """A Neural that knows whom to ask."""

    ask: Callable[[str, str], Understanding | None] = staticmethod(defer)

    def understand(self, text: str, lang: str) -> Understanding:
        """The fast path's call where it is sure of it, else the language model's, else the fast path's or none."""
        said = super().understand(text, lang)
        if said.confidence >= UNSURE:
            return said
        asked = self.ask(text, lang)
        if asked is not None:
            return asked
        if said.confidence < TOO_UNSURE and said.call is not None:
            return Understanding(None, TOO_UNSURE)
        return said
