"""Rings what is due, on time, in a thread of its own; what came due while the program was off is told at its start.

    with Ringer(settings.folder, announce) as ringer: ...

Start in `Ringer`. A test moves the clock and calls `step`; no thread is needed for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from slipway.errors import SlipwayError
from slipway_assistant import saying
from slipway_assistant.clocks import Clock, Clocks

LATE_S = 90.0
"""Later than this, it did not ring on time, and says for when it was set."""
LOOK_S = 1.0
"""How often the file is looked at: a timer may be set by another program."""
KEPT_S = 86_400.0
"""How long one that rang is kept, to be snoozed."""
_log = logging.getLogger(__name__)


class Ringer:
    """Tells through `announce(text, lang)` what rings. `now` gives seconds since 1970, and is stepped by hand in a test."""

    def __init__(
        self, folder: Path, announce: Callable[[str, str], None], *, now: Callable[[], float] = time.time
    ) -> None:
        self.clocks = Clocks(folder)
        self.announce = announce
        self._now = now
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.failures = 0

    def start(self) -> Self:
        """Tell what was missed, then ring on time until `stop`."""
        self._take_up()
        self._thread = threading.Thread(target=self._ring, name="ringer", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ring no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def step(self) -> float | None:
        """Ring what is due; how many seconds until the next is (None: nothing is set)."""
        now = self._now()
        waiting = self.clocks.all(None, "set")
        for clock in waiting:
            if clock.rings_s > now:
                break
            self._tell(clock, now)
        later = [clock.rings_s for clock in waiting if clock.rings_s > now]
        return min(later) - now if later else None

    def _take_up(self) -> None:
        """What was being told when the program was killed is told again: better twice than never."""
        for clock in self.clocks.all(None, "ringing"):
            self.clocks.put(replace(clock, state="set"), was="ringing")

    def _ring(self) -> None:
        while True:
            wait: float | None = None
            try:
                wait = self.step()
            except SlipwayError as error:
                # The disk is full, say: it is tried again, for an alarm must not be given up.
                self.failures += 1
                _log.warning("an alarm could not be read: %s", error)
            if self._stop.wait(LOOK_S if wait is None else max(0.0, min(LOOK_S, wait))):
                return

    def _tell(self, clock: Clock, now: float) -> None:
        # Only one of two programs gets it out of "set".
        if not self.clocks.put(replace(clock, state="ringing"), was="set"):
            return
        try:
            self.announce(said(clock, now), clock.lang)
        except Exception:
            # The loudspeaker is gone, say. It counts as told: ringing once a second helps nobody.
            self.failures += 1
            _log.exception("an alarm could not be told")
        again = clock.again(now)
        rang = replace(clock, state="rang", rings_s=now, rule="")
        if again is not None:
            self.clocks.put(again)
            self.clocks.add(rang)  # which may be snoozed, whatever comes next
        else:
            self.clocks.put(rang)
        self.clocks.remove(*(old for old in self.clocks.all(None, "rang") if old.rings_s < now - KEPT_S))


def said(clock: Clock, now_s: float) -> str:
    """What is said when a clock rings, or when it should have rung while the program was off."""
    zone = ZoneInfo(clock.zone)
    at, now = clock.at(zone), datetime.fromtimestamp(now_s, zone)
    missed = now_s - clock.rings_s > LATE_S
    when = saying.moment(at, now, clock.lang)
    return _TEXTS[clock.lang][clock.kind][2 * missed + bool(clock.name)].format(
        name=clock.name, when=when, time=saying.clock(at, clock.lang)
    )


# Without and with a name; then the same when it was missed.
_TEXTS = {
    "en": {
        "timer": (
            "Your timer is done.",
            "Your {name} timer is done.",
            "I was off: your timer was done {when}.",
            "I was off: your {name} timer was done {when}.",
        ),
        "alarm": (
            "It is {time}. This is your alarm.",
            "It is {time}. This is your alarm: {name}.",
            "I was off: your alarm was set for {when}.",
            "I was off: your alarm for {name} was set for {when}.",
        ),
        "reminder": (
            "It is {time}. This is your reminder.",
            "Here is your reminder: {name}.",
            "I was off: there was a reminder {when}.",
            "I was off: there was a reminder {when}: {name}.",
        ),
    },
    "fr": {
        "timer": (
            "Votre minuteur est terminé.",
            "Le minuteur {name} est terminé.",
            "J'étais éteint : votre minuteur s'est terminé {when}.",
            "J'étais éteint : le minuteur {name} s'est terminé {when}.",
        ),
        "alarm": (
            "Il est {time}. C'est votre réveil.",
            "Il est {time}. C'est votre réveil : {name}.",
            "J'étais éteint : votre réveil devait sonner {when}.",
            "J'étais éteint : votre réveil {name} devait sonner {when}.",
        ),
        "reminder": (
            "Il est {time}. Voici votre rappel.",
            "Voici votre rappel : {name}.",
            "J'étais éteint : il y avait un rappel {when}.",
            "J'étais éteint : il y avait un rappel {when} : {name}.",
        ),
    },
    "ja": {
        "timer": (
            "タイマーが終わりました。",
            "{name}のタイマーが終わりました。",
            "電源が切れている間に、{when}にタイマーが終わりました。",
            "電源が切れている間に、{when}に{name}のタイマーが終わりました。",
        ),
        "alarm": (
            "{time}です。アラームの時間です。",
            "{time}です。{name}のアラームの時間です。",
            "電源が切れていて、{when}のアラームを鳴らせませんでした。",
            "電源が切れていて、{when}の{name}のアラームを鳴らせませんでした。",
        ),
        "reminder": (
            "{time}です。リマインダーの時間です。",
            "リマインダーです。{name}。",
            "電源が切れている間に、{when}のリマインダーがありました。",
            "電源が切れている間に、{when}のリマインダーがありました。{name}。",
        ),
    },
}
