"""Programs that know nothing of tracing but ``slipway.init()``, with the instrumentors and SDKs as they are published.

Each program is a process of its own that talks to a server on the loopback and writes the store of its folder, which is then
read. What a slow machine left in the spool when the process ended is shipped first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from fake_openai import FakeOpenAI
from slipway.data import Span
from slipway.store import open_store
from slipway.track import ship_folder

SRC = Path(__file__).parents[2] / "src"
SITE = Path(sysconfig.get_path("purelib"))

PRICES = """
[prices]
"m1-0001" = [1.0, 2.0]
"claude-x" = [3.0, 15.0]
"e1" = [0.5, 0.0]
"""

OPENAI = """
import slipway
slipway.init()
import openai
client = openai.OpenAI(base_url=URL, api_key="k", max_retries=0)
ask = dict(model="m1", messages=[{"role": "user", "content": "what is a slipway"}])
client.chat.completions.create(**ask)
"""

ANTHROPIC = """
import slipway
slipway.init()
import anthropic
client = anthropic.Anthropic(base_url=ROOT, api_key="k", max_retries=0)
ask = dict(model="claude-x", max_tokens=9, messages=[{"role": "user", "content": "what is a slipway"}])
client.messages.create(**ask)
"""

LANGCHAIN_OPENAI = """
import slipway
slipway.init()
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
model = ChatOpenAI(model="m1", base_url=URL, api_key="k", max_retries=0)
with slipway.span("answer"):
    (ChatPromptTemplate.from_messages([("user", "what is {thing}")]) | model).invoke({"thing": "a slipway"})
"""

LANGCHAIN_ALONE = """
import slipway
slipway.init()
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
usage = {"input_tokens": 4, "output_tokens": 5, "total_tokens": 9}
said = AIMessage("a ramp for ships", usage_metadata=usage)
class Harbour(GenericFakeChatModel):
    model_name: str = "m1-0001"
Harbour(messages=iter([said])).invoke("what is a slipway")
"""


def packages(folder: Path, *left_out: str) -> str:
    """A folder with every installed package but those whose names begin so: what another virtual environment would hold.
    Of OpenAI's instrumentors in OpenTelemetry's namespace it has one, OpenTelemetry's own, and not Traceloop's."""
    folder.mkdir()
    left_out = (*left_out, "opentelemetry_instrumentation_openai-")
    for path in SITE.iterdir():
        if not path.name.startswith(left_out) and not path.name.endswith(".pth"):
            (folder / path.name).symlink_to(path)
    return str(folder)


def recorded(program: str, server: FakeOpenAI, *, site: str | None = None, **environ: str) -> list[Span]:
    """The spans that ``program`` left in the store of the working directory."""
    code = f"URL, ROOT = {server.url!r}, {server.root!r}\n{program}"
    paths = os.pathsep.join([str(SRC), site or str(SITE)])
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],  # -S: only the packages that are named here
        env={**os.environ, "PYTHONPATH": paths, **environ},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    store = open_store(f"sqlite:///{Path.cwd() / '.slipway' / 'slipway.db'}")
    try:
        ship_folder(Path(".slipway/spool"), store.write)
        found = list(store.find(Span))
        drops = dict(store.health().drops)
        drops.pop("environment: not captured or stored", None)  # the program may have ended before that was done
        assert not drops, done.stderr
    finally:
        store.close()
    return sorted(found, key=lambda span: (span.started_ns, span.sequence))


def facts(span: Span) -> tuple[object, ...]:
    names = ("model", "tokens.input", "tokens.output", "cost_usd")
    return tuple(span.attributes.get(f"slipway.{name}") for name in names)


@pytest.fixture(autouse=True)
def prices() -> None:
    Path("slipway.toml").write_text(PRICES)


@pytest.fixture
def server():
    with FakeOpenAI() as running:
        yield running


def test_anthropic(server):
    stream = """
with client.messages.stream(**ask) as events: assert events.get_final_text() == "a ramp for ships"
"""
    spans = recorded(ANTHROPIC + stream, server)
    assert [span.kind for span in spans] == ["llm", "llm"]  # the SDK's own spans of the same calls are left out
    for span in spans:
        assert facts(span) == ("claude-x-0001", 4, 4, (4 * 3 + 4 * 15) / 1e6)
        assert span.input["messages"] == [{"role": "user", "content": "what is a slipway"}]
        assert "a ramp for ships" in str(span.output)
        assert span.scope == "openinference.instrumentation.anthropic"


def test_anthropic_without_an_instrumentor_is_recorded_by_its_own_spans(server, tmp_path):
    site = packages(tmp_path / "site", "openinference")
    (span,) = recorded(ANTHROPIC, server, site=site)
    assert facts(span) == ("claude-x-0001", 4, 4, (4 * 3 + 4 * 15) / 1e6)
    assert span.scope == "com.anthropic.sdk.python"
    assert "what is a slipway" in str(span.input)
    assert "a ramp for ships" in str(span.output)


def test_openai_v2_of_opentelemetry(server, tmp_path):
    site = packages(tmp_path / "site", "openinference")
    more = """
for part in client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **ask): pass
client.embeddings.create(model="e1", input=["a ramp", "a ship"])
"""
    *chats, embedding = recorded(OPENAI + more, server, site=site)
    assert len(chats) == 2
    for span in chats:
        assert facts(span) == ("m1-0001", 4, 4, (4 * 1 + 4 * 2) / 1e6)
        assert span.kind == "llm"
        assert span.input[0]["parts"] == [{"content": "what is a slipway", "type": "text"}]
        assert "a ramp for ships" in str(span.output)
    assert (embedding.kind, *facts(embedding)) == ("embedding", "e1", 2, None, 2 * 0.5 / 1e6)


def test_two_instrumentors_of_one_sdk_record_a_call_once(server):
    (span,) = recorded(OPENAI, server)  # both are installed here
    assert span.scope == "openinference.instrumentation.openai"
    assert facts(span) == ("m1-0001", 4, 4, (4 * 1 + 4 * 2) / 1e6)


def test_so_it_is_when_the_application_switches_on_the_other_itself(server):
    before = "from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor\n"
    traceloop = before.replace("_v2", "")
    for start in (
        OPENAI.replace("client.chat", traceloop + "OpenAIInstrumentor().instrument()\nclient.chat"),
        before + "import slipway, openai\nOpenAIInstrumentor().instrument()\n" + OPENAI,
        OPENAI.replace("client.chat", before + "OpenAIInstrumentor().instrument()\nclient.chat"),
    ):
        spans = recorded(start, server)
        assert len(spans) == 1, [span.scope for span in spans]
        assert facts(spans[0])[:3] == ("m1-0001", 4, 4)
        shutil.rmtree(".slipway")  # all of it: what lies beside the database knows of a log


def test_one_that_does_not_load_is_passed_over_for_the_next(server, tmp_path):
    site = packages(tmp_path / "site", "openinference")
    broken = next(SITE.glob("openinference_instrumentation_openai-*.dist-info"))
    (tmp_path / "site" / broken.name).symlink_to(broken)
    code = OPENAI + "\nslipway.flush()\nfrom slipway.track.slot import slot; print(slot.tracer.recorder.drops.totals())"
    with pytest.raises(AssertionError, match="does not work here: No module named 'openinference'"):
        recorded(code, server, site=site)  # the one drop there is tells of it
    store = open_store(f"sqlite:///{Path.cwd() / '.slipway' / 'slipway.db'}")
    (span,) = store.find(Span)
    assert store.health().drops == {"instrumentor: failed": 1}
    store.close()
    assert facts(span)[:3] == ("m1-0001", 4, 4)
    assert span.scope == "opentelemetry.util.genai.handler"


def test_langchain(server):
    (span,) = recorded(LANGCHAIN_ALONE, server)
    assert (span.kind, span.scope) == ("llm", "openinference.instrumentation.langchain")
    assert facts(span) == ("m1-0001", 4, 5, (4 * 1 + 5 * 2) / 1e6)
    assert "what is a slipway" in str(span.input)
    assert "a ramp for ships" in str(span.output)


def test_langchain_over_an_sdk_counts_a_call_once(server):
    spans = {span.name: span for span in recorded(LANGCHAIN_OPENAI, server)}
    assert set(spans) == {"answer", "RunnableSequence", "ChatPromptTemplate", "ChatOpenAI", "ChatCompletion"}
    assert {span.trace_id for span in spans.values()} == {spans["answer"].trace_id}
    assert facts(spans["ChatCompletion"]) == ("m1-0001", 4, 4, (4 * 1 + 4 * 2) / 1e6)
    assert facts(spans["ChatOpenAI"]) == ("m1-0001", None, None, None)
    assert spans["ChatOpenAI"].attributes["slipway.counted_on"] == "openai"
    assert spans["ChatOpenAI"].parent_id == spans["RunnableSequence"].span_id
    assert "what is a slipway" in str(spans["ChatOpenAI"].input)


def test_what_is_not_to_be_kept_is_not_kept(server, tmp_path):
    hide = {"SLIPWAY_CAPTURE_INPUTS": "false", "SLIPWAY_CAPTURE_OUTPUTS": "false"}
    recorded(ANTHROPIC, server, **hide)
    spans = recorded(OPENAI, server, site=packages(tmp_path / "site", "openinference"), **hide)
    assert [facts(span)[0] for span in spans] == ["claude-x-0001", "m1-0001"]
    assert "what is a slipway" not in str(spans)
    assert "a ramp" not in str(spans)


def test_another_exporter_of_the_application_gets_no_messages_through_us(server, tmp_path):
    own = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
"""
    (span,) = recorded(own + OPENAI, server, site=packages(tmp_path / "site", "openinference"))
    assert facts(span)[:3] == ("m1-0001", 4, 4)
    assert "what is a slipway" not in str(span)
