"""Canonical JSON: equal content, equal bytes; everything becomes JSON; nothing raises."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from slipway.data import Example, Variant, canonical_json, content_hash, plain

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(values)
def test_it_is_json_and_stable(value):
    written = canonical_json(value)
    assert canonical_json(json.loads(written)) == written


@given(st.dictionaries(st.text(), scalars))
def test_the_order_of_keys_does_not_matter(mapping):
    turned = dict(reversed(list(mapping.items())))
    assert content_hash(mapping) == content_hash(turned)


@given(st.integers())
def test_integers_keep_every_digit(number):
    assert json.loads(canonical_json(number)) == number


def test_what_json_lacks_is_named():
    assert plain([math.nan, math.inf, -math.inf]) == ["NaN", "Infinity", "-Infinity"]
    assert canonical_json(-0.0) == canonical_json(0.0)
    assert plain({1: {2, 1}}) == {"1": [1, 2]}


def test_t31_lone_surrogates_and_nul_are_kept_visible():
    assert json.loads(canonical_json("a\ud800b")) == "a\\ud800b"
    assert json.loads(canonical_json("a\0b")) == "a\0b"


def test_hashes_follow_content():
    assert Example("1", "a").hash == Example("1", "a").hash
    assert Example("1", "a").hash != Example("1", "b").hash
    one, other = Variant("v", {"t": 0.1}), Variant("v", {"t": 0.2})
    assert one.id != other.id
    assert Variant("v", {"t": 0.1}, parent="p", note="n").id == one.id
