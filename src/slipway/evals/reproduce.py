"""`reproduce`: re-execute a run from what was recorded, and say identical, statistically equal, or different because of X.

The commit and the uncommitted change are rebuilt in a git worktree (reproduce_tree.py), packages that differ are installed
as recorded over the present ones (reproduce_packages.py), and a process of its own runs the task there (reproduce_child.py)
over the stored rows, its model answering with the recorded replies, or with ``live`` itself. The task's own code really runs
again; nothing it once gave is reused. reproduce_verdict.py compares, and names what is not as it was.

This runs code that the store says was run: reproduce from stores you trust.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from slipway.data import DatasetVersion, Environment, EvalRun, Example, Prompt, Response, Sample, Variant
from slipway.errors import InfrastructureError, NotFound, NothingRan, SealedError, UsageError
from slipway.evals import reproduce_packages, reproduce_tree
from slipway.evals.html import Shown
from slipway.evals.reproduce_packages import Packages
from slipway.evals.reproduce_tree import Tree
from slipway.evals.reproduce_verdict import (
    DIFFERENT,
    Difference,
    Facts,
    Judgement,
    Key,
    Reason,
    difference,
    judge,
    reasons,
)
from slipway.store.protocol import Store

FORMAT = 1
MARGIN = 0.02
INSTALLED = frozenset({"site-packages", "dist-packages"})
STANDARD_LIBRARY = re.compile(r"/python3\.\d+(/lib-dynload)?$")


@dataclass(frozen=True)
class Reproduction(Shown):
    """``verdict`` is identical, statistically_equal or different, ``method`` how that was found.

    ``because`` names what is not as it was (``notes`` do, when the outputs are identical all the same). When nothing recorded
    differs and outputs do, it is *chance* (two re-executions differ from each other too) or *unrecorded* (they agree:
    a file outside the repository, the network, the clock).
    """

    run_id: str
    verdict: str
    method: str
    because: tuple[Reason, ...]
    samples: int
    outputs_differ: int
    scores_differ: int
    missing: int
    examples: tuple[Key, ...]
    code: str
    packages: str
    model: str
    comparison: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 identical or statistically equal, 1 different."""
        return int(self.verdict == DIFFERENT)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return {
            **asdict(self),
            "because": [asdict(reason) for reason in self.because],
            "examples": [list(key) for key in self.examples],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        """``different because of packages (greeter 1.0 -> 2.0)``, then how that was found, a line each."""
        head = self.verdict.replace("_", " ")
        if self.because:
            by: dict[str, list[str]] = {}
            for reason in self.because:
                by.setdefault(reason.factor, []).append(reason.detail)
            named = "; ".join(f"{factor} ({', '.join(details[:5])})" for factor, details in by.items())
            head += f" because of {named}" if self.verdict == DIFFERENT else f"; not as it was: {named}"
        differ = f"{self.outputs_differ} outputs and {self.scores_differ} scores of {self.samples} samples differ"
        lines = [head, self.method, differ, f"code: {self.code}", f"packages: {self.packages}", f"model: {self.model}"]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def reproduce(
    store: Store,
    run_id: str,
    *,
    live: bool = False,
    here: bool = False,
    folder: Path | str | None = None,
    margin: float | None = None,
) -> Reproduction:
    """Re-execute the run ``run_id`` (or the beginning of an id) and compare.

    ``live`` asks the model instead of the recorded replies. ``here`` rebuilds nothing: the code, packages and suite as they
    stand now, to see what has changed since. ``folder`` is a clone of the repository, when it is not where the run was made.
    ``margin`` (0.02, or the suite's) is the difference in score that counts as none.

    Raises `NotFound`, `SealedError` for a held-out run, `NothingRan` for one without samples, `UsageError` when there is no clone
    or task to run, `InfrastructureError` when git or the process fails. What the recorded code raises is a result.
    """
    run = _run(store, run_id)
    if run.config.get("sealed"):
        raise SealedError(
            "a held-out run keeps nothing to compare with",
            mend="take a look: slipway suite look SUITE --variant NAME --why TEXT",
        )
    recorded = {(s.example_id, s.repeat): s for s in store.find(Sample, {"run_id": run.id})}
    if not recorded:
        raise NothingRan(f"run {run.id[:12]} has no samples", mend="reproduce a run that got further")
    environment = None if run.environment_id is None else store.get(Environment, run.environment_id)
    place = Path(folder).absolute() if folder is not None else None
    with _workplace(store, run, environment, place, here=here) as (tree, packages, home):
        dataset_id, examples = _examples(store, run, tree, recorded, here=here)
        order = Order(run, tree, packages, environment, tuple(examples), live, here)
        facts, again = _execute(store, order, home / "first", dataset_id)
        if here:
            root = Path(tree.moved(str(run.config.get("root", ""))))
            changed = reproduce_tree.changed_since(store, environment, tree, folder=place, root=root)
            facts = replace(facts, changed=tuple(name for name in changed if not _is_data(run, tree, name)))
        differs = difference(recorded, again)
        because = reasons(run, facts, here=here, live=live)
        notes = _notes(run, differs, tree)
        if differs.none:
            notes, because = (*notes, *(f"{reason.factor}: {reason.detail}" for reason in because)), ()
        elif not because and again:
            because = _chance(store, order, home / "second", dataset_id, again)
    gate = run.config.get("gate", {})
    found = judge(
        recorded,
        # A run that was stopped early did not repeat every example; the re-execution did.
        {key: one for key, one in again.items() if key in recorded},
        differs,
        metric=str(gate.get("metric") or run.summary.get("metric", "")),
        margin=margin if margin is not None else float(gate.get("margin") or MARGIN),
    )
    return _told(order, differs, found, because, notes)


def _told(
    order: Order, differs: Difference, found: Judgement, because: tuple[Reason, ...], notes: tuple[str, ...]
) -> Reproduction:
    model = "asked anew" if order.live else "recorded replies" if order.run.config.get("model_name") else "none"
    return Reproduction(
        run_id=order.run.id,
        verdict=found.verdict,
        method=found.method,
        because=because,
        samples=differs.samples,
        outputs_differ=differs.outputs,
        scores_differ=differs.scores,
        missing=differs.missing,
        examples=differs.examples,
        code=order.tree.says,
        packages=order.packages.says,
        model=model,
        comparison=found.comparison,
        notes=notes,
    )


@dataclass(frozen=True)
class Order:
    """What the re-executing process is told."""

    run: EvalRun
    tree: Tree
    packages: Packages
    environment: Environment | None
    examples: tuple[Example, ...]
    live: bool
    here: bool


def _run(store: Store, run_id: str) -> EvalRun:
    found = store.get(EvalRun, run_id)
    if found is None:
        begins = list(store.find(EvalRun, {"id__prefix": run_id}, limit=2)) if run_id else []
        if len(begins) > 1:
            raise UsageError(f"{run_id!r} begins several run ids", mend="give more digits")
        if not begins:
            raise NotFound.among("run", run_id, [one.id for one in store.find(EvalRun, newest_first=True, limit=200)])
        found = begins[0]
    return found


@contextmanager
def _workplace(
    store: Store, run: EvalRun, environment: Environment | None, folder: Path | None, *, here: bool
) -> Iterator[tuple[Tree, Packages, Path]]:
    home = Path(tempfile.mkdtemp(prefix="slipway-reproduce-"))
    try:
        if here:
            yield reproduce_tree.as_it_is(environment, folder), reproduce_packages.as_they_are(environment), home
            return
        task_file = str((run.config.get("task") or {}).get("file", ""))
        with reproduce_tree.rebuilt(store, environment, folder=folder, task_file=task_file) as tree:
            yield tree, reproduce_packages.rebuilt(store, environment, home, tree.top), home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _examples(
    store: Store, run: EvalRun, tree: Tree, recorded: Mapping[Key, Sample], *, here: bool
) -> tuple[str, list[Example]]:
    """The rows that were run: those of the stored version, or with ``here`` those of the suite as it is now."""
    wanted = {name for name, _ in recorded}
    if here and (now := _suite_now(store, run, tree)) is not None:
        return now.version, [example for example in now if example.id in wanted]
    from slipway.evals.datasets import load_version

    if not store.count(DatasetVersion, {"id": run.dataset_id}):
        raise UsageError(
            f"the store has no dataset {run.dataset_id[:12]}, of which the run was made",
            mend="name the store that has it: --store URL",
        )
    return run.dataset_id, [example for example in load_version(store, run.dataset_id) if example.id in wanted]


def _is_data(run: EvalRun, tree: Tree, name: str) -> bool:
    """Whether a file of the tree is the suite's dataset, which is compared by its own version."""
    root = Path(tree.moved(str(run.config.get("root", ""))))
    suite = _suites(root).get(run.suite) if run.suite else None
    return (
        suite is not None
        and isinstance(suite.dataset, str)
        and (root / suite.dataset).resolve() == (tree.top / name).resolve()
    )


def _suites(root: Path) -> dict[str, Any]:
    from slipway import config as settings
    from slipway.evals.suites import suites

    return dict(suites(settings.load(root))) if root.is_dir() else {}


def _suite_now(store: Store, run: EvalRun, tree: Tree) -> Any:
    suite = _suites(Path(tree.moved(str(run.config.get("root", ""))))).get(run.suite) if run.suite else None
    return suite.load(store) if suite is not None and suite.dataset else None


def _execute(store: Store, order: Order, home: Path, dataset_id: str) -> tuple[Facts, dict[Key, Sample]]:
    """Run the order in a process of its own."""
    run, tree = order.run, order.tree
    home.mkdir(parents=True, mode=0o700)
    _write_job(store, order, home)
    root = Path(
        tree.moved(str(run.config.get("root") or (order.environment.working_directory if order.environment else "")))
    )
    worked = Path(tree.moved(order.environment.working_directory)) if order.environment else root
    start = next((place for place in (worked, root, tree.top) if place.is_dir()), Path.cwd())
    command = [order.packages.python, "-P", "-m", "slipway.evals.reproduce_child", str(home / "job.json")]
    process = subprocess.Popen(
        command,
        cwd=start,
        env=_variables(order, start),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said = process.communicate()[0].decode(errors="replace").strip().splitlines()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if not (home / "result.json").exists():
        last = said[-1] if said else f"exit code {process.returncode}"
        raise InfrastructureError(
            f"the re-executing process died: {last}", mend="try --here, or look at the code it runs"
        )
    result = msgspec.json.decode((home / "result.json").read_bytes())
    from slipway.evals.reproduce_child import rows

    again = {(s.example_id, s.repeat): s for s in rows(home / "samples.jsonl", Sample)}
    made = msgspec.convert(result["run"], EvalRun) if result.get("run") else None
    return Facts(tree, order.packages, dataset_id, made, result.get("misses", 0), result["error"] or ""), again


def _write_job(store: Store, order: Order, home: Path) -> None:
    run, tree = order.run, order.tree
    variant = store.get(Variant, run.variant_id) or Variant(
        run.variant, (run.config.get("variant") or {}).get("config", {})
    )
    task = dict(run.config.get("task") or {})
    limit = dict(run.config.get("limit") or {})
    # Neither time nor money stops a re-execution: it must come to the same samples. Recorded replies never need a retry.
    limit |= {"seconds": None} if order.live else {"seconds": None, "usd": None, "retries": 0, "per_second": None}
    names = {role: str(run.config.get(f"{role}_name") or "") for role in ("model", "judge")}
    job = {
        "format": FORMAT,
        "run": replace(run, config={**run.config, "task": {**task, "file": tree.moved(str(task.get("file", "")))}}),
        "variant": variant,
        "model_name": names["model"],
        "judge_name": names["judge"],
        "limit": limit,
        "live": order.live,
        "root": tree.moved(str(run.config.get("root", ""))) or str(tree.top),
        "arguments": _arguments(order.environment, str(task.get("file", ""))),
    }
    (home / "job.json").write_bytes(msgspec.json.encode(job))
    _lines(home / "examples.jsonl", order.examples)
    # A prompt named without its version is the newest one: of then, unless things are to be as they are now.
    known = (one for one in store.find(Prompt) if order.here or one.created_ns <= run.started_ns)
    _lines(home / "prompts.jsonl", known)
    if not order.live:
        sources = sorted({f"model:{name}" for name in names.values() if name})
        _lines(home / "responses.jsonl", store.find(Response, {"source__in": sources}) if sources else ())


def _arguments(environment: Environment | None, file: str) -> list[str]:
    """What the script was called with: what stands behind its name on the recorded command line."""
    command = list(environment.command) if environment else []
    for number, word in enumerate(command):
        if file and Path(word).name == Path(file).name:
            return command[number + 1 :]
    return []


def _lines(path: Path, records: Iterable[Any]) -> None:
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        for record in records:
            file.write(encode(record) + b"\n")


def _variables(order: Order, start: Path) -> dict[str, str]:
    """The environment of the process: recorded variables, and a path on which the tree's modules and recorded packages come
    first. Entries of the interpreter's own (standard library, site-packages) are its own business."""
    moved = [order.tree.moved(entry) for entry in order.run.config.get("sys_path") or ()]
    prefixes = tuple(Path(one).resolve() for one in (sys.prefix, sys.base_prefix, sys.exec_prefix))
    ours = [
        one
        for one in moved
        if Path(one).is_dir()
        and not STANDARD_LIBRARY.search(Path(one).as_posix())
        and not any(Path(one).resolve().is_relative_to(p) for p in prefixes)
    ]
    slipway = Path(__file__).resolve().parents[2]
    own = [] if slipway.name in INSTALLED else [str(slipway)]
    if order.packages.apart:  # it has its packages and its slipway: what is installed elsewhere is left out
        own, ours = [], [one for one in ours if not INSTALLED.intersection(Path(one).parts) and Path(one) != slipway]
    inside = [one for one in ours if Path(one).resolve().is_relative_to(order.tree.top.resolve())]
    outside = [one for one in ours if one not in inside]
    path = dict.fromkeys([*inside, str(start), *order.packages.paths, *outside, *own])
    known = order.environment.variables if order.environment else {}
    recorded = {name: value for name, value in known.items() if "." not in name and not value.startswith("[redacted")}
    return {
        **reproduce_tree.git_environment(),
        **recorded,
        "PYTHONPATH": os.pathsep.join(path),
        "SLIPWAY_TRACE": "false",
        # A task that opens a model of its own must not spend money behind recorded replies.
        **({} if order.live else {"SLIPWAY_FORBID_REMOTE": "1"}),
        # Nothing is left in the tree of --here.
        **({} if "PYTHONPYCACHEPREFIX" in os.environ else {"PYTHONDONTWRITEBYTECODE": "1"}),
    }


def _chance(store: Store, order: Order, home: Path, dataset_id: str, first: Mapping[Key, Sample]) -> tuple[Reason, ...]:
    """Nothing recorded differs, and yet the outputs do: run once more, to see whether two re-executions agree."""
    _, second = _execute(store, order, home, dataset_id)
    between = difference(first, second)
    if between.none:
        detail = "two re-executions agree with each other: a file that git does not know, the network, or the clock"
        return (Reason("unrecorded", detail),)
    count = max(between.outputs, between.scores, between.missing)
    return (Reason("chance", f"two re-executions differ from each other in {count} of {between.samples} samples"),)


def _notes(run: EvalRun, differs: Difference, tree: Tree) -> tuple[str, ...]:
    made = []
    if run.status not in ("finished", "failed"):
        made.append(f"the run was {run.status}: its {differs.samples} samples were re-executed, not all {run.planned}")
    if (tree.top / ".gitmodules").is_file():
        made.append("the repository has submodules, which are not rebuilt")
    return tuple(made)
