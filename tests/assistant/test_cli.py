"""The assistant's command line, as a process: answers in order, one load, clear errors."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

RUN = [sys.executable, "-c", "import sys; from slipway_assistant.cli import main; sys.exit(main())"]


@pytest.fixture(scope="module")
def minds(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("minds")


def assistant(minds: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"SLIPWAY_ASSISTANT_MINDS": str(minds), "SLIPWAY_NLU_DATA": ""}
    return subprocess.run([*RUN, *arguments], input=given, capture_output=True, text=True, env=environ, timeout=280)


def lines(*asked: dict) -> str:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in asked)


def test_understand_answers_in_order(minds):
    asked = [
        {"id": "b", "text": "turn on the kitchen light", "lang": "en"},
        {"id": "a", "text": "éteins la lumière de la cuisine"},
        {"id": 7, "text": "今何時", "lang": "ja"},
    ]
    done = assistant(minds, "understand", "--jsonl", "--variant", "keywords", given=lines(*asked))
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == ["b", "a", 7]
    assert all(set(answer) == {"id", "call", "confidence", "ms"} for answer in answers)
    assert answers[0]["call"]["name"] == "home.set"
    assert answers[0]["call"]["arguments"]["action"] == "on"
    assert all(0 <= answer["confidence"] <= 1 and answer["ms"] >= 0 for answer in answers)


def test_a_bad_line_is_answered_and_named_and_the_others_too(minds):
    given = lines({"id": 1, "text": "stop"}) + "{broken\n" + lines({"id": 3}) + lines({"id": 4, "text": "stop"})
    done = assistant(minds, "understand", "--jsonl", "--variant", "keywords", given=given)
    assert done.returncode == 2
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [1, None, 3, 4]
    assert "error" in answers[1]
    assert answers[2]["error"].startswith('no "text"')
    assert "line 2: not JSON" in done.stderr
    assert "line 3" in done.stderr


def test_ask_prints_the_call(minds):
    done = assistant(minds, "ask", "--variant", "keywords", "turn", "on", "the", "kitchen", "light")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("home.set(")
    as_json = assistant(minds, "ask", "--json", "--variant", "keywords", "turn on the kitchen light")
    assert json.loads(as_json.stdout)["call"]["name"] == "home.set"


def test_a_mind_is_fitted_once(minds):
    first = assistant(minds, "ask", "--variant", "linear_crf", "play some jazz")
    second = assistant(minds, "ask", "--variant", "linear_crf", "play some jazz")
    assert "fitted linear_crf" in first.stderr
    assert second.stderr == ""
    assert first.stdout.split()[0] == second.stdout.split()[0]


def test_an_unknown_variant_names_the_nearest(minds):
    done = assistant(minds, "ask", "--variant", "keyword", "stop")
    assert done.returncode == 2
    assert "did you mean 'keywords'?" in done.stderr


def test_variants_lists_every_mind(minds):
    done = assistant(minds, "variants", "--json")
    found = {row["name"]: row for row in json.loads(done.stdout)}
    assert {"keywords", "nearest", "linear_crf"} <= set(found)
    assert all(row["note"] for row in found.values())
    assert {row["parent"] for row in found.values()} - {None} <= set(found)


@pytest.mark.parametrize("line", [b"[1]", b'{"text": 5}', b"\xff\xfe", b"[" * 200_000, b'"x"', b"null"])
def test_whatever_a_line_holds_the_next_is_answered(minds, line):
    environ = os.environ | {"SLIPWAY_ASSISTANT_MINDS": str(minds), "SLIPWAY_NLU_DATA": ""}
    sent = line + b'\n{"id": "half \\ud800", "text": "half \\ud800 pair", "lang": "de"}\n'
    command = [*RUN, "understand", "--jsonl", "--variant", "keywords"]
    done = subprocess.run(command, input=sent, capture_output=True, env=environ, timeout=280)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    bad, good = [json.loads(answer) for answer in done.stdout.splitlines()]
    assert "error" in bad
    assert good["id"] == "half \ud800"


def test_a_line_is_answered_before_the_next_is_sent(minds):
    environ = os.environ | {"SLIPWAY_ASSISTANT_MINDS": str(minds), "SLIPWAY_NLU_DATA": ""}
    command = [*RUN, "understand", "--jsonl", "--variant", "keywords"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as process:
        for number in range(3):
            process.stdin.write(json.dumps({"id": number, "text": "louder"}).encode() + b"\n")
            process.stdin.flush()
            assert select.select([process.stdout], [], [], 280)[0], "no answer to a line that was sent"
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(280) == 0


def test_a_fitted_mind_needs_nothing_heavy(minds):
    code = (
        "import sys; from slipway_assistant.cli import root;"
        "root.main(['ask', '--variant', 'keywords', 'louder'], standalone_mode=False);"
        "print(sorted({'sklearn', 'scipy', 'sqlalchemy', 'statsmodels', 'rich'} & set(sys.modules)))"
    )
    environ = os.environ | {"SLIPWAY_ASSISTANT_MINDS": str(minds), "SLIPWAY_NLU_DATA": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, timeout=280)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
