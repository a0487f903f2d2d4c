"""Dataset versions in a real store, datasets from traces, difficulty from earlier runs."""

from dataclasses import replace

import pytest

from slipway.data import DatasetVersion, EvalRun, Feedback, Sample, Score, Span
from slipway.errors import DataError, NotFound, SealedError, StoreError, UsageError
from slipway.evals.datasets import dataset, difficulty, load_version, versions
from slipway.store import open_store

ROWS = [{"id": f"e{n}", "input": f"question {n}", "expected": n, "lang": "en"} for n in range(4)]


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'slipway.db'}")
    yield opened
    opened.close()


def test_each_change_makes_a_version_with_its_parent(store):
    data = dataset(ROWS, name="quick", slices=["lang"])
    first = data.save(store, provenance={"by": "hand"}, clock=lambda: 1)
    assert data.save(store, clock=lambda: 2) == first
    assert (first.id, first.size, first.parent_id, first.provenance) == (data.version, 4, None, {"by": "hand"})
    changed = dataset([*ROWS, {"id": "new", "input": "x"}], name="quick")
    second = changed.save(store, clock=lambda: 3)
    assert second.parent_id == first.id
    assert [v.id for v in versions(store, "quick")] == [first.id, second.id]
    assert [v.name for v in versions(store)] == ["quick", "quick"]
    for which in (first.id, first.id[:10], f"quick@{first.id[:6]}"):
        assert load_version(store, which) == data
    assert load_version(store, "quick").version == second.id
    assert load_version(store, first.id).diff(changed).added == ("new",)


def test_each_project_has_what_it_saved(store):
    data = dataset(ROWS, name="quick")
    mine, theirs = data.save(store, project="a", clock=lambda: 1), data.save(store, project="b", clock=lambda: 2)
    assert (mine.id, mine.rows_blob) == (theirs.id, theirs.rows_blob)
    assert [(v.project, v.created_ns) for v in store.find(DatasetVersion)] == [("a", 1), ("b", 2)]
    assert versions(store, "quick") == [mine]
    for which in (mine.id, mine.id[:10], f"quick@{mine.id[:6]}", "quick"):
        assert load_version(store, which) == data
    changed = dataset([*ROWS, {"id": "new", "input": "x"}], name="quick")
    assert changed.save(store, project="c").parent_id is None
    assert changed.save(store, project="b").parent_id == data.version


def test_equal_rows_under_two_names_are_two_datasets(store):
    a, b = (dataset(ROWS, name=name).save(store) for name in ("a", "b"))
    assert a.id != b.id
    assert a.rows_blob == b.rows_blob
    assert load_version(store, "b").name == "b"


def test_what_is_not_there_or_not_clear_says_so(store):
    for n in range(40):
        dataset([{"id": n, "input": n}], name="many").save(store)
    with pytest.raises(NotFound, match="did you mean 'many'"):
        load_version(store, "meny")
    digit = next(d for d in "0123456789abcdef" if sum(v.id.startswith(d) for v in versions(store)) > 1)
    with pytest.raises(UsageError, match="begins several dataset versions; give more digits"):
        load_version(store, digit)


def test_rows_that_are_not_those_that_were_saved_are_refused(store):
    version = dataset(ROWS, name="quick").save(store)
    other = dataset(ROWS[:3], name="quick")
    forged = replace(version, id="f" * 64, rows_blob=store.put_blob(other.lines), name="forged")
    store.write([forged])
    with pytest.raises(StoreError, match="not those that were saved"):
        load_version(store, "forged")
    assert load_version(store, version.id) == dataset(ROWS, name="quick")


def test_sealed_rows_are_not_loaded(store):
    blob = store.put_blob(b"not readable")
    store.write([DatasetVersion("f" * 64, "held", 1, blob, 1, sealed=True)])
    with pytest.raises(SealedError, match="sealed"):
        load_version(store, "held")


def span(n, **more):
    return Span(f"{n:032x}", f"{n:016x}", "answer", 1000 + n, input={"q": n}, output=f"a{n}", project="shop", **more)


def test_traces_become_examples_with_their_provenance(store):
    big = store.put_blob(b'{"q": "very long"}')
    store.write(
        [
            span(1),
            span(2),
            Span(f"{3:032x}", f"{3:016x}", "answer", 5, input={"$blob": big, "bytes": 18, "preview": "{"}, output="a3"),
            Span(f"{2:032x}", f"{9:016x}", "other", 6),
            Feedback("f1", f"{2:032x}", "correction", "better", 7, who="ada"),
            Feedback("f2", f"{1:032x}", "thumb", 1, 8),
        ]
    )
    data = dataset(store, where={"name": "answer"}, name="from-traces", slices=["project"])
    assert [(e.id, e.input, e.expected) for e in data] == [
        (f"{1:032x}", {"q": 1}, "a1"),
        (f"{2:032x}", {"q": 2}, "better"),
        (f"{3:032x}", {"q": "very long"}, "a3"),
    ]
    corrected = data.examples[1].metadata
    assert corrected["provenance"] == {
        "trace_id": f"{2:032x}",
        "span_id": f"{2:016x}",
        "corrected_by": "ada",
        "feedback_id": "f1",
    }
    assert (corrected["name"], corrected["project"]) == ("answer", "shop")
    saved = data.save(store)
    assert load_version(store, saved.id) == data
    everything = dataset(store, where={"trace_id": f"{2:032x}"})
    assert [e.id for e in everything] == [f"{2:032x}:{2:016x}", f"{2:032x}:{9:016x}"]
    with pytest.raises(DataError, match="no rows"):
        dataset(store, where={"name": "nothing"})
    with pytest.raises(DataError, match="by conditions"):
        dataset(store, where=lambda row: True)


def test_difficulty_is_the_share_of_variants_that_got_it_right(store):
    data = dataset(ROWS, name="quick")
    data.save(store)
    records = []
    # variant a is right on e0 and e1, variant b on e0 only; e2 is never right; e3 was never run
    for variant, right, tier in [("a", {"e0", "e1"}, "quick"), ("b", {"e0"}, "quick"), ("c", {"e2"}, "held-out")]:
        records.append(EvalRun(f"run-{variant}", "x", variant, variant, data.version, 1, tier=tier))
        for example in data.examples[:3]:
            scores = (Score("style", 0.9), Score("exact", float(example.id in right)))
            records.append(Sample(f"run-{variant}", example.id, scores=scores, example_hash=example.hash))
    records.append(Sample("run-a", "e1", 1, status="error", example_hash=data["e1"].hash))
    store.write(records)
    made = difficulty(store, data, metric="exact")
    assert {key: (d.right, d.of, d.value, d.band) for key, d in made.items()} == {
        "e0": (2, 2, 0.0, "solved"),
        "e1": (1, 2, 0.5, "open"),
        "e2": (0, 2, 1.0, "unsolved"),
    }
    assert difficulty(store, data)["e2"].right == 2  # the first score is style
    edited = dataset([{**ROWS[0], "expected": 9}, *ROWS[1:]], name="quick")
    assert "e0" not in difficulty(store, edited, metric="exact")
