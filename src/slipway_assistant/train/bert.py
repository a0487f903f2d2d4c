"""MiniLM's six layers (BERT: Devlin et al., 2019; MiniLM: Wang et al., 2020) with our two heads, in plain torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from slipway_assistant.neural import END, MASK, SHAPES, START, UNKNOWN, plain
from slipway_assistant.train.safetensors import read_safetensors

WIDTH, HEADS, LAYERS, PLACES = 384, 12, 6, 160
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many pieces, labels, tags, argument names and intents there are."""

    pieces: int
    labels: int
    tags: int
    names: int
    intents: int


class Layer(nn.Module):  # type: ignore[misc]
    """Attention and a feed-forward net, each with a residual and a normalisation after it."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.attended = nn.Linear(WIDTH, WIDTH)
        self.first_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.wide = nn.Linear(WIDTH, 4 * WIDTH)
        self.narrow = nn.Linear(4 * WIDTH, WIDTH)
        self.second_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.drop = nn.Dropout(dropout)
        self.dropout = dropout

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """`mask` is what is added to the attention's scores; None where nothing is padded."""
        rows, length, _ = x.shape
        parts = self.query_key_value(x).view(rows, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(
            parts[0], parts[1], parts[2], attn_mask=mask, dropout_p=self.dropout if self.training else 0.0
        )
        seen = seen.transpose(1, 2).reshape(rows, length, WIDTH)
        x = self.first_norm(x + self.drop(self.attended(seen)))
        out: torch.Tensor = self.second_norm(x + self.drop(self.narrow(functional.gelu(self.wide(x)))))
        return out


class Network(nn.Module):  # type: ignore[misc]
    """Pieces to label scores and, for each piece, tag scores."""

    def __init__(self, sizes: Sizes, name_of_tag: Sequence[int], dropout: float = 0.1) -> None:
        super().__init__()
        self.pieces = nn.Embedding(sizes.pieces, WIDTH)
        self.places = nn.Parameter(torch.zeros(PLACES, WIDTH))
        self.shapes = nn.Parameter(torch.zeros(SHAPES, WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList([Layer(dropout) for _ in range(LAYERS)])
        self.pooled = nn.Linear(2 * WIDTH, WIDTH)
        self.label = nn.Linear(WIDTH, sizes.labels)
        self.intent = nn.Linear(WIDTH, sizes.intents)
        self.tag = nn.Linear(WIDTH, sizes.tags)
        self.name = nn.Linear(WIDTH, sizes.names)  # shared by the functions that have an argument of that name
        self.register_buffer("name_of_tag", torch.tensor(list(name_of_tag)), persistent=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, pieces: torch.Tensor, shapes: torch.Tensor, real: torch.Tensor) -> Tensors:
        """`real` is true where a piece is and false where a shorter sentence is padded."""
        x = self.pieces(pieces) + self.places[: pieces.shape[1]] + self.shapes[shapes]
        x = self.drop(self.norm(x))
        mask = None if bool(real.all()) else torch.where(real, 0.0, -1e9).to(x.dtype)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        weight = real[:, :, None].to(x.dtype)
        mean = (x * weight).sum(1) / weight.sum(1)
        pooled = self.drop(torch.tanh(self.pooled(torch.cat([x[:, 0], mean], dim=1))))
        words = self.drop(x)
        tags = self.tag(words) + self.name(words)[:, :, self.name_of_tag]
        return {"labels": self.label(pooled), "intents": self.intent(pooled), "tags": tags}


def vocabulary(folder: Path, texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """The pieces that are kept and each one's row in MiniLM's table (-1: new, a character of ours that it lacks)."""
    import re

    pieces = (folder / "vocab.txt").read_text("utf-8").splitlines()
    kept = [
        i
        for i, piece in enumerate(pieces)
        if piece in {UNKNOWN, START, END, MASK, "[PAD]"}
        or (
            re.fullmatch(r"(##)?([!-~]+|[぀-ヿ一-鿿]|[£€°’“”、。？！々〜～：％])", piece)
            and not re.fullmatch(r"\[unused\d+\]", piece)
        )
    ]
    known = [pieces[i] for i in kept]
    characters = sorted({c for text in texts for c in plain(text.lower()) if not c.isspace() and not c.isascii()})
    new = [c for c in characters if c not in set(known)]
    return [*known, *new], [*kept, *[-1] * len(new)]


def from_minilm(network: Network, folder: Path, rows: Sequence[int]) -> None:
    """Fill the network with MiniLM's weights; what is new keeps its small random values."""
    weights = {name: torch.from_numpy(array) for name, array in read_safetensors(folder / "model.safetensors").items()}
    with torch.no_grad():
        table = weights["embeddings.word_embeddings.weight"]
        network.pieces.weight.normal_(0, 0.02)
        for at, row in enumerate(rows):
            if row >= 0:
                network.pieces.weight[at] = table[row]
        # One kind of sentence only: its vector joins the places.
        kind = weights["embeddings.token_type_embeddings.weight"][0]
        network.places.copy_(weights["embeddings.position_embeddings.weight"][:PLACES] + kind)
        _copy(network.norm, weights, "embeddings.LayerNorm")
        for i, layer in enumerate(network.layers):
            at_layer = f"encoder.layer.{i}"
            parts: Any = [f"{at_layer}.attention.self.{part}" for part in ("query", "key", "value")]
            layer.query_key_value.weight.copy_(torch.cat([weights[f"{part}.weight"] for part in parts]))
            layer.query_key_value.bias.copy_(torch.cat([weights[f"{part}.bias"] for part in parts]))
            _copy(layer.attended, weights, f"{at_layer}.attention.output.dense")
            _copy(layer.first_norm, weights, f"{at_layer}.attention.output.LayerNorm")
            _copy(layer.wide, weights, f"{at_layer}.intermediate.dense")
            _copy(layer.narrow, weights, f"{at_layer}.output.dense")
            _copy(layer.second_norm, weights, f"{at_layer}.output.LayerNorm")


def _copy(module: Any, weights: Tensors, name: str) -> None:
    module.weight.copy_(weights[f"{name}.weight"])
    module.bias.copy_(weights[f"{name}.bias"])
