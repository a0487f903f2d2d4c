"""Settings: ``slipway.toml`` of the project, overridden by ``SLIPWAY_*`` variables, overridden by arguments.

    store = load().store_url

The file is looked for in the working directory and its parents. A setting that does not exist is an error that names the
nearest one. docs/reference/configuration.md lists them all; a test holds it to that.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import msgspec

from slipway.errors import ConfigError, NotFound

FILE = "slipway.toml"
TIERS = ("must-pass", "quick", "nightly", "held-out")


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of the file. Names are written with dashes there: ``max-bytes``."""


class Capture(Table, frozen=True):
    """What a span keeps of inputs and outputs."""

    inputs: bool = True
    outputs: bool = True
    max_bytes: int = 1_048_576
    inline_bytes: int = 16_384
    redact: bool = True
    personal: bool = True
    presidio: bool = False
    instrument: bool = True
    environment: tuple[str, ...] = ("CI", "LANG", "PYTHONHASHSEED", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")


class Trace(Table, frozen=True):
    """How spans travel. ``sample`` is the part of traces that is kept, 0 to 1; ``spool_bytes`` caps the disk that spans may
    take while they cannot be stored, ``spool_days`` how long they wait for it."""

    enabled: bool = True
    sample: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    queue: int = 100_000
    flush_ms: int = 50
    spool_bytes: int = 1_073_741_824
    spool_days: Annotated[float, msgspec.Meta(gt=0)] = 30.0


class Retention(Table, frozen=True):
    """How long the server keeps traces: ``days``, and ``max_bytes`` of the store; 0: without limit. Those with feedback, an
    error or an example made of them are kept ``keep_days``; 0: always."""

    days: float = 0
    max_bytes: int = 0
    keep_days: float = 0


class Server(Table, frozen=True):
    """The server and all of its limits. Every listener binds to ``host``; ``hosts`` are further names it answers to and
    ``origins`` the sites whose pages may call it, with a key. ``auth`` is "required", or "auto": a key is needed unless only
    this machine reaches the server and no admin key was made. ``max_body_bytes`` bounds a JSON body and ``body_seconds`` the
    time it may take, ``max_batch_bytes`` an OTLP body once it is unpacked, ``max_pending`` the records and
    ``max_pending_bytes`` the bytes that wait for a commit before senders are told to wait, ``max_series`` the names of
    metrics of a project over OTLP, ``max_connections`` the clients that are connected at once. ``grace`` is how many seconds
    running requests have to be answered after SIGTERM, ``journal_bytes`` the disk that raw OTLP bodies may take (0: none are
    kept)."""

    host: str = "127.0.0.1"
    port: int = 4318
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    auth: str = "auto"
    body_seconds: float = 120.0
    threads: int = 16
    max_body_bytes: int = 8_388_608
    max_batch_bytes: int = 67_108_864
    max_pending: int = 50_000
    max_pending_bytes: int = 16_777_216
    max_series: int = 10_000
    max_connections: int = 1_000
    grace: float = 8.0
    log_level: str = "info"
    journal_bytes: int = 268_435_456
    retention: Retention = Retention()


class Gate(Table, frozen=True):
    """When a suite lets a variant through. ``metric`` is compared; ``at_least`` bounds the interval's lower end unless
    ``on`` is "estimate"; ``margin`` is how much worse than the baseline is still not worse."""

    metric: str = ""
    at_least: float | None = None
    on: str = "low"
    margin: float = 0.02
    not_worse: bool = True
    p95_latency_ms: float | None = None
    max_cost_usd: float | None = None
    reruns: int = 0


class Limits(Table, frozen=True):
    """What an eval run may take. 0 or None: no limit."""

    concurrency: int = 16
    seconds: float | None = None
    usd: float | None = None
    timeout: float | None = 60.0
    retries: int = 2
    per_second: float | None = None


class Suite(Table, frozen=True):
    """A named set of examples with a tier, a task, scorers, limits and gate rules."""

    dataset: str = ""
    tier: str = "quick"
    task: str = ""
    scorers: tuple[str, ...] = ("exact",)
    id: str = "id"
    input: str = "input"
    expected: str = "expected"
    cluster: str = ""
    slices: tuple[str, ...] = ()
    where: dict[str, Any] = {}
    repeats: int = 1
    looks: int = 0
    limit: Limits = Limits()
    gate: Gate = Gate()


class Objectives(Table, frozen=True):
    """What success is. Money per answer in US dollars; targets are what makes a variant shippable."""

    metric: str = ""
    accuracy: float | None = None
    p95_latency_ms: float | None = None
    cost_per_call_usd: float | None = None
    right_earns_usd: float | None = None
    wrong_costs_usd: float | None = None
    second_costs_usd: float = 0.0
    calls_per_day: float | None = None


class Variants(Table, frozen=True):
    """One configuration of the task: the parent it was made from, what changed, and the settings the task reads."""

    parent: str = ""
    note: str = ""
    config: dict[str, Any] = {}


class Config(Table, frozen=True):
    """Everything ``slipway.toml`` may say. ``root`` is the folder it was found in; ``assistant`` is for the assistant to read."""

    project: str = "default"
    data: str = ".slipway"
    store: str = ""
    endpoint: str = ""
    model: str = ""
    capture: Capture = Capture()
    trace: Trace = Trace()
    server: Server = Server()
    limit: Limits = Limits()
    objectives: Objectives = Objectives()
    suites: dict[str, Suite] = {}
    variants: dict[str, Variants] = {}
    prices: dict[str, tuple[float, float]] = {}
    assistant: dict[str, Any] = {}
    root: str = "."

    @property
    def data_folder(self) -> Path:
        """Where the store, blobs and spools live."""
        return Path(self.root, self.data).absolute()

    @property
    def store_url(self) -> str:
        """A SQLAlchemy URL; SQLite in the data folder unless ``store`` says otherwise."""
        return self.store or f"sqlite:///{self.data_folder / 'slipway.db'}"


T = TypeVar("T", bound=Table)

# variable -> path in the file. Options of commands have variables of their own (SLIPWAY_<COMMAND>_<OPTION>).
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "SLIPWAY_PROJECT": ("project",),
    "SLIPWAY_DATA": ("data",),
    "SLIPWAY_STORE": ("store",),
    "SLIPWAY_ENDPOINT": ("endpoint",),
    "SLIPWAY_MODEL": ("model",),
    "SLIPWAY_TRACE": ("trace", "enabled"),
    "SLIPWAY_SAMPLE": ("trace", "sample"),
    "SLIPWAY_SPOOL_BYTES": ("trace", "spool-bytes"),
    "SLIPWAY_CAPTURE_INPUTS": ("capture", "inputs"),
    "SLIPWAY_CAPTURE_OUTPUTS": ("capture", "outputs"),
    "SLIPWAY_CAPTURE_MAX_BYTES": ("capture", "max-bytes"),
    "SLIPWAY_CAPTURE_INLINE_BYTES": ("capture", "inline-bytes"),
    "SLIPWAY_REDACT": ("capture", "redact"),
    "SLIPWAY_REDACT_PERSONAL": ("capture", "personal"),
    "SLIPWAY_INSTRUMENT": ("capture", "instrument"),
}


def find_file(start: Path | None = None) -> Path | None:
    """The nearest ``slipway.toml`` at or above ``start`` (the working directory)."""
    start = (start or Path.cwd()).absolute()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
    return None


def load(start: Path | None = None, *, environ: Mapping[str, str] | None = None, **overrides: Any) -> Config:
    """The settings in force. ``overrides`` (project=, store=, data=) beat the environment, which beats the file."""
    path = find_file(start)
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not valid TOML: {error}", mend="correct that line") from None
    for variable, keys in VARIABLES.items():
        value = (os.environ if environ is None else environ).get(variable)
        if value:
            _put(raw, keys, value)
    raw |= {key: value for key, value in overrides.items() if value is not None}
    raw["root"] = str(path.parent if path else (start or Path.cwd()).absolute())
    config = decode(raw, Config, where=str(path or "the environment"))
    for name, suite in config.suites.items():
        if suite.tier not in TIERS:
            raise ConfigError(f"suite {name!r}: {NotFound.among('tier', suite.tier, TIERS)}")
    return config


def with_server(config: Config, **changes: Any) -> Config:
    """``config`` with other settings of the server; those that are None stay."""
    given = {name: value for name, value in changes.items() if value is not None}
    return msgspec.structs.replace(config, server=msgspec.structs.replace(config.server, **given))


def decode(raw: Mapping[str, Any], kind: type[T], *, where: str) -> T:
    """``raw`` as a settings table. Raises `ConfigError` naming the setting, the file and the nearest setting that exists."""
    _refuse_unknown(raw, kind, where, "")
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}", mend="see docs/reference/configuration.md") from None


def _refuse_unknown(raw: Mapping[str, Any], kind: type[Any], where: str, prefix: str) -> None:
    known = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in raw.items():
        if key not in known:
            raise ConfigError(f"{where}: {NotFound.among('setting', prefix + key, [prefix + name for name in known])}")
        inner = known[key]
        if isinstance(value, Mapping) and isinstance(inner, type) and issubclass(inner, Table):
            _refuse_unknown(value, inner, where, f"{prefix}{key}.")
            continue
        member = get_args(inner)[-1:]  # dict[str, Suite]
        if isinstance(value, Mapping) and member and member[0] in (Suite, Variants):
            for name, table in value.items():
                if isinstance(table, Mapping):
                    _refuse_unknown(table, member[0], where, f"{prefix}{key}.{name}.")


def _put(raw: dict[str, Any], keys: tuple[str, ...], value: str) -> None:
    for key in keys[:-1]:
        raw = raw.setdefault(key, {})
    raw[keys[-1]] = value
