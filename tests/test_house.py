"""The house rules that a machine can hold: direction of imports, sizes, silence, nothing dangerous. See STYLE.md."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"

# Lower floors first. A room may import rooms on lower floors, and nothing beside or above it.
FLOORS = [
    {"errors"},
    {"data", "config", "registry"},
    {"store", "models"},
    {"track"},
    {"scorers"},
    {"evals", "gateway", "monitor"},
    {"improve"},
    {"server"},
    {"cli"},
    {"pytest_plugin", "testing"},  # edges: what other programs load
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

MAX_FILE, MAX_FUNCTION, MAX_STORE_METHODS = 400, 60, 12
SOURCES = sorted(SRC.rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted module) of everything imported, ``from slipway import x`` as ``slipway.x``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module in {"slipway", "slipway_assistant"}:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module


def test_every_room_has_a_floor():
    rooms = {p.stem if p.is_file() else p.name for p in (SRC / "slipway").iterdir() if p.suffix == ".py" or p.is_dir()}
    assert rooms - {"__init__", "__main__", "__pycache__", "static", "py"} <= set(FLOOR_OF)


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.is_relative_to(SRC / "slipway") and p != SRC / "slipway/__init__.py"], ids=relative
)
def test_imports_point_down(path):
    room = path.relative_to(SRC / "slipway").parts[0].removesuffix(".py")
    wrong = []
    for line, module in imports(parsed(path)):
        parts = module.split(".")
        if parts[0] == "slipway_assistant":
            wrong.append(f"{relative(path)}:{line} imports {module}: the platform does not know the assistant")
        if parts[0] != "slipway" or len(parts) < 2 or parts[1] == room or parts[1] not in FLOOR_OF:
            continue
        if FLOOR_OF[parts[1]] >= FLOOR_OF[room]:
            wrong.append(f"{relative(path)}:{line} imports {module}: {parts[1]} is not below {room}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", [p for p in SOURCES if p.is_relative_to(SRC / "slipway_assistant")], ids=relative)
def test_the_assistant_uses_public_names_only(path):
    import slipway

    wrong = []
    for line, module in imports(parsed(path)):
        if module == "slipway" or module == "slipway.errors" or module.startswith("slipway.errors."):
            continue
        if module.split(".")[0] == "slipway" and module.removeprefix("slipway.") not in slipway.__all__:
            wrong.append(f"{relative(path)}:{line} uses {module}, which slipway.__all__ does not name")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_sizes(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_FILE, f"{relative(path)} has {lines} lines; split it (the house: {MAX_FILE})"
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            assert size <= MAX_FUNCTION, f"{relative(path)}:{node.lineno} {node.name} has {size} lines"


def test_the_store_protocol_stays_small():
    tree = parsed(SRC / "slipway/store/protocol.py")
    store = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Store")
    methods = [node.name for node in store.body if isinstance(node, ast.FunctionDef)]
    assert len(methods) <= MAX_STORE_METHODS, methods


@pytest.mark.parametrize("room", sorted(p.parent.name for p in (SRC / "slipway").glob("*/__init__.py")))
def test_each_room_names_the_file_to_read_first(room):
    doc = ast.get_docstring(parsed(SRC / "slipway" / room / "__init__.py")) or ""
    named = re.search(r"Start in (\w+)\.py", doc)
    assert named, f"src/slipway/{room}/__init__.py: the docstring does not say 'Start in <file>.py'"
    assert (SRC / "slipway" / room / f"{named[1]}.py").is_file()


def loaded_by(statement: str) -> tuple[str, str, set[str]]:
    """(stdout, stderr, modules) of a fresh interpreter that ran ``statement``."""
    code = f"{statement}\nimport json, sys\nprint('@' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    printed, modules = done.stdout.rsplit("@", 1)
    return printed, done.stderr, set(json.loads(modules))


HEAVY = {
    "scipy",
    "numpy",
    "pandas",
    "statsmodels",
    "sqlalchemy",
    "alembic",
    "rich",
    "click",
    "sklearn",
    "opentelemetry",
    "asyncio",
}


def test_importing_is_silent_and_light():
    printed, errors, modules = loaded_by("import slipway")
    assert (printed, errors) == ("", "")
    assert not HEAVY & modules


def test_a_bare_trace_loads_nothing_heavy():
    _, _, modules = loaded_by("from slipway import trace\n@trace\ndef f(): return 1\nf()")
    assert not (HEAVY - {"asyncio"}) & modules


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_t51_nothing_foreign_is_unpickled_or_evaluated(path):
    runs_programs = path == SRC / "slipway/track/run.py"  # `slipway run` is there to execute the script it is given
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    wrong = [
        f"{relative(path)}:{line} imports {name}"
        for line, name in imports(parsed(path))
        if name.split(".")[0] in forbidden
    ]
    for node in ast.walk(parsed(path)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"eval", "exec"}
            and not runs_programs
        ):
            wrong.append(f"{relative(path)}:{node.lineno} calls {node.func.id}")
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and getattr(node.value, "value", True):
            wrong.append(f"{relative(path)}:{node.value.lineno} allows pickles")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_exception_is_swallowed_whole(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ExceptHandler) and all(isinstance(item, ast.Pass) for item in node.body):
            broad = node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"}
            assert not broad, f"{relative(path)}:{node.lineno} swallows every exception; count it or mend it"


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=relative)
def test_tests_use_the_real_parts(path):
    for line, module in imports(parsed(path)):
        assert not module.startswith(("unittest.mock", "pytest_mock")), f"{relative(path)}:{line} mocks"
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called != "time.sleep", f"{relative(path)}:{node.lineno} sleeps; wait for the thing itself"
            allowed = path.name == "conftest.py"  # one place for what this user may not do (mount a file system)
            assert allowed or called not in {
                "pytest.skip",
                "pytest.mark.skip",
                "pytest.xfail",
                "pytest.importorskip",
            }, f"{relative(path)}:{node.lineno} skips; install what is missing or fail"
