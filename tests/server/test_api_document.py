"""The document says of records what is answered: the store's own dataclasses, with all their fields."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from slipway.data import Event, Example, Message, Score, ToolCall
from slipway.server.openapi import document
from slipway.server.routing import all_routes
from slipway.store.derived.answers import Node, SessionRow, SpanRow, Summary
from slipway.track.dialects import Derived

RECORDS = [Derived, Event, Example, Message, Node, Score, SessionRow, SpanRow, Summary, ToolCall]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_dataclass_that_is_answered_is_described_whole(record):
    said = document(all_routes())["components"]["schemas"][record.__name__]
    names = [field.name for field in dataclasses.fields(record)]
    assert (list(said["properties"]), said["required"]) == (names, names)
    assert said["description"].split() == inspect.getdoc(record).split()
    assert not any("default" in field for field in said["properties"].values())


def test_what_is_asked_keeps_its_defaults():
    said = document(all_routes())["components"]["schemas"]["NewFeedback"]
    assert said["required"] == ["trace_id", "name", "value"]
    assert said["properties"]["who"]["default"] == ""
