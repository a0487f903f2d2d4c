"""json_schema: the output is JSON that fits a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from slipway.data import Reply, Score
from slipway.registry import register
from slipway.scorers.base import Scorer
from slipway.scorers.call import load_table
from slipway.scorers.schema_check import Schema

_FENCED = re.compile(r"\A\s*```(?:json)?[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL)


@register("scorer", "json_schema")
def json_schema(schema: Mapping[str, Any] | str | None = None, *, fenced: bool = True) -> Scorer:
    """1 when the output fits the schema, 0 when it does not or is no JSON, None when there is no schema.

    ``schema`` is an object, a .json file, or ``"module:NAME"``; without one, an example's expected value is the schema. A
    text is parsed strictly (no NaN, no key twice); with ``fenced`` a text that is one Markdown code block counts as its
    content. The explanation names the first problems, ``metadata["problems"]`` all up to 20.

    Draft 2020-12 without remote references, ``$dynamicRef``, ``unevaluatedItems`` and ``unevaluatedProperties``: a schema
    that uses those raises `UsageError`. Patterns are RE2.
    """
    table = load_table(schema) if isinstance(schema, str) else schema
    fixed = None if table is None else Schema(table)

    def fits(output: Any, expected: Any) -> Score:
        if fixed is None and not isinstance(expected, Mapping | bool):
            return Score("json_schema", None, "there is no schema; give schema=, or one as the expected value")
        try:
            value = read_json(output, fenced=fenced)
        except ValueError as error:
            return Score("json_schema", 0.0, f"not JSON: {error}")
        problems = (fixed or Schema(expected)).problems(value)
        return Score("json_schema", float(not problems), "; ".join(problems[:3]), metadata={"problems": problems})

    return Scorer.of(fits, name="json_schema", parameters={"schema": table, "fenced": fenced})


def read_json(output: Any, *, fenced: bool = True) -> Any:
    """The value of an output that is JSON text; any other output as it is. Raises ValueError saying why it is none."""
    if isinstance(output, Reply):
        output = output.text
    if not isinstance(output, str):
        return output
    block = _FENCED.match(output) if fenced else None
    try:
        return json.loads(block[1] if block else output, object_pairs_hook=_once_each, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
