"""Replay: store again what the journal holds. Records have keys, so what is there already stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from slipway.data import Span
from slipway.errors import SlipwayError
from slipway.server.journal import Damage, Head, read
from slipway.server.keys import Identity
from slipway.store.payloads import Keeping
from slipway.store.rows import rows_of

if TYPE_CHECKING:
    from slipway.server.routing import Call
    from slipway.store.protocol import Store


@dataclass(slots=True)
class Replayed:
    """What the journal gave back: bodies read, records new to the store, and in words what could not be read."""

    bodies: int = 0
    records: int = 0
    lost: tuple[str, ...] = ()


def replay(folder: Path, store: Store, *, most: int) -> Replayed:
    """Store what the journal in ``folder`` holds; each body up to ``most`` bytes once it is unpacked."""
    done, damage = Replayed(), Damage()
    lost: list[str] = []
    for head, body in read(folder, damage):
        done.bodies += 1
        try:
            done.records += _stored(head, body, store, most)
        except SlipwayError as error:
            lost.append(f"a body of the journal: {error.args[0]}")
    done.lost = (*damage.reasons, *lost)
    return done


def _stored(head: Head, body: bytes, store: Store, most: int) -> int:
    from slipway.server.receiver import body as bodies
    from slipway.server.receiver import logs, points, spans
    from slipway.server.receiver.batch import Batch
    from slipway.server.receiver.intake import project_of
    from slipway.server.receiver.wire import FORMS, LOGS, METRICS, TRACES

    converts: dict[str, tuple[Any, Callable[..., None]]] = {
        TRACES.name: (TRACES, spans.convert),
        LOGS.name: (LOGS, logs.convert),
        METRICS.name: (METRICS, lambda request, form, batch: points.convert(request, form, batch, _any_name)),
    }
    signal, convert = converts[head.signal]
    form = FORMS[head.media]
    call = _call(head)
    batch = Batch(lambda resource: project_of(resource, call))
    convert(form.decode(signal, bodies.unpack(body, head.coding, most)), form, batch)
    keep = Keeping(store)
    records = batch.records
    if not keep.takes_rows:
        records = [rows_of(Span).record(each) if type(each) is tuple else each for each in records]
    return keep(records).result() if records else 0


def _any_name(project: str, name: str) -> bool:
    return True


def _call(head: Head) -> Call:
    """What `project_of` asks of the call that brought the body."""
    named = {"project": head.project} if head.pinned else {}
    request = SimpleNamespace(query_params=named, headers={})
    who = Identity("journal", cast("Any", head.projects))
    return cast("Call", SimpleNamespace(request=request, project=head.project, who=who))
