"""Follows terms from file to file: imported names, attributes of base classes, what callers pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from analysis.collectors.port_records import Callee, Passed, Ports
from analysis.modules import Modules
from analysis.testfiles import is_test
from analysis.values.terms import Call, Choice, Field, Parameter, Symbol, Term, choice, looked_up, replaced

_TOKEN = re.compile(r"\[[^\]]*\]|\(\)|[^.\[\]()]+")
_DEPTH = 16
_CALLERS = 12
"""With more callers that differ a parameter says nothing."""


class Definition(NamedTuple):
    """A class or function of the tree: ``path`` of its file and qualified name there."""

    path: str
    name: str


class Passing(NamedTuple):
    """Values passed to a function: by whom, and which parameter gets which term of the caller's file."""

    path: str
    owner: str
    values: dict[str, Term]
    test: bool
    """Whether a test passes them."""


class Across:
    """The records of all files, by path.

    ``registered`` gives what the port registry says of a name, a machine or nothing, and the file that asks.
    """

    def __init__(
        self,
        records: Mapping[str, Ports],
        modules: Modules,
        registered: Callable[[str, str, str], Term | None] | None = None,
    ) -> None:
        self.registered = registered
        self.records = records
        self.modules = modules
        self.names = {path: dict(one.names) for path, one in records.items()}
        self.fields = {path: {(owner, name): term for owner, name, term in one.fields} for path, one in records.items()}
        self.bases = {path: dict(one.bases) for path, one in records.items()}
        self.functions = {path: {each.qualname: each for each in one.functions} for path, one in records.items()}
        self._calls: dict[Definition, list[Passing]] | None = None
        self._definitions: dict[tuple[str, str], Definition | None] = {}
        self._lineages: dict[Definition, list[Definition]] = {}
        self._telling: dict[Definition, list[Passing]] = {}
        self._active: set[tuple[str, Term]] = set()
        self.owner: Definition | None = None
        """The class whose instance is asked about: of the calls of its bases' methods only its own count."""
        self.kept: Definition | None = None
        """A function whose parameters are left as they are."""

    def resolve(self, term: Term, path: str, depth: int = 0) -> Term:
        """``term`` of the file at ``path`` with everything put in that other files say."""
        if depth > _DEPTH:
            return term

        def change(one: Term) -> Term | None:
            if not isinstance(one, (Symbol, Field, Parameter, Call)) or (path, one) in self._active:
                return None
            self._active.add((path, one))
            try:
                if isinstance(one, Symbol):
                    return self._symbol(one, path, depth)
                if isinstance(one, Call):
                    return self._called(one, path, depth)
                if isinstance(one, Field):
                    return self._field(Definition(path, one.owner), one.name, depth)
                return self._parameter(one, path, depth)
            finally:
                self._active.discard((path, one))

        return replaced(term, change)

    # -- symbols

    def _symbol(self, symbol: Symbol, path: str, depth: int) -> Term | None:
        level, module, rest = symbol.text.split(":", 2)
        tokens = _TOKEN.findall(rest)
        file: str | None = path
        if module or level != "0":
            file = self.modules.find(path, module, int(level))
        while file is not None and file not in self.records and tokens and tokens[0][:1] not in "[(":
            inner = self.modules.inside(file, tokens[0])
            if inner is None:
                break
            file, tokens = inner, tokens[1:]
        return self._member(file, tokens, depth) if file is not None and tokens else None

    def _member(self, path: str, tokens: list[str], depth: int) -> Term | None:
        if path not in self.records:
            return None
        for end in range(len(tokens), 0, -1):
            name = ".".join(tokens[:end])
            term = self.names[path].get(name)
            if term is not None:
                return self._onward(term, path, tokens[end:], depth)
            found = self._defined(path, tokens, end, depth)
            if found is not None:
                return found
        inner = self.modules.inside(path, tokens[0])
        if inner is not None and len(tokens) > 1:
            return self._member(inner, tokens[1:], depth)
        for star in self.records[path].stars:
            level, module, _ = star.split(":", 2)
            file = self.modules.find(path, module, int(level))
            if file is not None and file != path and depth < _DEPTH:
                found = self._member(file, tokens, depth + 1)
                if found is not None:
                    return found
        return None

    def _defined(self, path: str, tokens: list[str], end: int, depth: int) -> Term | None:
        """What the tokens mean when the first ``end`` of them name a class or a function."""
        name, rest = ".".join(tokens[:end]), tokens[end:]
        if name in self.bases[path]:
            # An attribute of the class or, behind a call, of an instance.
            rest = rest[1:] if rest[:1] == ["()"] else rest
            if len(rest) == 1 and rest[0][:1] not in "[(":
                return self._field(Definition(path, name), rest[0], depth)
            if len(rest) == 2 and rest[1] == "()":
                method = self.functions[path].get(f"{name}.{rest[0]}")
                return self._gives(method, path, depth)
            return None
        if rest == ["()"]:
            return self._gives(self.functions[path].get(name), path, depth)
        return None

    def _gives(self, function: Callee | None, path: str, depth: int) -> Term | None:
        if function is None or function.gives is None:
            return None
        return self.resolve(function.gives, path, depth + 1)

    def _onward(self, term: Term, path: str, rest: list[str], depth: int) -> Term | None:
        if not rest:
            return self.resolve(term, path, depth + 1)
        if isinstance(term, Symbol) and depth < _DEPTH:
            joint = "" if term.text.endswith(":") else "."
            return self._symbol(Symbol(f"{term.text}{joint}{'.'.join(rest)}"), path, depth + 1)
        return None

    def _called(self, call: Call, path: str, depth: int) -> Term | None:
        """What a function of the tree gives for the arguments of a call, or the port registry for a name."""
        asked = looked_up(call)
        if asked is not None and self.registered is not None:
            number = self.registered(*asked, path)
            if number is not None:
                return number
        known = self.definition(call.target, path)
        function = self.functions[known.path].get(known.name) if known is not None else None
        if known is None or function is None or function.gives is None:
            return None
        values = _assigned(function, call.values)

        def passed(one: Term) -> Term | None:
            if isinstance(one, Parameter) and one.function == function.qualname:
                return self.resolve(values[one.name], path, depth + 1) if one.name in values else one.default
            return None

        return self.resolve(replaced(function.gives, passed), known.path, depth + 1)

    # -- classes

    def _field(self, owner: Definition, name: str, depth: int) -> Term | None:
        for each in self.lineage(owner):
            term = self.fields.get(each.path, {}).get((each.name, name))
            if term is not None:
                return self.resolve(term, each.path, depth + 1)
        return None

    def definition(self, symbol: str, path: str) -> Definition | None:
        """The class or function of the tree that a symbol of the file at ``path`` names."""
        key = symbol, path
        if key not in self._definitions:
            self._definitions[key] = self._search(symbol, path, 0)
        return self._definitions[key]

    def _search(self, symbol: str, path: str, depth: int) -> Definition | None:
        level, module, rest = symbol.split(":", 2)
        tokens = _TOKEN.findall(rest)
        file: str | None = path
        if module or level != "0":
            file = self.modules.find(path, module, int(level))
        while file is not None and len(tokens) > 1 and (inner := self.modules.inside(file, tokens[0])) is not None:
            file, tokens = inner, tokens[1:]
        if file is None or not tokens or depth > _DEPTH:
            return None
        name = ".".join(tokens)
        if file not in self.records:
            return None
        if name in self.bases[file] or name in self.functions[file]:
            return Definition(file, name)
        term = self.names[file].get(tokens[0])
        if isinstance(term, Symbol) and term.text != symbol:
            joint = "" if term.text.endswith(":") else "."
            more = ".".join(tokens[1:])
            return self._search(f"{term.text}{joint}{more}" if more else term.text, file, depth + 1)
        return None

    def lineage(self, owner: Definition) -> list[Definition]:
        """A class and its bases in the tree, nearest first."""
        found = self._lineages.get(owner)
        if found is None:
            found = self._lineages[owner] = [owner]
            for each in found:
                for base in self.bases.get(each.path, {}).get(each.name, ()):
                    known = self.definition(base, each.path)
                    if known is not None and known not in found:
                        found.append(known)
        return found

    # -- calls

    def _parameter(self, one: Parameter, path: str, depth: int) -> Term | None:
        function = Definition(path, one.function)
        if function == self.kept:
            return None
        found: dict[Term, None] = {}
        calls = self.calls.get(function, [])
        own = [one for one in calls if (one.path, one.owner) == self.owner] if self.owner is not None else []
        for call in own or self._callers(function, calls):
            term = call.values.get(one.name)
            if term is None:
                if one.default is not None:
                    found[self.resolve(one.default, path, depth + 1)] = None
                continue
            value = self.resolve(term, call.path, depth + 1)
            for each in value.options if isinstance(value, Choice) else (value,):
                found[each] = None
            if len(found) > _CALLERS:
                return None
        if not found:
            if one.default is None:
                return None
            return Parameter(one.function, one.name, self.resolve(one.default, path, depth + 1))
        return choice(found)

    def _callers(self, function: Definition, calls: list[Passing]) -> list[Passing]:
        """Those of the ``calls`` of a function that say what it runs with."""
        if function not in self._telling:
            told = calls
            if any(one.test for one in calls) and not is_test(function.path):
                # A test starts a service on a number of its own. Where nothing else calls it, whatever does is not in
                # the tree: the default holds then and, where there is none, nothing is known.
                told = [one for one in calls if not one.test]
            self._telling[function] = told
        return self._telling[function]

    @property
    def calls(self) -> dict[Definition, list[Passing]]:
        """Every function of the tree that is called with what may be a port, and what it is passed."""
        if self._calls is None:
            self._calls = {}
            for path, record in self.records.items():
                test = bool(record.passed) and is_test(path)
                for passed in record.passed:
                    self._note(path, passed, test, self._calls)
        return self._calls

    def _note(self, path: str, passed: Passed, test: bool, calls: dict[Definition, list[Passing]]) -> None:
        known: Definition | None
        if passed.target.startswith("^"):
            owner = Definition(path, passed.owner)
            bases = self.lineage(owner)[1:]
            method = passed.target[1:]
            known = next(
                (Definition(one.path, f"{one.name}.{method}") for one in bases if self._has(one, method)), None
            )
        else:
            known = self.definition(passed.target, path)
            if known is not None and known.name in self.bases[known.path]:
                known = next(
                    (
                        Definition(one.path, f"{one.name}.__init__")
                        for one in self.lineage(known)
                        if self._has(one, "__init__")
                    ),
                    None,
                )
        function = self.functions[known.path].get(known.name) if known is not None else None
        if known is None or function is None:
            return
        values = _assigned(function, passed.values)
        calls.setdefault(known, []).append(Passing(path, passed.owner, values, test))

    def _has(self, owner: Definition, method: str) -> bool:
        return f"{owner.name}.{method}" in self.functions.get(owner.path, {})


def _assigned(function: Callee, values: tuple[tuple[int | str, Term], ...]) -> dict[str, Term]:
    """Which parameter gets which value."""
    names = function.parameters[1:] if function.bound else function.parameters
    return {
        names[at] if isinstance(at, int) else at: term
        for at, term in values
        if not isinstance(at, int) or at < len(names)
    }
