"""The code a task's output depends on: the files of one's own that its file imports, followed to the end.

Own files are those outside of the interpreter, its installed packages and Slipway itself. Followed are import statements, also
those inside functions; not followed are modules that are named only at run time, and data files: declare those with
``@task(code=[...])``. Comments, docstrings and layout do not count.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

MOST_FILES = 500


def imported_code(module: str, file: Path) -> dict[str, str]:
    """Module name -> hash of its code, for all own modules that ``file`` imports, directly or not; without ``file`` itself."""
    found: dict[str, str] = {}
    waiting = [(module, file)]
    seen = {_real(file)}
    while waiting and len(found) < MOST_FILES:
        name, path = waiting.pop()
        tree = _parsed(path)
        if tree is None:
            continue
        for imported in _imports(tree, _package(name, path)):
            place = _place(imported)
            if place is None or place in seen or not is_own(imported, place):
                continue
            seen.add(place)
            inner = _parsed(place)
            if inner is not None:
                found[imported] = hashlib.sha256(_code(inner).encode()).hexdigest()
                waiting.append((imported, place))
    return found


def is_own(module: str, file: Path) -> bool:
    """Whether a module is the user's, not the interpreter's, a package's or Slipway's."""
    if module.partition(".")[0] == "slipway" or file.suffix != ".py":
        return False
    if {"site-packages", "dist-packages"} & set(file.parts):
        return False
    return not any(file.is_relative_to(folder) for folder in _standard())


def _standard() -> list[Path]:
    paths = sysconfig.get_paths()
    return [Path(paths[name]).resolve() for name in ("stdlib", "platstdlib")]


def _parsed(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _code(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
            yield from _with_parents(base)
            for alias in node.names:  # "from package import module"
                yield f"{base}.{alias.name}"


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])


def _package(module: str, path: Path) -> str:
    return module if path.name == "__init__.py" else module.rpartition(".")[0]


def _place(module: str) -> Path | None:
    """The file of a module, found without running any of it."""
    loaded = sys.modules.get(module)
    if isinstance(loaded, ModuleType):
        file = getattr(loaded, "__file__", None)
        return _real(Path(file)) if file else None
    parent = module.rpartition(".")[0]
    if parent and parent not in sys.modules:
        return None  # looking further would import the parent
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    return _real(Path(spec.origin)) if spec is not None and spec.has_location and spec.origin else None


def _real(path: Path) -> Path:
    return path.resolve()
