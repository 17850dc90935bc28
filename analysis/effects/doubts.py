"""What the tree replaces behind the back of the source, and what that makes doubtful."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Mapping

from analysis.effects.records import Module
from config.knowledge import Knowledge


class Doubts:
    """All that the files of a tree replace.

    ``stores``: attribute names that are set from outside their class, and a file that does it. ``patched``: replaced
    attributes of imported modules, public names or the last part of a symbol. ``dynamic``: a file that sets attributes
    by name. ``makes``: one that makes classes by calls. ``everything``: one that replaces what is built in, or methods
    of library classes.
    """

    def __init__(self, records: Mapping[str, Module], knowledge: Knowledge) -> None:
        self.stores: dict[str, str] = {}
        patched: set[str] = set()
        self.dynamic: str | None = None
        self.makes: str | None = None
        self.everything: str | None = None
        for path in sorted(records):
            record = records[path]
            for name in record.stores:
                self.stores.setdefault(name, path)
            patched.update(re.split("[.:]", name)[-1] if ":" in name else name for name in record.patches)
            if record.dynamic:
                self.dynamic = self.dynamic or path
            if record.makes:
                self.makes = self.makes or path
            if record.builtins or any(_reaches_far(name, knowledge) for name in record.patches):
                self.everything = self.everything or path
        self.patched = frozenset(patched)

    def replaced(self, names: Iterable[str]) -> str | None:
        """The first of ``names`` that is set as an attribute somewhere."""
        return min((name for name in names if name in self.stores or name in self.patched), default=None)

    def of(self, trail: frozenset[str]) -> str | None:
        """What is doubtful about a symbol, given the names on the way to what it stands for, ":file" among them."""
        if not trail:
            return None
        hit = self.replaced(trail)
        if hit is not None:
            where = (
                f", an attribute that {self.stores[hit]} sets" if hit in self.stores else ", which the tree replaces"
            )
            return f"`{hit}`{where}, is taken to be what its own file makes it"
        own = min((each for each in trail if each[:1] == ":"), default=None)
        if own is not None:
            return f"the names of {own[1:]} are taken to be what they look like, though it may bind them otherwise"
        if self.dynamic is not None:
            return f"attributes are taken to be what their files make them, though {self.dynamic} sets some by name"
        return None

    def of_constant(self, name: str) -> str | None:
        """What is doubtful about the value of a name of a module."""
        if name in self.stores:
            return f"{self.stores[name]} sets an attribute of that name"
        return f"{self.dynamic} sets attributes by name" if self.dynamic is not None else None


def _reaches_far(name: str, knowledge: Knowledge) -> bool:
    if ":" in name:
        return False
    owner, _, last = name.rpartition(".")
    return (owner == "builtins" and hasattr(builtins, last)) or knowledge.canonical(owner) in knowledge.kinds


def strays(records: Iterable[Module]) -> frozenset[str]:
    """The names that classes define whose bases are not known."""
    names: set[str] = set()
    for record in records:
        for each in record.classes:
            if "" in each.bases:
                inside = f"{each.qualname}."
                names.update(name for name, _ in each.attributes)
                names.update(one.qualname[len(inside) :] for one in record.functions if one.qualname.startswith(inside))
    return frozenset(names)
