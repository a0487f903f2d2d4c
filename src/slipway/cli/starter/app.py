"""Sort a customer's message to the desk that answers it: billing, shipping, returns or account; otherwise "person".

`sort` is the task under test. Replace its body with a call of your model, prompt or chain: everything around it stays as it is.
"""

from __future__ import annotations

import re
from typing import Any

import slipway as sw

WORDS = {
    "billing": "invoice charged charge payment vat card receipt price",
    "shipping": "parcel delivery delivered courier tracking shipped address",
    "returns": "return refund exchange broken damaged wrong",
    "account": "password login email account username",
}
STEMS = {
    "billing": "invoic charg pay paid bill vat card receipt pric discount",
    "shipping": "parcel deliver courier track ship packag arriv",
    "returns": "return refund exchang broke damag wrong crack fault",
    "account": "passw log sign account usernam profil",
}


@sw.task
def sort(example: Any, ctx: Any) -> str:
    """The desk whose words occur most often. The variant's ``match`` says whether whole words count or beginnings, its
    ``at_least`` how many of them it takes."""
    said = re.findall(r"\w+", example.input.lower())
    if ctx.variant.config.get("match") == "stems":
        hits = {desk: sum(w.startswith(tuple(stems.split())) for w in said) for desk, stems in STEMS.items()}
    else:
        hits = {desk: sum(w in words.split() for w in said) for desk, words in WORDS.items()}
    best = max(hits, key=lambda desk: hits[desk])
    return best if hits[best] >= ctx.variant.config.get("at_least", 1) else "person"
