"""What an act on a resolved symbol may raise: directly, or by running other regions of the tree."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from analysis.effects.calls import PICKY
from analysis.effects.kinds import base, parts
from analysis.effects.records import Act, Function, Pending
from analysis.effects.resolve import World
from analysis.effects.things import Thing
from config.knowledge import Entry

Node = tuple[str, str, int]
"""A region: ``("function", path, line)``, ``("module", path, 0)`` or ``("try", path, number)``."""


@dataclass
class Outcome:
    """What an act leads to: types that are raised, regions that are run, why it is open, what it assumes."""

    raises: set[str] = field(default_factory=set)
    runs: list[Node] = field(default_factory=list)
    open: str | None = None
    assumed: str | None = None

    def leave_open(self, why: str) -> None:
        self.open = self.open or why

    def assume(self, what: str) -> None:
        self.assumed = self.assumed or what


def act(world: World, path: str, pending: Pending) -> Outcome:
    """What ``pending``, noted in the file at ``path``, may raise."""
    outcome = Outcome()
    if pending.act is Act.IMPORT:
        _import(world, path, pending, outcome)
        return outcome
    for thing in world.resolve(path, pending.target):
        match pending.act:
            case Act.CALL:
                _call(world, thing, pending, outcome, awaited=False)
            case Act.AWAIT:
                _call(world, thing, pending, outcome, awaited=True)
            case Act.READ:
                _read(thing, pending, outcome)
            case Act.ITERATE:
                _iterate(thing, pending, outcome)
            case Act.WRITE:
                pass
    if pending.act is Act.WRITE:
        _write(world, path, pending, outcome)
    else:
        _hooks(world, path, pending, outcome)
    return outcome


# -- calls


def _call(world: World, thing: Thing, pending: Pending, outcome: Outcome, *, awaited: bool) -> None:
    match thing.what:
        case "function":
            assert thing.function is not None
            _function(thing, thing.function, pending, outcome, awaited=awaited)
        case "class":
            if awaited:
                outcome.leave_open("an instance is awaited")
            _construct(world, thing, pending, outcome)
        case "instance":
            for each in world.attribute(thing, "__call__"):
                if each.what == "missing":
                    outcome.raises.add("TypeError")
                else:
                    _call(world, each, pending, outcome, awaited=awaited)
        case "entry":
            assert thing.entry is not None
            _entry(thing.entry, pending, outcome, awaited=awaited)
        case "named":
            _named(world, thing.name, pending, outcome, awaited=awaited)
        case "missing":
            # A `with` over what cannot be entered is a TypeError from 3.11 on.
            outcome.raises.update(("AttributeError", "ImportError", "TypeError"))
        case "unknown":
            outcome.leave_open(thing.name)
        case "kind":
            found = [world.knowledge.method(base(part), "__call__") for part in parts(thing.name)]
            for entry in found:
                if entry is None:
                    outcome.raises.add("TypeError")
                else:
                    _entry(entry, pending, outcome, awaited=awaited)
        case _:
            outcome.leave_open("")


def _function(thing: Thing, function: Function, pending: Pending, outcome: Outcome, *, awaited: bool) -> None:
    if function.binding == "property":
        outcome.runs.append(("function", thing.path, function.line))
        outcome.leave_open("what a property gives is called")
        return
    if not _fits(function, pending, bound=thing.bound):
        outcome.raises.add("TypeError")
    if function.qualname.endswith("exit__") and (not function.gives or ":" in function.gives):
        outcome.assume(f"the truth of what `{function.qualname}` gives is taken to be well defined")
    if function.decorator:
        outcome.runs.append(("function", thing.path, function.line))
    elif function.flavour == "plain":
        if awaited:
            outcome.leave_open("what it returns is awaited")
        outcome.runs.append(("function", thing.path, function.line))
    elif function.flavour == "async":
        if awaited:
            outcome.runs.append(("function", thing.path, function.line))
    elif awaited:
        outcome.raises.add("TypeError")


def _fits(function: Function, pending: Pending, *, bound: bool) -> bool:
    """Whether the call surely matches the signature."""
    if pending.star:
        return False
    positional = [*function.required, *function.optional]
    taken = pending.args + bound
    if taken > len(positional) and not function.many:
        return False
    filled = set(positional[:taken])
    for name in pending.keywords:
        known = name in positional or name in function.keyword_required or name in function.keyword_optional
        if name in filled or not (known or function.keywords):
            return False
        filled.add(name)
    return filled.issuperset(function.required) and filled.issuperset(function.keyword_required)


def _construct(world: World, thing: Thing, pending: Pending, outcome: Outcome) -> None:
    lineage = world.lineage(thing.path, thing.name)
    for each in lineage:
        if each.what == "unknown":
            outcome.leave_open(each.name)
            return
        if each.what == "class" and not world.record(each).made:
            outcome.leave_open(f"how `{each.name}` is made")
            return
    if any(each.what == "class" and world.record(each).dataclass for each in lineage):
        outcome.raises.update(("TypeError", "AttributeError"))
        outcome.assume(f"`{thing.name}` is taken to be made from plain fields")
    if any(each.what == "named" and each.name == "abc.ABC" for each in lineage):
        outcome.raises.add("TypeError")  # a method may have been left abstract
    for hook in ("__new__", "__init__"):
        for found in world.lookup(thing.path, thing.name, hook):
            if found.what == "function" and found.function is not None:
                if hook == "__init__" and (found.function.flavour != "plain" or found.function.gives != "None"):
                    outcome.raises.add("TypeError")  # it must give None
                _function(replace(found, bound=True), found.function, pending, outcome, awaited=False)
            elif found.what == "unknown":
                outcome.leave_open(found.name)
            elif found.what == "entry" or (found.what == "attribute" and hook == "__new__"):
                continue
            elif found.what == "missing" and hook == "__init__" and (pending.args or pending.keywords or pending.star):
                outcome.raises.add("TypeError")
    _construct_named(world, lineage, pending, outcome)


def _construct_named(world: World, lineage: list[Thing], pending: Pending, outcome: Outcome) -> None:
    """The constructors of the bases that the tables know."""
    own = any(f"{each.name}.__init__" in world.functions.get(each.path, {}) for each in lineage if each.what == "class")
    for each in lineage:
        if each.what != "named" or each.name in ("object", "abc.ABC"):
            continue
        kind = world.knowledge.kinds.get(each.name)
        if world.knowledge.is_exception(each.name):
            if pending.keywords and not own:
                outcome.raises.add("TypeError")
            if PICKY.intersection(world.knowledge.ancestors(each.name)):
                outcome.raises.update(("TypeError", "ValueError", "IndexError"))
        elif kind is None or kind.new is None:
            outcome.leave_open(f"how a `{each.name}` is made")
        elif not own:
            _entry(kind.new, pending, outcome, awaited=False)


def _entry(entry: Entry, pending: Pending, outcome: Outcome, *, awaited: bool) -> None:
    if entry.awaits and not awaited:
        return
    if awaited and not entry.awaits:
        outcome.leave_open("what it returns is awaited")
    outcome.raises.update(entry.raises)
    arity = entry.arity()
    unknown = any(name not in entry.keywords for name in pending.keywords)
    if arity is not None and (pending.star or unknown or not arity[0] <= pending.args <= arity[1]):
        outcome.raises.add("TypeError")
    for name in pending.keywords:
        outcome.raises.update(entry.keywords.get(name, ()))
    if entry.assumes is not None:
        outcome.assume(entry.assumes)
    if entry.runs and (pending.args or pending.keywords or pending.star):
        outcome.leave_open("it calls what it is given")
    if (entry.arguments != "any" and not pending.plain) or entry.compares:
        outcome.assume(f"what `{pending.text}` is given is taken to be of built-in types")


def _named(world: World, name: str, pending: Pending, outcome: Outcome, *, awaited: bool) -> None:
    knowledge = world.knowledge
    entry = knowledge.functions.get(name)
    kind = knowledge.kinds.get(name)
    if entry is None and kind is not None:
        entry = kind.new
    if entry is not None:
        _entry(entry, pending, outcome, awaited=awaited)
    elif knowledge.is_exception(name):
        outcome.raises.add("TypeError")
    else:
        outcome.leave_open("")


# -- attributes


def _read(thing: Thing, pending: Pending, outcome: Outcome) -> None:
    match thing.what:
        case "function":
            assert thing.function is not None
            if thing.function.binding == "property":
                outcome.runs.append(("function", thing.path, thing.function.line))
            elif thing.function.decorator:
                outcome.assume(f"`{pending.text}` is taken to be no descriptor")
        case "instance":
            outcome.assume(f"`{pending.text}` is taken to be no descriptor")
        case "missing" | "attribute" | "kind" | "module":
            outcome.raises.add("AttributeError")
        case "named" | "unknown":
            outcome.raises.add("AttributeError")
            outcome.assume(f"`{pending.text}` is taken to be a plain attribute")


def _owner(target: str) -> tuple[str, str]:
    """The symbol before the last attribute of ``target``, and that attribute; the module's name may have dots too."""
    level, module, rest = target.split(":", 2)
    head, _, name = rest.rpartition(".")
    return f"{level}:{module}:{head}" if head or module or level != "0" else "", name


def _hooks(world: World, path: str, pending: Pending, outcome: Outcome) -> None:
    """What classes add to reading an attribute that Python would find by itself, or not find."""
    owner, name = _owner(pending.target)
    own = owner.endswith("@") and pending.act is Act.READ
    for thing in world.resolve(path, owner) if owner else ():
        if thing.what == "module" and thing.path != path and world.entwined(path, thing.path):
            outcome.raises.add("AttributeError")  # half of it may be made when this runs
        if thing.what not in ("instance", "class", "bases"):
            continue
        family = world.derived(thing.path, thing.name) if thing.bound else [(thing.path, thing.name)]
        if not all(world.closed(*each) and world.known(*each) and world.plain(*each) for each in family):
            outcome.raises.add("AttributeError")
            outcome.assume(f"`{pending.text}` is taken to be a plain attribute")
        if thing.what == "class" or pending.act is Act.READ:
            for each in family:
                properties, doubtful = world.described(*each, name)
                if thing.what == "instance":
                    outcome.runs.extend(("function", one.path, one.line) for one in properties)
                if doubtful:
                    outcome.assume(f"`{pending.text}` is taken to be no descriptor")
        unread = world.derived_unseen(thing.name) if thing.bound else None
        if unread is not None:
            outcome.assume(f"`{pending.text}` is taken not to be overridden in {unread}, which was not read")
        if (thing.bound or thing.what == "bases") and (world.doubts.makes is not None or name in world.strays()):
            where = f"calls in {world.doubts.makes}" if world.doubts.makes else "bases that cannot be read"
            outcome.assume(f"`{pending.text}` is taken not to be overridden in a class made by {where}")
        own = own and thing.what == "instance"
    if not own or any(each.what == "function" for each in world.resolve(path, pending.target)):
        doubt = world.doubt(path, pending.target)
        if doubt is not None:
            outcome.assume(doubt)


def _write(world: World, path: str, pending: Pending, outcome: Outcome) -> None:
    owner, name = _owner(pending.target)
    for thing in world.resolve(path, owner) if owner else ():
        if thing.what == "module":
            continue
        if thing.what not in ("instance", "class"):
            outcome.raises.update(("AttributeError", "TypeError"))
            outcome.assume(f"`{pending.text}` is taken to be a plain attribute")
            continue
        family = world.derived(thing.path, thing.name) if thing.bound else [(thing.path, thing.name)]
        for where, qualname in family:
            if not (world.closed(where, qualname) and world.known(where, qualname)):
                outcome.raises.update(("AttributeError", "TypeError"))
                outcome.assume(f"`{pending.text}` is taken to be a plain attribute")
            if any(each.what == "class" and world.record(each).dataclass for each in world.lineage(where, qualname)):
                outcome.raises.add("AttributeError")
            for each in world.lineage(where, qualname):
                sets = world.knowledge.sets(each.name, name) if each.what == "named" else None
                if sets is not None:
                    outcome.raises.update(sets)
                elif each.what == "named" and world.knowledge.value(each.name, name) is not None:
                    outcome.raises.update(("AttributeError", "TypeError"))
                    outcome.assume(f"`{pending.text}` is taken to be a plain attribute")
            properties, doubtful = world.described(where, qualname, name)
            if properties:
                outcome.raises.add("AttributeError")
                outcome.runs.extend(("function", each.path, each.line) for each in properties)
            if doubtful or not world.plain(where, qualname):
                outcome.assume(f"`{pending.text}` is taken to be no descriptor")


def _iterate(thing: Thing, pending: Pending, outcome: Outcome) -> None:
    if thing.what == "function" and thing.function is not None and thing.function.flavour == "generator":
        outcome.runs.append(("function", thing.path, thing.function.line))
    elif thing.what == "function" and thing.function is not None and "async" in thing.function.flavour:
        outcome.raises.add("TypeError")
    else:
        outcome.raises.add("TypeError")
        outcome.assume(f"what `{pending.text}` gives is taken to be iterable without error")


# -- what imports run


def _import(world: World, path: str, pending: Pending, outcome: Outcome) -> None:
    level, module, names = pending.target.split(":", 2)
    found = world.modules.find(path, module, int(level))
    if found is None:
        outcome.leave_open(f"`{'.' * int(level)}{module}` is not in this tree")
        return
    wanted = [found]
    if world.dynamic is not None:
        outcome.assume(f"modules are taken to be their files, though {world.dynamic} sets attributes by name")
    for name in filter(None, names.split(",")):
        if name not in world.names.get(found, {}):
            made = world.functions.get(found, {}).get("__getattr__", ())
            outcome.runs.extend(("function", found, each.line) for each in made)
        inner = world.modules.inside(found, name)
        if inner is not None and name not in world.names.get(found, {}):
            wanted.append(inner)
    for each in wanted:
        for file in (*world.modules.packages(each), each):
            if file.endswith("/"):
                continue
            if file in world.records:
                outcome.runs.append(("module", file, 0))
            else:
                outcome.raises.add("SyntaxError")
                outcome.leave_open(f"{file} does not parse")
