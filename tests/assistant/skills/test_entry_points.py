"""A skill of somebody else's package: an entry point is all that names it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TEA = '''
from slipway_assistant.skill import Answer, Context, Span, skill

@skill("tea.make")
def make(ctx: Context, *, extra: Span = "") -> Answer:
    """Make tea.

    extra: What goes into it.
    """
    return Answer(f"tea with {extra}")

@skill("timer.set")
def ours(ctx: Context) -> Answer:
    """Take the place of a skill that is there."""
    return Answer("never")

plain = 7
'''
ASK = """
from datetime import datetime, timezone
from pathlib import Path
from slipway_assistant.schema import FUNCTIONS, validate
from slipway_assistant.settings import Settings
from slipway_assistant.skill import Context, find, run

call = {"name": "tea.make", "arguments": {"extra": "lemon"}}
assert validate(call) == [], validate(call)
print(run(call, Context("en", datetime.now(timezone.utc), Settings(), Path("kept")), timeout_s=600).text)
print(list(FUNCTIONS)[-1], find("timer.set").call.__module__)
"""


def asked(tmp_path: Path, *points: str) -> subprocess.CompletedProcess[str]:
    info = tmp_path / "tea-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tea\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[slipway.skills]\n" + "\n".join(points) + "\n")
    (tmp_path / "tea.py").write_text(TEA)
    return subprocess.run([sys.executable, "-c", ASK], cwd=tmp_path, capture_output=True, text=True, check=False)


def test_it_is_found_after_ours_and_replaces_none(tmp_path: Path) -> None:
    done = asked(tmp_path, "tea.make = tea:make", "timer.set = tea:ours")
    assert done.stdout.splitlines() == [
        "tea with lemon",
        "tea.make slipway_assistant.skills.timer_set",
    ], done.stderr


def test_one_that_is_no_skill_is_named(tmp_path: Path) -> None:
    done = asked(tmp_path, "tea.make = tea:plain")
    assert "entry point tea:plain is no skill; mark the function with @skill('name')" in done.stderr


def test_one_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    done = asked(tmp_path, "coffee.make = coffee:make")
    assert "the skill coffee:make cannot be loaded: No module named 'coffee'" in done.stderr
