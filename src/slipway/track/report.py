"""What ``slipway doctor`` says about recording: what waits in the spool, what was dropped, which spool cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slipway.track.drops import kept, records_lost
from slipway.track.slot import slot
from slipway.track.spool import NewerSpool, read, segments
from slipway.track.tracer import SPOOL


def status(data_folder: Path | str) -> dict[str, Any]:
    """Figures of one data folder; nothing is changed.

    ``spool.pending`` records in ``spool.segments`` files of ``spool.bytes`` wait to be stored; ``spool.damaged`` cannot be
    read; ``spool.newer`` files are of a later version. ``spans.dropped`` counts what the store does not know of yet, by reason
    in ``drops`` (counts that reached the store are in ``store.health().drops``). ``queue`` is what this process holds.
    """
    spool = Path(data_folder) / SPOOL
    folders = [spool, *sorted(spool.glob("to-*/"))]  # a folder for each server that something waits for
    pending = lost = size = newer = 0
    problems: list[str] = []
    paths = [path for folder in folders for path in segments(folder)]
    for path in paths:
        try:
            size += path.stat().st_size
            records, damage = read(path)
        except NewerSpool as error:
            newer += 1
            problems.append(f"{path}: {error}")
            continue
        except OSError as error:
            problems.append(f"{path}: {error}")
            continue
        pending, lost = pending + len(records), lost + damage.lost
        problems += [f"{path}: {reason}" for reason in damage.reasons]
    drops: dict[str, int] = {}
    for row in (row for folder in folders for _, rows in kept(folder) for row in rows):
        key = f"{row.where}: {row.reason}"
        drops[key] = drops.get(key, 0) + row.count
    tracer = slot.tracer
    return {
        "spans.dropped": records_lost(drops),
        "spool.pending": pending,
        "spool.bytes": size,
        "spool.segments": len(paths),
        "spool.damaged": lost,
        "spool.newer": newer,
        "drops": drops,
        "problems": problems,
        "queue": tracer.recorder.pending if tracer is not None else 0,
    }
