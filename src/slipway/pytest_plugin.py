"""pytest plugin: a test that a Slipway suite decides. Nothing to set up, and nothing loaded until a test uses it.

    @pytest.mark.slipway_suite("quick", at_least=0.9)
    def test_assistant(example):                 # the test function is the task: it returns its output
        return answer(example.input)

    @pytest.mark.slipway_suite("quick", task="app:assistant", baseline="main")
    def test_gate(slipway_gate):                 # or it is given the result: slipway_gate, slipway_runs
        assert slipway_gate.passed, slipway_gate

    @pytest.mark.slipway_suite("must-pass")      # or the mark alone: the suite's task must pass the suite's gate
    def test_must_pass(): ...

The first argument names a suite of ``slipway.toml`` (or is a `slipway.Suite`). Options: ``task``, ``variants``, ``baseline`` (a
variant or run id), ``repeats``, ``seed``, ``usd``, ``seconds``, ``concurrency``, ``store``, and what `slipway.gate` takes
(``metric``, ``must_pass``, ``at_least``, ``margin``, ``on``, ``p95_latency_ms``, ``max_cost_usd``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from slipway.evals.gate import GateResult
    from slipway.evals.results import Runs

MARK = "slipway_suite"
GATE = ("metric", "must_pass", "at_least", "margin", "on", "p95_latency_ms", "max_cost_usd")
LIMIT = ("usd", "seconds", "concurrency", "timeout", "retries", "per_second")
RUN = ("task", "variants", "repeats", "seed", "store", "model", "judge", "scorers", "fresh", "project")
OTHER = ("baseline", "data", "suite")
FIXTURES = {"slipway_gate", "slipway_runs"}


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", f"{MARK}(name, **options): gate a test on a Slipway suite")


@pytest.hookimpl(tryfirst=True)  # type: ignore[untyped-decorator]
def pytest_pycollect_makeitem(collector: Any, name: str, obj: Any) -> Any:
    """A marked function of ``(example)`` or ``(example, ctx)`` is a task, not a test that pytest could call."""
    if not isinstance(obj, Callable) or not collector.funcnamefilter(name):  # type: ignore[arg-type]
        return None
    marks = [mark for mark in getattr(obj, "pytestmark", ()) if mark.name == MARK]
    if not marks or inspect.isclass(obj) or "example" not in inspect.signature(obj).parameters:
        return None
    return SuiteItem.from_parent(collector, name=name, task=obj, own=list(obj.pytestmark))


class SuiteItem(pytest.Item):  # type: ignore[misc]
    """A task that its suite's gate decides."""

    def __init__(self, *, task: Any, own: list[Any], **more: Any) -> None:
        super().__init__(**more)
        self.task = task
        for mark in own:
            self.add_marker(getattr(pytest.mark, mark.name)(*mark.args, **mark.kwargs))

    def runtest(self) -> None:
        """Evaluate, and fail unless the gate opens."""
        _decide(self, task=self.task)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where the task is."""
        return self.path, self.task.__code__.co_firstlineno - 1, self.name

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """A closed gate is told in its own words, without a traceback."""
        if isinstance(excinfo.value, GateClosed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class GateClosed(AssertionError):
    """The gate of a suite did not open."""


@pytest.hookimpl(tryfirst=True)  # type: ignore[untyped-decorator]
def pytest_runtest_call(item: pytest.Item) -> None:
    """A test with the mark alone runs its suite first."""
    names = set(getattr(item, "fixturenames", ()))
    if isinstance(item, SuiteItem) or item.get_closest_marker(MARK) is None or names & FIXTURES:
        return
    __tracebackhide__ = True
    _decide(item)


@pytest.fixture  # type: ignore[untyped-decorator]
def slipway_runs(request: pytest.FixtureRequest) -> Runs:
    """The runs of the marked suite, by variant name."""
    return _evaluate(request.node)[0]


@pytest.fixture  # type: ignore[untyped-decorator]
def slipway_gate(request: pytest.FixtureRequest) -> GateResult:
    """What the marked suite's gate says of its (last) variant."""
    return _results(request.node)[-1]


def _decide(item: pytest.Item, **given: Any) -> None:
    __tracebackhide__ = True
    closed = [result for result in _results(item, **given) if not result.passed]
    if closed:
        raise GateClosed("\n".join(str(result) for result in closed))


def _results(item: pytest.Item, **given: Any) -> list[GateResult]:
    from slipway.evals.gate import gate
    from slipway.evals.naming import suite_of
    from slipway.evals.results import run_of

    runs, options = _evaluate(item, **given)
    rules = {name: options[name] for name in GATE if name in options}
    results = []
    for run in runs.values():
        baseline = options.get("baseline")
        if isinstance(baseline, str):
            baseline = runs[baseline] if baseline in runs else run_of(baseline, run.store, suite=suite_of(run.record))
        if baseline is run:
            continue
        results.append(gate(run, baseline=baseline, **rules))
    lines = item.config.stash.setdefault(_LINES, [])
    for result in results:
        lines.append(str(result))
        item.user_properties.append(("slipway_run", result.run.id))
        item.user_properties.append(("slipway_gate", result.word))
    return results


def _evaluate(item: pytest.Item, **given: Any) -> tuple[Runs, dict[str, Any]]:
    from dataclasses import replace

    from slipway.errors import NotFound, UsageError
    from slipway.evals.run import evaluate
    from slipway.evals.suites import find_suite

    if _RUNS in item.stash:  # two fixtures of one test
        found: tuple[Runs, dict[str, Any]] = item.stash[_RUNS]
        return found
    mark = item.get_closest_marker(MARK)
    if mark is None:
        raise UsageError(f"{item.name} asks for a suite and names none", mend=f'add @pytest.mark.{MARK}("NAME")')
    options = dict(zip(("suite",), mark.args, strict=False)) | mark.kwargs | given
    for name in options:
        if name not in (*GATE, *LIMIT, *RUN, *OTHER):
            raise NotFound.among(f"option of {MARK}", name, [*GATE, *LIMIT, *RUN, *OTHER])
    suite = find_suite(options.get("suite"))
    limits = {name: options[name] for name in LIMIT if name in options}
    limit = None
    if limits:
        from slipway.evals.limits import Limit

        limit = replace(suite.limit if suite is not None else Limit(), **limits)
    runs = evaluate(
        data=options.get("data"),
        suite=suite,
        limit=limit,
        progress=False,
        **{name: options[name] for name in RUN if name in options},
    )
    item.stash[_RUNS] = runs, options
    return runs, options


_RUNS: pytest.StashKey[tuple[Runs, dict[str, Any]]] = pytest.StashKey()
_LINES: pytest.StashKey[list[str]] = pytest.StashKey()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> Iterator[None] | None:
    """What each gate said, below the tests; nothing when no test used one."""
    lines = config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("slipway")
        for line in lines:
            terminalreporter.write_line(line)
    return None
