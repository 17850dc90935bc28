"""Which functions of a module may be called while it is imported, as far as its own text shows."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from analysis.collectors.imports import is_main
from analysis.nodes import dotted

_MADE = ("__new__", "__init__", "__post_init__")
_DEFINED = ("__prepare__", "__new__", "__init__", "__call__")
"""What defining a class calls of its metaclass."""
_CALLING = frozenset(
    {"Thread", "Timer", "filter", "map", "reduce", "run_in_executor", "starmap", "start_new_thread", "submit"}
)
"""What calls the functions that it is given, by the last part of its name."""


def started(tree: ast.Module) -> frozenset[str]:
    """The names of those functions; special methods with their class before them (``Memory.__init__``).

    It goes by names: a method counts when anything of its name is called. What other modules call is not seen.
    """
    return _Calls(tree).started()


def destroying(tree: ast.Module) -> frozenset[str]:
    """The names of the functions that destructors of the module may call."""
    return _Calls(tree).destroying()


def last(node: ast.expr) -> str:
    """The last part of the name that a decorator, a base or what is called has; empty where it has none."""
    target = node.func if isinstance(node, ast.Call) else node
    target = target.value if isinstance(target, ast.Subscript) else target
    return (dotted(target) or str(getattr(target, "attr", ""))).rpartition(".")[2]


class _Calls:
    def __init__(self, tree: ast.Module) -> None:
        self.by_function: dict[str, set[str]] = {}
        self.bases: dict[str, list[str]] = {}
        self.metaclass: dict[str, str] = {}
        self.roots: set[str] = set()
        # What runs as a script runs when all is imported.
        self.read((one for one in tree.body if not (isinstance(one, ast.If) and is_main(one.test))), self.roots, "")

    def read(self, nodes: Iterable[ast.AST], into: set[str], owner: str) -> None:
        """Note down what ``nodes``, which stand in the class ``owner``, call when they run."""
        todo = list(nodes)
        for node in todo:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    special = owner and node.name.startswith("__")
                    name = f"{owner}.{node.name}" if special else node.name
                    self.read(node.body, self.by_function.setdefault(name, set()), "")
                    into.update(map(last, node.decorator_list))
                    todo += [*node.decorator_list, *ast.iter_child_nodes(node.args)]
                case ast.ClassDef():
                    into.update(map(last, node.decorator_list))
                    self.define(node, into)
                    self.read(node.body, into, node.name)
                    todo += [*node.decorator_list, *node.bases, *node.keywords]
                case ast.Lambda():
                    pass
                case _:
                    if isinstance(node, ast.Call):
                        into.add(last(node))
                    if isinstance(node, ast.Call) and last(node) in _CALLING:
                        into.update(map(last, [*node.args, *(one.value for one in node.keywords)]))
                    todo += ast.iter_child_nodes(node)

    def define(self, node: ast.ClassDef, into: set[str]) -> None:
        bases = self.bases[node.name] = list(map(last, node.bases))
        own = next((last(one.value) for one in node.keywords if one.arg == "metaclass"), "")
        found = own or next((self.metaclass[one] for one in bases if one in self.metaclass), "")
        if found:
            self.metaclass[node.name] = found
            into.update(f"{found}.{name}" for name in _DEFINED)
        into.update(f"{base}.__init_subclass__" for base in self.family(bases))

    def family(self, names: Iterable[str]) -> list[str]:
        """Classes and what they derive from in this module."""
        found = list(names)
        for name in found:
            found += [one for one in self.bases.get(name, ()) if one not in found]
        return found

    def destroying(self) -> frozenset[str]:
        found = {one for name, inner in self.by_function.items() if name.endswith(".__del__") for one in inner}
        todo = list(found)
        for name in todo:
            inner = self.by_function.get(name, set()) - found
            todo += inner
            found |= inner
        return frozenset(found)

    def started(self) -> frozenset[str]:
        found, todo = set(self.roots), list(self.roots)
        for name in todo:
            inner = set(self.by_function.get(name, ()))
            if name in self.bases:
                inner |= {f"{one}.{made}" for one in self.family([name]) for made in _MADE}
            todo += inner - found
            found |= inner
        return frozenset(found)
