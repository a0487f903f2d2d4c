"""Grammars from schemas: what a model with random weights writes under one is always the schema's JSON."""

from __future__ import annotations

import asyncio
import json

import jsonschema
import pytest

from models.tiny_gguf import write_random
from slipway.data import Request
from slipway.errors import ModelError
from slipway.models.gbnf import grammar_of
from slipway.models.llamacpp import LlamaModel

SCHEMAS = {
    "required and not": {
        "type": "object",
        "properties": {"a": {"type": "boolean"}, "b": {"enum": ["x", 'y"z', "\\", 3, None]}, "c": {"type": "null"}},
        "required": ["b"],
    },
    "all optional": {"properties": {"a": {"const": 1}, "b": {"const": "é\n"}}},
    "lists": {"type": "array", "items": {"type": ["boolean", "null"]}, "minItems": 2, "maxItems": 3},
    "an empty list": {"type": "array", "items": {"type": "null"}, "maxItems": 0},
    "numbers": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "number"}]}, "maxItems": 2},
    "a short text": {"type": "string", "minLength": 1, "maxLength": 4},
    "itself within itself": {
        "$ref": "#/$defs/tree",
        "$defs": {"tree": {"properties": {"l": {"$ref": "#/$defs/tree"}, "v": {"const": 1}}, "required": ["v"]}},
    },
    "one of two objects": {
        "oneOf": [
            {"properties": {"name": {"const": name}, "on": {"type": "boolean"}}, "required": ["name", "on"]}
            for name in ("light", "fan")
        ]
    },
    "an empty object": {"type": "object", "maxProperties": 0, "properties": {}, "const": {}},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    model = LlamaModel(write_random(tmp_path_factory.mktemp("gguf") / "m.gguf"), ctx=1024, threads=1)
    yield model
    asyncio.run(model.close())


@pytest.mark.parametrize("what", SCHEMAS)
def test_what_is_written_is_the_schemas_json(model, what):
    schema = SCHEMAS[what]

    async def go():
        ask = [
            Request(prompt="json:", response_schema=schema, max_tokens=400, temperature=1.0, seed=seed)
            for seed in range(5)
        ]
        return [await model.complete(request) for request in ask]

    whole = [reply.text for reply in asyncio.run(go()) if reply.finish_reason == "stop"]
    assert whole
    for text in whole:
        jsonschema.validate(json.loads(text), schema)


def test_what_no_grammar_is_made_of_is_refused():
    deep: dict = {"type": "null"}
    for _ in range(100):
        deep = {"type": "array", "items": deep}
    for schema, says in [
        ({"allOf": [{}]}, "allOf"),
        ({"type": "date"}, "no type 'date'"),
        ({"$ref": "https://example.org/x"}, "leads out of it"),
        ({"$ref": "#/$defs/none"}, "leads nowhere"),
        ({"enum": []}, "at least one"),
        ({"type": "array", "minItems": 3, "maxItems": 1}, "less than"),
        ({"type": "string", "maxLength": 10**9}, "up to 10,000"),
        ({"properties": {"a": 7}}, "is no schema"),
        (deep, "too deep"),
        ({"properties": {f"p{n}": {"const": n} for n in range(3_000)}}, "too large"),
    ]:
        with pytest.raises(ModelError, match=says) as caught:
            grammar_of(schema)
        assert caught.value.status == 400
