"""A small language model of the llama kind, trained from nothing, and a LoRA on it: what the ladder's steps run on.

RMSNorm, rotary positions and SwiGLU as llama.cpp has them (Touvron et al., LLaMA, 2023), so that the weights go into a GGUF
as they are; LoRA as in Hu et al., 2021. Needs torch (`make setup-train`). Start in `train`.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5
LINEARS = ("q", "k", "v", "o", "gate", "up", "down")


@dataclass(frozen=True)
class Size:
    """How big a model is; ``vocabulary`` in tokens, ``context`` in tokens of a training document."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    inner: int
    context: int = 512


class Lora(nn.Module):  # type: ignore[misc]
    """A frozen linear map and a product of two thin ones beside it, scaled by ``alpha / rank``."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base, self.rank, self.alpha = base, rank, alpha
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / math.sqrt(base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        beside: Tensor = functional.linear(functional.linear(x, self.down), self.up)
        main: Tensor = self.base(x)
        return main + beside * (self.alpha / self.rank)


class Block(nn.Module):  # type: ignore[misc]
    """Attention and a gated feed-forward part, each added to what comes in."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        width = size.width
        self.heads = size.heads
        self.before_attention, self.before_feeding = nn.RMSNorm(width, EPSILON), nn.RMSNorm(width, EPSILON)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = nn.Linear(width, size.inner, bias=False), nn.Linear(width, size.inner, bias=False)
        self.down = nn.Linear(size.inner, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(batch, tokens, width) to the same."""
        batch, tokens, width = x.shape
        normed = self.before_attention(x)

        def heads(projected: Tensor) -> Tensor:
            return projected.view(batch, tokens, self.heads, -1).transpose(1, 2)

        q, k = rotate(heads(self.q(normed)), cos, sin), rotate(heads(self.k(normed)), cos, sin)
        seen = functional.scaled_dot_product_attention(q, k, heads(self.v(normed)), is_causal=True)
        x = x + self.o(seen.transpose(1, 2).reshape(batch, tokens, width))
        normed = self.before_feeding(x)
        return x + self.down(functional.silu(self.gate(normed)) * self.up(normed))


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn neighbouring pairs by their position (Su et al., RoFormer, 2021), in llama.cpp's order of a llama model."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class SmallLM(nn.Module):  # type: ignore[misc]
    """Tokens to the next token's logits; the embedding is used for both."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.embedding = nn.Embedding(size.vocabulary, size.width)
        self.blocks = nn.ModuleList([Block(size) for _ in range(size.layers)])
        self.last = nn.RMSNorm(size.width, EPSILON)
        nn.init.normal_(self.embedding.weight, std=0.02)
        for name, weights in self.named_parameters():
            if weights.dim() == 2 and "embedding" not in name:
                deep = math.sqrt(2 * size.layers) if name.endswith(("o.weight", "down.weight")) else 1.0
                nn.init.normal_(weights, std=0.02 / deep * math.sqrt(512 / size.width))
        half = size.width // size.heads // 2
        turns = torch.outer(torch.arange(2048).float(), 10_000.0 ** (-torch.arange(half).float() / half))
        self.register_buffer("cos", turns.cos(), persistent=False)
        self.register_buffer("sin", turns.sin(), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, tokens) to (batch, tokens, vocabulary)."""
        x = self.embedding(tokens)
        cos, sin = self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x, cos, sin)
        return functional.linear(self.last(x), self.embedding.weight)

    def adapted(self, rank: int = 16, alpha: float = 32.0) -> SmallLM:
        """Freeze the model and put a LoRA beside each of its linear maps."""
        for weights in self.parameters():
            weights.requires_grad_(False)
        for block in self.blocks:
            for name in LINEARS:
                setattr(block, name, Lora(getattr(block, name), rank, alpha))
        return self


@dataclass(frozen=True)
class Plan:
    """How long and how fast: ``minutes`` of wall clock bound the training whatever ``steps`` says."""

    steps: int
    batch: int = 8
    rate: float = 2e-3
    minutes: float = 20.0
    seed: int = 0


def train(
    model: SmallLM,
    documents: Callable[[random.Random], tuple[Sequence[int], Sequence[bool]]],
    plan: Plan,
    *,
    pad: int,
    say: Callable[[str], None] = lambda line: None,
) -> float:
    """Teach the model to continue ``documents``: tokens, and which of them count for the loss. The last mean loss."""
    torch.manual_seed(plan.seed)
    chance = random.Random(plan.seed)
    learned = [weights for weights in model.parameters() if weights.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=plan.rate, betas=(0.9, 0.95), weight_decay=0.05)
    started, loss_now, step = time.monotonic(), float("nan"), 0
    model.train()
    while step < plan.steps:
        done = max(step / plan.steps, (time.monotonic() - started) / (60 * plan.minutes))
        if done >= 1:
            break
        rate = plan.rate * min(1.0, (step + 1) / 50) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        tokens, counts = batch_of([documents(chance) for _ in range(plan.batch)], model.size.context, pad)
        logits = model(tokens[:, :-1])
        wanted = torch.where(counts[:, 1:], tokens[:, 1:], torch.full_like(tokens[:, 1:], -100))
        loss = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-100)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            loss_now = float(loss)
            say(f"step {step}: loss {loss_now:.3f}, {time.monotonic() - started:.0f} s")
    model.eval()
    return loss_now


def batch_of(rows: Sequence[tuple[Sequence[int], Sequence[bool]]], context: int, pad: int) -> tuple[Tensor, Tensor]:
    """Rows of one length, padded; (batch, tokens) of tokens and of whether they count."""
    longest = min(context, max(len(tokens) for tokens, _ in rows))

    def filled(values: Sequence[int] | Sequence[bool], blank: int) -> Iterator[int]:
        yield from list(values[:longest]) + [blank] * (longest - len(values))

    tokens = torch.tensor([list(filled(row, pad)) for row, _ in rows])
    counts = torch.tensor([list(filled(marks, 0)) for _, marks in rows], dtype=torch.bool)
    return tokens, counts
