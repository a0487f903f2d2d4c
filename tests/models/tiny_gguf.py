"""Tiny GGUF models for the tests, made in less than a second: real files, real inference, known answers.

`write_random` has random weights: its answers mean nothing and depend on every token before. `write_chain` says after each
token the one that its table names. `write_lora` adapts either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from gguf import GGUFWriter

LAYERS = 2
HEADS = 4
WIDTH = 64
LETTERS = "▁abcdefghijklmnopqrstuvwxyz0123456789{}[]\":,.()'_-"
SPECIAL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{number:02X}>" for number in range(256)]
TEMPLATE = """{%- if tools %}<|im_start|>system
Functions: <tools>{% for tool in tools %}
{{ tool | tojson }}{% endfor %}
</tools> Answer with <tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% endif %}{%- for message in messages %}{%- if message.role == "assistant" and message.tool_calls %}<|im_start|>assistant
{{ message.content }}{%- for tool_call in message.tool_calls %}
<tool_call>
{"name": "{{ tool_call.function.name }}", "arguments": {{ tool_call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% else %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endif %}{%- endfor %}{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def write_random(path: Path, *, seed: int = 0, template: str = "", context: int = 2048) -> Path:
    """A model whose every weight is drawn with ``seed``."""
    vocabulary = [*SPECIAL, *BYTES, *LETTERS]
    drawn = np.random.default_rng(seed)

    def weights(rows: int, columns: int) -> np.ndarray:
        return (drawn.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    size = len(vocabulary)
    return _write(path, vocabulary, weights(size, WIDTH), weights(size, WIDTH), weights, template, context)


def write_chain(path: Path, chain: Mapping[str, str], *, template: str = "") -> Path:
    """A model that says ``chain[token]`` after ``token``; what it says after others means nothing. ``</s>`` ends. Keys and
    values that are no letter are words that are always read whole."""
    words = [word for word in dict.fromkeys([*chain, *chain.values()]) if word not in {*SPECIAL, *BYTES, *LETTERS}]
    vocabulary = [*SPECIAL, *BYTES, *LETTERS, *words]
    number = {token: at for at, token in enumerate(vocabulary)}
    embedding = np.random.default_rng(0).standard_normal((len(vocabulary), WIDTH)).astype(np.float32)
    output = np.zeros_like(embedding)
    for token, following in chain.items():  # nearly at right angles to all others, so that only this one is recognized
        output[number[following]] += embedding[number[token]]

    def nothing(rows: int, columns: int) -> np.ndarray:
        return np.zeros((rows, columns), np.float32)

    return _write(path, vocabulary, embedding, output, nothing, template, 2048)


def write_lora(path: Path, *, seed: int = 1, rank: int = 4, strength: float = 1.0) -> Path:
    """An adapter for `write_random` that changes what attention reads and keeps, drawn with ``seed``."""
    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    drawn = np.random.default_rng(seed)
    for layer in range(LAYERS):
        for part in ("attn_k", "attn_v", "attn_output"):
            name = f"blk.{layer}.{part}.weight"
            down = drawn.standard_normal((rank, WIDTH)) * strength / np.sqrt(WIDTH)
            writer.add_tensor(f"{name}.lora_a", down.astype(np.float32))
            writer.add_tensor(f"{name}.lora_b", drawn.standard_normal((WIDTH, rank)).astype(np.float32))
    return _end(writer, path)


def _write(
    path: Path,
    vocabulary: Sequence[str],
    embedding: np.ndarray,
    output: np.ndarray,
    weights,
    template: str,
    context: int,
) -> Path:
    width = embedding.shape[1]
    inner = 2 * WIDTH
    writer = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // HEADS)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(vocabulary))
    letters = len(SPECIAL) + len(BYTES) + len(LETTERS)
    writer.add_token_scores([0.0] * len(vocabulary))
    # 2: unknown, 3: control, 6: a byte, 1: an ordinary piece, 4: a word that is always taken whole
    writer.add_token_types([2, 3, 3, *[6] * 256, *[1] * len(LETTERS), *[4] * (len(vocabulary) - letters)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(False)
    if template:
        writer.add_chat_template(template)
    writer.add_tensor("token_embd.weight", embedding)
    for layer in range(LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"blk.{layer}.{part}.weight", weights(width, width))
        for part, shape in {"ffn_gate": (inner, width), "ffn_up": (inner, width), "ffn_down": (width, inner)}.items():
            writer.add_tensor(f"blk.{layer}.{part}.weight", weights(*shape))
        for part in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{part}.weight", np.ones(width, np.float32))
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    writer.add_tensor("output.weight", output)
    return _end(writer, path)


def _end(writer: GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
