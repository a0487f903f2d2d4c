"""What the person thought of a turn: a correction, "that's wrong", the same said again, thumbs. Feedback and candidates."""

from __future__ import annotations

import json

import pytest

import slipway as sw
from slipway.data import Feedback
from slipway.store import open_store
from slipway_assistant.app import Assistant
from slipway_assistant.corrections import FILE as CANDIDATES
from slipway_assistant.dialogue import Dialogue
from slipway_assistant.memory import Memory
from slipway_assistant.mind import answer, prepare, variant
from slipway_assistant.settings import Settings


@pytest.fixture
def talking(tmp_path):
    """An assistant whose turns are recorded in a real store; `kept()` gives feedback and candidates."""
    settings = Settings(data=str(tmp_path / "data"), timezone="Europe/Paris")
    url = f"sqlite:///{tmp_path / 'traces.db'}"
    sw.init(project="assistant", store=url, environment=False, instrument=False)
    mind = prepare(variant("keywords"), []).mind
    memory = Memory(tmp_path / "memory.db")
    made = Assistant(
        settings,
        mind,
        name="keywords",
        memory=memory,
        dialogue=Dialogue(memory, lambda text, lang: answer(mind, text, lang)),
    )

    def kept():
        made.after.close()
        sw.flush()
        store = open_store(url)
        try:
            said = list(store.find(Feedback))
        finally:
            store.close()
        path = settings.folder / CANDIDATES
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
        return said, rows

    made.kept = kept
    yield made
    made.close()
    sw.shutdown()


def test_no_i_meant_becomes_a_correction(talking):
    first = talking.turn_text("turn on the kitchen light")
    second = talking.turn_text("no, I meant the bedroom")
    assert second.why == "correction"
    (said,), (row,) = talking.kept()
    assert (said.trace_id, said.name, said.kind) == (first.trace_id, "meant", "correction")
    assert said.value == second.call == row["call"]
    assert said.value["arguments"]["room"] == "bedroom"
    assert (row["text"], row["lang"], row["grade"]) == ("turn on the kitchen light", "en", "call")
    assert row["extra"] == {"why": "corrected", "said": "no, I meant the bedroom", "trace_id": first.trace_id}
    path = talking.settings.folder / CANDIDATES
    assert path.stat().st_mode & 0o777 == 0o600


def test_that_is_wrong_is_a_thumb_down_and_what_was_meant_follows(talking):
    first = talking.turn_text("turn on the kitchen light")
    assert talking.turn_text("that's wrong").why == "wrong"
    assert talking.turn_text("turn on the bedroom light").call["arguments"]["room"] == "bedroom"
    said, rows = talking.kept()
    assert (said[0].trace_id, said[0].name, said[0].value) == (first.trace_id, "helpful", 0)
    assert {row["text"] for row in rows} == {"turn on the kitchen light"}
    assert rows[0]["extra"]["why"] == "called wrong"


def test_the_same_said_again_right_after_is_noticed(talking):
    first = talking.turn_text("what time is it in Paris")
    talking.turn_text("What time is it in Paris")
    (said,), (row,) = talking.kept()
    assert (said.trace_id, said.name, said.kind) == (first.trace_id, "repeated", "label")
    assert row["extra"]["why"] == "repeated"


def test_what_is_asked_for_twice_because_it_is_wanted_twice_is_no_complaint(talking):
    talking.turn_text("turn on the kitchen light")
    talking.turn_text("turn on the kitchen light")
    talking.turn_text("what time is it")
    assert talking.kept() == ([], [])


def test_long_after_nothing_is_a_comment(talking):
    talking.turn_text("what time is it in Paris")
    talking.after._at -= 61
    talking.turn_text("what time is it in Paris")
    assert talking.kept() == ([], [])


def test_thumbs(talking):
    turn = talking.turn_text("turn on the kitchen light")
    talking.thumb(turn.trace_id, up=True)
    talking.thumb(turn.trace_id, up=True)
    (said,), rows = talking.kept()
    assert (said.trace_id, said.name, said.value, said.kind) == (turn.trace_id, "helpful", 1, "thumb")
    assert {row["extra"]["why"] for row in rows} == {"thumb up"}
    assert rows[0]["call"] == turn.call


def test_candidates_are_rows_that_training_can_read(talking):
    from slipway_assistant.data import _read
    from slipway_assistant.schema import validate

    talking.turn_text("turn on the kitchen light")
    talking.turn_text("no, I meant the bedroom")
    talking.kept()
    (row,) = _read(talking.settings.folder / CANDIDATES)
    assert (row.source, validate(row.call)) == ("said", [])


def test_a_store_that_is_gone_costs_no_turn(talking, tmp_path):
    turn = talking.turn_text("turn on the kitchen light")
    (tmp_path / "data" / CANDIDATES).mkdir(parents=True)
    talking.thumb(turn.trace_id, up=False)
    assert talking.turn_text("turn on the bedroom light").answer.ok
    talking.after.close()
    assert talking.after.failures == 1
