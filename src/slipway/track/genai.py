"""What attributes alone say of a model call: see `slipway.track.dialects`."""

from __future__ import annotations

from slipway.track.dialects import Described, describe

__all__ = ["Described", "describe"]
