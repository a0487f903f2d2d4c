"""json_schema: against the official suite, against the jsonschema package, and as a scorer."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.data import Example, Reply
from slipway.errors import UsageError
from slipway.scorers import Outcome, is_scorer_error, resolve
from slipway.scorers.schema_check import Schema

SUITE = [json.loads(line) for line in (Path(__file__).parent / "json_schema_suite" / "draft2020-12.jsonl").open()]
UNSUPPORTED = (
    "$dynamicRef",
    "$dynamicAnchor",
    "unevaluated",
    '"$id"',
    "https://",
    "http://",
    "$vocabulary",
    "\\\\p{Letter}",
)


def test_the_official_suite():
    checked, wrong, refused = 0, [], []
    for group in SUITE:
        try:
            schema = Schema(group["schema"])
        except UsageError as error:
            refused.append((group["keyword"], group["description"], str(error)))
            assert any(word in json.dumps(group["schema"]) for word in UNSUPPORTED), refused[-1]
            continue
        for name, data, valid in group["tests"]:
            checked += 1
            if schema.valid(data) is not valid:
                wrong.append((group["keyword"], group["description"], name))
    assert wrong == []
    assert checked == 785
    assert len(refused) == 21


leaves = st.none() | st.booleans() | st.integers(-3, 12) | st.sampled_from([0.5, 1.0, 2.5]) | st.text("ab1", max_size=3)
values = st.recursive(
    leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from("abc"), v, max_size=3), max_leaves=6
)
types = st.sampled_from(["null", "boolean", "string", "number", "integer", "object", "array"])
small = st.integers(0, 3)


def keywords(inner):
    named = st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    several = st.lists(inner, min_size=1, max_size=2)
    return st.booleans() | st.fixed_dictionaries(
        {},
        optional={
            "type": types | st.lists(types, min_size=1, max_size=2, unique=True),
            "enum": st.lists(leaves, min_size=1, max_size=3),
            "const": leaves,
            "minimum": small,
            "exclusiveMaximum": small,
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "minLength": small,
            "maxLength": small,
            "pattern": st.sampled_from(["^a", "1$", "[ab]{2}"]),
            "items": inner,
            "prefixItems": several,
            "contains": inner,
            "minContains": small,
            "uniqueItems": st.booleans(),
            "maxItems": small,
            "properties": named,
            "additionalProperties": inner,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "[bc]"]), inner, max_size=1),
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "propertyNames": inner,
            "minProperties": small,
            "allOf": several,
            "anyOf": several,
            "oneOf": several,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
        },
    )


@given(st.recursive(st.booleans(), keywords, max_leaves=6), values)
def test_it_agrees_with_the_jsonschema_package(schema, value):
    assert Schema(schema).valid(value) is jsonschema.Draft202012Validator(schema).is_valid(value)


def test_references_within_the_schema():
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": False}
    assert Schema(tree).valid({"next": {"next": {}}})
    assert Schema(tree).problems({"next": {"other": 1}}) == ["$.next: 'other' is not allowed"]
    deep = {}
    for _ in range(100_000):
        deep = {"next": deep}
    assert Schema(tree).problems(deep) == ["$: nested too deep to be checked"]
    while deep:  # taken apart by hand: freeing it would recurse as well
        deep = deep.pop("next")
    with pytest.raises(UsageError, match="leads back to itself"):
        Schema({"$ref": "#"}).valid(1)


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"unevaluatedProperties": False}, "unevaluatedProperties, which is not supported"),
        ({"$ref": "https://example.com/x"}, "only references within"),
        ({"$ref": "#/$defs/x"}, "which is not there"),
        ({"$ref": "#x"}, "the anchor 'x'"),
        ({"type": "text"}, "no type 'text'"),
        ({"items": [{}]}, "prefixItems"),
        ({"properties": {"a": 3}}, "#/properties/a is no object"),
        ({"pattern": "("}, "is not a pattern"),
        ([], "is no object"),
    ],
)
def test_a_schema_that_makes_no_sense_is_refused(schema, says):
    with pytest.raises(UsageError, match=says):
        Schema(schema)


PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"minimum": 0}}, "required": ["name"]}


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ('{"name": "Ada", "age": 36}', 1),
        ({"name": "Ada"}, 1),
        (Reply(text='{"name": "Ada"}'), 1),
        ('```json\n{"name": "Ada"}\n```', 1),
        ('Here: {"name": "Ada"}', 0),
        ('{"age": -1}', 0),
        ('{"name": "Ada", "name": "Bob"}', 0),
        ('{"name": "Ada", "age": NaN}', 0),
        ("[" * 100_000, 0),
        ("", 0),
    ],
)
def test_as_a_scorer(output, value):
    (score,) = resolve({"name": "json_schema", "schema": PERSON}).now(Outcome(Example("1", "in"), output))
    assert score.value == value
    assert not is_scorer_error(score)
    assert bool(score.explanation) is (value == 0)


def test_the_schema_may_come_from_a_file_or_the_example(tmp_path):
    (tmp_path / "person.json").write_text(json.dumps(PERSON))
    from_file = resolve(f"json_schema:{tmp_path / 'person.json'}")
    assert from_file.now(Outcome(Example("1", "in"), "{}"))[0].explanation == "$: 'name' is missing"
    bare = resolve("json_schema")
    assert bare.now(Outcome(Example("1", "in", PERSON), "{}"))[0].value == 0
    assert bare.now(Outcome(Example("1", "in"), "{}"))[0].value is None
    unfenced = resolve({"name": "json_schema", "schema": PERSON, "fenced": False})
    assert unfenced.now(Outcome(Example("1", "in"), '```json\n{"name": "Ada"}\n```'))[0].value == 0
