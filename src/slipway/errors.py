"""What can go wrong, and what to do about it.

    SlipwayError                 everything below; carries .mend (what to do) and .page (where it is explained)
    ├── UsageError        (2)    the command or call makes no sense as written
    │   ├── ConfigError          slipway.toml or a SLIPWAY_* variable is wrong
    │   ├── NotFound             no such run, dataset, scorer ...; names the nearest one
    │   └── DataError            a row, file or value cannot be used
    ├── InfrastructureError (3)  the world failed, not the variant
    │   ├── StoreError           the store cannot be opened, read or written
    │   ├── ModelError           a model or provider failed after its retries
    │   └── MissingExtra         an optional dependency is not installed
    ├── CannotTell        (4)    the evidence does not decide
    ├── NothingRan        (5)    zero examples were evaluated
    ├── CostCapReached    (6)    the cost cap ended the run
    └── SealedError       (2)    a held-out suite refuses

The number in brackets is the exit code of the command line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SlipwayError(Exception):
    """A problem with a remedy. ``str(error)`` is one sentence; ``mend`` says what to do next."""

    exit_code = 3
    page = "reference/errors.md"

    def __init__(self, message: str, *, mend: str | None = None) -> None:
        super().__init__(message)
        self.mend = mend

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}; {self.mend}" if self.mend else message


class UsageError(SlipwayError):
    """The command or call makes no sense as written."""

    exit_code = 2


class ConfigError(UsageError):
    """slipway.toml or a SLIPWAY_* variable is wrong."""

    page = "reference/configuration.md"


FIRST = {
    "suite": "add [suites.NAME] to slipway.toml, or start from an example: slipway init FOLDER",
    "variant": "add [variants.NAME] to slipway.toml, or give its settings: variants={'NAME': {...}}",
    "dataset": "keep one: slipway dataset add FILE",
    "prompt": "keep one: store.write([Prompt(...)]), or pass the text itself: chat(text)",
    "run": "make one: slipway eval SUITE",
    "suite with runs": "make one: slipway eval SUITE",
    "sealed suite": "seal one: slipway suite seal FILE --name NAME --looks 20",
    "score": "no sample of the run has any; see its errors: slipway runs show RUN",
    "slice": "name the fields to break down by in the suite: slices = ['lang']; then run it again",
    "metadata for the slice": "give the rows that field, or take it out of the suite's slices",
}
"""What to do where nothing of a kind exists, by what it is called."""


class NotFound(UsageError):
    """No record, scorer, model or suite of that name."""

    @classmethod
    def among(cls, what: str, name: str, known: Iterable[str]) -> NotFound:
        """``no scorer 'exat'; did you mean 'exact'?``"""
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        if close:
            mend = f"did you mean {close[0]!r}?"
        elif known:
            mend = "there is " + ", ".join(known[:12]) + (" ..." if len(known) > 12 else "")
        else:
            mend = FIRST.get(what, f"nothing here has a {what}; name none, or add one where it comes from")
        return cls(f"no {what} {name!r}", mend=mend)


class DataError(UsageError):
    """A row, file or value cannot be used."""


class SealedError(UsageError):
    """A held-out suite refuses: locked, out of looks, or its rows were asked for."""

    page = "concepts/held-out.md"


class InfrastructureError(SlipwayError):
    """The world failed, not the variant under test."""


class StoreError(InfrastructureError):
    """The store cannot be opened, read or written."""


class ModelError(InfrastructureError):
    """A model or provider failed after its retries. ``status`` is its HTTP status (None: no answer came), ``retry_after_s``
    what it asked for, ``partial`` the text that had arrived before a stream broke off."""

    def __init__(
        self,
        message: str,
        *,
        mend: str | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
        partial: str = "",
    ) -> None:
        super().__init__(message, mend=mend)
        self.status = status
        self.retry_after_s = retry_after_s
        self.partial = partial

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later: no answer at all, too many requests, or the provider's own fault."""
        return self.status is None or self.status in (408, 409, 425, 429) or self.status >= 500


class MissingExtra(InfrastructureError):
    """An optional dependency is not installed."""

    exit_code = 2

    @classmethod
    def named(cls, extra: str, package: str) -> MissingExtra:
        """``package`` is what could not be imported, ``extra`` what brings it."""
        return cls(f"{package} is not installed", mend=f"run: pip install 'slipway[{extra}]'")


class CannotTell(SlipwayError):
    """The evidence does not decide."""

    exit_code = 4


class NothingRan(SlipwayError):
    """Zero examples were evaluated."""

    exit_code = 5


class CostCapReached(SlipwayError):
    """The cost cap ended the run before its examples did."""

    exit_code = 6
