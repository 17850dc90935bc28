"""What calls may raise: functions of the tables, functions of the project, methods by the type they are called on."""

from __future__ import annotations

import ast

from analysis.effects.arguments import NO_ARGUMENTS, Given, argument_key, harmless
from analysis.effects.kinds import Kind, base, held, is_plain, is_symbol, is_thing, join, lacks, parts, settled
from analysis.effects.names import Names
from analysis.effects.records import Act, Condition, Place
from analysis.effects.region import Nothing, extend, written
from analysis.effects.scopes import Known
from config.knowledge import Entry

PICKY = frozenset(
    {"UnicodeDecodeError", "UnicodeEncodeError", "UnicodeTranslateError", "BaseExceptionGroup", "SyntaxError"}
)
"""Built-in exceptions whose constructors check their arguments."""


_WRITES = {"print": "stdout", "input": "stdin", "traceback.print_exc": "stderr"}
"""Functions that count on one of the standard streams."""


class Calls(Names):
    """Reads calls and attributes."""

    def either(self, kinds: list[Kind]) -> Kind:
        """The type of a value that has one of ``kinds``."""
        if not kinds:
            return None
        found = kinds[0]
        for each in kinds[1:]:
            found = join(found, each)
        return found

    def said(self, node: ast.expr) -> str:
        """``node`` for people, short."""
        return f"`{written(node)}`"

    # -- attributes

    def attribute(self, node: ast.Attribute) -> Kind:
        """Note what reading ``x.y`` may raise; return the type of what it holds."""
        return self.member(self.value(node.value), node)

    def member(self, kind: Kind, node: ast.Attribute) -> Kind:
        """Note what reading an attribute of a ``kind`` may raise."""
        name = node.attr
        if kind is None:
            self.effects.raise_("AttributeError")
            self.effects.assume("`{}` is taken to be a plain attribute", node.lineno, node)
            return None
        if kind[:1] == "=":
            return self._of_thing(kind, name)
        if is_symbol(kind):
            return self._of_symbol(kind, node)
        found: list[Kind] = []
        for part in parts(kind):
            value = self.knowledge.value(base(part), name)
            if value is not None:
                found.append(value)
            elif self.knowledge.method(base(part), name) is not None:
                found.append(None)
            else:
                self.effects.raise_("AttributeError")
                if not lacks(base(part), name):
                    self.effects.assume("`{}` is taken to be a plain attribute", node.lineno, node)
                    found.append(None)
        return self.either(found)

    def _of_thing(self, kind: str, name: str) -> Kind:
        full = f"{kind[1:]}.{name}"
        self.file.uses.add(full)
        full = self.knowledge.canonical(full)
        value = self.knowledge.values.get(full)
        if value is not None:
            return value
        if not self.knowledge.knows(full) or (full in self.knowledge.modules and not self._loaded(full)):
            self.effects.raise_("AttributeError")
        return f"={full}"

    def _loaded(self, module: str) -> bool:
        """Whether the file itself sees to it that a submodule is there."""
        return module == "os.path" or b"import " + module.encode() in self.file.data

    def _of_symbol(self, kind: str, node: ast.Attribute) -> Kind:
        name = node.attr
        if kind.startswith("0::") and kind.endswith("@"):
            known = self.own(kind[3:-1], name)
            if known.kind is not None and not is_symbol(known.kind):
                self.effects.raise_("AttributeError")
                self.effects.rely(Condition(kind[3:-1], name, known.kind, node.lineno))
                return self.rest(known, node)
        symbol = extend(kind, name)
        if kind.startswith("0::") or not self._submodule(symbol):
            self.effects.do(Act.READ, symbol, node, node.lineno)
        return symbol if symbol.count(".") < 6 else None

    def _submodule(self, symbol: str) -> bool:
        """Whether module level itself imports what ``symbol`` stands for, so that it is there as a submodule."""
        level, module, rest = symbol.split(":", 2)
        line = f"import {module}.{rest}".encode()
        return level == "0" and (self.file.data.startswith(line) or b"\n" + line in self.file.data)

    def own(self, qualname: str, name: str) -> Known:
        """The type of ``self.name`` in a class of this file, as far as this file assigns it."""
        info = self.file.classes.get(qualname)
        if info is None or name in info.methods or name not in info.assigned:
            return Known(None)
        cached = info.known.get(name)
        if cached is not None:
            return cached
        info.known[name] = Known(None)
        kind: Kind = None
        conditions: tuple[Condition, ...] = ()
        assumed = None
        for number, (binding, scope) in enumerate(info.assigned[name]):
            one = self.infer(binding, scope, name)
            kind = one.kind if number == 0 else join(kind, one.kind)
            if kind is None:
                return info.known[name]
            assumed = assumed or one.assumed
            conditions += one.conditions
        # A dataclass is made with other values, an attribute is set from outside or through its dictionary.
        assumed = assumed or Place(f"`self.{name}` is taken to be what its class makes it", 0)
        info.known[name] = Known(settled(kind) if kind is not None else None, assumed, conditions)
        return info.known[name]

    def absent(self, part: str, method: str, node: ast.AST) -> None:
        """Note what comes of a protocol that the tables do not tell of for a type: it may have it for all that."""
        self.effects.raise_("TypeError")
        if not lacks(base(part), method):
            line = getattr(node, "lineno", 0)
            self.effects.assume(f"a {base(part)} is taken to have no `{method}`, or one that raises nothing else", line)

    # -- calls

    def arguments(self, node: ast.Call) -> Given:
        """Note what evaluating the arguments may raise; return their types."""
        if not node.args and not node.keywords:
            return Given((), (), {}, False, node.lineno, ())
        kinds: list[Kind] = []
        nodes: list[ast.expr] = []
        star = False
        for each in node.args:
            if isinstance(each, ast.Starred):
                self.spread(self.value(each.value), each.value)
                star = True
                continue
            kinds.append(self.value(each))
            nodes.append(each)
        named: dict[str, tuple[Kind, ast.expr]] = {}
        for keyword in node.keywords:
            kind = self.value(keyword.value)
            if keyword.arg is None:
                star = True
                if kind is None or any(base(part) != "dict" for part in parts(kind)):
                    self.effects.raise_("TypeError")
                    self.effects.assume("`{}` is taken to be a dict", node.lineno, keyword.value)
            else:
                named[keyword.arg] = (kind, keyword.value)
        return Given(tuple(kinds), tuple(named), named, star, node.lineno, tuple(nodes))

    def call(self, node: ast.Call, *, awaited: bool = False) -> Kind:
        """Note what a call may raise; return the type of its result."""
        func = node.func
        if isinstance(func, ast.Attribute):
            receiver = self.value(func.value)
            if receiver is None:
                self.effects.leave_open(f"the call to {self.said(func)}", node.lineno)
            elif not is_thing(receiver):
                return self._method(receiver, func, node, awaited=awaited)
            elif receiver[:1] == "=":
                full = f"{receiver[1:]}.{func.attr}"
                self.file.uses.add(full)
                full = self.knowledge.canonical(full)
                callee: Kind = self.knowledge.values.get(full, f"={full}")
            else:
                callee = extend(receiver, func.attr)
        else:
            callee = self.value(func)
        if callee is None:
            self.effects.leave_open(f"the call to {self.said(func)}", node.lineno)
            return None
        if callee[:1] == "=":
            return self._known(callee[1:], node, awaited=awaited)
        if is_symbol(callee):
            given = NO_ARGUMENTS if self.effects.__class__ is Nothing else self.arguments(node)
            return self._project(callee, func, given, awaited=awaited)
        given = self.arguments(node)
        found: list[Kind] = []
        for part in parts(callee):
            entry = self.knowledge.method(base(part), "__call__")
            if entry is None:
                self.absent(part, "__call__", func)
            else:
                found.append(self.apply(entry, func, given, part, awaited=awaited))
        return self.either(found)

    def _project(self, symbol: str, func: ast.expr, given: Given, *, awaited: bool) -> Kind:
        self.effects.do(
            Act.AWAIT if awaited else Act.CALL,
            symbol,
            func,
            given.line,
            args=len(given.kinds),
            keywords=given.keywords,
            star=given.star,
            plain=given.plain(),
        )
        result = f"{symbol}()"
        if symbol.startswith("0::") and not awaited:
            known = self.result(symbol[3:])
            if known.kind is not None:
                self.effects.rely(Condition("", symbol[3:].rpartition(".")[2], known.kind, given.line))
                return self.rest(known, func)
        return None if symbol.count(".") > 5 else result

    def result(self, path: str) -> Known:
        """The type that a function of this file returns, where all its ``return`` statements agree."""
        return Known(None)

    def _known(self, dotted: str, node: ast.Call, *, awaited: bool) -> Kind:
        special = getattr(self, f"_call_{dotted}", None) if dotted.isidentifier() else None
        if special is not None:
            answer: Kind = special(node)
            return answer
        entry = self.knowledge.functions.get(dotted)
        gives: Kind = None
        if entry is None:
            kind = self.knowledge.kinds.get(dotted)
            if kind is not None and kind.new is not None:
                entry, gives = kind.new, kind.new.gives or dotted
            elif self.knowledge.is_exception(dotted):
                self._exception(dotted, node)
                return "BaseException"
        if entry is None:
            self.effects.leave_open(f"the call to {self.said(node.func)}", node.lineno)
            return None
        stream = _WRITES.get(dotted)
        if stream is not None:
            self.effects.rely(Condition("=sys", stream, "io.TextIOWrapper", node.lineno))
        given = NO_ARGUMENTS if self._only_type(entry) else self.arguments(node)
        result = self.apply(entry, node.func, given, dotted.rpartition(".")[0], awaited=awaited)
        return gives if gives is not None and result is None else result

    def picky(self, dotted: str) -> None:
        """Note what making a built-in exception that does not take whatever it is given may raise."""
        if PICKY.intersection(self.knowledge.ancestors(dotted)):
            self.effects.raise_("TypeError", "ValueError", "IndexError")

    def _exception(self, dotted: str, node: ast.Call) -> None:
        given = self.arguments(node)
        self.picky(dotted)
        if given.keywords or given.star:
            self.effects.raise_("TypeError")
        if "." in dotted:
            self.effects.raise_("TypeError")
            if not given.plain():
                self.effects.assume(f"`{dotted}` is taken to be made without error", node.lineno)

    def _method(self, receiver: str, func: ast.Attribute, node: ast.Call, *, awaited: bool) -> Kind:
        name = func.attr
        entries: list[tuple[str, Entry]] = []
        if "." in receiver:
            self.file.uses.add(f".{name}")
        if "|" not in receiver:
            # Nearly always there is one type, with such a method.
            entry = self.knowledge.method(base(receiver), name)
            if entry is not None and name[:2] != "__":
                given = NO_ARGUMENTS if self._only_type(entry) else self.arguments(node)
                return self.apply(entry, func, given, receiver, awaited=awaited)
        if name[:2] == "__":
            # The tables tell what the interpreter gets out of such methods, which passes the right arguments.
            self.effects.leave_open(f"the call to {self.said(func)}", node.lineno)
        for part in parts(receiver):
            entry = self.knowledge.method(base(part), name) or self.knowledge.functions.get(f"{base(part)}.{name}")
            if entry is not None:
                entries.append((part, entry))
                continue
            if lacks(base(part), name):
                self.effects.raise_("AttributeError")
            else:
                # The tables do not list every method of a type, so one that they lack may well be there.
                self.effects.leave_open(f"the call to {self.said(func)}", node.lineno)
        if not entries:
            return None
        typed = not all(self._only_type(entry) for _, entry in entries)
        given = self.arguments(node) if typed else NO_ARGUMENTS
        return self.either([self.apply(entry, func, given, part, awaited=awaited) for part, entry in entries])

    # -- table entries

    def apply(
        self, entry: Entry, text: ast.expr | str, given: Given, receiver: str = "", *, awaited: bool = False
    ) -> Kind:
        """Note what a function of the tables may raise for these arguments; return the type of its result."""
        if entry.awaits and not awaited:
            return None  # a coroutine that nobody has awaited yet
        used = entry
        if entry.given and not given.star and not given.keywords:
            used = self._narrower(entry, given)
        if used.raises:
            self.effects.raise_(*used.raises)
        if used is entry and entry.takes is not None:
            low, high = entry.arity() or (0, 0)
            unknown = given.keywords and any(name not in entry.keywords for name in given.keywords)
            if given.star or unknown or not low <= len(given.kinds) <= high:
                self.effects.raise_("TypeError")
        for name in given.keywords:
            self.effects.raise_(*entry.keywords.get(name, ()))
        if used.assumes is not None:
            self.effects.assume(used.assumes, given.line, typed=True)
        self._arguments_known(used, text, given)
        if entry.compares and not is_plain(receiver):
            self.effects.assume("what `{}` compares is taken to be of built-in types", given.line, text)
        for each in entry.runs if given.nodes or given.named else ():
            self._runs(each, text, given)
        kind = self.gives(used.gives if used.gives is not None else entry.gives, given, receiver)
        if awaited and not entry.awaits:
            self.effects.leave_open("what is awaited there", given.line)
        return kind

    @staticmethod
    def _narrower(entry: Entry, given: Given) -> Entry:
        """The entry for these very argument types, where the table has one."""
        keys = [argument_key(kind) for kind in given.kinds]
        texts = [
            "literal" if key == "str" and isinstance(node, ast.Constant) and harmless(node.value) else key
            for key, node in zip(keys, given.nodes, strict=False)
        ] or keys
        for each in (texts, keys):
            found = entry.given.get(", ".join(each))
            if found is None and len(each) == 2:
                found = entry.given.get(f"{each[0]}, *")
            if found is not None:
                return found
        return entry

    def _arguments_known(self, entry: Entry, text: ast.expr | str, given: Given) -> None:
        if entry.arguments == "any" or self.effects.assumed is not None:
            return
        kinds = [*zip(given.kinds, given.nodes, strict=False), *given.named.values()]
        if entry.arguments == "first":
            del kinds[1:]
        for kind, node in kinds:
            known = kind is not None and (
                kind[:1] == "=" or (not is_symbol(kind) if entry.arguments == "top" else is_plain(kind))
            )
            if not known:
                self.effects.assume("`{}` is taken to be of a built-in type", given.line, node)
        if given.star:
            self.effects.assume("what `{}` is given is taken to be of built-in types", given.line, text)

    def _runs(self, which: int | str, text: ast.expr | str, given: Given) -> None:
        if isinstance(which, int):
            if which >= len(given.kinds):
                return
            kind, node = given.kinds[which], given.nodes[which]
        elif which in given.named:
            kind, node = given.named[which]
        else:
            return
        self.runs(kind, node, text, given.line)

    def runs(self, kind: Kind, node: ast.expr, text: ast.expr | str, line: int) -> None:
        """Note what may come out of a callable that is handed over and called there."""
        if kind == "None":
            return
        if isinstance(node, ast.Lambda):
            every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg)
            self.local.append({arg.arg: None for arg in every if arg is not None})
            self.value(node.body)
            self.local.pop()
            return
        if kind is not None and is_symbol(kind):
            self.effects.do(Act.CALL, kind, node, line, star=True, plain=False)
            return
        entry = self.knowledge.functions.get(kind[1:]) if kind is not None and kind[:1] == "=" else None
        if entry is None or entry.runs:
            self.effects.leave_open(f"the call that `{written(text)}` makes to {self.said(node)}", line)
            return
        self.effects.raise_("TypeError", *entry.raises)
        if entry.arguments != "any":
            self.effects.assume("what is handed to `{}` is taken to be of built-in types", line, node)

    def gives(self, gives: Kind, given: Given, receiver: str) -> Kind:
        """The type of a result, with the tables' ``element``, ``self`` and ``default`` filled in."""
        if gives is None or ("element" not in gives and "self" not in gives and "default" not in gives):
            return gives
        inner = held(receiver)
        found: list[Kind] = []
        for part in parts(gives):
            if part == "self":
                found.append(receiver)
            elif part == "default":
                found.append(given.kinds[1] if len(given.kinds) > 1 else "None")
            elif "element" in part:
                found.append(
                    part.replace("element", inner) if inner is not None else base(part) if "[" in part else None
                )
            else:
                found.append(part)
        return self.either(found)

    def _only_type(self, entry: Entry) -> bool:
        """Whether only the type of the result is asked for, and the arguments do not matter for it."""
        return self.effects.__class__ is Nothing and not entry.given and "default" not in (entry.gives or "")
