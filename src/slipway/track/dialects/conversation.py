"""Messages and tools out of any JSON that spells them: OpenAI's, Anthropic's, LangChain's, the AI SDK's, OpenTelemetry's parts.

Everything here takes any value, reads a bounded part of it and gives what it recognises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from slipway.data import Message, ToolCall
from slipway.store import jsontext
from slipway.track.dialects.shape import decoded, text

MOST_MESSAGES, MOST_PARTS, MOST_CHARACTERS, MOST_TOOLS = 1_000, 10_000, 1_000_000, 1_000
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool", "developer": "system"}
_LANGCHAIN = {"HumanMessage": "user", "AIMessage": "assistant", "SystemMessage": "system", "ToolMessage": "tool"}
_LANGCHAIN |= {f"{name}Chunk": role for name, role in _LANGCHAIN.items()}
_SPEAKERS = frozenset((*_ROLES, "user", "assistant", "system", "tool"))
_CALLS = frozenset({"tool_call", "tool-call", "tool_use", "function_call", "server_tool_use"})
_RESULTS = frozenset({"tool_call_response", "tool-result", "tool_result", "function_call_output", "tool_call_result"})
_IDS = ("tool_call_id", "toolCallId", "tool_use_id", "call_id", "id")  # some have an id of their own beside the call's
_THOUGHTS = frozenset({"reasoning", "thinking", "redacted_thinking", "redacted-reasoning"})
_AROUND = ("messages", "choices", "generations", "prompt", "input", "output", "chat_history")
_CONTENT = ("content", "parts", "contents", "text", "reply", "transcript")


def messages(value: Any, role: str = "user") -> tuple[Message, ...]:
    """The messages that ``value`` spells; bare text is one of ``role``."""
    reader = _Reader()
    reader.read(value, role, 0)
    return tuple(reader.found)


def tools(value: Any) -> tuple[Mapping[str, Any], ...]:
    """Definitions of tools, each as ``{"name", "description", "parameters"}``."""
    value = decoded(value)
    if isinstance(value, Mapping):
        lists = [
            found for key in ("function_tools", "output_tools", "tools") if isinstance(found := value.get(key), list)
        ]
        value = [each for found in lists for each in found] if lists else _by_name(value)
    if not isinstance(value, list | tuple):
        return ()
    return tuple(found for each in value[:MOST_TOOLS] if (found := _tool(each)) is not None)


def call(value: Any) -> ToolCall | None:
    """The call of a tool that ``value`` spells."""
    value = decoded(value)
    if isinstance(value, Mapping) and isinstance(value.get("tool_call"), Mapping):
        value = value["tool_call"]
    if not isinstance(value, Mapping):
        return None
    inner = value.get("function")
    if not isinstance(inner, Mapping):
        inner = value
    name = text(inner.get("name")) or text(value.get("toolName"))
    if name is None:
        return None
    given = _first(inner, "arguments", "args", "input", "parameters")
    return ToolCall(name, arguments(given), text(_first(value, *_IDS)))


def arguments(value: Any) -> Mapping[str, Any]:
    """The arguments of a call as an object; what is none is one, under the name ``arguments``."""
    value = decoded(value)
    if isinstance(value, Mapping):
        return value
    return {} if value is None or value == "" else {"arguments": value}


def as_json(found: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as they are shown where only JSON is."""
    return [
        {
            "role": each.role,
            "content": each.content,
            **(
                {"tool_calls": [{"name": c.name, "arguments": c.arguments} for c in each.tool_calls]}
                if each.tool_calls
                else {}
            ),
        }
        for each in found
    ]


def written(value: Any) -> str:
    """A value as text: text as it is, anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else jsontext.encode(value)


class _Reader:
    def __init__(self) -> None:
        self.found: list[Message] = []
        self.parts, self.characters = MOST_PARTS, MOST_CHARACTERS

    def read(self, value: Any, role: str, depth: int) -> None:
        """A conversation, a message, or what lies around them."""
        value = decoded(value)
        if isinstance(value, str):
            self.put(role, value)
        elif depth > 6 or self.parts <= 0:
            return
        elif isinstance(value, list | tuple):
            self.parts -= 1
            if value and all(isinstance(each, Mapping) and "type" in each and not _spoken(each) for each in value[:50]):
                self.message({"role": role, "content": value}, role)
                return
            for each in value[:MOST_MESSAGES]:
                self.parts -= 1
                self.read(each, role, depth + 1)
        elif isinstance(value, Mapping):
            self.around(value, role, depth)

    def around(self, value: Mapping[str, Any], role: str, depth: int) -> None:
        if isinstance(value.get("message"), Mapping) and "content" not in value:
            self.read(value["message"], role, depth + 1)
            return
        alone = "role" in value or "content" in value or _type(value) in _CALLS or _type(value) in _RESULTS
        inside = None if alone else _first(value, *_AROUND)
        if inside is None or isinstance(inside, int | float):
            self.message(value, role)
            return
        for name in ("system", "instructions"):
            if value.get(name):
                self.read(value[name], "system", depth + 1)
        self.read(inside, role, depth + 1)

    def message(self, value: Mapping[str, Any], role: str) -> None:
        """One message, and the results of tools that it carries, each as a message of its own."""
        value, role = _unwrapped(value, role)
        kind = _type(value)
        if kind in _THOUGHTS:
            return
        if (kind in _CALLS or kind in _RESULTS) and "role" not in value:
            content: Any = [value]
        else:
            content = _first(value, *_CONTENT)
        said, calls, results = self.content(content)
        given = decoded(value.get("tool_calls"))
        for each in (given if isinstance(given, list | tuple) else ())[:MOST_MESSAGES]:
            found = call(each)
            if found is not None and all(other.id != found.id or found.id is None for other in calls[:100]):
                calls.append(found)
        if (legacy := call(value.get("function_call"))) is not None:
            calls.append(legacy)
        if calls and role == "user":
            role = "assistant"  # it is the model that asks for tools
        answered = text(_first(value, *_IDS)) if role == "tool" else None
        if said or calls or (not results and (_spoken(value) or content is not None)):
            self.put(role, said, calls, answered)
        for number, result in results:
            self.put("tool", result, (), number)

    def content(self, value: Any) -> tuple[str, list[ToolCall], list[tuple[str | None, str]]]:
        """Text, calls of tools, and results of tools of one message."""
        if isinstance(value, str) and value[:2] in ("[{", "[ "):
            value = decoded(value)
        if not isinstance(value, list | tuple):
            return self.part_text(value), [], []
        said: list[str] = []
        calls: list[ToolCall] = []
        results: list[tuple[str | None, str]] = []
        for part in islice(value, max(self.parts, 0)):
            self.parts -= 1
            if isinstance(part, Mapping) and isinstance(part.get("message_content"), Mapping):
                part = part["message_content"]
            kind = _type(part) if isinstance(part, Mapping) else ""
            if kind in _CALLS:
                calls.extend([found] if (found := call(part)) is not None else [])
            elif kind in _RESULTS:
                results.append(_result(part))
            elif kind not in _THOUGHTS:
                said.append(self.part_text(part))
        return "\n".join(filter(None, said)), calls, results

    def part_text(self, part: Any) -> str:
        """What a part says; what is no text is named: ``[image]``."""
        if not isinstance(part, Mapping):
            return written(part)
        for name in ("text", "content", "value"):
            inner = part.get(name)
            if isinstance(inner, str):
                return inner
            if isinstance(inner, Mapping) and isinstance(inner.get("value"), str):
                return str(inner["value"])
        kind = part.get("type", part.get("modality"))
        return f"[{kind[:40]}]" if isinstance(kind, str) else written(part)

    def put(self, role: str, said: str, calls: Sequence[ToolCall] = (), answered: str | None = None) -> None:
        if len(self.found) < MOST_MESSAGES:
            kept = said[: max(self.characters, 0)]
            self.characters -= len(kept)
            self.found.append(Message(role, kept, tuple(calls), answered))


def _unwrapped(value: Mapping[str, Any], role: str) -> tuple[Mapping[str, Any], str]:
    """The message inside what LangChain writes around it, and its role."""
    kwargs, data, kind = value.get("kwargs"), value.get("data"), _type(value)
    if isinstance(kwargs, Mapping):
        named = value.get("id")
        last = named[-1] if isinstance(named, list | tuple) and named else None
        return kwargs, _LANGCHAIN.get(last, role) if isinstance(last, str) else role
    said = value.get("role", kind if kind in _SPEAKERS else None)
    said = said.lower()[:40] if isinstance(said, str) and said else role
    if isinstance(data, Mapping) and "content" in data:
        return data, _ROLES.get(said, said)
    return value, _ROLES.get(said, said)


def _spoken(value: Mapping[str, Any]) -> bool:
    return _type(value) in _SPEAKERS or any(name in value for name in ("role", "message", "kwargs", "data", "messages"))


def _type(value: Mapping[str, Any]) -> str:
    found = value.get("type")
    return found if isinstance(found, str) else ""


def _result(part: Mapping[str, Any]) -> tuple[str | None, str]:
    given = _first(part, "result", "response", "output", "content")
    if isinstance(given, Mapping) and "value" in given:
        given = given["value"]
    return text(_first(part, *_IDS)), written(given)


def _first(value: Mapping[str, Any], *names: str) -> Any:
    return next((found for name in names if (found := value.get(name)) is not None), None)


def _by_name(value: Mapping[str, Any]) -> list[Any]:
    if "name" in value or "function" in value:
        return [value]
    return [{"name": name, **each} for name, each in value.items() if isinstance(each, Mapping)]


def _tool(value: Any) -> Mapping[str, Any] | None:
    value = decoded(value)
    if isinstance(value, str):
        return {"name": value[:1000], "description": "", "parameters": {}} if value else None
    for name in ("tool", "json_schema", "function"):
        if isinstance(value, Mapping) and name in value and "name" not in value:
            value = decoded(value[name])
    if not isinstance(value, Mapping) or (name_ := text(value.get("name"))) is None:
        return None
    schema = decoded(_first(value, "parameters", "input_schema", "inputSchema", "parameters_json_schema"))
    return {
        "name": name_,
        "description": written(value.get("description"))[:10_000],
        "parameters": schema if isinstance(schema, Mapping) else {},
    }
