"""The trained network as 8-bit ONNX, written node by node: no tracer, so the graph holds what is read here and nothing else.

The weights of each layer become bytes with one scale for each column; what flows through is quantised on the way, with a scale
for each sentence (dynamic quantisation). Embeddings are no part of the graph: `neural.Embeddings` looks them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from slipway_assistant.neural import Embeddings, Floats

Weights = Mapping[str, NDArray[Any]]
WIDTH, HEADS, LAYERS = 384, 12, 6
OPSET, IR = 20, 9


class Graph:
    """Nodes and constants as they are added. Each method returns the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, *inputs: str, outputs: int = 1, name: str = "", **settings: Any) -> list[str]:
        """A node of the standard."""
        found = [name if name and not i else f"{kind}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), found, **settings))
        return found

    def one(self, kind: str, *inputs: str, name: str = "", **settings: Any) -> str:
        """A node with one outcome."""
        return self.add(kind, *inputs, name=name, **settings)[0]

    def constant(self, values: NDArray[Any]) -> str:
        """An array of the graph's own."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def linear(self, x: str, weight: NDArray[Any], bias: NDArray[Any], *, name: str = "") -> str:
        """x @ weight.T + bias in 32-bit floats."""
        product = self.one("MatMul", x, self.constant(weight.T.astype(np.float32)))
        return self.one("Add", product, self.constant(bias.astype(np.float32)), name=name)

    def small_linear(self, x: str, weight: NDArray[Any], bias: NDArray[Any]) -> str:
        """x @ weight.T + bias in 8-bit integers.

        Unsigned bytes on both sides: with signed weights, processors with AVX2 alone add up in 16 bits, which overflow.
        """
        rows = weight.T.astype(np.float32)
        scales = np.maximum(np.abs(rows).max(axis=0), 1e-9) / 127
        small = (np.rint(rows / scales) + 128).clip(0, 255).astype(np.uint8)
        zero = np.array(128, dtype=np.uint8)
        quantised, scale, point = self.add("DynamicQuantizeLinear", x, outputs=3)
        product = self.one("MatMulInteger", quantised, self.constant(small), point, self.constant(zero))
        exact = self.one("Cast", product, to=TensorProto.FLOAT)
        factor = self.one("Mul", scale, self.constant(scales.astype(np.float32)))
        return self.one("Add", self.one("Mul", exact, factor), self.constant(bias.astype(np.float32)))

    def norm(self, x: str, weights: Weights, name: str) -> str:
        """Layer normalisation over the last axis."""
        scale, bias = (self.constant(weights[f"{name}.{part}"].astype(np.float32)) for part in ("weight", "bias"))
        return self.one("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-12)


def layers(weights: Weights, name_of_tag: list[int], *, eight_bits: bool = True) -> bytes:
    """The network behind the embeddings as an ONNX file: `x` (1, pieces, 384) to `labels` (1, n) and `tags` (1, pieces, n)."""
    g = Graph()
    linear = g.small_linear if eight_bits else g.linear
    x = g.norm("x", weights, "norm")
    for i in range(LAYERS):
        x = _layer(g, x, weights, f"layers.{i}", linear)
    first = g.one("Gather", x, g.constant(np.array(0)), axis=1)
    mean = g.one("ReduceMean", x, g.constant(np.array([1])), keepdims=0)
    pooled = linear(g.one("Concat", first, mean, axis=1), weights["pooled.weight"], weights["pooled.bias"])
    g.linear(g.one("Tanh", pooled), weights["label.weight"], weights["label.bias"], name="labels")
    tag = weights["tag.weight"] + weights["name.weight"][name_of_tag]
    g.linear(x, tag, weights["tag.bias"] + weights["name.bias"][name_of_tag], name="tags")
    said = helper.make_graph(
        g.nodes,
        "reader",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "pieces", WIDTH])],
        [
            helper.make_tensor_value_info("labels", TensorProto.FLOAT, [1, len(weights["label.bias"])]),
            helper.make_tensor_value_info("tags", TensorProto.FLOAT, [1, "pieces", len(weights["tag.bias"])]),
        ],
        g.constants,
    )
    model = helper.make_model(said, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written


def _layer(g: Graph, x: str, weights: Weights, name: str, linear: Any) -> str:
    def of(part: str) -> tuple[NDArray[Any], NDArray[Any]]:
        return weights[f"{name}.{part}.weight"], weights[f"{name}.{part}.bias"]

    wide, bias = (part.copy() for part in of("query_key_value"))
    # The scores' division by the root of a head's width is put into the query's own weights.
    wide[:WIDTH] /= np.sqrt(WIDTH // HEADS)
    bias[:WIDTH] /= np.sqrt(WIDTH // HEADS)
    heads = g.constant(np.array([0, 0, HEADS, WIDTH // HEADS]))
    thirds = g.constant(np.array([WIDTH] * 3))
    query, key, value = (
        g.one("Reshape", part, heads) for part in g.add("Split", linear(x, wide, bias), thirds, outputs=3, axis=-1)
    )
    scores = g.one("MatMul", g.one("Transpose", query, perm=[0, 2, 1, 3]), g.one("Transpose", key, perm=[0, 2, 3, 1]))
    seen = g.one("MatMul", g.one("Softmax", scores, axis=-1), g.one("Transpose", value, perm=[0, 2, 1, 3]))
    whole = g.one("Reshape", g.one("Transpose", seen, perm=[0, 2, 1, 3]), g.constant(np.array([0, 0, WIDTH])))
    x = g.norm(g.one("Add", x, linear(whole, *of("attended"))), weights, f"{name}.first_norm")
    inner = g.one("Gelu", linear(x, *of("wide")))
    return g.norm(g.one("Add", x, linear(inner, *of("narrow"))), weights, f"{name}.second_norm")


def embeddings(weights: Weights) -> Embeddings:
    """The rows of the pieces as bytes with a scale each."""
    table: Floats = weights["pieces.weight"].astype(np.float32)
    scales = (np.maximum(np.abs(table).max(axis=1), 1e-9) / 127).astype(np.float32)
    rows = np.rint(table / scales[:, None]).astype(np.int8)
    places, shapes = (weights[name].astype(np.float32) for name in ("places", "shapes"))
    return Embeddings(rows, scales, places, shapes)
