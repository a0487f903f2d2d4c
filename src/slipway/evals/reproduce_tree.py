"""The recorded code again: the commit in a git worktree of its own, with the recorded uncommitted change on top."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway import config as settings
from slipway.data import Environment
from slipway.errors import InfrastructureError, StoreError, UsageError
from slipway.store.files import kept
from slipway.store.protocol import Store


@dataclass(frozen=True)
class Tree:
    """Where the code stands. ``top`` is the folder that stands for ``recorded_top``; the same folder when nothing was
    rebuilt. ``says`` is for people; ``problem`` why it is not the recorded code, if so."""

    top: Path
    recorded_top: Path
    says: str
    problem: str = ""

    def moved(self, path: str) -> str:
        """A recorded path, in this tree when it was in the recorded one."""
        inside = Path(path).resolve() if Path(path).exists() else Path(path)
        if not path or not inside.is_relative_to(self.recorded_top):
            return path
        return str(self.top / inside.relative_to(self.recorded_top))


@contextmanager
def rebuilt(store: Store, environment: Environment | None, *, folder: Path | None, task_file: str) -> Iterator[Tree]:
    """The tree of the recorded commit and change, gone again afterwards. ``folder``: the clone to take the commit from.

    Raises `UsageError` when there is no clone here or it lacks the commit, `InfrastructureError` when git fails.
    """
    if environment is None or (environment.commit is None and environment.diff_blob is None):
        here = folder or Path(environment.working_directory if environment else "").absolute()
        yield Tree(
            here, here, f"{here} as it is", "the run was not made in a git repository, so its code is not recorded"
        )
        return
    clone = _clone(environment, folder) if environment.commit else None
    home = Path(tempfile.mkdtemp(prefix="slipway-reproduce-"))
    tree = home / "tree"
    try:
        if clone is None:  # a repository without a commit yet: everything is in the change
            _git(home, "init", "--quiet", str(tree))
        else:
            _git(clone, "worktree", "add", "--detach", "--quiet", str(tree), str(environment.commit))
        problem = _apply(store, environment, tree)
        says = f"commit {environment.commit[:12]}" if environment.commit else "no commit"
        says += " and its uncommitted change" if environment.diff_blob else ""
        yield Tree(tree, _recorded_top(environment, clone or tree, tree, task_file), says, problem)
    finally:
        if clone is not None:
            _quietly(clone, "worktree", "remove", "--force", "--force", str(tree))
        shutil.rmtree(home, ignore_errors=True)
        if clone is not None:
            _quietly(clone, "worktree", "prune")


def as_it_is(environment: Environment | None, folder: Path | None) -> Tree:
    """The code as it stands now, where the run was made (or in ``folder``)."""
    recorded = Path(environment.working_directory) if environment and environment.working_directory else Path.cwd()
    start = folder or (recorded if recorded.is_dir() else Path.cwd())
    top = top_of(start) or start.absolute()
    return Tree(top, (top_of(recorded) if recorded.is_dir() else None) or top, f"{top} as it is")


def changed_since(
    store: Store, environment: Environment | None, tree: Tree, *, folder: Path | None, root: Path
) -> list[str]:
    """Files that are not in ``tree`` what they were in the recorded commit and change; none when those are not known. What the
    project at ``root`` records is no code."""
    if environment is None or (environment.commit is None and environment.diff_blob is None):
        return []
    with rebuilt(store, environment, folder=folder, task_file="") as before:
        old, new = _files(before.top), _files(tree.top)
        differ = [name for name in sorted(old | new) if not _same(before.top / name, tree.top / name)]
    config = settings.load(root) if root.is_dir() else settings.Config(root=str(root))
    apart = [place.resolve() for place in (config.data_folder, *kept(config.store_url), *kept(store.url))]
    top = tree.top.resolve()
    apart = [place for place in apart if place != top]
    return [name for name in differ if not any((top / name).is_relative_to(place) for place in apart)]


def _files(top: Path) -> set[str]:
    done = subprocess.run(
        [*_command(top), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        env=git_environment(),
        check=False,
    )
    return {name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name}


def _same(old: Path, new: Path) -> bool:
    if not old.is_file() or not new.is_file():
        return old.exists() == new.exists()
    return filecmp.cmp(old, new, shallow=False)


def top_of(folder: Path) -> Path | None:
    """The top of the working tree that holds ``folder``; None outside git."""
    done = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "--show-toplevel"],
        capture_output=True,
        text=True,
        env=git_environment(),
        check=False,
    )
    return Path(done.stdout.strip()) if done.returncode == 0 and done.stdout.strip() else None


def git_environment() -> dict[str, str]:
    """The environment without what a git hook would point git elsewhere with."""
    own = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
    return {name: value for name, value in os.environ.items() if name not in own}


def _command(folder: Path) -> list[str]:
    # Hooks are not part of what was recorded: a post-checkout hook must not run here.
    return ["git", "-C", str(folder), "-c", f"core.hooksPath={os.devnull}", "-c", "advice.detachedHead=false"]


def _git(folder: Path, *arguments: str, data: bytes | None = None) -> None:
    done = subprocess.run(
        [*_command(folder), *arguments], input=data, capture_output=True, env=git_environment(), check=False
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InfrastructureError(
            f"git {arguments[0]} failed: {said[-1] if said else f'exit code {done.returncode}'}",
            mend="see 'git status' there",
        )


def _quietly(folder: Path, *arguments: str) -> None:
    subprocess.run([*_command(folder), *arguments], capture_output=True, env=git_environment(), check=False)


def _clone(environment: Environment, folder: Path | None) -> Path:
    """A clone on this machine that has the commit."""
    places = (
        [folder] if folder else [Path(environment.working_directory), Path(environment.repository or ""), Path.cwd()]
    )
    tops = [top for place in places if place.is_dir() and (top := top_of(place)) is not None]
    if not tops:
        raise UsageError(
            f"the repository of the run is not here (it ran in {environment.working_directory})",
            mend="clone it, and give the clone's folder",
        )
    for top in tops:
        known = subprocess.run(
            ["git", "-C", str(top), "cat-file", "-e", f"{environment.commit}^{{commit}}"],
            capture_output=True,
            env=git_environment(),
            check=False,
        )
        if known.returncode == 0:
            return top
    raise UsageError(
        f"{tops[0]} has no commit {str(environment.commit)[:12]}, of which the run was made",
        mend="run: git fetch --all",
    )


def _apply(store: Store, environment: Environment, tree: Path) -> str:
    """Put the recorded change on top; what is wrong with it, "" when nothing."""
    if environment.diff_blob is None:
        return "there were uncommitted changes, and they were not recorded" if environment.dirty else ""
    try:
        patch = store.get_blob(environment.diff_blob)
    except StoreError as error:
        return f"the recorded uncommitted change cannot be read: {error}"
    if patch.strip():
        _git(tree, "apply", "--binary", "--whitespace=nowarn", "-", data=patch)
    left = [environment.variables.get(f"slipway.diff.{name}", "") for name in ("omitted", "redacted")]
    said = [f"left out of the recorded change: {left[0]}"] if left[0] else []
    said += [f"taken out of the recorded change as secrets: {left[1]}"] if left[1] else []
    return "; ".join(said)


def _recorded_top(environment: Environment, clone: Path, tree: Path, task_file: str) -> Path:
    """The top of the repository where the run was made, which may have been another machine's."""
    worked = Path(environment.working_directory)
    if worked.is_dir() and (top := top_of(worked)) is not None:
        return top
    # Its paths are not here. The longest end of the task's path that is in the tree tells where its top was.
    for path in (Path(task_file), worked):
        for parent in sorted(path.parents, key=lambda one: len(one.parts)):
            if path != parent and (tree / path.relative_to(parent)).exists():
                return parent
    return clone
