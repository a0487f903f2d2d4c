"""Dialects: what the attributes, events and log records of a span say, whichever convention they follow. Start in shape.py.

A dialect is one module here with a ``DIALECT``; nothing lists them. Raw attributes stay in the store as they came, and `derive`
reads them again whenever it is asked, so that a convention that changes loses no data. The names are tables of our own because
those published for OpenTelemetry are marked deprecated one after the other.
"""

from __future__ import annotations

from slipway.track.dialects.deriving import Described, derive, describe, dialects, outline
from slipway.track.dialects.shape import Derived, Dialect, Said

__all__ = ["Derived", "Described", "Dialect", "Said", "derive", "describe", "dialects", "outline"]
