"""Headers of GGUF files: what ours says, and what a hostile one may not do."""

from __future__ import annotations

import struct

import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader
from hypothesis import given
from hypothesis import strategies as st

from models.tiny_gguf import TEMPLATE, write_chain, write_lora, write_random
from slipway.errors import DataError
from slipway.models.ggufile import TYPES, Listed, read_gguf


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_random(tmp_path_factory.mktemp("gguf") / "m.gguf", template=TEMPLATE)


def test_it_says_what_the_file_says(path, tmp_path):
    header, theirs = read_gguf(path), GGUFReader(path)
    assert (header.architecture, header.context, header.template) == ("llama", 2048, TEMPLATE)
    assert header.tensors == len(theirs.tensors)
    assert header.parameters == sum(int(tensor.n_elements) for tensor in theirs.tensors)
    assert header.metadata["tokenizer.ggml.tokens"] == Listed(
        309, ("<unk>", "<s>", "</s>", *[f"<0x0{n}>" for n in range(5)])
    )
    assert not header.is_adapter
    assert read_gguf(write_lora(tmp_path / "a.gguf")).is_adapter
    assert read_gguf(write_chain(tmp_path / "c.gguf", {"a": "b"})).template == ""


def test_the_sizes_of_types_are_those_of_the_format():
    known = {kind.value: (kind.name, *GGML_QUANT_SIZES[kind]) for kind in GGMLQuantizationType}
    assert {number: known[number] for number in TYPES} == dict(TYPES)


def test_a_file_cut_anywhere_is_no_model(path, tmp_path):
    whole = path.read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in [0, 3, 4, 10, 23, 24, 30, 100, 1_000, 5_000, 10_000, len(whole) // 2, len(whole) - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"cut short|no GGUF file"):
            read_gguf(cut)
    with pytest.raises(DataError, match="cannot be read"):
        read_gguf(tmp_path / "none.gguf")
    with pytest.raises(DataError, match="cannot be read"):
        read_gguf(tmp_path)


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def head(tensors: int = 0, keys: int = 1, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


HUGE = 2**63 + 5
HOSTILE = {
    "keys without end": head(keys=HUGE),
    "tensors without end": head(tensors=HUGE, keys=0),
    "a version of tomorrow": head(version=9),
    "a text of exabytes": head() + text(b"k") + struct.pack("<IQ", 8, HUGE),
    "a text longer than the file": head() + text(b"k") + struct.pack("<IQ", 8, 1_000_000) + b"x",
    "a key of exabytes": head() + struct.pack("<Q", HUGE),
    "an array of exabytes": head() + text(b"k") + struct.pack("<IIQ", 9, 0, HUGE),
    "texts without end": head() + text(b"k") + struct.pack("<IIQ", 9, 8, 3_000_000),
    "arrays in arrays in arrays": head() + text(b"k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 50,
    "a type that is none": head() + text(b"k") + struct.pack("<I", 99),
    "an alignment of 3": head() + text(b"general.alignment") + struct.pack("<II", 4, 3),
    "an alignment of 0": head() + text(b"general.alignment") + struct.pack("<II", 4, 0),
    "a tensor of 99 dimensions": head(1, 0) + text(b"t") + struct.pack("<I", 99),
    "a tensor beyond the end": head(1, 0) + text(b"t") + struct.pack("<IQIQ", 1, 2**40, 0, 0) + b"\0" * 99,
    "a tensor that begins beyond": head(1, 0) + text(b"t") + struct.pack("<IQIQ", 1, 1, 77, 2**62) + b"\0" * 99,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_header_is_refused(tmp_path, what):
    path = tmp_path / "x.gguf"
    path.write_bytes(HOSTILE[what])
    with pytest.raises(DataError):
        read_gguf(path)


@given(st.data())
def test_a_damaged_header_is_read_or_refused_and_nothing_else(path, tmp_path_factory, data):
    whole = bytearray(path.read_bytes()[:12_000])
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = tmp_path_factory.getbasetemp() / "damaged.gguf"
    damaged.write_bytes(whole)
    try:
        assert read_gguf(damaged).size == len(whole)
    except DataError:
        return
