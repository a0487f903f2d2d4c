"""The OpenAPI 3.1 document of the routes, made from their signatures. Schemas are those of msgspec (JSON Schema 2020-12)."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

import slipway
from slipway.server.routing import JSON, Route

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


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document, a plain JSON value."""
    kinds = [kind for route in routes for kind in (route.query, route.body, route.answer) if _is_schema(kind)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    by_kind = dict(zip(map(repr, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_kind)
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
    return (isinstance(kind, type) and issubclass(kind, msgspec.Struct)) or hasattr(kind, "__origin__")


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    said = inspect.getdoc(route.function) or ""
    success: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    content = schemas.get(repr(route.answer))
    if content is not None:
        success["content"] = {route.media: {"schema": content}}
    elif route.media != JSON:
        success["content"] = {route.media: {}}
    wrong = {"description": "What went wrong", "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": said.split("\n", 1)[0],
        "description": said,
        "parameters": [*_in_path(route), *_in_query(route)],
        "responses": {str(route.status): success, "default": wrong},
    }
    if route.needs is not None:
        operation |= {"security": [{"key": []}], "x-role": route.needs, "x-scope": route.scope}
    if route.body is not None:
        schema = schemas.get(repr(route.body), {})
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return operation


def _in_path(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.parts]


def _in_query(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    found = []
    for field in msgspec.structs.fields(route.query):
        schema = msgspec.json.schema(field.type)
        found.append({"name": field.encode_name, "in": "query", "required": field.required, "schema": schema})
    return found
