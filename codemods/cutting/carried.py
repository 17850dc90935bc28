"""What a message can carry: types and defaults of parameters as the text of a struct's fields."""

from __future__ import annotations

import ast
import collections.abc
import typing
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Union

import msgspec

_BUILTIN: Mapping[str, Any] = {
    one.__name__: one for one in (bool, int, float, str, bytes, bytearray, list, dict, tuple, set, frozenset)
}
_TYPING = frozenset(
    {"Any", "Dict", "FrozenSet", "List", "Literal", "Mapping", "Optional", "Sequence", "Set", "Tuple", "Union"}
)
_ABSTRACT = frozenset({"Collection", "Mapping", "MutableMapping", "MutableSequence", "Sequence"})
_MODULES: Mapping[str, frozenset[str]] = {"typing": _TYPING, "collections.abc": _ABSTRACT}
SETTLED = frozenset({"bool", "bytes", "float", "int", "str"})
"""Types whose objects nobody can change."""


class NotCarried(Exception):
    """No message can carry it; the argument says why."""


class Type(NamedTuple):
    """A type as it is written in another module: ``imports`` are the modules and names that ``text`` needs."""

    text: str
    imports: tuple[tuple[str, str], ...] = ()


ANY = Type("Any", (("typing", "Any"),))


class Types:
    """Reads annotations of the module ``tree``, whose imports say what its names mean."""

    def __init__(self, tree: ast.Module) -> None:
        self._known: dict[str, tuple[str, str]] = {}
        for node in tree.body:
            match node:
                case ast.ImportFrom(module=str(module), level=0):
                    self._known |= {one.asname or one.name: (module, one.name) for one in node.names}
                case ast.Import():
                    for one in node.names:
                        # `import collections.abc` makes `collections` known.
                        first = one.name.partition(".")[0]
                        self._known[one.asname or first] = (one.name if one.asname else first, "")
        self._own = {name for node in tree.body for name in _defined(node)}

    def of(self, annotation: ast.expr | None, *, optional: bool = False) -> Type:
        """The type of an annotation; ``optional``: None counts, too, whatever it says.

        Raises NotCarried for what is known to be no type that a message has.
        """
        if annotation is None:
            return ANY
        found: dict[tuple[str, str], None] = {}
        text, kind = self._read(annotation, found)
        if optional and kind is not Any and type(None) not in typing.get_args(kind) and kind is not None:
            text, kind = f"{text} | None", Union[kind, None]  # noqa: UP007 the type is made here, not written
        try:
            msgspec.msgpack.Decoder(kind)
        except TypeError as error:
            raise NotCarried(f"`{ast.unparse(annotation)}` is no type of a message: {error}") from None
        return Type(text, tuple(found))

    def _read(self, node: ast.expr, found: dict[tuple[str, str], None]) -> tuple[str, Any]:
        match node:
            case ast.Constant(value=None):
                return "None", None
            case ast.Constant(value=str(text)):
                try:
                    return self._read(ast.parse(text.strip(), mode="eval").body, found)
                except SyntaxError:
                    raise NotCarried(f"`{text}` is no annotation") from None
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                one, other = self._read(left, found), self._read(right, found)
                return f"{one[0]} | {other[0]}", Union[one[1], other[1]]  # noqa: UP007 as above
            case ast.Name() | ast.Attribute():
                return self._named(node, found)
            case ast.Subscript(value=outer, slice=inner):
                return self._generic(outer, inner, found)
        raise NotCarried(f"`{ast.unparse(node)}` is no type that is known here")

    def _generic(self, outer: ast.expr, inner: ast.expr, found: dict[tuple[str, str], None]) -> tuple[str, Any]:
        text, kind = self._named(outer, found)
        arguments = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if kind is typing.Literal:
            values = [ast.literal_eval(one) for one in arguments if isinstance(one, (ast.Constant, ast.UnaryOp))]
            if len(values) != len(arguments):
                raise NotCarried(f"`{ast.unparse(inner)}` is not literal")
            return f"{text}[{', '.join(map(repr, values))}]", kind[tuple(values)]
        parts = [("...", ...) if _is_dots(one) else self._read(one, found) for one in arguments]
        try:
            made = kind[tuple(one[1] for one in parts)] if len(parts) > 1 else kind[parts[0][1]]
        except TypeError as error:
            raise NotCarried(f"`{text}[{ast.unparse(inner)}]`: {error}") from None
        return f"{text}[{', '.join(one[0] for one in parts)}]", made

    def _named(self, node: ast.expr, found: dict[tuple[str, str], None]) -> tuple[str, Any]:
        text = ast.unparse(node)
        first, _, rest = text.partition(".")
        if text in _BUILTIN and text not in self._known and text not in self._own:
            return text, _BUILTIN[text]
        module, name = self._known.get(first, ("", ""))
        if rest:
            # An attribute of a module, not of what was imported from one.
            module, _, name = f"{module}.{rest}".rpartition(".") if module and not name else ("", "", "")
        if name in _MODULES.get(module, ()):
            found[module, name] = None
            return name, getattr(typing if module == "typing" else collections.abc, name)
        if first in self._own:
            raise NotCarried(f"`{text}` is a class of its own module")
        raise NotCarried(f"`{text}` is no type of a message that is known here")


def _is_dots(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (one.id for one in targets if isinstance(one, ast.Name))


def default(node: ast.expr) -> str | None:
    """A default as the text of a field's; None where it is not literal, or no struct may have it."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(value, (list, dict, set)) and value:
        return None
    return f'"{value}"' if isinstance(value, str) and repr(value) == f"'{value}'" and '"' not in value else repr(value)


_METHODS = frozenset(name for kind in (str, bytes, int, float, list, dict, tuple, set) for name in dir(kind))


def is_plain_member(name: str) -> bool:
    """Whether what a message carries may have an attribute of this name."""
    return name in _METHODS
