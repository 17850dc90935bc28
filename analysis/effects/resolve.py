"""What the symbols of the ``effects`` records stand for, once all files are known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from analysis.effects.doubts import Doubts, strays
from analysis.effects.kinds import base, is_symbol, join, lacks, parts
from analysis.effects.records import Class, Function, Module
from analysis.effects.things import Thing, as_thing
from analysis.effects.unseen import Unseen
from analysis.modules import Modules
from config.knowledge import Entry, Knowledge

_TOKEN = re.compile(r"\(\)|@|\^|[^.()@^]+")
_DEPTH = 24


class World:
    """All files' records, by path."""

    def __init__(
        self, records: Mapping[str, Module], modules: Modules, knowledge: Knowledge, unseen: Unseen | None = None
    ) -> None:
        self.records = records
        self.unseen = unseen
        self.modules = modules
        self.knowledge = knowledge
        self.functions = {path: _by_name(record.functions) for path, record in records.items() if record.functions}
        self.classes = {path: {each.qualname: each for each in record.classes} for path, record in records.items()}
        self.names = {path: dict(record.names) for path, record in records.items()}
        self.doubts = Doubts(records, knowledge)
        self.stores = self.doubts.stores
        self.patched = self.doubts.patched
        self.dynamic = self.doubts.dynamic
        self._resolved: dict[tuple[str, str], tuple[Thing, ...]] = {}
        self._bases: dict[tuple[str, str], tuple[Thing, ...]] = {}
        self._derived: dict[tuple[str, str], list[tuple[str, str]]] | None = None
        self._lineages: dict[tuple[str, str], list[Thing]] = {}
        self._members: dict[tuple[str, str, str, bool], list[Thing]] = {}
        self._trails: dict[tuple[str, str], frozenset[str]] = {}
        self._walking: list[set[str]] = []
        self._strays: frozenset[str] | None = None
        self._reached: dict[str, set[str]] = {}
        self._replaced: dict[str, set[str]] | None = None

    # -- symbols

    def resolve(self, path: str, symbol: str, depth: int = 0) -> tuple[Thing, ...]:
        """Everything that ``symbol``, as written in the file at ``path``, may stand for."""
        key = (path, symbol)
        known = self._resolved.get(key)
        if known is not None:
            if self._walking:
                self._walking[-1] |= self._trails.get(key, frozenset())
            return known
        if depth > _DEPTH:
            return (Thing("unknown", "too long a chain of imports"),)
        self._resolved[key] = (Thing("unknown", "an import that leads back to itself"),)
        level, module, rest = symbol.split(":", 2)
        tokens = _TOKEN.findall(rest)
        trail = {token for token in tokens if token not in ("()", "@", "^")}
        self._walking.append(trail)
        things = self._resolved[key] = self._resolve(path, level, module, tokens, depth)
        self._walking.pop()
        self._trails[key] = frozenset(trail)
        if self._walking:
            self._walking[-1] |= trail
        return things

    def doubt(self, path: str, symbol: str) -> str | None:
        """Why ``symbol`` may stand for something else than :meth:`resolve` says: the tree replaces it somewhere."""
        self.resolve(path, symbol)
        return self.doubts.of(self._trails.get((path, symbol), frozenset()))

    def _resolve(self, path: str, level: str, module: str, tokens: list[str], depth: int) -> tuple[Thing, ...]:
        if level == "0" and not module:
            things, tokens = self._local(path, tokens, depth)
        else:
            found = self.modules.find(path, module, int(level))
            if found is None:
                things, tokens = (Thing("unknown", f"`{'.' * int(level)}{module}` is not in this tree"),), []
            else:
                things = (self._module(found),)
        for token in tokens:
            things = tuple(dict.fromkeys(each for thing in things for each in self._step(thing, token, depth)))
            if len(things) > 40:
                things = (Thing("unknown", "too many candidates"),)
        return things

    def _local(self, path: str, tokens: list[str], depth: int) -> tuple[tuple[Thing, ...], list[str]]:
        """The longest run of tokens that names a definition of the file, and the tokens after it."""
        functions, classes = self.functions.get(path, {}), self.classes.get(path, {})
        plain = 0
        while plain < len(tokens) and tokens[plain] not in ("()", "@", "^"):
            plain += 1
        for end in range(plain, 0, -1):
            name = ".".join(tokens[:end])
            if name in classes:
                return (Thing("class", name, path),), tokens[end:]
            if name in functions and (end > 1 or self.names[path].get(name) == f"0::{name}"):
                outer = name.rpartition(".")[0]
                if outer in classes:
                    continue
                return tuple(as_thing(name, path, each) for each in functions[name]), tokens[end:]
        if not tokens:
            return (Thing("module", path=path),), []
        return self._member(path, tokens[0], depth), tokens[1:]

    def _step(self, thing: Thing, token: str, depth: int) -> tuple[Thing, ...]:
        if thing.what == "unknown":
            return (thing,)
        match token:
            case "()":
                return self.result(thing, depth)
            case "@":
                return (replace(thing, what="instance", bound=True),) if thing.what == "class" else (Thing("unknown"),)
            case "^":
                return (replace(thing, what="bases"),) if thing.what == "class" else (Thing("unknown"),)
        return self.attribute(thing, token, depth)

    def _module(self, path: str) -> Thing:
        """The module at ``path``, which may be a folder (a namespace package)."""
        if path in self.records or path.endswith("/"):
            return Thing("module", path=path)
        return Thing("unknown", f"the module {path}, which could not be read")

    def attribute(self, thing: Thing, name: str, depth: int = 0) -> tuple[Thing, ...]:
        """What ``thing.name`` may stand for."""
        match thing.what:
            case "module":
                return self._member(thing.path, name, depth)
            case "class":
                return tuple(self._unbound(each) for each in self.lookup(thing.path, thing.name, name))
            case "instance":
                return self._of_instance(thing, name)
            case "bases":
                return self._of_bases(thing, name)
            case "named":
                dotted = self.knowledge.canonical(f"{thing.name}.{name}")
                value = self.knowledge.values.get(dotted)
                return (Thing("kind", value) if value is not None else Thing("named", dotted),)
            case "kind":
                return tuple(self._of_kind(part, name) for part in parts(thing.name))
        return (Thing("unknown", f"what `.{name}` is"),)

    def _of_kind(self, part: str, name: str) -> Thing:
        entry = self.knowledge.method(base(part), name) or self.knowledge.functions.get(f"{base(part)}.{name}")
        if entry is not None:
            return Thing("entry", part, name, entry=entry)
        value = self.knowledge.value(base(part), name)
        if value is not None:
            return Thing("kind", value)
        # The tables do not list every method of a type.
        return Thing("missing", name) if lacks(base(part), name) else Thing("unknown", f"`{name}` of a {base(part)}")

    def _member(self, path: str, name: str, depth: int, *, sure: bool = False) -> tuple[Thing, ...]:
        """What the module at ``path`` has under ``name``."""
        bound = self.names.get(path, {}).get(name)
        record = self.records.get(path)
        if self._walking:
            self._walking[-1].add(name)
            if record is not None and (record.rebinds or (bound is not None and record.stars)):
                self._walking[-1].add(f":{path}")
        if name in self.patched:
            return (Thing("unknown", f"`{name}`, which is replaced from another module"),)
        if bound is not None and record is not None and name in record.unsure and not sure:
            return (*self._member(path, name, depth, sure=True), Thing("missing", name))
        if bound is not None:
            if bound == f"0::{name}":
                if self.modules.inside(path, name) is not None:
                    return (Thing("unknown", f"`{name}`, which is a module of the package too"),)
                things, rest = self._local(path, [name], depth) if self._defines(path, name) else ((), [])
                return things if things and not rest else (Thing("unknown", f"what `{name}` is"),)
            if bound[:1] == "=":
                return (Thing("named", bound[1:]),)
            if is_symbol(bound):
                return self.resolve(path, bound, depth + 1)
            return (Thing("kind", bound),) if bound else (Thing("unknown", f"what `{name}` is"),)
        inner = self.modules.inside(path, name)
        if inner is not None:
            return (self._module(inner),)
        if "__getattr__" in self.functions.get(path, {}):
            return (Thing("unknown", f"`{name}`, which the module's `__getattr__` makes"),)
        found: list[Thing] = []
        for star in record.stars if record is not None else ():
            things = self.resolve(path, star + name, depth + 1)
            if things and things[0].what != "missing":
                found.extend(things)
                origin = self.resolve(path, star, depth + 1)[0]
                if name[:1] == "_" or origin.what != "module" or "__all__" in self.names.get(origin.path, {}):
                    found.append(Thing("missing", name))
        return tuple(dict.fromkeys(found)) or (Thing("missing", name),)

    def replaced_in(self, path: str) -> set[str]:
        """The names of the module at ``path`` that other files replace, as far as they say which module they mean."""
        if self._replaced is None:
            self._replaced = {}
            for importer, record in self.records.items():
                for symbol in filter(is_symbol, record.patches):
                    level, module, rest = symbol.split(":", 2)
                    file = self.modules.find(importer, module, int(level)) if module or level != "0" else None
                    *inner, name = rest.split(".")
                    for each in inner:
                        file = self.modules.inside(file, each) if file is not None else None
                    if file is not None:
                        self._replaced.setdefault(file, set()).add(name)
        return self._replaced.get(path, set())

    def entwined(self, path: str, other: str) -> bool:
        """Whether importing the file ``other`` leads back to ``path``, as far as module level tells."""
        return path in self._reaches(other)

    def _reaches(self, path: str) -> set[str]:
        known = self._reached.get(path)
        if known is None:
            known = self._reached[path] = set()
            waiting = [path]
            while waiting:
                each = waiting.pop()
                record = self.records.get(each)
                symbols = (*self.names[each].values(), *record.stars) if record is not None else ()
                for symbol in {symbol for symbol in symbols if is_symbol(symbol)}:
                    level, module, rest = symbol.split(":", 2)
                    found = self.modules.find(each, module, int(level)) if module or level != "0" else None
                    inner = self.modules.inside(found, rest) if found is not None and rest else None
                    for file in (found, inner, *(self.modules.packages(found) if found is not None else ())):
                        if file is not None and file not in known:
                            known.add(file)
                            waiting.append(file)
        return known

    def _defines(self, path: str, name: str) -> bool:
        return name in self.classes.get(path, {}) or name in self.functions.get(path, {})

    # -- classes

    def bases(self, path: str, qualname: str) -> tuple[Thing, ...]:
        """The bases of a class, each resolved or ``unknown``."""
        key = (path, qualname)
        known = self._bases.get(key)
        if known is None:
            self._bases[key] = ()
            found: list[Thing] = []
            for each in self.classes[path][qualname].bases:
                if not each:
                    found.append(Thing("unknown", f"a base of `{qualname}`"))
                elif is_symbol(each):
                    found.extend(self.resolve(path, each))
                    if self.doubts.replaced(self._trails.get((path, each), frozenset())) is not None:
                        found.append(Thing("unknown", f"a base of `{qualname}`, which is replaced elsewhere,"))
                else:
                    found.append(Thing("named", each))
            known = self._bases[key] = tuple(
                each if each.what in ("class", "named") else Thing("unknown", f"a base of `{qualname}`")
                for each in found
            )
        return known

    def lineage(self, path: str, qualname: str) -> list[Thing]:
        """The class and everything it derives from, nearest first."""
        known = self._lineages.get((path, qualname))
        if known is None:
            known = self._lineages[path, qualname] = self._lineage(path, qualname)
        return known

    def _lineage(self, path: str, qualname: str) -> list[Thing]:
        found: dict[Thing, None] = {}
        waiting = [Thing("class", qualname, path)]
        while waiting:
            each = waiting.pop(0)
            if each in found:
                continue
            found[each] = None
            if each.what == "class":
                waiting.extend(self.bases(each.path, each.name))
        return list(found)

    def derived(self, path: str, qualname: str) -> list[tuple[str, str]]:
        """The class and every class of the tree that derives from it."""
        if self._derived is None:
            self._derived = {}
            for owner in sorted(self.classes):
                for name in sorted(self.classes[owner]):
                    for each in self.lineage(owner, name):
                        if each.what == "class":
                            self._derived.setdefault((each.path, each.name), []).append((owner, name))
        return self._derived.get((path, qualname), [(path, qualname)])

    def lookup(self, path: str, qualname: str, name: str, *, skip: bool = False) -> list[Thing]:
        """What ``name`` is on a class: the nearest definition, or all of them where the order of bases matters."""
        key = (path, qualname, name, skip)
        known = self._members.get(key)
        if known is None:
            known = self._members[key] = self._lookup(path, qualname, name, skip)
        return known

    def _lookup(self, path: str, qualname: str, name: str, skip: bool) -> list[Thing]:
        lineage = self.lineage(path, qualname)[1 if skip else 0 :]
        several = any(len(self.classes[each.path][each.name].bases) > 1 for each in lineage if each.what == "class")
        found: list[Thing] = []
        sure = False
        for each in lineage:
            if each.what == "unknown":
                here = [each]
            elif each.what == "named":
                here = self._named_member(each.name, name)
            else:
                here = self._defined(each, name)
            found.extend(here)
            sure = sure or (bool(here) and not (each.what == "class" and name in self.record(each).unsure))
            if sure and not several:
                return found
        return found if sure else [*found, Thing("missing", name)]

    def _named_member(self, kind: str, name: str) -> list[Thing]:
        if self.knowledge.is_exception(kind) and "." not in kind:
            return [Thing("attribute", name)] if hasattr(BaseException, name) or name in ("errno", "strerror") else []
        if kind in ("object", "abc.ABC", "typing.Generic", "typing.Protocol"):
            return []
        if kind not in self.knowledge.kinds:
            return [Thing("unknown", f"the base class `{kind}`")]
        thing = self._of_kind(kind, name)
        if thing.what == "unknown" and name in ("__init__", "__new__"):
            return []  # told by the entry for making one
        return [thing] if thing.what != "missing" else []

    def _defined(self, owner: Thing, name: str) -> list[Thing]:
        record = self.classes[owner.path][owner.name]
        functions = self.functions.get(owner.path, {}).get(f"{owner.name}.{name}", [])
        found = [as_thing(owner.name, owner.path, each) for each in functions]
        for attribute, kind in record.attributes:
            if attribute == name:
                found.append(Thing("kind", kind) if kind else Thing("attribute", name))
        return found

    def _unbound(self, thing: Thing) -> Thing:
        if thing.what == "function" and thing.function is not None:
            return replace(thing, bound=thing.function.binding == "class")
        return thing

    def _of_instance(self, thing: Thing, name: str) -> tuple[Thing, ...]:
        classes = self.derived(thing.path, thing.name) if thing.bound else [(thing.path, thing.name)]
        found: dict[Thing, None] = {}
        for path, qualname in classes:
            for each in self.lookup(path, qualname, name):
                found[self._bind(each)] = None
            for each in self.lineage(path, qualname):
                # What a base keeps in its instances goes before a method of the class.
                if each.what == "class" and any(name == attribute for attribute, _ in self.record(each).attributes):
                    found.update(dict.fromkeys(one for one in self._defined(each, name) if one.what != "function"))
        if any(each.what in ("kind", "attribute") for each in found):
            # An instance attribute: every assignment in the family counts, and any from outside may have replaced it.
            kind: str | None = None
            for number, each in enumerate(found):
                one = each.name if each.what == "kind" else None
                kind = one if number == 0 else join(kind, one)
            if name in self.stores or kind is None or any(each.what == "function" for each in found):
                return (Thing("attribute", name),)
            return (Thing("kind", kind),)
        if name in self.stores and any(each.what == "function" for each in found):
            return (Thing("unknown", f"`.{name}`, which is also assigned elsewhere"),)
        return tuple(found)

    def _bind(self, thing: Thing) -> Thing:
        if thing.what == "function" and thing.function is not None:
            return replace(thing, bound=thing.function.binding in ("method", "class"))
        return thing

    def _of_bases(self, thing: Thing, name: str) -> tuple[Thing, ...]:
        found = dict.fromkeys(self._bind(each) for each in self.lookup(thing.path, thing.name, name, skip=True))
        for path, qualname in self.derived(thing.path, thing.name):
            if any(
                len(self.classes[each.path][each.name].bases) > 1
                for each in self.lineage(path, qualname)
                if each.what == "class"
            ):
                others = (self._bind(each) for each in self.lookup(path, qualname, name, skip=True))
                found.update(dict.fromkeys(others))
        return tuple(found)

    # -- results

    def result(self, thing: Thing, depth: int = 0) -> tuple[Thing, ...]:
        """What calling ``thing`` gives."""
        match thing.what:
            case "class":
                if any(each.what == "function" for each in self.lookup(thing.path, thing.name, "__new__")):
                    return (Thing("unknown", f"what the `__new__` of `{thing.name}` makes"),)
                return (replace(thing, what="instance", bound=False),)
            case "function":
                assert thing.function is not None
                gives = thing.function.gives
                if not gives or thing.function.flavour != "plain":
                    return (Thing("unknown", f"what `{thing.function.qualname}` returns"),)
                return self.resolve(thing.path, gives, depth + 1) if is_symbol(gives) else (Thing("kind", gives),)
            case "named":
                entry = self.knowledge.functions.get(thing.name)
                kind = self.knowledge.kinds.get(thing.name)
                if entry is None and kind is not None and kind.new is not None:
                    return (Thing("kind", kind.new.gives or thing.name),)
                return self._given(entry)
            case "entry":
                return self._given(thing.entry)
        return (Thing("unknown", "what a call returns"),)

    def _given(self, entry: Entry | None) -> tuple[Thing, ...]:
        gives = entry.gives if entry is not None else None
        if gives is None or any(word in gives for word in ("element", "self", "default")):
            return (Thing("unknown", "what a call returns"),)
        return (Thing("kind", gives),)

    def record(self, thing: Thing) -> Class:
        """The record of a class or of the class of an instance."""
        return self.classes[thing.path][thing.name]

    def closed(self, path: str, qualname: str) -> bool:
        """Whether reading and assigning attributes of its instances runs no code but properties, as far as is known."""
        for each in self.lineage(path, qualname):
            if each.what == "class" and not self.record(each).closed:
                return False
            if (
                each.what == "named"
                and each.name not in ("object", "abc.ABC")
                and not self.knowledge.is_exception(each.name)
            ):
                hooks = ("__getattr__", "__setattr__")
                known = each.name in self.knowledge.kinds
                if not known or any(self.knowledge.method(each.name, hook) is not None for hook in hooks):
                    return False
        return True

    def plain(self, path: str, qualname: str) -> bool:
        """Whether no metaclass and no decorator had a hand in the class or in one that it derives from."""
        return all(self.record(each).made for each in self.lineage(path, qualname) if each.what == "class")

    def described(self, path: str, qualname: str, name: str) -> tuple[list[Thing], bool]:
        """The properties of that name on the class and all it derives from; whether there may be other descriptors."""
        found: list[Thing] = []
        doubtful = False
        for each in self.lineage(path, qualname):
            if each.what != "class":
                continue
            doubtful |= name in self.record(each).placed
            for function in self.functions.get(each.path, {}).get(f"{each.name}.{name}", ()):
                if function.binding == "property":
                    found.append(as_thing(each.name, each.path, function))
                doubtful |= bool(function.decorator)
        return found, doubtful

    def strays(self) -> frozenset[str]:
        """What classes define that may derive from anything, since their bases are not known."""
        self._strays = strays(self.records.values()) if self._strays is None else self._strays
        return self._strays

    def derived_unseen(self, qualname: str) -> str | None:
        """A file that was not read and speaks of the class, so that it may derive another from it."""
        return self.unseen.speaks_of(qualname.rpartition(".")[2]) if self.unseen is not None else None

    def known(self, path: str, qualname: str) -> bool:
        """Whether all that the class derives from is known."""
        return all(each.what != "unknown" for each in self.lineage(path, qualname))

    def exception(self, path: str, symbol: str) -> str | None:
        """The name of the exception class a symbol stands for: public, or ``path::qualname``; None when it is none."""
        things = self.resolve(path, symbol)
        if len(things) != 1:
            return None
        thing = things[0]
        if thing.what == "named":
            return thing.name if self.knowledge.is_exception(thing.name) else None
        if thing.what == "class" and any(
            each.what == "named" and self.knowledge.is_exception(each.name)
            for each in self.lineage(thing.path, thing.name)
        ):
            return f"{thing.path}::{thing.name}"
        return None

    def ancestors(self, exception: str) -> Iterator[str | None]:
        """An exception and what it derives from, named as :meth:`exception` does; None for a base that is unknown."""
        path, double, qualname = exception.partition("::")
        if not double:
            yield from self.knowledge.ancestors(exception)
            return
        for each in self.lineage(path, qualname):
            if each.what == "class":
                yield f"{each.path}::{each.name}"
            elif each.what == "named" and self.knowledge.is_exception(each.name):
                yield from self.knowledge.ancestors(each.name)
            elif each.what == "unknown":
                yield None


def _by_name(functions: tuple[Function, ...]) -> dict[str, list[Function]]:
    found: dict[str, list[Function]] = {}
    for each in functions:
        found.setdefault(each.qualname, []).append(each)
    return found
