"""Tables and lines for the terminal: those of the room below, in which results draw themselves."""

from __future__ import annotations

from slipway.evals.tables import STYLES, cell, right, rows, table, whole

__all__ = ["STYLES", "cell", "right", "rows", "table", "whole"]
