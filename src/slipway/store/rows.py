"""Rows: a record as a tuple of column values, and back. What cannot be kept is refused here, before anything is written.

Text is kept as it is, except that NUL (which PostgreSQL refuses), lone surrogates (which are not UTF-8) and the escape
character itself are written as U+0010 and four hex digits; it reads back the same. NaN is NULL in a column of numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter
from struct import Struct
from struct import error as struct_error
from typing import Any

from slipway.errors import DataError
from slipway.store import jsontext
from slipway.store.kinds import KINDS, Form, Kind, kind_of

ESCAPE = "\x10"
_unsafe = re.compile("[\x00\x10\ud800-\udfff]")
_escaped = re.compile("\x10([0-9a-f]{4})")
LARGEST = 2**63 - 1
_one = Struct("q")


def safe(text: str) -> str:
    """``text`` as both databases can keep it."""
    return _unsafe.sub(lambda found: f"{ESCAPE}{ord(found[0]):04x}", text)


def plain(text: str) -> bool:
    """Whether `safe` leaves ``text`` as it is."""
    return not ("\x00" in text or ESCAPE in text or (not text.isascii() and _unsafe.search(text)))


def unsafe(text: str) -> str:
    """The inverse of `safe`."""
    return _escaped.sub(lambda found: chr(int(found[1], 16)), text) if ESCAPE in text else text


class Rows:
    """Turns records of one kind into rows and rows into records.

    Whole groups of columns are checked by one call into C each (joining the texts, packing the integers), since a loop over
    the columns in Python costs as much as the insert itself.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.names = tuple(column.name for column in kind.columns)
        self._values = _several(attrgetter, self.names)
        self._json = self._where(Form.JSON)
        self._texts = _several(itemgetter, self._where(Form.TEXT))
        integers = self._where(Form.INTEGER)
        optional = [number for number in integers if kind.columns[number].optional]
        self._rare = tuple(optional)
        self._integers = _several(itemgetter, [number for number in integers if number not in optional])
        self._fits = Struct(f"{len(integers) - len(optional)}q").pack
        self._counted = tuple(number for number in integers if _counts(self.names[number]))
        self._counts = _several(itemgetter, [number for number in self._counted if number not in optional])
        self._numbers = self._where(Form.NUMBER)
        self._flags = self._where(Form.FLAG)
        self._nonzero = tuple(self.names.index(name) for name in kind.nonzero)
        self._optional = tuple(column.optional for column in kind.columns)
        required = [not column.optional and column.form is not Form.NUMBER for column in kind.columns]
        self._required = _several(itemgetter, [number for number, must in enumerate(required) if must])
        self._decoders = tuple((number, jsontext.Decoder(kind.columns[number].type)) for number in self._json)

    def _where(self, form: Form) -> tuple[int, ...]:
        return tuple(number for number, column in enumerate(self.kind.columns) if column.form is form)

    def row(self, record: Any) -> tuple[Any, ...]:
        """The values of ``record``'s columns. Raises `DataError`, naming the field."""
        row = list(self._values(record))
        try:
            for number in self._json:
                value = row[number]
                if value is not None:
                    row[number] = jsontext.encode(value)
            texts = "".join(filter(None, self._texts(row)))
            self._fits(*self._integers(row))
            if min(self._counts(row), default=0) < 0:
                raise OverflowError
            if self._rare or self._numbers or self._flags:
                self._settle(row)
        except (TypeError, OverflowError, ValueError, struct_error, AttributeError):
            raise self._refused(record) from None
        if not plain(texts):
            for number in self._where(Form.TEXT):
                row[number] = None if row[number] is None else safe(row[number])
        if None in self._required(row):
            raise self._refused(record)
        for number in self._nonzero:
            if not row[number].strip("0"):
                raise DataError(
                    f"{self._called(record)}: {self.names[number]} is empty or all zeros",
                    mend="give it an id of its own",
                )
        return tuple(row)

    def _settle(self, row: list[Any]) -> None:
        """The columns that few kinds have: optional integers, floats, flags."""
        for number in self._rare:
            value = row[number]
            if value is not None and (_one.pack(value) and value < 0 and number in self._counted):
                raise OverflowError
        for number in self._numbers:
            value = row[number]
            if value is not None or not self._optional[number]:
                value = float(value + 0.0)  # text is refused, and -0.0 becomes 0.0
                row[number] = value if value == value else None
        for number in self._flags:
            row[number] = bool(row[number])

    def _refused(self, record: Any) -> DataError:
        """Which field it was, in words."""
        for number, column in enumerate(self.kind.columns):
            value = getattr(record, column.name)
            problem = _problem(value, column.form, number in self._counted)
            if problem and not (value is None and column.optional):
                mend = "give Unix time in nanoseconds" if column.name.endswith("_ns") else "correct the value"
                return DataError(f"{self._called(record)}: {column.name} {problem}", mend=mend)
        return DataError(f"{self._called(record)} cannot be stored: {record!r:.200}", mend="see its fields")

    def _called(self, record: Any) -> str:
        key = ", ".join(f"{getattr(record, name)!r:.60}" for name in self.kind.key)
        return f"{self.kind.record.__name__}({key})"

    def record(self, row: Sequence[Any]) -> Any:
        """The record that gave ``row``."""
        values = list(row)
        for number, decode in self._decoders:
            text = values[number]
            if text is not None:
                values[number] = decode(text)
        if ESCAPE in "".join(filter(None, self._texts(row))):
            for number in self._where(Form.TEXT):
                values[number] = None if values[number] is None else unsafe(values[number])
        for number in self._flags:
            values[number] = bool(values[number])
        if None in values:
            for number in self._numbers:
                if values[number] is None and not self._optional[number]:
                    values[number] = math.nan
        return self.kind.record(*values)

    def reader(self, name: str) -> Callable[[Any], Any]:
        """What turns a value of column ``name`` into the field's value."""
        column = self.kind.column(name)
        if column.form is Form.TEXT:
            return lambda text: None if text is None else unsafe(text)
        if column.form is Form.JSON:
            decode = jsontext.Decoder(column.type)
            return lambda text: None if text is None else decode(text)
        if column.form is Form.FLAG:
            return bool
        if column.form is Form.NUMBER and not column.optional:
            return lambda value: math.nan if value is None else value
        return lambda value: value


def _several(getter: Any, names: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """attrgetter or itemgetter that gives a tuple, however few the names are."""
    if len(names) > 1:
        return getter(*names)  # type: ignore[no-any-return]
    if not names:
        return lambda _: ()
    one = getter(*names)
    return lambda item: (one(item),)


def _counts(name: str) -> bool:
    """Whether an integer of that name cannot be negative."""
    return name.endswith(("_ns", "step", "number", "repeat", "sequence", "_tokens", "count", "size"))


def _problem(value: Any, form: Form, positive: bool) -> str:
    if form is Form.TEXT and not isinstance(value, str):
        return f"is {type(value).__name__}, not text"
    if form is Form.INTEGER:
        if not isinstance(value, int):
            return f"is {type(value).__name__}, not a whole number"
        if value > LARGEST or value < (0 if positive else -LARGEST - 1):
            return f"= {_short(value)} is outside {0 if positive else '-2^63'} to 2^63-1" + (
                " (years 1970 to 2262)" if positive else ""
            )
    if form is Form.NUMBER:
        try:
            float(value + 0.0)
        except (TypeError, OverflowError):
            kind = f"{type(value).__name__}, not a number" if not isinstance(value, int) else "too large for a float"
            return f"is {kind}"
    if form is Form.JSON:
        try:
            jsontext.encode(value)
        except Exception as error:  # whatever an object's own methods raise
            return f"cannot be written as JSON: {type(error).__name__}: {error}"
    return ""


def _short(value: int) -> str:
    return str(value) if value.bit_length() < 200 else f"an integer of {value.bit_length()} bits"


_ROWS = {record: Rows(kind) for record, kind in KINDS.items()}


def rows_of(record: type[Any]) -> Rows:
    """The `Rows` of a record class. Raises `NotFound` for what is no record."""
    return _ROWS.get(record) or Rows(kind_of(record))
