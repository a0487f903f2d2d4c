"""The process that re-executes a run, in the rebuilt tree: ``python -m slipway.evals.reproduce_child JOB.json``.

It knows no store but a temporary one. The job says which task, examples, variant, scorers and seed; recorded replies lie beside
it, and are all that the model says unless the job is ``live``. What comes out is written beside the job: ``samples.jsonl``
and ``result.json``.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from slipway.data import Example, Prompt, Reply, Request, Response, Sample, Variant
from slipway.errors import ModelError, NotFound, SlipwayError, UsageError

FORMAT = 1
R = TypeVar("R")


class Replay:
    """A model that knows only what was recorded. The runner finds recorded replies itself, so whatever reaches this one
    was not recorded."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.misses = 0

    async def complete(self, request: Request) -> Reply:
        """Raises `ModelError`: this request was not made by the recorded run."""
        raise self._missed()

    def stream(self, request: Request) -> AsyncIterator[str]:
        """Raises `ModelError`: streams are not recorded."""
        raise self._missed()

    def _missed(self) -> ModelError:
        self.misses += 1
        return ModelError("no reply to this request was recorded", mend="--live asks the model", status=404)


class _Reached(BaseException):
    """A script has come to its call of `evaluate`: everything above is defined."""

    def __init__(self, task: Any, scorers: Any) -> None:
        super().__init__()
        self.task = task
        self.scorers = scorers


class Found:
    """The task, and where functions of the same script are found by name."""

    def __init__(self, task: Any, scope: Mapping[str, Any], scorers: Any = None) -> None:
        self.task = task
        self.scope = scope
        self.scorers = scorers if isinstance(scorers, list | tuple) else ()


def find_task(place: Mapping[str, str], arguments: list[str]) -> Found:
    """The task where it was: by import, else by running its file up to the call of `evaluate`. Raises `UsageError`."""
    from slipway.evals.task import as_task

    if place.get("import"):
        return Found(as_task(place["import"]), {})
    file, qualname = place.get("file", ""), place.get("qualname", "")
    if not file or not Path(file).is_file():
        raise UsageError(
            f"task {qualname!r} cannot be found again", mend="define it in a module, and run that from a commit"
        )
    scope, reached = _run_script(file, arguments)
    if qualname in scope:
        return Found(scope[qualname], scope, reached and reached.scorers)
    if reached is not None and reached.task is not None and not isinstance(reached.task, str):
        return Found(reached.task, scope, reached.scorers)
    raise UsageError(f"{file} defines no {qualname!r}", mend="define the task at the top level of its file")


def _run_script(file: str, arguments: list[str]) -> tuple[dict[str, Any], _Reached | None]:
    import slipway.evals.run as run

    def stop(task: Any = None, data: Any = None, **options: Any) -> Any:
        raise _Reached(task, options.get("scorers"))

    spec = importlib.util.spec_from_file_location("__main__", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} is no Python file", mend="define the task in a .py file")
    module = importlib.util.module_from_spec(spec)
    kept, sys.argv, sys.modules["__main__"] = run.evaluate, [file, *arguments], module
    run.evaluate = stop
    sys.modules.get("slipway", module).__dict__.pop("evaluate", None)  # loaded lazily: let it find the one above
    try:
        spec.loader.exec_module(module)
    except _Reached as reached:
        return module.__dict__, reached
    finally:
        run.evaluate = kept
        sys.modules["slipway"].__dict__.pop("evaluate", None)
    return module.__dict__, None


def find_scorers(facts: list[Mapping[str, Any]], found: Found) -> list[Any]:
    """The scorers as they were asked for; functions of the script by name. Raises `NotFound`."""
    made: list[Any] = []
    for number, fact in enumerate(facts):
        name, settings = str(fact.get("name", "")), dict(fact.get("parameters") or {})
        if fact.get("spec"):
            made.append(fact["spec"])
        elif fact.get("import"):
            made.append({"name": fact["import"], "as": name, **settings} if settings else fact["import"])
        elif name in found.scope:
            made.append(found.scope[name])
        elif number < len(found.scorers):
            made.append(found.scorers[number])
        else:
            made.append({"name": name, **settings})
    return made


def rows(path: Path, kind: type[R]) -> Iterator[R]:
    """Records from JSON lines; none when there is no such file."""
    decoder = msgspec.json.Decoder(kind)
    if path.exists():
        with path.open("rb") as lines:
            for line in lines:
                yield decoder.decode(line)


def execute(folder: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    """Run the job. Returns what goes into ``result.json``."""
    from slipway import config as settings
    from slipway.evals.limits import Limit
    from slipway.evals.run import evaluate
    from slipway.store import open_store

    run = job["run"]
    config = settings.load(Path(job["root"]), project=run["project"], data=str(folder))
    found = find_task(run["config"].get("task") or {}, job.get("arguments", []))
    replay: list[Replay] = []
    models: dict[str, Any] = {"model": None, "judge": None}
    for role, name in (("model", job["model_name"]), ("judge", job["judge_name"])):
        if job["live"]:
            models[role] = run["config"].get(role) or None
        elif name:
            models[role] = Replay(name)
            replay.append(models[role])
    if not job["live"]:
        config = msgspec.structs.replace(config, model="")
    store = open_store(f"sqlite:///{folder / 'slipway.db'}")
    try:
        _fill(store, folder)
        runs = evaluate(
            found.task,
            list(rows(folder / "examples.jsonl", Example)),
            scorers=find_scorers(run["config"].get("scorers", []), found),
            variants=[msgspec.convert(job["variant"], Variant)],
            limit=Limit(**job["limit"]),
            repeats=run["repeats"],
            seed=run["seed"],
            store=store,
            name=run["experiment"],
            trace=False,
            progress=False,
            config=config,
            **models,
        )
        (made,) = runs.values()
        with (folder / "samples.jsonl").open("wb") as file:
            for sample in store.find(Sample, {"run_id": made.id}):
                file.write(msgspec.json.encode(sample) + b"\n")
        return {"run": made.record, "misses": sum(model.misses for model in replay), "error": None}
    finally:
        store.close()


def _fill(store: Any, folder: Path) -> None:
    for name, kind in (("responses.jsonl", Response), ("prompts.jsonl", Prompt)):
        batch: list[Any] = []
        for record in rows(folder / name, kind):
            batch.append(record)
            if len(batch) == 1000:
                store.write(batch)
                batch = []
        store.write(batch)


def main(path: str) -> int:
    """Run the job at ``path``; 0 when it ran, whatever came out."""
    folder = Path(path).parent
    job = msgspec.json.decode(Path(path).read_bytes())
    if job.get("format") != FORMAT:
        result: dict[str, Any] = {"error": f"this slipway re-executes format {FORMAT}, not {job.get('format')}"}
    else:
        try:
            result = execute(folder, job)
        except NotFound as error:
            result = {"error": str(error)}
        except SlipwayError as error:
            result = {"error": str(error)}
        except Exception as error:  # whatever the recorded code does: the parent says it
            where = traceback.extract_tb(error.__traceback__)[-1]
            result = {"error": f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"}
    (folder / "result.json").write_bytes(msgspec.json.encode(result))
    return 0 if result["error"] is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
