"""Tables in notebooks for what has no HTML of its own: ``%load_ext slipway.notebook``.

`Runs`, `Journey` and `GateResult` show themselves in any notebook; with the extension verdicts, single runs, datasets, estimates,
reproductions and spans do as well. Everything is escaped: outputs of models are text here, never HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.data import DatasetVersion, Span
    from slipway.evals.compare import RunVerdict
    from slipway.evals.datasets import Dataset
    from slipway.evals.estimate import Estimate
    from slipway.evals.reproduce import Reproduction
    from slipway.evals.results import Run

ROWS = 20
LONG = 300


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> str:
    """An HTML table of texts; long ones are cut."""
    head = "".join(f"<th>{_text(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    title = f"<caption>{_text(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else _json(value)
    return escape(text if len(text) <= LONG else text[:LONG] + "…")


def _json(value: Any) -> str:
    from slipway.data import canonical_json

    return canonical_json(value).decode()


def verdict(found: RunVerdict) -> str:
    """The sentence, then the figures of each metric and slice."""
    header = ["", "verdict", found.a, found.b, "difference", "p", "n", "n needed"]
    notes = "".join(f"<p>{_text(note)}</p>" for note in (*found.main.notes, *found.notes))
    return f"<p>{_text(found.reading)}</p>{table(header, found.rows())}{notes}"


def run(found: Run) -> str:
    """One run as a table of one row."""
    from slipway.evals.results import Runs

    return Runs({found.variant: found})._repr_html_()


def dataset(found: Dataset) -> str:
    """The first examples."""
    rows = [
        (e.id, e.input, e.expected, *(e.metadata.get(name) for name in found.slices)) for e in found.examples[:ROWS]
    ]
    caption = f"{found.name}@{found.version[:12]}: {len(found):,} examples, {len(rows)} shown"
    return table(["id", "input", "expected", *found.slices], rows, caption)


def version(found: DatasetVersion) -> str:
    """What is kept under an id."""
    facts = [("size", found.size), ("source", found.source), ("parent", found.parent_id), ("sealed", found.sealed)]
    return table(["", ""], facts, f"{found.name}@{found.id[:12]}")


def estimate(found: Estimate) -> str:
    """What each variant would take."""
    header = ["variant", "samples", "recorded", "to run", "calls", "cached", "at least $", "at most $"]
    rows = []
    for one in found.variants:
        counts = (one.samples, one.finished + one.recorded, one.to_run, one.calls + one.judge_calls, one.cached)
        rows.append((one.variant, *counts, one.cost_low, one.cost_high))
    return table(header, rows, found.experiment)


def reproduction(found: Reproduction) -> str:
    """The verdict and what is not as it was."""
    rows = [("verdict", found.verdict.replace("_", " ")), ("how", found.method)]
    rows += [(reason.factor, reason.detail) for reason in found.because]
    return table(["", ""], rows, f"run {found.run_id[:12]} again")


def span(found: Span) -> str:
    """One span: what went in, what came out, how long it took."""
    rows = [("took", f"{found.duration_ns / 1e6:.3g} ms"), ("status", found.status), ("input", found.input)]
    rows += [("output", found.output), ("error", found.error)]
    rows += list(found.attributes.items())
    return table(["", ""], rows, f"{found.name} of trace {found.trace_id[:12]}")


SHOWN: dict[tuple[str, str], Callable[[Any], str]] = {
    ("slipway.evals.compare", "RunVerdict"): verdict,
    ("slipway.evals.results", "Run"): run,
    ("slipway.evals.datasets.dataset", "Dataset"): dataset,
    ("slipway.data.dataset", "DatasetVersion"): version,
    ("slipway.evals.estimate", "Estimate"): estimate,
    ("slipway.evals.reproduce", "Reproduction"): reproduction,
    ("slipway.data.trace", "Span"): span,
}


def load_ipython_extension(ipython: Any) -> None:
    """Called by ``%load_ext slipway.notebook``. Imports none of the types: IPython asks when it meets one."""
    formatter = ipython.display_formatter.formatters["text/html"]
    for (module, name), show in SHOWN.items():
        formatter.for_type_by_name(module, name, show)


def unload_ipython_extension(ipython: Any) -> None:
    """Called by ``%unload_ext slipway.notebook``."""
    formatter = ipython.display_formatter.formatters["text/html"]
    for module, name in SHOWN:
        formatter.type_printers.pop((module, name), None)
        formatter.deferred_printers.pop((module, name), None)
