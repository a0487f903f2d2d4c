"""What the assistant's confidence is worth on the utterances of this repository, asked of minds that never saw them.

    python benchmarks/calibration.py                    # the default mind, two minutes
    python benchmarks/calibration.py tidied calibrated

Cross-fitting: all own utterances are cut into five folds, variants of one sentence together; each fold is asked of a mind
fitted on the other four. The error is the expected calibration error over ten bins of equal size; its interval resamples
clusters (percentile bootstrap). It is never 0 in a finite set: "by chance alone" is what a perfectly calibrated mind of the
same confidences would show (mean and 95th percentile). It measures and asserts nothing.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator

import numpy as np

from slipway_assistant.calibrate import calibration_error
from slipway_assistant.data import Utterance, own
from slipway_assistant.grade import grade
from slipway_assistant.mind import answer, variant

FOLDS, RESAMPLES = 5, 1000


def fold_of(row: Utterance) -> int:
    """Which fold a sentence and its variants are in."""
    return hashlib.sha256((row.cluster or row.id).encode()).digest()[0] % FOLDS


def asked(name: str, rows: list[Utterance]) -> Iterator[tuple[Utterance, float, bool]]:
    """Each utterance with the confidence of a mind that had not seen it, and whether it was right."""
    for fold in range(FOLDS):
        mind = variant(name).factory.fit([row for row in rows if fold_of(row) != fold])
        for row in rows:
            if fold_of(row) == fold:
                said = answer(mind, row.text, row.lang)
                yield row, said.confidence, grade(row.as_row(), said.call).right


def report(label: str, found: list[tuple[Utterance, float, bool]], rng: np.random.Generator) -> None:
    """One line of the table."""
    said = np.array([confidence for _, confidence, _ in found])
    right = np.array([ok for *_, ok in found])
    by_cluster: dict[str, list[int]] = {}
    for index, (row, *_) in enumerate(found):
        by_cluster.setdefault(row.cluster or row.id, []).append(index)
    groups = list(by_cluster.values())
    drawn = []
    for _ in range(RESAMPLES):
        index = np.concatenate([groups[one] for one in rng.integers(0, len(groups), len(groups))])
        drawn.append(calibration_error(said[index], right[index]))
    chance = [calibration_error(said, rng.random(len(said)) < said) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    print(
        f"| {label} | {len(found)} | {right.mean():.3f} | {said.mean():.3f} | {calibration_error(said, right):.3f} "
        f"[{low:.3f}, {high:.3f}] | {np.mean(chance):.3f}, {np.quantile(chance, 0.95):.3f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minds", nargs="*", default=["calibrated"])
    chosen = parser.parse_args()
    rows = own()
    dev = {row.id for row in own("dev")}
    print("| mind, rows | n | right | mean confidence | calibration error | by chance alone: mean, 95 % |")
    print("|---|---|---|---|---|---|")
    for name in chosen.minds:
        rng = np.random.default_rng(2026)
        found = list(asked(name, rows))
        report(f"{name}, all own", found, rng)
        report(f"{name}, own dev", [one for one in found if one[0].id in dev], rng)
        for lang in sorted({row.lang for row in rows}):
            report(f"{name}, own {lang}", [one for one in found if one[0].lang == lang], rng)


if __name__ == "__main__":
    main()
