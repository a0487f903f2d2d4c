"""Server-sent events from bytes, however they are cut: one packet may hold half a letter or three events."""

from __future__ import annotations

from collections.abc import Iterator

from slipway.errors import ModelError

LONGEST_LINE = 32 * 1024 * 1024


class EventReader:
    """Feed it bytes, get the data of the events that are complete. CR, LF and CRLF end lines; comments, ids and event names
    are skipped; a byte order mark is ignored. Raises `ModelError` for a line longer than ``longest``."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._line = bytearray()
        self._data: list[str] = []
        self._after_cr = False
        self._first = True

    def feed(self, packet: bytes) -> Iterator[str]:
        """The data of every event that ``packet`` completes."""
        start = 0
        while start < len(packet):
            if self._after_cr:
                self._after_cr = False
                if packet[start] == 10:
                    start += 1
                    continue
            feed = packet.find(b"\n", start)
            ends = [at for at in (packet.find(b"\r", start, feed if feed >= 0 else len(packet)), feed) if at >= 0]
            end = ends[0] if ends else len(packet)
            self._line += packet[start:end]
            if len(self._line) > self._longest:
                raise ModelError(f"the stream has a line of more than {self._longest} bytes", status=502)
            if ends:
                self._after_cr = packet[end] == 13
                yield from self._end_of_line()
            start = end + 1

    def _end_of_line(self) -> Iterator[str]:
        line = self._line.decode("utf-8", "replace")
        self._line.clear()
        if self._first:
            self._first, line = False, line.removeprefix("\ufeff")
        if not line:
            if self._data:
                yield "\n".join(self._data)
                self._data.clear()
            return
        name, _, value = line.partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
