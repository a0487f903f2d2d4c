"""``slipway reproduce``: the recorded run again; what `--dry-run` promises."""

from __future__ import annotations

from pathlib import Path


def test_it_is_identical(slipway, there):
    done = slipway("reproduce", "stems", "--json")
    assert (done.code, done.json["verdict"], done.json["samples"]) == (0, "identical", 82)
    assert "executing stems on quick again" in done.err


def test_code_that_changed_is_named(slipway, there):
    assert slipway("eval", "quick", "--variant", "stems", "--fresh", "--quiet").code == 0  # made in this folder
    program = Path("app.py")
    program.write_text(program.read_text().replace("if hits[best] >=", "if hits[best] >= 5 +"))
    done = slipway("reproduce", "stems", "--here")
    assert done.code == 1
    assert done.out.startswith("different")
    assert "code" in done.out


def test_a_dry_run_executes_nothing(slipway, there):
    Path("app.py").write_text("raise SystemExit('it ran')")
    done = slipway("reproduce", "stems", "--live", "--dry-run", "--json")
    assert done.code == 0
    assert done.json["samples"] == 82
    assert (done.json["calls"], done.json["cost_high"]) == (0, 0.0)
    assert "Nothing was run." in slipway("reproduce", "stems", "--dry-run").out


def test_a_run_that_is_not_there(slipway, there):
    assert slipway("reproduce", "stem").code == 2
