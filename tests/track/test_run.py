"""``slipway run``: the program runs as under python, and its calls are recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fake_openai import FakeOpenAI
from slipway.data import Environment, Span
from slipway.errors import NotFound
from slipway.store import open_store
from slipway.track import run_script, ship_folder

SRC = Path(__file__).parents[2] / "src"
RUN = "import sys; from slipway.track import run_script; sys.exit(run_script(sys.argv[1], sys.argv[2:]))"


def run(folder: Path, *arguments: str, code: str = RUN) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(SRC)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=240
    )


def spans(folder: Path) -> dict[str, Span]:
    store = open_store(f"sqlite:///{folder}/.slipway/slipway.db")
    ship_folder(folder / ".slipway/spool", store.write)  # what a slow machine left there when the script ended
    found = {span.name: span for span in store.find(Span)}
    store.close()
    return found


def test_it_runs_as_under_python(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/beside.py").write_text("VALUE = 7\n")
    (tmp_path / "sub/script.py").write_text("""
import sys, pickle, beside
class Mine: pass
if __name__ == "__main__":
    again = pickle.loads(pickle.dumps(Mine()))
    print(sys.argv, __file__, beside.VALUE, type(again).__name__, sys.modules["__main__"].Mine is Mine)
    sys.exit(7)
""")
    done = run(tmp_path, "sub/script.py", "a", "--b")
    assert done.stdout == "['sub/script.py', 'a', '--b'] sub/script.py 7 Mine True\n"
    assert (done.returncode, done.stderr) == (7, "")
    root = spans(tmp_path)["run script.py"]
    assert (root.kind, root.status) == ("run", "error")
    assert root.attributes["process.exit_code"] == 7
    assert root.attributes["arguments"] == ["a", "--b"]


def test_a_run_names_its_environment(tmp_path):
    # It is captured beside the script, so a script that is quicker than that may end without.
    (tmp_path / "s.py").write_text("""
from slipway.track.slot import slot
assert slot.tracer.environment_saved.wait(120)
""")
    done = run(tmp_path, "s.py")
    assert (done.returncode, done.stderr) == (0, "")
    named = spans(tmp_path)["run s.py"].environment_id
    store = open_store(f"sqlite:///{tmp_path}/.slipway/slipway.db")
    (kept,) = store.find(Environment)
    store.close()
    assert kept.id == named


@pytest.mark.parametrize(
    ("body", "code", "shown"),
    [
        ("print(1)", 0, ""),
        ("import sys; sys.exit('goodbye')", 1, "goodbye\n"),
        ("import sys; sys.exit()", 0, ""),
        ("raise KeyboardInterrupt", 130, ""),
    ],
)
def test_exit_codes(body, code, shown, tmp_path):
    (tmp_path / "s.py").write_text(body)
    done = run(tmp_path, "s.py")
    assert (done.returncode, done.stderr) == (code, shown)


def test_an_exception_is_shown_as_python_shows_it_and_kept(tmp_path):
    (tmp_path / "s.py").write_text("def f():\n    raise ValueError('no')\nf()\n")
    done = run(tmp_path, "s.py")
    plain = subprocess.run([sys.executable, "s.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == plain.returncode == 1
    assert done.stderr.splitlines()[-1] == "ValueError: no"
    assert "slipway" not in done.stderr
    assert spans(tmp_path)["run s.py"].error == "ValueError: no"


def test_modules(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/__init__.py").write_text("")
    (tmp_path / "pack/__main__.py").write_text("import sys; print('module', sys.argv[1:], __name__)")
    code = RUN.replace("sys.argv[2:])", "sys.argv[2:], module=True)")
    done = run(tmp_path, "pack", "x", code=code)
    assert (done.stdout, done.returncode) == ("module ['x'] __main__\n", 0)
    assert list(spans(tmp_path)) == ["run -m pack"]


def test_a_missing_script_says_so():
    with pytest.raises(NotFound, match=r"no script 'nowhere\.py'"):
        run_script("nowhere.py")


def test_a_script_that_does_not_know_slipway_is_recorded_with_its_workers(tmp_path):
    (tmp_path / "app.py").write_text("""
import sys, openai, subprocess
client = openai.OpenAI(base_url=sys.argv[1], api_key="k", max_retries=0)
print(client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}]).choices[0].message.content)
""")
    with FakeOpenAI() as server:
        done = run(tmp_path, "app.py", server.url)
    assert (done.returncode, done.stdout) == (0, "a ramp for ships\n"), done.stderr
    found = spans(tmp_path)
    (call,) = [span for span in found.values() if span.kind == "llm"]
    assert call.parent_id == found["run app.py"].span_id
    assert call.attributes["slipway.tokens.output"] == 4
    assert "a ramp for ships" in json.dumps(call.output)
