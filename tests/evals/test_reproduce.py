"""Reproduce: a real repository, a real run, and what is said when something is not as it was."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from dataclasses import replace

import pytest

from evals.reproduced import LOUDER, ROWS, SHOUT, Project, keep_compiled
from slipway.data import Environment, EvalRun, Prompt, Response, content_hash
from slipway.errors import NotFound, NothingRan, SealedError, UsageError
from slipway.evals.reproduce import reproduce

pytestmark = pytest.mark.usefixtures("measured_children")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One project with one run, for all tests that only look at it."""
    with pytest.MonkeyPatch.context() as patch:
        keep_compiled(patch, tmp_path_factory.getbasetemp() / "pyc")
        made = Project(tmp_path_factory.mktemp("shared"))
        made.known = made.run()
        yield made


@pytest.fixture
def project(shared):
    """The shared project, as committed again afterwards."""
    start = shared.git("rev-parse", "HEAD").strip()
    yield shared
    shared.git("reset", "--quiet", "--hard", start)
    shared.git("clean", "-fdqx")


def again(project, run_id, **options):
    store = project.store()
    try:
        return reproduce(store, run_id, **options)
    finally:
        store.close()


def factors(found):
    return {reason.factor for reason in found.because}


def rerecorded(project, run_id, **changes):
    """The run again, its environment recorded with ``changes``; the environment there was."""
    store = project.store()
    run = store.get(EvalRun, run_id)
    known = store.get(Environment, run.environment_id)
    other = replace(known, **{"id": "f" * 64, **changes})
    store.write([other, replace(run, environment_id=other.id)])
    store.close()
    return known


def test_nothing_changed_is_identical(project):
    hook = project.folder / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ntouch "$(git rev-parse --git-common-dir)/hook-ran"\n')
    hook.chmod(0o755)
    found = again(project, project.known[:10])
    hook.unlink()
    assert (found.verdict, found.because, found.exit_code) == ("identical", (), 0)
    assert (found.samples, found.outputs_differ, found.missing) == (12, 0, 0)
    assert found.run_id == project.known
    assert str(found).startswith("identical\nevery output and every score is the same")
    assert json.loads(json.dumps(found.to_dict()))["verdict"] == "identical"
    assert not (project.folder / ".git/hook-ran").exists()  # hooks are no part of what was recorded


def test_commit_change_and_untracked_files_are_rebuilt_after_everything_changed(project, tmp_path, monkeypatch):
    # The run uses a changed file, a new one and a binary one, none of them committed.
    project.write(
        {
            "words.py": "from pathlib import Path\nfrom new.mark import mark\n\n"
            "KEY = Path(__file__).with_name('key.bin').read_bytes()\n\n\n"
            "def louder(text):\n    return text.upper() + mark() + KEY.hex()\n",
            "new/mark.py": "def mark():\n    return '!'\n",
            "key.bin": bytes(range(256)),
        }
    )
    run_id = project.run()
    # Then all of it is thrown away, and the code goes another way.
    project.git("checkout", "--quiet", "--", ".")
    project.git("clean", "-fdq")
    project.write({"words.py": "def louder(text):\n    return 'quite another'\n"})
    project.commit()
    home = project.folder.parent
    before = sorted(path for path in home.rglob("*") if "slipway.db" not in path.name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    found = again(project, run_id)
    assert found.verdict == "identical"
    assert "and its uncommitted change" in found.code
    # Nothing is left behind: no worktree, no file.
    assert list((tmp_path / "temporary").iterdir()) == []
    assert len(project.git("worktree", "list").strip().splitlines()) == 1
    assert sorted(path for path in home.rglob("*") if "slipway.db" not in path.name) == before
    # Any clone that has the commit will do.
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(project.folder), str(clone)], check=True)
    assert again(project, run_id, folder=clone).verdict == "identical"
    # As things stand now it is something else, because of the code alone.
    now = again(project, run_id, here=True)
    assert factors(now) == {"code"}
    assert now.outputs_differ == 12
    assert "key.bin, new/mark.py, words.py" in str(now)


def test_code_that_changed_is_the_reason(project):
    project.write({"words.py": "def louder(text):\n    return text\n"})
    found = again(project, project.known, here=True)
    assert (found.verdict, factors(found), found.exit_code) == ("different", {"code"}, 1)
    assert (found.comparison["verdict"], found.comparison["n"]) == ("worse", 12)
    assert str(found).startswith("different because of code (changed since: words.py, the task's code ")


def test_code_that_no_longer_runs_is_the_reason(project):
    project.write({"shout.py": SHOUT.replace("from words import louder", "from wurds import louder")})
    found = again(project, project.known, here=True)
    assert (found.verdict, factors(found), found.missing) == ("different", {"code"}, 12)
    assert "it does not run" in str(found)
    assert "wurds" in str(found)


def test_what_slipway_itself_records_in_the_project_is_no_change_of_its_code(project):
    run_id = project.run(SLIPWAY_TRACE="true")
    assert (project.folder / ".slipway/slipway.db").is_file()
    assert ".slipway" in project.git("status", "--porcelain")  # git would name it
    found = again(project, run_id, here=True)
    assert (found.verdict, found.notes) == ("identical", ())
    project.write({"words.jsonl": ROWS.replace('"input": "word', '"input": "sword')})
    found = again(project, run_id, here=True)
    assert (found.verdict, factors(found)) == ("different", {"data"}), str(found)


def test_data_that_changed_is_the_reason(project):
    project.write({"words.jsonl": ROWS.replace('"input": "word', '"input": "sword')})
    found = again(project, project.known, here=True)
    assert (found.verdict, factors(found)) == ("different", {"data"})


def test_where_several_things_changed_all_are_named(project):
    project.write({"words.py": "def louder(text):\n    return text\n", "words.jsonl": ROWS.replace("WORD", "SWORD")})
    rerecorded(project, project.known, packages={"left-behind": "1.0"})
    assert factors(again(project, project.known, here=True)) == {"code", "data", "packages"}


def test_an_uncommitted_change_that_was_not_recorded_is_the_reason(project):
    project.write({"words.py": LOUDER.replace("upper()", "upper() + '!'")})
    run_id = project.run()
    rerecorded(project, run_id, diff_blob=None)
    found = again(project, run_id)
    assert factors(found) == {"code"}
    assert found.outputs_differ == 12
    assert "were not recorded" in str(found)


def test_a_file_that_git_does_not_know_is_named_as_unrecorded(project):
    note = project.folder / "note.log"  # ignored by git
    project.write({"words.py": f"def louder(text):\n    return text.upper() + open({str(note)!r}).read()\n"})
    note.write_text("one")
    run_id = project.run()
    note.write_text("two")
    found = again(project, run_id)
    assert factors(found) == {"unrecorded"}
    assert found.outputs_differ == 12


def test_a_task_that_throws_dice_is_named_as_chance(project):
    project.write(
        {"words.py": "import random\n\n\ndef louder(text):\n    return text.upper() + str(random.random())\n"}
    )
    found = again(project, project.run())
    assert (found.verdict, factors(found)) == ("statistically_equal", {"chance"})
    assert "every score is the same; 12 of 12 outputs are not" in found.method


def test_without_a_clone_or_its_commit_it_says_what_to_do(project, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    other = tmp_path / "other"
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    with pytest.raises(UsageError, match="git fetch"):
        again(project, project.known, folder=other)
    rerecorded(project, project.known, working_directory="/nowhere/at/all")
    with pytest.raises(UsageError, match="clone it"):
        again(project, project.known)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_outside_git_the_files_as_they_are_are_run_and_said_to_be(project):
    run_id = project.run()
    rerecorded(project, run_id, commit=None, diff_blob=None)
    found = again(project, run_id)
    assert found.verdict == "identical"
    assert "as it is" in found.code
    # Nothing differs; but nobody can know that it is the same code, and that is said.
    assert found.notes == ("code: the run was not made in a git repository, so its code is not recorded",)


MODEL_RUN = """
import sys
import slipway
from slipway.evals.run import evaluate
from slipway.models.scripted import ScriptedModel

calls = []

@slipway.task
async def answer(example, ctx):
    reply = await ctx.model.chat(f"say {example.input}", temperature=0.5)
    return reply.text

def loud(output, expected):
    return output == expected

def speak(request):
    calls.append(request)
    return request.messages[-1].content[4:].upper()

if __name__ == "__main__":
    runs = evaluate(answer, "words.jsonl", scorers=[loud, "exact"], variants={"warm": {"style": "w"}}, repeats=2,
                    model=ScriptedModel(speak, name="oracle"), store=sys.argv[1], progress=False)
    print(next(iter(runs.values())).id)
"""


def test_a_script_with_a_model_is_run_again_on_recorded_replies(project):
    project.write({"ask.py": MODEL_RUN})
    project.commit()
    run_id = project.run(file="ask.py")
    found = again(project, run_id)
    assert (found.verdict, found.samples, found.model) == ("identical", 24, "recorded replies")
    # The task's own code runs again: a changed one makes another output of the same replies.
    project.write({"ask.py": MODEL_RUN.replace("return reply.text", "return reply.text + '.'")})
    changed = again(project, run_id, here=True)
    assert (changed.verdict, factors(changed), changed.outputs_differ) == ("different", {"code"}, 24)
    # A request that was not recorded is an error, and nothing is asked or recorded.
    project.write({"ask.py": MODEL_RUN.replace('f"say ', 'f"please say ')})
    missed = again(project, run_id, here=True)
    assert (missed.verdict, factors(missed)) == ("different", {"code", "model"})
    assert "24 requests have no recorded reply" in str(missed)
    store = project.store()
    assert store.count(Response) == 24
    store.close()


PROMPTED = """
import slipway

@slipway.task
async def shout(example, ctx):
    reply = await ctx.model.chat(example.input, prompt="greeting")
    return reply.text
"""


def prompt(template, version):
    return Prompt(content_hash(template), "greeting", version, template, time.time_ns())


def test_a_prompt_that_changed_is_the_reason_and_the_one_of_then_is_used(project):
    toml = 'model = "scripted/WORD"\n' + (project.folder / "slipway.toml").read_text()
    project.write({"shout.py": PROMPTED, "slipway.toml": toml})
    project.commit()
    store = project.store()
    store.write([prompt("say {text}", 1)])
    run_id = project.run()
    store.write([prompt("please say {text}", 2)])
    store.close()
    assert again(project, run_id).verdict == "identical"
    asked_anew = again(project, run_id, live=True, here=True)
    assert (asked_anew.verdict, asked_anew.because) == ("identical", ())  # this model says the same to everything
    now = again(project, run_id, here=True)
    old, new = (content_hash(template)[:12] for template in ("say {text}", "please say {text}"))
    assert (now.verdict, factors(now)) == ("different", {"prompt", "model"})
    assert f"prompt ({old} -> {new})" in str(now)
    assert "12 requests have no recorded reply" in str(now)


def test_what_cannot_be_reproduced_says_why(store):
    empty = EvalRun("a" * 32, "x", "v", "v", "d", 1)
    store.write([empty, replace(empty, id="ab" + "c" * 30), replace(empty, id="e" * 32, config={"sealed": True})])
    with pytest.raises(NotFound):
        reproduce(store, "f" * 32)
    with pytest.raises(UsageError, match="begins several"):
        reproduce(store, "a")
    with pytest.raises(NothingRan):
        reproduce(store, "a" * 32)
    with pytest.raises(SealedError):
        reproduce(store, "e" * 32)
