"""A must-pass suite: one failure is red, and a rerun may explain it but never hide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from slipway.errors import NothingRan, UsageError
from slipway.evals.stats.results import MustPass


def must_pass(
    outcomes: Mapping[str, Sequence[bool]],
    *,
    reruns: Mapping[str, Sequence[bool]] | None = None,
    confirmations: int = 3,
) -> MustPass:
    """Green, flaky or red, from each example's ``outcomes`` (one for each repeat; an example without any has failed).

    Green: everything passed at once. Flaky: each failing example then passed all of at least ``confirmations`` reruns. Red:
    anything else, so a failure without reruns is red. Flaky is not green: the gate stays shut and the example is named.

    Three confirming passes say little about an example that fails one time in ten (0.73 of those pass all three), which is
    why they can excuse nothing: they only tell where to look.
    """
    if not outcomes:
        raise NothingRan("a must-pass suite without examples", mend="add examples or take the suite out of the gate")
    if confirmations < 1:
        raise UsageError(f"confirmations {confirmations} would excuse every failure", mend="give 1 or more")
    failed, flaky, open_ones = [], [], []
    for example, passes in outcomes.items():
        if len(passes) > 0 and all(passes):
            continue
        again = (reruns or {}).get(example, ())
        if len(again) >= confirmations and all(again):
            flaky.append(example)
            continue
        failed.append(example)
        if all(again):
            open_ones.append(example)
    status: Literal["green", "flaky", "red"] = "red" if failed else "flaky" if flaky else "green"
    return MustPass(status, tuple(failed), tuple(flaky), tuple(open_ones), len(outcomes))
