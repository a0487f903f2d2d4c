"""Log records: from OTLP to `LogRecord`."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from slipway.data import LogRecord
from slipway.server.receiver import besides
from slipway.server.receiver.batch import Batch, moment
from slipway.server.receiver.wire import Form
from slipway.store import jsontext

LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
SEVERITIES = {
    f"{level}{step or ''}": 4 * at + (step or 1) for at, level in enumerate(LEVELS) for step in (None, 2, 3, 4)
}


def convert(request: Any, form: Form, batch: Batch) -> None:
    """Add what ``request`` holds to ``batch``."""
    seen: Counter[bytes] = Counter()
    for of_resource in request.resource_logs or ():
        resource = form.pairs(of_resource.resource.attributes) if of_resource.resource is not None else {}
        project = batch.project(resource)
        for of_scope in of_resource.scope_logs or ():
            scope = (of_scope.scope.name or "") if of_scope.scope is not None else ""
            shared = besides.of_source(of_resource, of_scope, form)
            for record in of_scope.log_records or ():
                try:
                    batch.records.append(_record(record, form, resource, scope, project, seen, shared))
                except (ValueError, OverflowError, TypeError, RecursionError) as error:
                    batch.reject(error, project)


def _record(
    log: Any,
    form: Form,
    resource: Mapping[str, Any],
    scope: str,
    project: str,
    seen: Counter[bytes],
    shared: Mapping[str, Any],
) -> LogRecord:
    fields: dict[str, Any] = {
        "body": form.value(log.body),
        "event": log.event_name or "",
        "severity": _severity(log.severity_number),
        "severity_text": log.severity_text or "",
        "trace_id": _id(log.trace_id, form, 32),
        "span_id": _id(log.span_id, form, 16),
        "attributes": form.pairs(log.attributes),
        "resource": resource,
        "scope": scope,
        "project": project,
    }
    observed = moment(log.observed_time_unix_nano)
    when = moment(log.time_unix_nano) or observed
    if not fields["event"] and isinstance(named := fields["attributes"].get("event.name"), str):
        fields["event"] = named  # where it was before it had a field
    content = jsontext.encode([when, *fields.values()]).encode("utf-8", "surrogatepass")
    # The same thing may be said twice within a nanosecond; said again in another batch, it is the batch that came again.
    seen[content] += 1
    digest = hashlib.sha256(content + b"%d" % seen[content]).hexdigest()[:32]
    said = besides.of_log(log, when, observed, shared)
    return LogRecord(id=digest, time_ns=when or time.time_ns(), otlp=said, **fields)


def _severity(value: Any) -> int:
    """The number of a severity, 0 for none and for a name that is unknown. Some write the name itself into JSON."""
    if isinstance(value, str) and not value.lstrip("-").isdecimal():
        return SEVERITIES.get(value.upper().removeprefix("SEVERITY_NUMBER_"), 0)
    return min(max(int(value or 0), 0), 24)


def _id(value: Any, form: Form, digits: int) -> str | None:
    try:
        found = form.identity(value)
    except ValueError:
        return None
    return found if len(found) == digits and found.strip("0") else None
