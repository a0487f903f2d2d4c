"""T56: secrets and personal data do not reach the store, wherever they stand. Each key here is made up."""

from __future__ import annotations

import base64
import contextlib
import json
import random
import string

import pytest
import re2

from slipway.config import Capture, Config
from slipway.errors import MissingExtra
from slipway.testing import recording
from slipway.track import flush, init, patterns, shutdown, span, trace
from slipway.track.redact import Redactor, sensitive
from slipway.track.slot import slot

_random = random.Random(7)


def some(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(_random.choice(alphabet) for _ in range(length))


HEX = "0123456789abcdef"
# format -> a key of it. Put together here, so that no scanner takes this file for a leak.
KEYS = {
    "openai": "sk-" + some(48),
    "openai project": "sk-proj-" + some(40) + "_" + some(20),
    "anthropic": "sk-ant-api03-" + some(60),
    "slipway": "slw_" + some(16, HEX) + "_" + some(64, HEX),
    "openrouter": "sk-or-v1-" + some(64, HEX),
    "aws access key": "AKIA" + some(16, string.ascii_uppercase + string.digits),
    "aws temporary": "ASIA" + some(16, string.ascii_uppercase + string.digits),
    "aws secret": "aws_secret_access_key = " + some(40),
    "google api": "AIza" + some(35),
    "google oauth": "ya29." + some(60),
    "google client": "GOCSPX-" + some(28),
    "github": "ghp_" + some(36),
    "github fine": "github_pat_" + some(22) + "_" + some(59),
    "gitlab": "glpat-" + some(20),
    "slack bot": "xoxb-" + some(12, string.digits) + "-" + some(24),
    "slack app": "xapp-1-" + some(40),
    "slack webhook": "https://hooks.slack.com/services/T" + some(8) + "/B" + some(8) + "/" + some(24),
    "discord webhook": "https://discord.com/api/webhooks/" + some(18, string.digits) + "/" + some(60),
    "telegram": some(9, "123456789") + ":AA" + some(33),
    "stripe": "sk_live_" + some(24),
    "stripe test": "rk_test_" + some(24),
    "stripe webhook": "whsec_" + some(32),
    "twilio": "SK" + some(32, HEX),
    "sendgrid": "SG." + some(22) + "." + some(43),
    "mailgun": "key-" + some(32, HEX),
    "huggingface": "hf_" + some(34),
    "groq": "gsk_" + some(52),
    "xai": "xai-" + some(80),
    "perplexity": "pplx-" + some(48),
    "replicate": "r8_" + some(37),
    "langfuse": "sk-lf-" + some(36, HEX + "-"),
    "langsmith": "lsv2_pt_" + some(32, HEX) + "_" + some(10, HEX),
    "pinecone": "pcsk_" + some(60),
    "npm": "npm_" + some(36),
    "pypi": "pypi-" + some(80),
    "databricks": "dapi" + some(32, HEX),
    "digitalocean": "dop_v1_" + some(64, HEX),
    "vault": "hvs." + some(30),
    "shopify": "shpat_" + some(32, HEX),
    "linear": "lin_api_" + some(40),
    "notion": "secret_" + some(43),
    "azure storage": "AccountKey=" + some(86) + "==",
    "age": "AGE-SECRET-KEY-1" + some(58, string.ascii_uppercase + string.digits),
    "jwt": "eyJ" + some(20) + ".eyJ" + some(60) + "." + some(43),
    "bearer": "Authorization: Bearer " + some(30),
    "basic": "Basic " + base64.b64encode(b"user:" + some(20).encode()).decode(),
    "url password": "postgresql://admin:" + some(12) + "@db.example.org:5432/app",
    "assignment": "DB_PASSWORD=" + some(14),
    "json": json.dumps({"client_secret": some(24)}),
    "pem": "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join(some(64) for _ in range(20))
    + "\n-----END RSA PRIVATE KEY-----",
}


def core(name: str) -> str:
    """The part of a key that must not be found afterwards."""
    key = KEYS[name]
    if name == "url password":
        return key.split(":")[2].split("@")[0]
    if name in ("aws secret", "bearer", "basic", "assignment", "azure storage"):
        return key.replace("=", " ").split()[-1]
    if name == "json":
        return json.loads(key)["client_secret"]
    if name.endswith("webhook") and "/" in key:
        return key.rpartition("/")[2]
    return key[-24:] if name != "pem" else key.splitlines()[7]


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


def test_there_are_thirty_formats():
    assert len(patterns.SECRETS) >= 30
    assert len(KEYS) >= 30


@pytest.mark.parametrize("name", KEYS)
def test_t56_each_format_in_every_place(name):
    key, gone = KEYS[name], core(name)

    @trace(name="f")
    def f(prompt, headers, nested):
        raise RuntimeError(f"cannot use {key} there")

    with recording() as recorded, contextlib.suppress(RuntimeError), span(f"named {key}", attribute=key) as s:
        s.event("e", text=f"see {key}.")
        s.record_output([{"content": f"({key})"}])
        f(f"my key is {key}, thanks", {"x": key}, [[key.encode()], (key,), {key: 1}])
    assert len(recorded.spans) == 2
    stored = repr(recorded.sink.records)
    assert gone not in stored
    assert "[redacted" in stored


@pytest.mark.parametrize("name", KEYS)
def test_t56_in_base64(name, redactor):
    wrapped = base64.b64encode(f"{KEYS[name]}".encode()).decode()
    assert wrapped not in redactor.text(f"payload: {wrapped}!")
    shifted = base64.b64encode(f'{{"x": 1, "k": "{KEYS[name]}"}}'.encode()).decode()
    assert shifted not in redactor.text(f"data:text/plain;base64,{shifted}")


@pytest.mark.parametrize("piece", [1, 3, 7])
@pytest.mark.parametrize("name", KEYS)
def test_t56_split_over_stream_chunks(name, piece):
    text = f"it is {KEYS[name]} , keep it"
    parts = [text[start : start + piece] for start in range(0, len(text), piece)]

    @trace(name="texts")
    def texts():
        yield from parts

    @trace(name="deltas")
    def deltas():
        for part in parts:
            yield {"choices": [{"delta": {"content": part}}]}

    with recording() as recorded:
        assert "".join(texts()) == text
        list(deltas())
        with span("events") as s:
            for part in parts:
                s.event("chunk", text=part)
    for kept in recorded.spans:
        pieces = kept.output if kept.name != "events" else [event.attributes["text"] for event in kept.events]
        if kept.name == "deltas":
            pieces = [chunk["choices"][0]["delta"]["content"] for chunk in pieces]
        assert core(name) not in "".join(pieces), kept.name
        assert "it is" in "".join(pieces)


def test_t56_over_the_truncation_limit():
    for name, key in KEYS.items():
        for before in (40, 200, 256, 250):
            with recording(capture=Capture(max_bytes=256)) as recorded, span("s") as s:
                s.record_output("x " * (before // 2) + key)
                s.record_input(["y " * (before // 2), key])
            stored = repr(recorded.sink.records)
            for start in range(0, max(1, len(core(name)) - 12), 4):
                assert core(name)[start : start + 12] not in stored, (name, before)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mail bob.smith+x@example.co.uk now", "mail [redacted email] now"),
        ("card 4111 1111 1111 1111 exp", "card [redacted card] exp"),
        ("card 4111 1111 1111 1112 exp", None),
        ("iban DE89 3704 0044 0532 0130 00.", "iban [redacted iban]."),
        ("iban DE89 3704 0044 0532 0130 02.", None),
        ("call +44 20 7946 0958 today", "call [redacted phone] today"),
        ("call (555) 010-4477 today", "call [redacted phone] today"),
        ("the year 2026-11-21 and version 1.22.333", None),
        ("a task-oriented dialogue, sk-learn, and the max_tokens: 4096 setting", None),
        ("weather.get_weather(location='boston')", None),
        ("trace 0af7651916cd43dd8448eb211c80319c at 1700000000000000000 ns", None),
        ("see https://example.com/a:b?x=1@2 and C:\\path", None),
        ("the token was taken, the secret is out", None),
        ("https://example.com/very/long/path/without/any/secret/at/all", None),
        ("multiply 1234567890123 by 2", None),
    ],
)
def test_personal_data_and_what_only_looks_like_it(text, kept, redactor):
    assert redactor.text(text) == (kept or text)


def test_personal_data_can_be_kept():
    with recording(personal=False) as recorded, span("s") as s:
        s.record_output(["bob@example.com", "ghp_" + "a1" * 18])
    assert recorded.one("s").output == ["bob@example.com", "[redacted github]"]


@pytest.mark.parametrize(
    ("setting", "variable", "argument", "kept"),
    [
        ("false", None, None, "bob@example.com"),
        ("true", None, None, "[redacted email]"),
        ("false", "true", None, "[redacted email]"),
        ("true", "false", None, "bob@example.com"),
        ("true", "true", False, "bob@example.com"),
    ],
)
def test_so_can_the_settings_say(tmp_path, monkeypatch, setting, variable, argument, kept):
    (tmp_path / "slipway.toml").write_text(f"[capture]\npersonal = {setting}\n")
    if variable:
        monkeypatch.setenv("SLIPWAY_REDACT_PERSONAL", variable)
    records = []
    init(sink=records.extend, personal=argument, environment=False, instrument=False)
    with span("s") as s:
        s.record_output("bob@example.com")
    flush(60)
    shutdown()
    assert [record.output for record in records] == [kept]


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "API_KEY",
        "x-api-key",
        "Authorization",
        "db_password",
        "openai_api_key",
        "secret",
        "http.token",
        "HF_TOKEN",
    ],
)
def test_by_name(name):
    assert sensitive(name)
    with recording() as recorded, span("s") as s:
        s.set({name: "plain words"})
        s.record_input({"headers": {name: ["plain", "words"]}})
    assert "plain" not in repr(recorded.sink.records)


@pytest.mark.parametrize(
    "name", ["max_tokens", "tokens", "location", "key", "secretary", "token_count", "author", "eos_token"]
)
def test_other_names_stay(name):
    assert not sensitive(name)


def test_hooks_run_on_every_text_and_a_broken_one_withholds_it():
    def hook(text):
        if "boom" in text:
            raise ValueError
        return text.replace("Alice", "[name]")

    with recording(redactors=[hook]) as recorded, span("Alice", who="Alice") as s:
        s.record_output(["to Alice", "boom"])
    kept = recorded.one("[name]")
    assert kept.attributes == {"who": "[name]"}
    assert kept.output == ["to [name]", "[redacted: a redactor failed]"]


def test_redaction_can_be_switched_off():
    with recording(capture=Capture(redact=False)) as recorded, span("s", password="open") as s:
        s.record_output(KEYS["github"])
    assert recorded.one("s").attributes == {"password": "open"}
    assert recorded.one("s").output == KEYS["github"]


def test_presidio_is_an_extra_with_a_clear_message():
    try:
        import presidio_analyzer  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtra, match=r"pip install 'slipway\[privacy\]'"):
            Redactor(presidio=True)
        with pytest.raises(MissingExtra, match="presidio-analyzer"):  # not later, span by span
            init(config=Config(capture=Capture(presidio=True)), sink=print, environment=False)
        assert slot.tracer is None
    else:
        text = Redactor(presidio=True).text("My SSN is 536-90-4399, and the address 10.0.0.1")
        assert text == "My SSN is [redacted us_ssn], and the address [redacted ip_address]"


def test_ordinary_text_comes_back_as_it_is(redactor):
    value = {"messages": [{"role": "user", "content": "What is the weather in Boston, at 7:30 pm?"}], "n": 3}
    assert redactor.value(value) is value


@pytest.mark.parametrize("name", KEYS)
def test_no_key_slips_past_the_gate(name):
    """The rows run only where the gate matches, and the gate of long words no longer helps it."""
    assert re2.search(patterns.gate(secrets=True, personal=False), KEYS[name])


@pytest.mark.parametrize("scheme", ["Basic", "token", "Bearer"])
@pytest.mark.parametrize("begin", ["a-", "_.", "~+", "/-"])
def test_a_credential_that_begins_oddly(scheme, begin, redactor):
    assert redactor.text(f"{scheme} {begin}{'k3' * 8}") == f"{scheme} [redacted bearer]"


@pytest.mark.parametrize(
    "text",
    ["a" * 1_000, "-" * 100, "id 123e4567-e89b-12d3-a456-426614174000", "9f86d081884c7d659a2feaa0c55ad015" * 2],
)
def test_long_words_that_hide_nothing_stay(text, redactor):
    assert redactor.value({"text": text}) == {"text": text}
