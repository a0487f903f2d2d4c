"""Held-out suites: looks are budgeted, written down, told once, and won by one process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from slipway.data import DatasetVersion, EvalRun, Look, Variant
from slipway.errors import NotFound, SealedError, UsageError
from slipway.evals.datasets import dataset, load_version
from slipway.evals.sealed import (
    check_look,
    find_sealed,
    ledger,
    seal,
    seal_scores,
    take_look,
    this_person,
    unseal_rows,
)

KEY = bytes(range(32))


def rows(size=40, **more):
    return [{"id": f"row-{n}", "input": f"what is {n} plus {n}", "expected": str(2 * n), **more} for n in range(size)]


@pytest.fixture
def held_out(store):
    """A sealed suite of 40 rows with three looks."""
    seal(dataset(rows()), suite="held-out", looks=3, store=store, key=KEY)
    return store


def scores(store, right):
    """The first ``right`` examples are right; by the opaque ids."""
    ids = sorted(example.id for example in unseal_rows(store, find_sealed(store, "held-out"), KEY))
    return {name: float(n < right) for n, name in enumerate(ids)}


def look(store, right, variant, **more):
    given = {"who": "mia@desk", "why": "a test", "key": KEY, **more}
    return take_look(store, "held-out", scores(store, right), variant=variant, **given)


def test_only_a_clear_yes_moves_what_is_shown(held_out):
    first = look(held_out, 20, "a")
    assert (first.number, first.shown, first.looks_left) == (1, 0.5, 2)
    slightly = look(held_out, 22, "b")
    assert (slightly.better, slightly.shown) == (False, 0.5)
    clearly = look(held_out, 36, "c")
    assert (clearly.better, clearly.shown, clearly.locked) == (True, 0.9, True)
    assert clearly.low < 0.9 < clearly.high


def test_a_worse_variant_and_a_slightly_better_one_are_told_the_same(held_out):
    look(held_out, 20, "a")
    worse, slightly = look(held_out, 10, "b"), look(held_out, 21, "c")
    told = [replace(told, number=0, variant_id="", looks_left=0, locked=False) for told in (worse, slightly)]
    assert told[0] == told[1]


def test_it_locks_when_its_looks_are_spent(held_out):
    for name in "abc":
        look(held_out, 20, name)
    assert ledger(held_out, "held-out").locked
    with pytest.raises(SealedError, match="locked: all 3 looks are spent"):
        look(held_out, 40, "d")
    with pytest.raises(SealedError, match="locked"):
        check_look(held_out, "held-out", variant="d", why="try")
    assert held_out.count(Look) == 3


def test_the_same_variant_again_costs_nothing_and_tells_the_same(held_out):
    first = look(held_out, 20, "a")
    look(held_out, 36, "b")
    again = look(held_out, 40, "a", why="again")
    assert again == replace(first, recorded=True)
    assert check_look(held_out, "held-out", variant="a", why="again") == again
    assert ledger(held_out, "held-out").used == 2
    look(held_out, 20, "c")
    assert look(held_out, 0, "b").recorded  # also when it is locked


def test_changed_code_of_the_same_variant_is_another_look(held_out):
    look(held_out, 20, "a", recipe="1")
    assert check_look(held_out, "held-out", variant="a", why="new code", recipe="2") is None
    assert look(held_out, 20, "a", recipe="2").number == 2
    assert look(held_out, 20, "a", recipe="1").recorded


def test_a_look_needs_a_reason(held_out):
    for why in ("", "  "):
        with pytest.raises(UsageError, match="reason"):
            look(held_out, 20, "a", why=why)
        with pytest.raises(UsageError, match="reason"):
            check_look(held_out, "held-out", variant="a", why=why)
    assert held_out.count(Look) == 0


def test_the_ledger_says_who_when_which_and_why(held_out):
    variant = Variant("mistral", {"model": "local/mistral"}, task="assistant")
    look(held_out, 20, variant, who="mia@desk", why="before the release", clock=lambda: 1_700_000_000_000_000_000)
    book = ledger(held_out, "held-out")
    (entry,) = book.to_dict()["looks"]
    assert (entry["who"], entry["why"], entry["variant"]) == ("mia@desk", "before the release", "mistral")
    assert (entry["variant_id"], entry["when_ns"]) == (variant.id, 1_700_000_000_000_000_000)
    assert "2023-11-14 22:13  mia@desk  mistral  first, 0.5 shown  before the release" in str(book)
    assert json.loads(json.dumps(book.to_dict()))["left"] == 2


def test_every_example_must_be_scored_and_no_answer_is_a_wrong_one(held_out):
    some = scores(held_out, 20)
    with pytest.raises(SealedError, match="1 have none, 0 are not") as refused:
        take_look(held_out, "held-out", dict(list(some.items())[1:]), variant="a", who="m", why="w", key=KEY)
    assert not any(name in str(refused.value) for name in some)
    with pytest.raises(SealedError, match="0 have none, 1 are not"):
        take_look(held_out, "held-out", {**some, "more": 1.0}, variant="a", who="m", why="w", key=KEY)
    silent = {name: None if value else [1.0, None] for name, value in some.items()}
    told = take_look(held_out, "held-out", silent, variant="a", who="m", why="w", key=KEY)
    assert told.shown == 0.25


def test_a_run_brings_its_sealed_scores(held_out):
    blob = seal_scores(held_out, "held-out", scores(held_out, 30), metric="exact", key=KEY)
    version = find_sealed(held_out, "held-out").version
    run = EvalRun("r1", "x", "variant-id", "v", version.id, 1, summary={"sealed_scores": blob}, config={"recipe": "7"})
    told = take_look(held_out, "held-out", run, who="m", why="w", key=KEY)
    assert (told.shown, told.metric, told.variant_id) == (0.75, "exact", "variant-id")
    assert take_look(held_out, "held-out", run, who="m", why="w", key=KEY).recorded
    with pytest.raises(SealedError, match="not of suite"):
        take_look(held_out, "held-out", replace(run, dataset_id="f", variant_id="2"), who="m", why="w", key=KEY)
    with pytest.raises(SealedError, match="kept no sealed scores"):
        take_look(held_out, "held-out", replace(run, summary={}, variant_id="2"), who="m", why="w", key=KEY)
    with pytest.raises(SealedError, match="score 'exact'"):
        look(held_out, 20, "b", metric="numeric")


def test_clusters_count_as_one(store):
    clustered = [{**row, "template": f"t{n // 10}"} for n, row in enumerate(rows(200))]
    seal(dataset(clustered, cluster="template"), suite="s", looks=2, store=store, key=KEY)
    seal(dataset([{**r, "input": r["input"] + "?"} for r in rows(200)]), suite="t", looks=2, store=store, key=KEY)
    shown = {}
    for suite in "st":
        units = unseal_rows(store, find_sealed(store, suite), KEY)
        told = take_look(
            store, suite, {e.id: n % 2 for n, e in enumerate(units)}, variant="a", who="m", why="w", key=KEY
        )
        shown[suite] = told.high - told.low
    assert shown["s"] > 2 * shown["t"]  # 20 clusters against 200 rows


RACE = """
import sys, time
from slipway.errors import SealedError
from slipway.evals.sealed import find_sealed, take_look, unseal_rows
from slipway.store import open_store
url, name, start = sys.argv[1:]
store = open_store(url)
key = bytes(range(32))
ids = [example.id for example in unseal_rows(store, find_sealed(store, "held-out"), key)]
import slipway.evals.stats, scipy.special
print("ready", flush=True)
sys.stdin.readline()
got = []
for number in range(4):
    right = {one: float((n + number) % 2) for n, one in enumerate(ids)}
    try:
        got.append(take_look(store, "held-out", right, variant=f"{name}{number}", who=name, why="race", key=key).number)
    except SealedError as refused:
        assert "locked" in str(refused)
store.close()
print(*got)
"""


def test_processes_that_race_for_the_last_looks_get_no_look_twice(tmp_path, store):
    seal(dataset(rows()), suite="held-out", looks=5, store=store, key=KEY)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, store.url, name, "x"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abc"
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    got = [int(number) for racer in racers for number in racer.communicate(timeout=240)[0].split()]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert sorted(got) == [1, 2, 3, 4, 5]
    book = ledger(store, "held-out")
    assert [entry.number for entry in book.looks] == [1, 2, 3, 4, 5]
    assert len({entry.variant_id for entry in book.looks}) == 5


def test_no_command_finds_the_rows(held_out):
    version = find_sealed(held_out, "held-out").version
    for which in (version.id, version.name, version.id[:12]):
        with pytest.raises(SealedError):
            load_version(held_out, which)


def test_the_name_must_be_that_of_a_sealed_suite(held_out):
    with pytest.raises(NotFound, match="did you mean 'held-out'"):
        ledger(held_out, "heldout")


def test_who_looks_has_a_name():
    assert "@" in this_person()


def test_a_record_whose_budget_was_raised_no_longer_opens_the_rows(held_out):
    sealed = find_sealed(held_out, "held-out")
    raised = replace(sealed.version, provenance={**sealed.version.provenance, "looks": 1000})
    assert len(unseal_rows(held_out, sealed.version, KEY)) == 40
    with pytest.raises(SealedError, match="record was changed"):
        unseal_rows(held_out, raised, KEY)
    assert isinstance(raised, DatasetVersion)
