"""What a run may take: `Limit`, and the parts that hold a run to it.

Money is watched for each call: a call starts only while less than the cap is spent, so at most ``concurrency`` calls
overshoot. Time is watched for each sample: none is started that would probably end too late, so that slow samples are not
left out because they are slow.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from slipway.config import Limits
from slipway.errors import CostCapReached, InfrastructureError, MissingExtra, UsageError


@dataclass(frozen=True, slots=True)
class Limit:
    """``usd`` caps what the model calls of one `evaluate` may cost, all variants together, ``seconds`` the wall time of a run;
    ``timeout`` is the seconds one attempt may take; ``retries`` how often a sample is tried again after a failure of the
    infrastructure (never after a wrong answer or an error of the task); ``per_second`` caps model calls, or samples when there
    is no model. None: no limit."""

    usd: float | None = None
    seconds: float | None = None
    concurrency: int = 16
    timeout: float | None = 60.0
    retries: int = 2
    per_second: float | None = None

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise UsageError(f"concurrency {self.concurrency} runs nothing", mend="give 1 or more")
        if self.retries < 0:
            raise UsageError(f"retries={self.retries} makes no sense", mend="give 0 or more")
        for name in ("usd", "seconds", "timeout", "per_second"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name}={value} makes no sense", mend="give a number above 0, or None for no limit")

    @classmethod
    def of(cls, settings: Limits, **changes: Any) -> Limit:
        """The limits of a table in ``slipway.toml`` (0 there means no limit). ``changes`` that are not None win."""
        made = cls(
            usd=settings.usd or None,
            seconds=settings.seconds or None,
            concurrency=settings.concurrency,
            timeout=settings.timeout or None,
            retries=settings.retries,
            per_second=settings.per_second or None,
        )
        return replace(made, **{name: value for name, value in changes.items() if value is not None})


def is_infrastructure(error: BaseException) -> bool:
    """Whether the world failed rather than the task: worth another try."""
    if isinstance(error, MissingExtra):
        return False
    return isinstance(error, InfrastructureError | ConnectionError)


def backoff_s(attempt: int, rng: random.Random, *, base: float = 0.25, cap: float = 20.0) -> float:
    """Seconds to wait before attempt ``attempt`` + 1: full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter",
    2015), so that calls that failed together do not come back together."""
    return float(rng.uniform(0, min(cap, base * 2.0**attempt)))


class Pace:
    """Spaces calls so that no second holds more than ``per_second`` (a leaky bucket without a burst)."""

    def __init__(self, per_second: float | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap = 1.0 / per_second if per_second else 0.0
        self._clock = clock
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for this call's turn."""
        if not self._gap:
            return
        now = self._clock()
        at = max(self._next, now)
        self._next = at + self._gap
        if at > now:
            await asyncio.sleep(at - now)


class Purse:
    """What a run has spent on model calls, and whether another may start."""

    def __init__(self, cap_usd: float | None, *, spent_usd: float = 0.0) -> None:
        self.cap_usd = cap_usd
        self.spent_usd = spent_usd
        self.calls = 0
        self.refused = 0

    @property
    def empty(self) -> bool:
        """Whether the cap is reached."""
        return self.cap_usd is not None and self.spent_usd >= self.cap_usd

    def check(self) -> None:
        """Raises `CostCapReached` when no call may start any more."""
        if self.empty:
            self.refused += 1
            raise CostCapReached(
                f"the cost cap of ${self.cap_usd:g} is reached: ${self.spent_usd:.4f} spent in {self.calls} calls",
                mend="raise Limit(usd=...); what ran is kept and will not be paid for again",
            )

    def pay(self, cost_usd: float | None, model: str) -> None:
        """Note a call's price. Raises `UsageError` when it is unknown and there is a cap to keep."""
        self.calls += 1
        if cost_usd is not None:
            self.spent_usd += cost_usd
        elif self.cap_usd is not None:
            raise UsageError(
                f"the price of {model or 'the model'} is not known, so a cap of ${self.cap_usd:g} cannot be kept",
                mend="give the model its price, or leave usd out of the limit",
            )


class Deadline:
    """The end of a time-capped run. ``last_start`` moves forward from the end by what samples have been taking."""

    def __init__(self, seconds: float | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.at = None if seconds is None else clock() + seconds
        self._took: deque[float] = deque(maxlen=256)

    def note(self, seconds: float) -> None:
        """A sample took this long."""
        if self.at is not None:
            self._took.append(seconds)

    def left(self) -> float | None:
        """Seconds to the end, or None without one."""
        return None if self.at is None else self.at - self._clock()

    def closed(self) -> bool:
        """Whether a sample started now would probably not end in time."""
        left = self.left()
        if left is None:
            return False
        took = sorted(self._took)
        slow = took[int(0.95 * (len(took) - 1))] if took else 0.0
        return left <= slow
