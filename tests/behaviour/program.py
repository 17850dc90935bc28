"""Generated programs: statements of every kind, with ``try`` in every place that the language allows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from tests.behaviour.pick import Pick, chance, one_of, weighted

Kind = Literal["module", "class", "sync", "async", "gen", "agen"]
COROUTINES = ("async", "agen")
GENERATORS = ("gen", "agen")


@dataclass(frozen=True)
class Place:
    """Where a statement stands: what may be written there, and which names may be bound."""

    kind: Kind
    depth: int = 0
    loop: bool = False
    star: bool = False
    names: tuple[str, ...] = ()
    error: str | None = None
    fresh: bool = True
    self_name: str | None = None
    call: str | None = None

    def deeper(self) -> Place:
        return replace(self, depth=self.depth + 1)

    @property
    def function(self) -> bool:
        return self.kind not in ("module", "class")


@dataclass
class Writer:
    """Writes one program. ``shapes`` counts what it wrote."""

    pick: Pick
    budget: int = 26
    shapes: Counter[str] = field(default_factory=Counter)
    _sites: int = 0
    _names: int = 0

    def site(self) -> int:
        self._sites += 1
        return self._sites

    def name(self, prefix: str = "v") -> str:
        self._names += 1
        return f"{prefix}{self._names}"

    # Expressions

    def value(self, place: Place) -> str:
        """An expression that mostly comes by a tick."""
        options = {
            "boom": 10, "constant": 1, "name": 2 if place.names else 0, "sum": 1, "call": 1 if place.call else 0,
            "list": 1, "comprehension": 1, "lambda": 1, "format": 1, "natural": 1, "walrus": 1,
            "await": 4 if place.kind in COROUTINES else 0,
            "yield": 3 if place.kind in GENERATORS else 0, "conditional": 1,
        }  # fmt: skip
        if place.kind == "class":
            options |= {"walrus": 0, "comprehension": 0}
        choice = weighted(self.pick, options)
        self.shapes[f"value {choice}"] += 1
        site = self.site()
        if choice == "constant":
            return one_of(self.pick, ["1", "'text'", "None", "'größe'", "[]", "2.5"])
        if choice == "name":
            return one_of(self.pick, place.names)
        if choice == "sum":
            return f"boom({site}) + boom({self.site()})"
        if choice == "call":
            return str(place.call)
        if choice == "list":
            return f"[boom({site}), 2]"
        if choice == "comprehension":
            return f"[boom({site}, n) for n in range(2)]"
        if choice == "lambda":
            return f"(lambda n: boom({site}, n))(3)"
        if choice == "format":
            return f"f'{{boom({site})}} of {{{place.names[0] if place.names else 4}!r}}'"
        if choice == "natural":
            return one_of(self.pick, ["{}['missing']", "int('x')", "[][1]", "1 // 0", "None.absent", "unbound_name"])
        if choice == "walrus":
            return f"(w{site} := boom({site}))"
        if choice == "await":
            return f"await pause({site})"
        if choice == "yield":
            return f"(yield {site})"
        if choice == "conditional":
            return f"boom({site}) if boom({self.site()}) else 0"
        return f"boom({site})"

    def suite(self, place: Place, least: int = 1) -> list[str]:
        """Some statements, one of them at least."""
        lines: list[str] = []
        wanted = least + self.pick.below(3)
        for _ in range(wanted):
            if self.budget <= 0 and lines:
                break
            self.budget -= 1
            new = self.statement(place)
            lines += new
            place = replace(place, names=(*place.names, *bindings(new[:1]))[-4:])
        return lines

    def statement(self, place: Place) -> list[str]:
        nested = 0 if self.budget <= 0 or place.depth > 3 else 1
        leave = place.function and not place.star
        options = {
            "assign": 8, "expression": 4, "mark": 4, "held": 3,
            "try": nested * (7 if place.depth < 2 else 3),
            "if": nested, "for": nested * 2, "while": nested, "with": nested, "match": nested,
            "def": nested if place.function else 0, "lambda": 1 if place.function and place.names else 0,
            "return": 2 if leave else 0, "break": 3 if place.loop else 0, "continue": 3 if place.loop else 0,
            "raise": 1, "assert": 1, "augmented": 1, "delete": 1 if place.names else 0, "comment": 1, "import": 1,
            "read": 2 if place.names else 0, "look": 0 if chance(self.pick, 97) else 1,
            "async for": nested if place.kind in COROUTINES else 0,
            "async with": nested if place.kind in COROUTINES else 0,
            "from": 1 if place.kind == "gen" else 0, "print": 1, "long string": 1, "continued": 1, "semicolon": 1,
        }  # fmt: skip
        choice = weighted(self.pick, options)
        self.shapes[choice] += 1
        if choice == "try":
            from tests.behaviour.attempts import attempt

            return attempt(self, place)
        if choice in {"if", "for", "while", "with", "match", "def", "async for", "async with"}:
            return self.compound(choice, place)
        return self.simple(choice, place)

    def simple(self, choice: str, place: Place) -> list[str]:
        site = self.site()
        names = place.names
        match choice:
            case "assign":
                return [f"{self.name()} = {self.value(place)}"]
            case "held":
                name = self.name("h")
                return [f"{name} = Held('local {name}')"]
            case "mark":
                return [f"mark('at {site}'{', ' + names[-1] if names and chance(self.pick, 30) else ''})"]
            case "lambda":
                return [f"kept.append(lambda: mark('kept {site}', {names[-1]}))"]
            case "return":
                bare = place.kind == "agen" or chance(self.pick, 20)
                return ["return" if bare else f"return {self.value(place)}"]
            case "raise":
                kind = one_of(self.pick, ["ValueError", "Custom", "Control", "KeyError"])
                return [f"raise {kind}('raised {site}'){' from None' if chance(self.pick, 20) else ''}"]
            case "assert":
                return [f"assert boom({site}) == {site}, 'assertion {site}'"]
            case "augmented":
                name = self.name()
                return [f"{name} = 1", f"{name} += {self.value(place)}"]
            case "delete":
                return [f"del {names[-1]}"]
            case "comment":
                return [f"# comment {site}", f"mark('commented {site}')  # behind {site}"]
            case "import":
                return [one_of(self.pick, ["import json", f"from absent_{site} import nothing", "import os.path as p"])]
            case "read":
                return [f"mark('read {site}', {', '.join(names[-2:])})"]
            case "look":
                return [f"mark('names {site}', names({one_of(self.pick, ['locals()', 'dir()', 'vars()'])}))"]
            case "from":
                return [f"yield from [boom({site}), 2]"]
            case "print":
                return [f"print('out {site}', {self.value(place)})"]
            case "long string":
                return [f"mark('text', '''first {site}", "  second \\", f"third''', boom({site}))  # behind"]
            case "continued":
                return [f"{self.name()} = boom({site}) + \\", f"  boom({self.site()})", "mark('sum', [  # why", " 1])"]
            case "semicolon":
                return [f"{self.name()} = 1; mark('first {site}'); boom({site})"]
            case "break" | "continue":
                return [choice]
        return [self.value(place) if chance(self.pick, 50) else f"boom({site})"]

    def compound(self, choice: str, place: Place) -> list[str]:
        site = self.site()
        inner = place.deeper()
        loop = replace(inner, loop=True)
        match choice:
            case "if":
                lines = [f"if boom({site}):", *indent(self.suite(inner))]
                return lines + (["else:", *indent(self.suite(inner))] if chance(self.pick, 40) else [])
            case "for":
                head = f"for n{site} in range(2):"
                lines = [head, *indent(self.suite(replace(loop, names=(*place.names, f"n{site}")[-4:])))]
            case "async for":
                lines = [f"async for n{site} in ticker(2):", *indent(self.suite(loop))]
            case "while":
                lines = [f"again('loop {site}')", f"while count('loop {site}', 2):", *indent(self.suite(loop))]
            case "with":
                kind = one_of(self.pick, ["within", "Swallow"])
                return [f"with {kind}('with {site}') as c{site}:", *indent(self.suite(inner))]
            case "async with":
                return [f"async with Swallow('with {site}') as c{site}:", *indent(self.suite(inner))]
            case "match":
                return [
                    f"match boom({site}, [1, {site}]):",
                    "    case [1, rest]:",
                    *indent(indent(self.suite(inner))),
                    "    case _:",
                    *indent(indent(self.suite(inner))),
                ]
            case _:
                return self.nested(place)
        return lines + (["else:", *indent(self.suite(inner))] if chance(self.pick, 30) else [])

    def nested(self, place: Place) -> list[str]:
        """A function inside a function, which reads and sometimes binds the names of the outer one."""
        name = self.name("inner")
        lines = []
        if place.names and place.names[-1][0] == "v" and chance(self.pick, 40):
            lines.append(f"nonlocal {place.names[-1]}")
            lines.append(f"{place.names[-1]} = {self.site()}")
        inner = Place(kind="sync", depth=place.depth + 1, names=place.names)
        lines += self.suite(inner)
        if place.names and place.names[-1][0] == "v" and lines[0].startswith("nonlocal"):
            return [f"{place.names[-1]} = 0", f"def {name}():", *indent(lines), f"mark('inner', {name}())"]
        return [f"def {name}():", *indent(lines), f"mark('inner', {name}())"]


def bindings(lines: list[str]) -> list[str]:
    """The names that plain assignments among ``lines`` bind."""
    pairs = [line.split(" = ", 1) for line in lines if " = " in line]
    return [name for name, _ in pairs if name.isidentifier()]


def indent(lines: list[str]) -> list[str]:
    """``lines`` one level further in."""
    return [f"    {line}" if line else line for line in lines]
