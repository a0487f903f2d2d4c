"""What a traced call cost, from the prices of slipway.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.data import Span
from slipway.store import open_store
from slipway.track import flush, init, shutdown, span
from slipway.track.prices import priced

PRICES = {"m": (1.0, 2.0), "m-0001": (10.0, 20.0)}
TOKENS = {"slipway.tokens.input": 100, "slipway.tokens.output": 10}


@pytest.mark.parametrize(
    ("kind", "attributes", "cost"),
    [
        ("llm", {"slipway.model": "m", **TOKENS}, 120 / 1e6),
        ("llm", {"slipway.model": "m-0001", "slipway.request.model": "m", **TOKENS}, 1_200 / 1e6),
        ("llm", {"slipway.model": "m-0002", "slipway.request.model": "m", **TOKENS}, 120 / 1e6),
        (
            "llm",
            {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 0},
            1 / 1e6,
        ),
        ("embedding", {"slipway.model": "m", "slipway.tokens.input": 5}, 5 / 1e6),
        ("llm", {"slipway.model": "m", "slipway.tokens.input": 5}, None),  # unknown is not free
        ("llm", {"slipway.model": "another", **TOKENS}, None),
        ("llm", {"slipway.model": ["m"], **TOKENS}, None),
        ("llm", {"slipway.model": "m", "slipway.tokens.input": True, "slipway.tokens.output": -1}, None),
        ("chain", {"slipway.model": "m", **TOKENS}, None),
        ("llm", {"slipway.model": "m", "slipway.cost_usd": 0.5, **TOKENS}, 0.5),
        ("llm", {"slipway.model": "m", "slipway.cost_usd": None, **TOKENS}, None),
    ],
)
def test_a_price_that_is_known_and_no_other(kind, attributes, cost):
    found = priced(kind, attributes, PRICES).get("slipway.cost_usd")
    assert found == (cost if cost is None else pytest.approx(cost))


def test_a_span_of_ones_own_is_priced_too():
    Path("slipway.toml").write_text('[prices]\n"m" = [1.0, 2.0]\n')
    init(environment=False, instrument=False)
    with span("first"):  # spans go the short way once the store is open
        pass
    assert flush(60)
    for text in ("short", "long " * 10_000):  # one goes the short way into the store, one the long way
        with span("ask", kind="llm") as live:
            live.record_output(text)
            live.set({"slipway.model": "m", **TOKENS})
    assert flush(60)
    shutdown()
    store = open_store(f"sqlite:///{Path.cwd()}/.slipway/slipway.db")
    costs = [found.attributes["slipway.cost_usd"] for found in store.find(Span, {"kind": "llm"})]
    store.close()
    assert costs == [pytest.approx(120 / 1e6)] * 2
