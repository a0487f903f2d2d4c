"""The task: the callable under test, from an example to an output.

    @slipway.task
    async def assistant(example, ctx):
        return await ctx.model.chat(prompt="assistant@v7", text=example.input)

A task takes ``(example)`` or ``(example, ctx)`` and is a plain function (run in a thread) or a coroutine function. Of a
generator, plain or async, the output is the text that it yields, put together; its latency is that of the whole.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, overload

from slipway.data import Example, Variant, content_hash
from slipway.errors import UsageError
from slipway.evals.code import imported_code


class Context:
    """What a task is told beside the example. One for each attempt.

    ``model`` answers requests: recorded, priced, rate limited (raises `UsageError` when the run has none). ``variant`` is the
    configuration under test, ``config`` its settings; ``repeat`` counts from 0; ``run_id`` is the eval run's.
    """

    __slots__ = ("_model", "example", "meter", "repeat", "run_id", "run_seed", "variant")

    def __init__(
        self,
        example: Example,
        *,
        variant: Variant,
        repeat: int = 0,
        run_seed: int = 0,
        run_id: str = "",
        model: Any = None,
        meter: Any = None,
    ) -> None:
        self.example = example
        self.variant = variant
        self.repeat = repeat
        self.run_seed = run_seed
        self.run_id = run_id
        self.meter = meter
        self._model = model

    @property
    def config(self) -> Mapping[str, Any]:
        """The variant's settings."""
        return self.variant.config

    @property
    def seed(self) -> int:
        """A number below 2**32 that is the same whenever this example's repeat is run with the run's seed."""
        text = f"{self.run_seed}:{self.example.id}:{self.repeat}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

    @property
    def model(self) -> Any:
        """The model of the variant (its ``model`` setting), or of the run."""
        if self._model is None:
            raise UsageError(
                "the task asks for ctx.model and the run has none",
                mend="pass model= to evaluate(), or set model in slipway.toml or in the variant's config",
            )
        return self._model


@dataclass(frozen=True)
class Task:
    """A named callable. Calling it calls the function, so a task is tested like any function.

    ``code`` are modules and files whose content also decides the output; ``version`` replaces hashing altogether.
    ``calls`` is how often it asks the model for an example, where that is known before it ran.
    """

    function: Callable[..., Any]
    name: str
    code: tuple[ModuleType | Path, ...] = ()
    version: str = ""
    calls: int | None = None
    __wrapped__: Callable[..., Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "__wrapped__", self.function)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.function(*arguments, **named)

    @cached_property
    def awaits(self) -> bool:
        """Whether the function must be awaited."""
        call = self.function if inspect.isroutine(self.function) else getattr(self.function, "__call__", None)  # noqa: B004
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(call)

    @cached_property
    def wants_context(self) -> bool:
        """Whether the function takes ``ctx`` as its second argument. Raises `UsageError` for any other shape."""
        try:
            parameters = list(inspect.signature(self.function).parameters.values())
        except (TypeError, ValueError):
            return False
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        required = [p for p in positional if p.default is p.empty]
        if not any(p.kind is p.VAR_POSITIONAL for p in parameters) and (not positional or len(required) > 2):
            raise UsageError(
                f"task {self.name!r} takes {len(positional)} arguments", mend="write it as (example) or (example, ctx)"
            )
        return len(required) == 2 or (len(positional) >= 2 and positional[1].name == "ctx")

    @cached_property
    def code_hash(self) -> str:
        """What changes when the task's code changes: its source, what it uses of its own module and package, what it closed over,
        every file of one's own that its file imports (see code.py), and the declared ``code``. Installed packages, and data
        files it reads, do not count unless declared; a list that the task itself changes makes its code look changed, so
        keep such state in an object."""
        if self.version:
            return content_hash({"task": self.name, "version": self.version})
        from slipway.scorers.version import version_of

        declared = {str(getattr(item, "__name__", item)): _content(item) for item in self.code}
        function = inspect.unwrap(self.function)
        try:
            file = inspect.getsourcefile(function)
        except TypeError:  # an instance; one that Python itself brings (`len`) has no file
            file = None if type(function).__module__ == "builtins" else inspect.getsourcefile(type(function))
        own = imported_code(function.__module__, Path(file)) if file else {}
        return content_hash({"code": version_of(self.function, {}), "imports": own, "declared": declared})


@overload
def task(function: Callable[..., Any], /) -> Task: ...
@overload
def task(
    *,
    name: str | None = None,
    code: Sequence[ModuleType | str | Path] = (),
    version: str = "",
    calls: int | None = None,
) -> Callable[[Callable[..., Any]], Task]: ...
def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    code: Sequence[ModuleType | str | Path] = (),
    version: str = "",
    calls: int | None = None,
) -> Any:
    """Make a function a task. ``code`` names modules or files that decide the output too (a prompt file, a model file):
    when one changes, recorded outputs are no longer reused. ``version`` says by hand when that is so. ``calls`` says that it
    asks the model so often for every example: a dry run is exact then before the task ran once."""
    if calls is not None and calls < 1:
        raise UsageError(f"calls={calls} of a task", mend="say how often it asks for each example, or leave it out")

    def make(function: Callable[..., Any]) -> Task:
        named = name or str(getattr(function, "__name__", type(function).__name__))
        return Task(function, named, tuple(Path(c) if isinstance(c, str) else c for c in code), version, calls)

    return make(function) if function is not None else make


def as_task(thing: Any) -> Task:
    """A task from a task, a function, or ``"module:attribute"``. Raises `UsageError`."""
    if isinstance(thing, Task):
        return thing
    if isinstance(thing, str):
        return as_task(_load(thing))
    if not callable(thing):
        raise UsageError(f"a task is a function, not {type(thing).__name__}", mend="pass a function of (example)")
    return task(thing)


def _load(name: str) -> Any:
    import importlib

    module, colon, attribute = name.partition(":")
    if not colon:
        raise UsageError(f"task {name!r} does not say where it is", mend="write it as 'package.module:function'")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"no module {missing.name!r} for task {name!r}", mend="is its folder on PYTHONPATH, or the name mistyped?"
        ) from None
    except AttributeError:
        from slipway.errors import NotFound

        raise NotFound.among(f"task in {module}", attribute, dir(importlib.import_module(module))) from None


def _content(item: ModuleType | Path) -> str:
    path = Path(item.__file__ or "") if isinstance(item, ModuleType) else item
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    if path.name == "__init__.py":
        files = sorted(path.parent.rglob("*.py"))
    whole = hashlib.sha256()
    for file in files:
        try:
            whole.update(f"{file.name}\0".encode())
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    whole.update(block)
        except OSError as error:
            said = f"cannot read {file}, declared as code of a task: {error.strerror}"
            raise UsageError(said, mend="correct the path in @task(code=...)") from None
    return whole.hexdigest()
