"""Piper's voices: a file that a person names, through piper's own loader. The voice here hums one tone for each sound."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from slipway.errors import ConfigError
from slipway_assistant.settings import Settings
from slipway_assistant.voice import open_voice
from slipway_assistant.voice.piper import Piper


@pytest.fixture(scope="module")
def humming(tmp_path_factory):
    """A voice of piper's form: phoneme ids in, 256 samples out for each."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    ramp = numpy_helper.from_array((np.arange(256, dtype=np.float32) / 40).reshape(1, 1, 256), "ramp")
    axis = numpy_helper.from_array(np.array([2], dtype=np.int64), "axis")
    flat = numpy_helper.from_array(np.array([1, 1, -1], dtype=np.int64), "flat")
    nodes = [
        helper.make_node("Cast", ["input"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["ids", "axis"], ["column"]),
        helper.make_node("Mul", ["column", "ramp"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["wave"]),
        helper.make_node("Reshape", ["wave", "flat"], ["output"]),
    ]
    takes = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    gives = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "samples"])]
    graph = helper.make_graph(nodes, "hum", takes, gives, [ramp, axis, flat])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    path = tmp_path_factory.mktemp("voice") / "hum.onnx"
    save(model, path)
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

    config = {
        "audio": {"sample_rate": 16_000},
        "espeak": {"voice": "en-us"},
        "num_symbols": 256,
        "num_speakers": 1,
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
    }
    path.with_suffix(".onnx.json").write_text(json.dumps(config))
    return path


def test_a_voice_file_speaks_its_language_and_espeak_the_others(humming):
    voice = open_voice(Settings(voices={"en": str(humming)}))
    assert voice.name == "piper:hum+espeak-ng"
    said = list(voice.say("It is seven. It rains.", "en"))
    assert [(audio.text, audio.rate) for audio in said] == [("It is seven.", 16_000), ("It rains.", 16_000)]
    assert all(len(audio.pcm) > 2_000 and len(audio.pcm) % 256 == 0 for audio in said)
    assert np.abs(said[0].pcm).max() > 10_000
    assert next(voice.say("Il pleut.", "fr")).rate == 22_050


def test_it_stops(humming):
    voice = open_voice(Settings(voices={"en": str(humming)}))
    saying = voice.say("One. Two. Three.", "en")
    next(saying)
    voice.stop()
    assert list(saying) == []
    assert len(list(voice.say("One. Two.", "en"))) == 2


def test_a_missing_or_foreign_file_is_named(humming, tmp_path):
    with pytest.raises(ConfigError, match=r"no piper voice .*nobody\.onnx.*assistant\.voices"):
        Piper(tmp_path / "nobody.onnx")
    (tmp_path / "alone.onnx").write_bytes(humming.read_bytes())
    with pytest.raises(ConfigError, match=r"alone\.onnx\.json"):
        Piper(tmp_path / "alone.onnx")
    (tmp_path / "alone.onnx.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"is no piper voice.*fetch it again"):
        Piper(tmp_path / "alone.onnx")


def test_without_piper_the_error_says_how_to_get_it_and_its_licence(humming):
    code = (
        "import sys\nsys.modules['piper'] = None\n"
        "from slipway_assistant.voice.piper import Piper\n"
        f"try: Piper({str(humming)!r})\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280)
    assert "GPL-3" in done.stdout, done.stderr
    assert "pip install 'slipway[piper]'" in done.stdout
