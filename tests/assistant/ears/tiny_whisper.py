"""A Whisper small enough to be made by a test, which says one fixed sentence for each language.

It is a real model of faster-whisper's real form: CTranslate2 loads it, computes features and runs its encoder and decoder. Its
weights are set by hand instead of learned. The position says which word comes, the language token (seen through self-attention)
in which language, and the position of the first prompt token says which language is detected.
"""

from __future__ import annotations

import re
from pathlib import Path

import ctranslate2
import numpy as np
import tokenizers
from ctranslate2.specs import whisper_spec

SENTENCES = {"en": "turn on the light", "fr": "quelle heure est il", "ja": "電気、つけて。"}
VOCABULARY = 1_024
WIDE = 32
AUDIO_FRAMES, TEXT_POSITIONS = 1_500, 448
PROMPT = 4  # <|startoftranscript|> <|fr|> <|transcribe|> <|notimestamps|>


def make(folder: Path, *, detects: str = "fr") -> Path:
    """Write the model into `folder`; without a language it takes everything for `detects`."""
    tokenizer = _tokenizer()
    _add_marks(tokenizer)
    known: dict[str, int] = tokenizer.get_vocab()
    names = {number: name for name, number in known.items()}
    # By its empty token CTranslate2 tells a multilingual vocabulary from an English one.
    vocabulary = [names.get(number, f"<|unused{number}|>") for number in range(VOCABULARY - 1)] + [""]
    spec = _spec(tokenizer, known, detects)
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.lang_ids = [known[f"<|{lang}|>"] for lang in SENTENCES]
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _tokenizer() -> tokenizers.Tokenizer:
    """Bytes, merged to whole words: the space alone is among the tokens that Whisper never says."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=1_000, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator([f" {sentence}" for sentence in SENTENCES.values()] * 3 + [" -", " '"], trainer)
    return made


def _add_marks(tokenizer: tokenizers.Tokenizer) -> None:
    marks = ["endoftext", "startoftranscript", *SENTENCES, "translate", "transcribe", "startoflm", "startofprev"]
    tokenizer.add_special_tokens([f"<|{mark}|>" for mark in (*marks, "nospeech", "notimestamps")])


def _spec(tokenizer: tokenizers.Tokenizer, known: dict[str, int], detects: str) -> whisper_spec.WhisperSpec:
    said = {lang: tokenizer.encode(f" {sentence}").ids for lang, sentence in SENTENCES.items()}
    end = known["<|endoftext|>"]
    tokens = [end, *(known[f"<|{lang}|>"] for lang in SENTENCES), *(t for ids in said.values() for t in ids)]
    direction = {token: at for at, token in enumerate(dict.fromkeys(tokens))}
    assert len(direction) < WIDE
    embeddings = np.zeros((VOCABULARY, WIDE), np.float32)
    for token, at in direction.items():
        embeddings[token, at] = 1.0
    positions = np.zeros((TEXT_POSITIONS, WIDE), np.float32)
    # A language is said in another direction than it is read in: what is detected must not be taken for what was asked.
    projection = 8 * embeddings
    projection[known[f"<|{detects}|>"]] = 8 * np.eye(WIDE, dtype=np.float32)[-1]
    positions[0, -1] = 10.0
    for ids in said.values():
        for step, token in enumerate(ids):
            positions[PROMPT - 1 + step, direction[token]] = 10.0
    values = np.zeros((WIDE, WIDE), np.float32)
    for lang, ids in said.items():
        source = direction[known[f"<|{lang}|>"]]
        for token in ids:
            values[direction[token], source] = 20.0
    # All sentences have as many tokens, so that one position ends them all.
    (words,) = {len(ids) for ids in said.values()}
    positions[PROMPT - 1 + words :, direction[end]] = 40.0
    return _filled(embeddings, positions, values, projection)


def _filled(
    embeddings: np.ndarray, positions: np.ndarray, values: np.ndarray, projection: np.ndarray
) -> whisper_spec.WhisperSpec:
    spec = whisper_spec.WhisperSpec(1, 2, 1, 2)
    for path, layer in _layers(spec):
        for name, value in vars(layer).items():
            if value is None:
                setattr(layer, name, _weights(path, name))
    spec.encoder.position_encodings.encodings = np.zeros((AUDIO_FRAMES, WIDE), np.float32)
    spec.decoder.position_encodings.encodings = positions
    spec.decoder.embeddings.weight = embeddings
    spec.decoder.projection.weight = projection
    spec.decoder.layer[0].self_attention.linear[0].weight[2 * WIDE :] = values
    spec.decoder.layer[0].self_attention.linear[1].weight = np.eye(WIDE, dtype=np.float32)
    return spec


def _layers(spec: object, path: str = "") -> list[tuple[str, object]]:
    found = []
    for name, value in vars(spec).items():
        for at, inner in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(inner, ctranslate2.specs.model_spec.LayerSpec):
                here = f"{path}.{name}{at if isinstance(value, list) else ''}"
                found += [(here, inner), *_layers(inner, here)]
    return found


def _weights(path: str, name: str) -> np.ndarray:
    """Zeros of the right shape; a layer's norm passes on what it gets."""
    if name in {"gamma", "beta"}:
        return np.full(WIDE, float(name == "gamma"), np.float32)
    if "conv" in path:
        return np.zeros((WIDE, 80 if path.endswith("conv1") else WIDE, 3), np.float32)
    if re.search(r"self_attention\.linear0$", path):
        return np.zeros((3 * WIDE, WIDE), np.float32)
    if re.search(r"\.attention\.linear1$", path):
        return np.zeros((2 * WIDE, WIDE), np.float32)
    if "ffn" in path:
        return np.zeros((4 * WIDE, WIDE) if path.endswith("linear_0") else (WIDE, 4 * WIDE), np.float32)
    return np.zeros((WIDE, WIDE), np.float32)
