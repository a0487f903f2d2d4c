"""The OpenAPI 3.1 document of the routes, made from their signatures. Schemas are those of msgspec (JSON Schema 2020-12)."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

import slipway
from slipway.server.routing import JSON, Route

PARTS = {
    "trace_id": "A trace: 32 hex digits.",
    "span_id": "A span: 16 hex digits.",
    "session_id": "What the spans call their session.",
    "run_id": "An eval run.",
    "dataset_id": "A dataset version.",
    "feedback_id": "A piece of feedback.",
    "key_id": "A key, by its id, which is not its text.",
    "name": "A name.",
}
"""What the parts of paths are."""

PROJECT = {
    "name": "project",
    "in": "query",
    "required": False,
    "description": "The project; otherwise that of the header X-Slipway-Project, of the key, or of the settings.",
    "schema": {"type": "string", "maxLength": 128},
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["cause", "mend", "page"],
            "properties": {
                "cause": {"type": "string"},
                "mend": {"type": ["string", "null"]},
                "page": {"type": "string"},
            },
        }
    },
}

BYTES = {"type": "string", "format": "binary"}
STATUS = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
}
"""google.rpc.Status, which OTLP answers errors with."""


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document, a plain JSON value."""
    kinds = [kind for route in routes for kind in (route.query, route.body, route.answer) if _is_schema(kind)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    _always_whole(components, routes)
    by_kind = dict(zip(map(repr, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path.replace(":path}", "}"), {})[route.method.lower()] = _operation(route, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Slipway", "version": slipway.__version__},
        "paths": paths,
        "components": {
            "schemas": {**components, "Error": ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _is_schema(kind: Any) -> bool:
    record = isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind))
    return record or hasattr(kind, "__origin__")


def _always_whole(components: dict[str, Any], routes: Sequence[Route]) -> None:
    """What is only answered has all its fields, also those that have a default where it is made."""
    given = [kind for route in routes for kind in (route.query, route.body) if _is_schema(kind)]
    _, asked = msgspec.json.schema_components(given, ref_template="{name}")
    for name, schema in components.items():
        if name not in asked and "properties" in schema:
            schema["required"] = list(schema["properties"])
            for said in schema["properties"].values():
                said.pop("default", None)


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    said = inspect.getdoc(route.function) or ""
    success: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    content = schemas.get(repr(route.answer))
    if content is not None:
        success["content"] = {route.media: {"schema": content}}
    elif route.media != JSON:
        success["content"] = {media: {} for media in route.media.split(", ")}
    refused: dict[str, Any] = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    if route.problem is not None:  # in the form that the clients of the route read
        refused = {media: {"schema": STATUS} if media == JSON else {} for media in route.media.split(", ")}
    wrong = {"description": "What went wrong", "content": refused}
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": said.split("\n", 1)[0],
        "description": said,
        "parameters": [*_in_path(route), *_in_query(route)],
        "responses": {str(route.status): success, "default": wrong},
    }
    if route.needs is not None:
        operation |= {"security": [{"key": []}], "x-role": route.needs, "x-scope": route.scope}
        operation["parameters"].append(PROJECT)
    if route.body is not None:
        schema = schemas.get(repr(route.body), {})
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    elif route.takes:
        taken = {media: {"schema": {} if media == JSON else BYTES} for media in route.takes.split(", ")}
        operation["requestBody"] = {"required": True, "content": taken}
    return operation


def _in_path(route: Route) -> list[dict[str, Any]]:
    schema = {"type": "string"}
    return [
        {"name": name, "in": "path", "required": True, "description": PARTS.get(name, ""), "schema": schema}
        for name in route.parts
    ]


def _in_query(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    found = []
    for field in msgspec.structs.fields(route.query):
        schema = msgspec.json.schema(field.type)
        said = schema.pop("description", "")
        if isinstance(field.default, str | int | float) and field.default != "":
            schema["default"] = field.default
        one = {"name": field.encode_name, "in": "query", "required": field.required, "description": said}
        found.append({**one, "schema": schema})
    return found
