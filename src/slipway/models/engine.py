"""The engine room of a local model: one GGUF file loaded by llama.cpp, and the threads that ask it."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from slipway.errors import ConfigError, DataError, MissingExtra, ModelError, NotFound
from slipway.models.ggufile import read_gguf
from slipway.models.slots import Scales, Slots
from slipway.models.weights import Library, fingerprint

T = TypeVar("T")
POOLINGS = {"": "", "auto": "UNSPECIFIED", "mean": "MEAN", "cls": "CLS", "last": "LAST"}
CANNOT_LOAD = 424
"""The status of a model that cannot be loaded: asking it again does not help, another model may."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter's file and how strongly it counts."""

    path: Path
    scale: float
    label: str

    @classmethod
    def of(cls, path: str | Path, scale: float) -> Adapter:
        """Raises `ConfigError` when there is no such file."""
        found = found_file(path, "adapter")
        if not read_gguf(found).is_adapter:
            raise DataError(f"{found} is no LoRA adapter", mend="make one of it: llama.cpp's convert_lora_to_gguf.py")
        return cls(found, scale, f"{found.stem}@{fingerprint(found)}")


@dataclass(frozen=True, slots=True)
class Loading:
    """What is loaded and how."""

    path: Path
    adapters: tuple[Adapter, ...]
    label: str
    ctx: int
    parallel: int
    threads: int
    batch: int
    template: str
    knows_tools: bool = False
    """Whether the chat template has a place for tools."""
    pooling: str = ""
    """How embeddings are pooled; "" for a model that writes."""

    @classmethod
    def of(cls, path: str | Path, adapters: tuple[Adapter, ...], *, parallel: int = 1, **rest: Any) -> Loading:
        """Checks the file. Raises `ConfigError` when there is none, `DataError` when it is not a whole model."""
        found = found_file(path, "model")
        header = read_gguf(found)
        if header.is_adapter:
            raise DataError(f"{found} is a LoRA adapter, not a model", mend="name the model, and this with lora=")
        if rest.get("pooling", "") not in POOLINGS:
            raise ConfigError(str(NotFound.among("pooling", rest["pooling"], filter(None, POOLINGS))))
        rest["knows_tools"] = "tools" in (rest["template"] or header.template)
        rest["ctx"] = min(rest["ctx"], header.context or rest["ctx"])
        if parallel < 1 or rest["ctx"] < 1 or rest["batch"] < 32:
            raise ConfigError(
                "a local model needs ctx >= 1, parallel >= 1 and batch >= 32", mend="see docs/guides/models.md"
            )
        return cls(found, adapters, f"gguf/{found.stem}@{fingerprint(found)}", parallel=parallel, **rest)

    def name(self, scales: Scales) -> str:
        """The model's file, and each adapter's with its scale."""
        parts = [f"+{adapter.label}*{scale:g}" for adapter, scale in zip(self.adapters, scales, strict=True)]
        return self.label + "".join(parts)


def found_file(path: str | Path, what: str) -> Path:
    """The absolute path of a file that exists, or of weights in the library by their name. Raises `ConfigError`."""
    found = Path(path).expanduser().absolute()
    if found.is_file():
        return found
    if str(path).startswith(("/", ".", "~")):
        raise ConfigError(
            f"there is no {what} {str(path)!r}", mend="give the path of a GGUF file, or fetch one: slipway model pull"
        )
    library = Library()
    held = library.find(str(path))
    if held.kind != "gguf":
        raise ConfigError(f"{held.name} is a {held.kind} model, no {what}", mend="name a GGUF file")
    library.note_use(held)
    return held.path


class Engine:
    """One loaded model. Loaded at the first call. Not in a process forked from one that loaded any: llama.cpp's threads are not
    copied, and it would wait for them."""

    def __init__(self, loading: Loading) -> None:
        _xllamacpp()
        self.loading = loading
        self._begin()
        _ENGINES.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._server: Any = None
        self._pool: ThreadPoolExecutor | None = None
        self._folder = ""
        self._slots = Slots(self.loading.parallel)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run ``work`` in one of as many threads as there are slots."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.loading.parallel, thread_name_prefix="slipway-gguf")
            return self._pool.submit(work)

    def ask(
        self, kind: str, body: Mapping[str, Any], scales: Scales, take: Callable[[str], bool], stop: threading.Event
    ) -> None:
        """Ask for a completion; ``take`` gets each event, and ends it by returning True. Raises `ModelError`."""
        server = self.server()
        if stop.is_set():
            return
        with self._slots.take(scales) as turn:
            lora = [{"id": number, "scale": scale} for number, scale in enumerate(scales)]
            own = {"id_slot": turn.slot, "cache_prompt": turn.reuse, **({"lora": lora} if lora else {})}
            try:
                getattr(server, f"handle_{kind}")(json.dumps({**body, **own}), take)
            except (RuntimeError, ValueError) as error:
                raise ModelError(f"llama.cpp refuses: {error}", status=400) from None

    def embed(self, texts: list[str]) -> Any:
        """llama.cpp's answer to a request for embeddings."""
        return json.loads(self.server().handle_embeddings(json.dumps({"input": texts})))

    def server(self) -> Any:
        """llama.cpp with the file loaded. Raises `ModelError` when it cannot be."""
        with self._lock:
            if self._server is None:
                self._server = self._load()
            return self._server

    def close(self) -> None:
        """Let what runs end, and free the memory."""
        with self._lock:
            pool, server, folder = self._pool, self._server, self._folder
            self._pool = self._server = None
            self._folder = ""
            self._slots = Slots(self.loading.parallel)
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        del server
        if folder:
            shutil.rmtree(folder, ignore_errors=True)

    def _load(self) -> Any:
        if _BARRED.is_set():
            raise ModelError(
                f"{self.loading.path} cannot be loaded in a forked process: its parent had loaded a GGUF model",
                mend="start the process by spawn, or before the parent loads one",
                status=CANNOT_LOAD,
            )
        x = _xllamacpp()
        params, loading = x.CommonParams(), self.loading
        params.model.path = str(loading.path)
        params.model_alias = {loading.label}
        params.n_ctx = loading.ctx * loading.parallel
        params.n_parallel = loading.parallel
        params.kv_unified = False
        params.n_batch = params.n_ubatch = loading.batch
        threads = loading.threads or _cores()
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.cpuparams.poll = params.cpuparams_batch.poll = 0  # no spinning: other work runs beside this
        params.lora_adapters = [x.CommonAdapterLoraInfo(str(each.path), each.scale) for each in loading.adapters]
        # Its entries do not say under which adapter they were read: the answers of one came back under another.
        params.cache_ram_mib = 0
        if loading.pooling:
            params.embedding = True
            params.pooling_type = x.llama_pooling_type[f"LLAMA_POOLING_TYPE_{POOLINGS[loading.pooling]}"]
        params.chat_template = loading.template
        params.fit_params = params.warmup = params.ui = params.endpoint_slots = False
        params.verbosity = -1
        # llama.cpp's server listens, too. Here it does so where only this user comes: a socket in a folder of its own.
        self._folder = tempfile.mkdtemp(prefix="slipway-gguf-")
        params.hostnames = [f"{self._folder}/s.sock"]
        params.n_threads_http = 1
        _STARTED.set()
        params.endpoint_metrics = True
        try:
            server = x.Server(params)
            # Its loop may not have begun yet, and would then miss that it is to end: a server ended right after it was made
            # waited for its loop for ever. An answer from the loop says that it runs.
            server.handle_metrics()
            return server
        except (RuntimeError, ValueError) as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise ModelError(
                f"{loading.path} cannot be loaded: {error}",
                mend="is it a whole GGUF file, and the adapter made for it?",
                status=CANNOT_LOAD,
            ) from None

    def _forget(self) -> None:
        # In a forked child: the threads that the object would wait for are not there, so it may never be ended.
        if self._server is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))
        self._begin()


# What a fork must know: the engines that it leaves alone, and whether llama.cpp ever started its threads before.
_ENGINES: weakref.WeakSet[Engine] = weakref.WeakSet()
_STARTED = threading.Event()
_BARRED = threading.Event()


def _after_fork() -> None:
    for engine in list(_ENGINES):
        engine._forget()
    if _STARTED.is_set():
        _BARRED.set()
        # At its end a process waits for llama.cpp's own threads; a child has none of them and would wait for ever. So it
        # ends there with its status, when Python has finished. Registered last, this runs first.
        libc = ctypes.CDLL(None)
        if hasattr(libc, "on_exit"):
            libc.on_exit(libc._exit, None)


os.register_at_fork(after_in_child=_after_fork)


def _cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _xllamacpp() -> Any:
    try:
        import xllamacpp
    except ImportError:
        raise MissingExtra.named("local", "xllamacpp") from None
    return xllamacpp
