"""One file adds one thing: found by convention or entry point, a mistyped name answered with the nearest."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from slipway import registry
from slipway.errors import NotFound


def test_lookup_finds_by_file_name_and_by_search():
    assert registry.lookup("scorer", "exact").__name__ == "exact"
    assert {"exact", "call", "judge", "regex"} <= set(registry.names("scorer"))


def test_the_nearest_name_is_given():
    with pytest.raises(NotFound, match="did you mean 'exact'"):
        registry.lookup("scorer", "exakt")
    with pytest.raises(NotFound, match="no kind of thing 'scorers'; did you mean 'scorer'"):
        registry.lookup("scorers", "exact")


def test_somebody_elses_package_adds_a_scorer_by_entry_point(tmp_path):
    (tmp_path / "theirs.py").write_text("def brief(output):\n    return len(output) < 10\n")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[slipway.scorers]\nbrief = theirs:brief\n")
    program = """
        from slipway.scorers import Outcome, resolve
        from slipway.data import Example
        print(resolve("brief").now(Outcome(Example("1", "x"), "short"))[0].value)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "1.0", done.stderr
