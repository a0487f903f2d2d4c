"""T11, T13: what the server acknowledged is found after every SIGKILL, and after a power cut."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys

import pytest

from server.power import Power
from slipway.server.proof import run as proof
from slipway.server.proof.client import SPANS


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request):
    return "" if request.param == "sqlite" else request.getfixturevalue("new_database")()


def told(found):
    sys.stdout.write(f"{found}\n")  # pytest -s shows the seed and the counts
    return found


def test_t11_a_few_kills(tmp_path, store):
    found = proof.prove(tmp_path, kills=5, seconds=3, store=store)
    assert found.acknowledged > 0, found
    assert (found.lost, list(found.damage)) == (0, []), found
    assert found.stored >= found.found == found.acknowledged


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_t11_a_thousand_kills(tmp_path):
    found = told(proof.prove(tmp_path, kills=1_000, seconds=600))
    assert (found.kills, found.lost, list(found.damage)) == (1_000, 0, []), found
    assert found.acknowledged > 1_000


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_t11_a_hundred_kills_with_postgresql(tmp_path, new_database):
    found = told(proof.prove(tmp_path, kills=100, seconds=100, store=new_database()))
    assert (found.lost, list(found.damage)) == (0, []), found
    assert found.acknowledged > 100


def test_the_proof_sees_a_single_span_that_is_missing(tmp_path):
    found = proof.prove(tmp_path, kills=1, seconds=1)
    sent = [
        (client, int(line.split()[0]))
        for client in range(3)
        for line in (tmp_path / f"client-{client}").read_text().splitlines()
    ]
    assert len(sent) * SPANS == found.acknowledged
    database = sqlite3.connect(tmp_path / "data/slipway.db")
    database.execute("DELETE FROM spans WHERE name = ?", (f"{sent[-1][0]}-{sent[-1][1]}-3",))
    database.commit()
    database.close()
    again = proof._counted(tmp_path, "", sent, found.seed, 1, 0, 0.0)
    assert again.lost == 1


def test_the_command_says_what_it_found(tmp_path):
    command = [sys.executable, "-m", "slipway.cli", "prove", "durability", "--kills", "2", "--seconds", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["kills"], said["lost"], said["damage"]) == (2, 0, [])
    assert said["acknowledged"] == said["found"] > 0
    assert list(tmp_path.iterdir()) == []  # it works in a folder of its own


def test_a_server_that_cannot_start_is_no_proof(tmp_path):
    (tmp_path / "data").write_text("this is no folder")
    command = [sys.executable, "-m", "slipway.cli", "prove", "durability", "--store", "sqlite:////proc/none/x.db"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 3
    assert "/proc/none" in done.stderr


def test_t13_acknowledged_spans_survive_the_loss_of_all_that_was_not_synced(tmp_path, power_shim):
    power = Power(tmp_path, power_shim)
    power.load(batches=60)
    tried = power.cuts(12, seed=1)
    assert tried.acknowledged > 0
    assert tried.problems == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_t13_many_power_cuts(tmp_path, power_shim):
    power = Power(tmp_path, power_shim)
    power.load(batches=600)
    tried = power.cuts(400)
    assert tried.problems == []


def test_t13_the_simulation_loses_what_is_not_synced(tmp_path, power_shim):
    """Without syncs the same simulation finds losses: it would see a server that acknowledges too early."""
    power = Power(tmp_path, power_shim)
    power.load(batches=60)
    tried = power.cuts(6, ignore_syncs=True, seed=1)
    assert tried.problems != []
