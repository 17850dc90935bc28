"""What a message asks for, read off the source: requests and topics that are sent, and tests that tell them apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from analysis.values.bindings import Scope
from analysis.values.reader import Reader
from analysis.values.syntax import dotted

_NAMES = frozenset(
    {"action", "request_type", "command", "cmd", "msg_type", "message_type", "req_type", "op", "operation"}
    | {"request_action", "request_name"}
)
"""What a variable is called that holds the name of a request."""
_KEYS = _NAMES | {"type", "request", "kind", "method", "event", "event_type"}
"""Under which key a message has it."""
_WRAPPED = frozenset({"dumps", "encode", "packb", "dict", "lower", "strip", "upper", "decode"})


def is_name_of_request(node: ast.expr) -> bool:
    """Whether an expression is what a message asks for: ``action``, ``message["action"]``, ``message.get("type")``."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _NAMES
        case ast.Subscript(slice=ast.Constant(value=key)):
            return key in _KEYS
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=key), *_]):
            return key in _KEYS
        case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _WRAPPED:
            return is_name_of_request(inner)
        case ast.BoolOp(op=ast.Or(), values=[first, *_]):
            return is_name_of_request(first)
    return False


def asked_for(test: ast.expr) -> tuple[str, ...]:
    """The requests of which one is at hand where ``test`` holds."""
    return tuple(dict.fromkeys(_asked_for(test)))


def _asked_for(test: ast.expr) -> Iterator[str]:
    match test:
        case ast.BoolOp():
            for one in test.values:
                yield from _asked_for(one)
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            if is_name_of_request(left):
                yield from _texts(right)
            elif is_name_of_request(right):
                yield from _texts(left)
        case ast.Compare(left=left, ops=[ast.In()], comparators=[ast.Tuple() | ast.List() | ast.Set() as several]):
            if is_name_of_request(left):
                for one in several.elts:
                    yield from _texts(one)


def of_case(case: ast.match_case) -> tuple[str, ...]:
    """The requests of a ``case "save" | "store":``."""
    pattern = case.pattern
    every = pattern.patterns if isinstance(pattern, ast.MatchOr) else [pattern]
    return tuple(text for one in every if isinstance(one, ast.MatchValue) for text in _texts(one.value))


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and node.value:
        yield _text(node.value)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def request_of(node: ast.expr, reader: Reader, scope: Scope, line: int) -> str | None:
    """The request that a message asks for: of ``{"action": "save"}``, of its name, of either in ``json.dumps``."""
    for _ in range(4):
        match node:
            case ast.Call(func=ast.Attribute(attr="encode", value=inner)):
                node = inner
            case ast.Call(func=func, args=[first, *_]) if dotted(func).rpartition(".")[2] in _WRAPPED:
                node = first
            case ast.Name() | ast.Attribute():
                found = reader.origin(node, scope, line)
                if found is None or found is node:
                    return None
                node = found
            case _:
                break
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in _KEYS:
                return next(_texts(value), None)
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
        text = _text(node.value)
        return text if text.replace("_", "").isalnum() else None
    return None


def topic_of(node: ast.expr, reader: Reader, scope: Scope, line: int) -> str | None:
    """The topic a message or a subscription begins with: ``b"state"``, ``f"state {text}"``, ``[b"state", …]``."""
    for _ in range(4):
        match node:
            case ast.Call(func=ast.Attribute(attr="encode", value=inner)):
                node = inner
            case ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]):
                node = first
            case ast.Name() | ast.Attribute():
                found = reader.origin(node, scope, line)
                if found is None or found is node:
                    return None
                node = found
            case _:
                break
    match node:
        case ast.Constant(value=str() | bytes() as value):
            return _text(value)
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]) if start.split(" ")[0] != start:
            return start.split(" ")[0]
        case ast.JoinedStr(values=[ast.FormattedValue(value=inner), *_]):
            return topic_of(inner, reader, scope, line)
        case ast.BinOp(op=ast.Add(), left=left):
            return topic_of(left, reader, scope, line)
    return None
