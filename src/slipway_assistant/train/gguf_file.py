"""A small model and its LoRA as GGUF files, which llama.cpp loads: names and metadata as its llama architecture wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from slipway_assistant.train.small_lm import EPSILON, LINEARS, Lora, Size, SmallLM

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
NAMES = {
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "o": "attn_output",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


def write_model(model: SmallLM, tokenizer: Tokenizer, path: Path, *, name: str, about: str) -> None:
    """The whole model: matrices as Q8_0, the rest as float32."""
    out = gguf.GGUFWriter(str(path), "llama")
    size = model.size
    out.add_name(name)
    out.add_description(about)
    out.add_license("Apache-2.0")
    out.add_context_length(2048)
    out.add_embedding_length(size.width)
    out.add_block_count(size.layers)
    out.add_feed_forward_length(size.inner)
    out.add_head_count(size.heads)
    out.add_head_count_kv(size.heads)
    out.add_layer_norm_rms_eps(EPSILON)
    out.add_rope_dimension_count(size.width // size.heads)
    out.add_rope_freq_base(10_000.0)
    out.add_vocab_size(size.vocabulary)
    out.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    _write_vocabulary(out, tokenizer, size.vocabulary)
    _matrix(out, "token_embd.weight", model.embedding.weight)
    out.add_tensor("output_norm.weight", _plain(model.last.weight))
    for number, block in enumerate(model.blocks):
        out.add_tensor(f"blk.{number}.attn_norm.weight", _plain(block.before_attention.weight))
        out.add_tensor(f"blk.{number}.ffn_norm.weight", _plain(block.before_feeding.weight))
        for ours in LINEARS:
            linear = getattr(block, ours)
            base = linear.base if isinstance(linear, Lora) else linear
            _matrix(out, f"blk.{number}.{NAMES[ours]}.weight", base.weight)
    _close(out)


def write_lora(model: SmallLM, path: Path, *, name: str) -> None:
    """The adapter alone."""
    out = gguf.GGUFWriter(str(path), "llama")
    out.add_type(gguf.GGUFType.ADAPTER)
    out.add_string("adapter.type", "lora")
    out.add_name(name)
    out.add_float32("adapter.lora.alpha", float(model.blocks[0].q.alpha))
    for number, block in enumerate(model.blocks):
        for ours in LINEARS:
            lora = getattr(block, ours)
            out.add_tensor(f"blk.{number}.{NAMES[ours]}.weight.lora_a", _plain(lora.down).astype(np.float16))
            out.add_tensor(f"blk.{number}.{NAMES[ours]}.weight.lora_b", _plain(lora.up).astype(np.float16))
    _close(out)


def read_model(path: Path) -> SmallLM:
    """The model that `write_model` wrote, as exact as 8 bits are: to train an adapter for the very weights that are shipped."""
    found = gguf.GGUFReader(str(path))
    tensors = {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in found.tensors}

    def number(key: str) -> int:
        return int(found.fields[f"llama.{key}"].contents())

    model = SmallLM(
        Size(
            number("vocab_size"),
            number("embedding_length"),
            number("block_count"),
            number("attention.head_count"),
            number("feed_forward_length"),
        )
    )
    with torch.no_grad():
        _set(model.embedding.weight, tensors["token_embd.weight"])
        _set(model.last.weight, tensors["output_norm.weight"])
        for at, block in enumerate(model.blocks):
            _set(block.before_attention.weight, tensors[f"blk.{at}.attn_norm.weight"])
            _set(block.before_feeding.weight, tensors[f"blk.{at}.ffn_norm.weight"])
            for ours in LINEARS:
                _set(getattr(block, ours).weight, tensors[f"blk.{at}.{NAMES[ours]}.weight"])
    return model


def _set(weights: Tensor, values: Any) -> None:
    weights.copy_(torch.from_numpy(np.array(values, dtype=np.float32)).view_as(weights))


def _write_vocabulary(out: Any, tokenizer: Tokenizer, size: int) -> None:
    import json

    kept = json.loads(tokenizer.to_str())
    tokens = [tokenizer.id_to_token(number) for number in range(size)]
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(tokens)
    out.add_token_types([gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens])
    out.add_token_merges([" ".join(pair) if isinstance(pair, list) else pair for pair in kept["model"]["merges"]])
    out.add_eos_token_id(tokenizer.token_to_id("<|end|>"))
    out.add_eot_token_id(tokenizer.token_to_id("<|end|>"))
    out.add_pad_token_id(tokenizer.token_to_id("<|end|>"))
    out.add_add_bos_token(False)
    out.add_chat_template(TEMPLATE)


def _matrix(out: Any, name: str, weights: Tensor) -> None:
    packed = gguf.quants.quantize(_plain(weights), gguf.GGMLQuantizationType.Q8_0)
    out.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)


def _plain(weights: Tensor) -> Any:
    return np.ascontiguousarray(weights.detach().float().numpy())


def _close(out: Any) -> None:
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
