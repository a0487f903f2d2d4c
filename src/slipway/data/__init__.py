"""Data: frozen records that every other room speaks in. Start in trace.py, then evalrun.py."""

from slipway.data.access import ApiKey, KeyUse, Member, Project
from slipway.data.canonical import canonical_json, content_hash, digest, plain
from slipway.data.dataset import DatasetVersion, Example
from slipway.data.environment import Environment
from slipway.data.evalrun import EvalRun, Look, Sample, Verdict
from slipway.data.feedback import Feedback
from slipway.data.ids import new_id, new_span_id, new_trace_id
from slipway.data.log import LogRecord
from slipway.data.message import Logprob, Message, Reply, Request, Response, ToolCall, Usage
from slipway.data.metric import Drop, MetricPoint
from slipway.data.prompt import Prompt
from slipway.data.score import Score
from slipway.data.trace import Event, Span
from slipway.data.variant import Variant

RECORDS = (
    Span,
    Environment,
    DatasetVersion,
    Variant,
    EvalRun,
    Sample,
    Verdict,
    Look,
    Prompt,
    Response,
    Feedback,
    LogRecord,
    MetricPoint,
    Drop,
    Project,
    Member,
    ApiKey,
    KeyUse,
)
"""Every kind of record a store keeps."""

__all__ = [
    "RECORDS",
    "ApiKey",
    "DatasetVersion",
    "Drop",
    "Environment",
    "EvalRun",
    "Event",
    "Example",
    "Feedback",
    "KeyUse",
    "LogRecord",
    "Logprob",
    "Look",
    "Member",
    "Message",
    "MetricPoint",
    "Project",
    "Prompt",
    "Reply",
    "Request",
    "Response",
    "Sample",
    "Score",
    "Span",
    "ToolCall",
    "Usage",
    "Variant",
    "Verdict",
    "canonical_json",
    "content_hash",
    "digest",
    "new_id",
    "new_span_id",
    "new_trace_id",
    "plain",
]
