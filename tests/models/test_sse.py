"""T34: server-sent events, however they are cut."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import ModelError
from slipway.models.sse import EventReader
from slipway.models.wire import Gathering


def read(*packets, **options):
    reader = EventReader(**options)
    return [data for packet in packets for data in reader.feed(packet)]


@pytest.mark.parametrize(
    ("packets", "events"),
    [
        ([b"data: a\n\n"], ["a"]),
        ([b"data: a\r\n\r\ndata: b\r\n\r\n"], ["a", "b"]),
        ([b"data: a\r\rdata: b\r\r"], ["a", "b"]),
        ([b"data: a\r", b"\n\r", b"\ndata: b\r\n\r\n"], ["a", "b"]),
        ([b"data:a\n\ndata: b\n\n"], ["a", "b"]),
        ([b": comment\nevent: x\nid: 3\nretry: 5\ndata: a\n\n"], ["a"]),
        ([b"data: a\ndata: b\n\n"], ["a\nb"]),
        ([b"\xef\xbb\xbfdata: a\n\n"], ["a"]),
        (["data: é".encode()[:7], "data: é".encode()[7:] + b"\n\n"], ["é"]),
        ([b"data: a\n"], []),
        ([b"\n\n\n"], []),
        ([b"data\n\n"], [""]),
        ([b""], []),
    ],
)
def test_t34_events(packets, events):
    assert read(*packets) == events


texts = st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1), max_size=5)


@given(texts, st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_t34_the_cut_does_not_matter(said, end, data):
    stream = "".join(f"data: {text}{end}: c{end}{end}" for text in said).encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=20)))
    packets = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(*packets) == read(stream) == said
    assert read(*(stream[n : n + 1] for n in range(len(stream)))) == said


def test_t34_a_line_of_ten_megabytes_is_read_and_a_longer_one_refused():
    assert len(read(b"data: " + b"x" * 10_000_000 + b"\n\n")[0]) == 10_000_000
    with pytest.raises(ModelError, match="more than 100 bytes"):
        read(b"data: " + b"x" * 60, b"x" * 60, longest=100)


@given(st.binary(max_size=300))
def test_random_bytes_are_events_or_an_error(stream):
    gathering = Gathering("m", {})
    events: list[str] = []
    with contextlib.suppress(ModelError):  # any other error would fail the test
        events = list(read(stream))
        for event in events:
            gathering.add(event)
    assert all(isinstance(event, str) for event in events)
