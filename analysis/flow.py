"""Which functions of a service run when: who calls whom, within a class and its bases and across files.

A *context* is a class as its instances know it, or the functions of a file. The same method of a base class runs in the
context of each class derived from it, and calls that one's methods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from analysis.collectors.port_records import Callee, Ports
from analysis.collectors.socket_records import Act, Called, Handled, Made, Messaging
from analysis.modules import Modules
from analysis.values.across import Across, Definition
from analysis.values.terms import Symbol

_T = TypeVar("_T", Act, Called, Handled, Made)


class Context(NamedTuple):
    """The class ``name`` of the file at ``path``, or, where it is empty, the functions of that file."""

    path: str
    name: str


class Function(NamedTuple):
    """A function as it runs in a context; an empty ``name`` is the module level."""

    context: Context
    path: str
    name: str


class SocketId(NamedTuple):
    """A socket: an attribute belongs to a context, any other name to a file."""

    context: Context
    key: str


class Flow:
    """The records of all files, by path, and what follows from them for contexts."""

    def __init__(self, records: Mapping[str, Messaging], paths: Iterable[str]) -> None:
        self.records = records
        names = {path: _as_names(one) for path, one in records.items()}
        self.across = Across(names, Modules(paths, {path: one.paths for path, one in records.items()}))
        self.acts = {path: _by_scope(one.acts) for path, one in records.items()}
        self.calls = {path: _by_scope(one.calls) for path, one in records.items()}
        self.handled = {path: _by_scope(one.handled) for path, one in records.items()}
        self.made = {path: _by_scope(one.made) for path, one in records.items()}
        self._lineages: dict[Context, list[Definition]] = {}
        self._methods: dict[Context, dict[str, Definition]] = {}
        self._live: dict[Context, tuple[Function, ...]] = {}
        self._callees: dict[Function, list[tuple[Called, Function]]] = {}

    # -- contexts

    def context(self, path: str, name: str) -> Context:
        """The context of the owner ``name`` in the file at ``path``: its class, where there is one of that name."""
        known = self.records.get(path)
        classes = {one for one, _ in known.bases} if known is not None else set()
        return Context(path, name if name in classes else "")

    def lineage(self, context: Context) -> list[Definition]:
        """The class and its bases in the tree, nearest first; nothing for the functions of a file."""
        if not context.name:
            return []
        if context not in self._lineages:
            self._lineages[context] = self.across.lineage(Definition(context.path, context.name))
        return self._lineages[context]

    def methods(self, context: Context) -> dict[str, Definition]:
        """What each method of an instance is."""
        if context not in self._methods:
            found: dict[str, Definition] = {}
            for one in self.lineage(context):
                start = f"{one.name}."
                for name in self.across.functions.get(one.path, {}):
                    if name.startswith(start) and "." not in name[len(start) :]:
                        found.setdefault(name[len(start) :], Definition(one.path, name))
            self._methods[context] = found
        return self._methods[context]

    def functions(self, context: Context) -> tuple[Function, ...]:
        """The functions that may run in a context, with those inside them: of overridden methods only what is asked."""
        if context in self._live:
            return self._live[context]
        found: dict[Function, None] = {}
        if not context.name:
            record = self.records.get(context.path)
            classes = tuple(f"{name}." for name, _ in record.bases) if record is not None else ()
            names = [name for name in self.across.functions.get(context.path, {}) if not name.startswith(classes)]
            found = dict.fromkeys(Function(context, context.path, name) for name in ("", *names))
        todo = [Function(context, one.path, one.name) for one in self.methods(context).values()]
        for function in todo:
            if function in found:
                continue
            found[function] = None
            start = f"{function.name}."
            inner = [name for name in self.across.functions[function.path] if name.startswith(start)]
            todo += [Function(context, function.path, name) for name in inner]
            for call in self.calls[function.path].get(function.name, ()):
                if call.target.startswith("^"):
                    todo += [one for one in self._meant(call, function) if one.context == context]
        self._live[context] = tuple(found)
        return self._live[context]

    # -- calls

    def callees(self, function: Function) -> list[tuple[Called, Function]]:
        """The calls of a function that mean one of the tree."""
        if function not in self._callees:
            calls = self.calls.get(function.path, {}).get(function.name, ())
            self._callees[function] = [(call, one) for call in calls for one in self._meant(call, function)]
        return self._callees[function]

    def _meant(self, call: Called, function: Function) -> Iterator[Function]:
        context, path = function.context, function.path
        if call.target.startswith("."):
            own = context if context.name else Context(path, call.place.owner)
            method = self.methods(own).get(call.target[1:])
            if method is not None:
                yield Function(own, method.path, method.name)
            return
        if call.target.startswith("^"):
            for base in self.across.lineage(Definition(path, call.place.owner))[1:]:
                name = f"{base.name}.{call.target[1:]}"
                if name in self.across.functions.get(base.path, {}):
                    yield Function(context, base.path, name)
                    return
            return
        owner, joint, method_name = call.target.partition("().")
        known = self.across.definition(owner, path)
        if known is None:
            return
        if known.name in self.across.bases[known.path]:
            inner = Context(known.path, known.name)
            found = self.methods(inner).get(method_name if joint else "__init__")
            if found is not None:
                yield Function(inner, found.path, found.name)
        elif not joint:
            yield self._placed(known, context)

    def _placed(self, known: Definition, context: Context) -> Function:
        """A function in its context: that of the caller where it stands in one of its classes."""
        for one in self.lineage(context):
            if one.path == known.path and known.name.startswith(f"{one.name}."):
                return Function(context, known.path, known.name)
        classes = [name for name in self.across.bases[known.path] if known.name.startswith(f"{name}.")]
        return Function(Context(known.path, max(classes, key=len, default="")), known.path, known.name)

    # -- sockets

    def socket(self, key: str, function: Function) -> SocketId:
        """The socket that a name means in a function."""
        if key.startswith("self."):
            return SocketId(function.context, key)
        return SocketId(Context(function.path, ""), key)


def _as_names(record: Messaging) -> Ports:
    """What calls are followed through, in the form in which values are."""
    return Ports(
        uses=(),
        names=tuple((name, Symbol(text)) for name, text in record.imports),
        fields=(),
        bases=record.bases,
        functions=tuple(Callee(name, parameters, False) for name, parameters in record.functions),
        passed=(),
        stars=(),
        paths=record.paths,
    )


def _by_scope(found: Iterable[_T]) -> dict[str, list[_T]]:
    result: defaultdict[str, list[_T]] = defaultdict(list)
    for one in found:
        result[one.place.scope].append(one)
    return dict(result)
