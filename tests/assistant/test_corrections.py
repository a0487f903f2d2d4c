"""What a turn says about the one before it, and how candidates become the next version of a dataset."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import slipway as sw
from slipway.data import DatasetVersion, Feedback
from slipway.errors import DataError, InfrastructureError, NotFound
from slipway.evals.datasets import load_version
from slipway.testing import recording
from slipway_assistant.app import Assistant
from slipway_assistant.cli_candidates import candidates
from slipway_assistant.cli_memory import memory as memory_command
from slipway_assistant.clocks import Clocks
from slipway_assistant.corrections import SOON_S, Candidates, alike, comment, example_rows
from slipway_assistant.dialogue import Dialogue
from slipway_assistant.memory import Memory
from slipway_assistant.mind import answer, prepare, variant
from slipway_assistant.settings import Settings
from slipway_assistant.skill import Answer

TIMER = {"name": "timer.set", "arguments": {"minutes": 5}}
WEATHER = {"name": "weather.get", "arguments": {"location": "Boston"}}
NEXT = {"name": "music.control", "arguments": {"action": "next"}}


DONE = Answer("Done.")


@dataclass(frozen=True)
class Turn:
    text: str
    call: Mapping[str, Any] | None = None
    answer: Answer | None = DONE
    why: str = "understood"


@pytest.mark.parametrize(
    ("before", "made", "why", "meant", "teaches"),
    [
        (Turn("weather in Austin", WEATHER), Turn("no, I meant Boston", WEATHER, why="correction"), "corrected", WEATHER, True),
        (Turn("and Austin", WEATHER, why="follow-up"), Turn("Boston", WEATHER, why="correction"), "corrected", WEATHER, False),
        (Turn("weather in Austin", WEATHER), Turn("that's wrong", why="wrong"), "called wrong", WEATHER, True),
        (Turn("weather please", WEATHER), Turn("Weather please!", WEATHER), "repeated", WEATHER, True),
        (Turn("next song", NEXT), Turn("next song", NEXT), None, None, None),
        (Turn("what time", None, Answer("Where?", ask="location")), Turn("what time", None), None, None, None),
        (Turn("timer on five minutes", None), Turn("set a timer for five minutes", TIMER), "rephrased", TIMER, True),
        (Turn("5分タイマー", None), Turn("5分タイマーをかけて", TIMER), "rephrased", TIMER, True),
        (Turn("weather in Rome", WEATHER), Turn("weather in Paris", WEATHER), None, None, None),
        (Turn("what is love", None), Turn("set a timer for five minutes", TIMER), None, None, None),
    ],
)  # fmt: skip
def test_what_a_turn_says_about_the_one_before(
    before: Turn, made: Turn, why: str | None, meant: Mapping[str, Any] | None, teaches: bool | None
) -> None:
    said = comment(before, made, 5)
    assert (said and (said.why, said.call, said.teaches)) == (why and (why, meant, teaches))
    assert comment(before, made, SOON_S + 1) is None


def test_how_alike_two_sentences_are() -> None:
    assert alike("set a timer", "Set a timer") == 1
    assert alike("", "set") == 0
    assert alike("今日の天気", "今日の天気は") > 0.5 > alike("今日の天気", "電気を消して")


def row(name: str, call: Mapping[str, Any] | None = TIMER, **more: Any) -> dict[str, Any]:
    extra = {"why": "corrected", "trace_id": name * 32}
    return {"id": f"said-{name}", "lang": "en", "text": f"sentence {name}", "call": call, "extra": extra, **more}


def test_candidates_are_accepted_into_all_that_was_accepted_before(tmp_path: Path) -> None:
    kept = Candidates(tmp_path / "data")
    assert kept.rows() == []
    for name in "abc":
        kept.add(row(name))
    kept.add(row("c", WEATHER))
    assert [one["id"] for one in kept.rows()] == ["said-a", "said-b", "said-c"]
    assert kept.rows()[2]["call"] == WEATHER
    saved: list[list[str]] = []

    def save(rows: list[dict[str, Any]]) -> None:
        saved.append([one["id"] for one in rows])

    kept.accept(["a"], save)
    kept.accept(["said-c"], save)
    assert [one["id"] for one in kept.drop(["b"])] == ["said-b"]
    assert saved == [["said-a"], ["said-a", "said-c"]]
    assert kept.rows() == []
    assert "sentence b" not in "".join(path.read_text() for path in (tmp_path / "data").iterdir())
    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "data").iterdir()} == {"0o600"}


def test_what_cannot_be_saved_stays(tmp_path: Path) -> None:
    kept = Candidates(tmp_path)
    kept.add(row("a"))
    kept.add(row("b", {"name": "timer.sett", "arguments": {}}))

    def refuse(rows: list[dict[str, Any]]) -> None:
        raise DataError("the store is full")

    with pytest.raises(DataError, match="full"):
        kept.accept(["a"], refuse)
    with pytest.raises(DataError, match=r"did you mean 'timer\.set'"):
        kept.accept(["a", "b"], lambda rows: None)
    with pytest.raises(NotFound, match="said-b"):
        kept.drop(["said-bb"])
    assert len(kept.rows()) == 2
    assert kept.accept(["b"], lambda rows: None, call=None)[0]["call"] is None


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    kept = Candidates(tmp_path)
    kept.add(row("a"))
    with open(tmp_path / "candidates.jsonl", "a") as file:
        file.write('{"id": "said-b", "te\n[]\n')
    kept.add(row("c"))
    assert [one["id"] for one in kept.rows()] == ["said-a", "said-c"]


ADDER = """
import sys
from pathlib import Path
from slipway_assistant.corrections import Candidates
for number in range(8):
    Candidates(Path(sys.argv[1])).add({"id": f"{sys.argv[2]}{number}", "text": "x", "lang": "en", "call": None})
"""


def test_rows_that_are_added_while_others_are_dropped_are_not_lost(tmp_path: Path) -> None:
    adders = [subprocess.Popen([sys.executable, "-c", ADDER, str(tmp_path), name]) for name in ("one-", "two-")]
    kept, dropped = Candidates(tmp_path), 0
    while any(adder.poll() is None for adder in adders):
        ids = [one["id"] for one in kept.rows()][:1]
        dropped += len(kept.drop(ids))
    assert [adder.returncode for adder in adders] == [0, 0]
    assert dropped + len(kept.rows()) == 16


def run(command: Any, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, words, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return int(done.return_value), done.output


def test_the_command_makes_dataset_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_ASSISTANT_DATA", str(tmp_path / "data"))
    for name in "abc":
        Candidates(tmp_path / "data").add(row(name))
    code, said = run(candidates)
    assert (code, said.splitlines()[-1]) == (0, "3 candidates")
    assert "timer.set(minutes=5)" in said
    store_folder = str(tmp_path / "store")
    assert "1 sentences" in run(candidates, "accept", "a", "--data", store_folder)[1]
    meant = json.dumps(WEATHER)
    assert "2 sentences" in run(candidates, "accept", "b", "--call", meant, "--data", store_folder)[1]
    assert run(candidates, "drop", "--all")[1].splitlines()[-1] == "1 candidate"
    assert json.loads(run(candidates, "list", "--json")[1]) == []
    store = sw.open_store(f"sqlite:///{store_folder}/slipway.db")
    first, second = store.find(DatasetVersion, {"name": "assistant-said"})
    newest = load_version(store, "assistant-said")
    store.close()
    assert (first.size, second.size, second.parent_id) == (1, 2, first.id)
    assert [(e.input["text"], e.expected["call"]) for e in newest] == [("sentence a", TIMER), ("sentence b", WEATHER)]
    assert newest.slices_of(newest["said-b"]) == {"lang": "en", "source": "said", "function": "weather.get"}
    assert example_rows([row("z", None)])[0]["function"] == "none"


def test_the_command_about_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_ASSISTANT_DATA", str(tmp_path / "data"))
    kept = Memory(tmp_path / "data" / "memory.db")
    kept.remember("genre", "jazz", "I like jazz")
    kept.count("song", "Halo")
    assert "jazz" in run(memory_command)[1]
    assert json.loads(run(memory_command, "export")[1])["said"][0]["sentence"] == "I like jazz"
    assert run(memory_command, "forget", "jazz")[1] == "1 forgotten\n"
    assert run(memory_command, "forget", "--all")[1] == "1 forgotten\n"
    assert kept.items() == []


def test_feedback_while_a_test_records_says_that_nothing_keeps_it() -> None:
    with recording(), pytest.raises(InfrastructureError):
        sw.feedback("ab" * 16, "helpful", True)


def test_a_correction_becomes_feedback_on_the_trace_it_is_about(tmp_path: Path) -> None:
    """The whole way: two turns of the real assistant, recorded; the store has the feedback, the folder the candidate."""
    url = f"sqlite:///{tmp_path}/slipway.db"
    sw.init(project="assistant", store=url)
    try:
        mind = prepare(variant("keywords"), []).mind
        settings = Settings(data=str(tmp_path / "data"), timezone="Europe/Paris")
        remembered = Memory(tmp_path / "data" / "memory.db")
        assistant = Assistant(settings, mind, memory=remembered, dialogue=Dialogue(remembered, partial(answer, mind)))
        wrong = assistant.turn_text("set a timer for 5 minutes", "en")
        right = assistant.turn_text("no, I meant 10 minutes", "en")
        assistant.close()
    finally:
        sw.shutdown()
    assert right.call == {"name": "timer.set", "arguments": {"minutes": 10}}
    store = sw.open_store(url)
    (kept,) = store.find(Feedback)
    store.close()
    assert (kept.trace_id, kept.name, kept.kind, kept.value) == (wrong.trace_id, "meant", "correction", right.call)
    (candidate,) = Candidates(settings.folder).rows()
    assert (candidate["text"], candidate["call"]) == ("set a timer for 5 minutes", right.call)
    assert candidate["extra"] == {"why": "corrected", "said": "no, I meant 10 minutes", "trace_id": wrong.trace_id}
    # The wrong timer was taken back before the right one was set.
    assert [timer.total_s for timer in Clocks(settings.folder).all("timer")] == [600]
