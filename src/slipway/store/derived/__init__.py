"""Derived: what makes traces searchable, made from the rows after their commit, and made again whenever it is lost.

`database.py` opens it, `builder.py` follows the rows, `query.py` answers. Nothing here is the truth: a derived store that is
older than this code, damaged or gone is emptied, and built again from the rows.
"""

from __future__ import annotations

from slipway.store.derived.answers import Node, Page, SessionRow, SpanRow, Summary, TraceRow
from slipway.store.derived.builder import Builder
from slipway.store.derived.database import Derived
from slipway.store.derived.facts import Facts
from slipway.store.derived.query import Query

__all__ = ["Builder", "Derived", "Facts", "Node", "Page", "Query", "SessionRow", "SpanRow", "Summary", "TraceRow"]
