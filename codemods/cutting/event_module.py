"""The module of the events and requests between two files: made, or completed where it is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from codemods.compose import Change
from codemods.cutting.bringing import bring
from codemods.cutting.layout import longest, wrapped
from codemods.cutting.offers import Offered
from codemods.cutting.workspace import Workspace
from codemods.edits import Need, Reason, Splice
from codemods.imports import Refused

_ROLES = frozenset({"agent", "client", "handler", "main", "manager", "server", "service", "worker"})
"""What services are called beside what they are about."""


class Asked(NamedTuple):
    """What one function is asked for with: ``fields`` are the names of its parameters that a message has."""

    offered: Offered
    event: bool
    fields: tuple[str, ...]


def path_of(one: str, other: str) -> str:
    """The file of the events between two files, beside the second: called after the word that both have in common."""
    words = [_words(each) for each in sorted((one, other))]
    common = [word for word in words[0] if word in words[1]]
    folder = other.rpartition("/")[0]
    name = f"{(common or words[0])[0]}_events.py"
    return f"{folder}/{name}" if folder else name


def _words(path: str) -> list[str]:
    stem = path.rpartition("/")[2].removesuffix(".py").lower()
    words = [one for one in stem.split("_") if one] or [stem]
    return [one for one in words if one not in _ROLES] or words


class EventModule:
    """The module ``path``, with the events that ``asked`` needs."""

    def __init__(self, workspace: Workspace, path: str, base: str, sides: tuple[str, str]) -> None:
        """``base`` is the module that has ``Event`` and ``Request``; ``sides`` are the two files, the one that
        answers second.
        """
        self._workspace = workspace
        self.path = path
        self._base = base
        self._sides = sides
        there = path in workspace.project.files or workspace.made(path)
        self._there = there
        self._classes = dict(_classes(workspace.tree(path))) if there else {}

    def complete(self, asked: Sequence[Asked]) -> dict[str, str]:
        """Have a class for each of ``asked``; returns their names, by the target of the function. Raises Refused."""
        found: dict[str, str] = {}
        names = [one.offered.name for one in asked]
        twice = next((one for one in names if names.count(one) > 1), None)
        if twice is not None:
            raise Refused(Reason.EVENT_CLASH, f"several things that are called here are called `{twice}`")
        new: list[tuple[str, Asked]] = []
        for one in asked:
            name = self._name(one)
            found[one.offered.target] = name
            if name not in self._classes:
                new.append((name, one))
                self._classes[name] = self._topic(one), self._shape(one)
        if new and self._there:
            self._append(new)
        elif new:
            self._make(new)
        return found

    def _topic(self, one: Asked) -> str:
        """Under which topic: the service and its function."""
        path = self._sides[1]
        stem = path.rpartition("/")[2]
        alone = sum(each == stem or each.endswith(f"/{stem}") for each in self._workspace.project.files) == 1
        service = (stem if alone else path.replace("/", ".")).removesuffix(".py")
        return f"{service}.{one.offered.name}"

    def _name(self, one: Asked) -> str:
        """What the class is called: after the function, and after its service, too, where that is taken."""
        stem = self._sides[1].rpartition("/")[2].removesuffix(".py")
        for name in (_camel(one.offered.name), _camel(f"{stem}_{one.offered.name}")):
            known = self._classes.get(name)
            if known is None:
                if not self._bound(name):
                    return name
                continue
            topic, shape = known
            if topic == self._topic(one) and shape[:1] and (shape[0] == "Event") == one.event:
                if shape == self._shape(one):
                    return name
                raise Refused(Reason.EVENT_CLASH, f"`{name}` of {self.path} has other fields or another answer")
        raise Refused(Reason.EVENT_CLASH, f"{self.path} has another `{_camel(one.offered.name)}`")

    def asks(self, offered: Offered) -> bool:
        """Whether the module has a request for a function already."""
        topic = self._topic(Asked(offered, False, ()))
        return any(known == topic and shape[:1] and shape[0] != "Event" for known, shape in self._classes.values())

    def _bound(self, name: str) -> bool:
        if not self._there:
            return name in ("Event", "Request")
        offers = self._workspace.graph.offers.get(self.path)
        imported = {alias or each for one in self._workspace.imports(self.path) for each, alias in one.names}
        return name in imported or (offers is not None and name in offers.bound)

    def _shape(self, one: Asked) -> tuple[str, ...]:
        """The class without its name and its docstring, to compare it by."""
        return tuple(ast.unparse(each) for each in _body(ast.parse(self._text("Name", one)).body[0]))

    def _text(self, name: str, one: Asked) -> str:
        offered, service = one.offered, self._sides[1].rpartition("/")[2].removesuffix(".py")
        base = "Event" if one.event else f"Request[{offered.reply.text}]"
        told = f"Has {service} call {offered.target}()."
        if not one.event:
            told = f"Asks {service} for {offered.target}(): the answer is what that returns."
        lines = [f"class {name}({base}, frozen=True):", f'    """{told}"""', "", f'    TOPIC = "{self._topic(one)}"']
        chosen = [each for each in offered.parameters if each.name in one.fields]
        if chosen:
            lines.append("")
        # A field without a default comes before those with one.
        chosen.sort(key=lambda each: not each.required)
        lines += [f"    {each.name}: {each.type.text}{f' = {each.default}' if each.default else ''}" for each in chosen]
        return "\n".join(lines) + "\n"

    def _needs(self, new: Iterable[tuple[str, Asked]]) -> list[Need]:
        found: dict[Need, None] = {}
        for _, one in new:
            found[Need(self._base, "Event" if one.event else "Request")] = None
            types = [each.type for each in one.offered.parameters if each.name in one.fields]
            for each in (*types, *(() if one.event else (one.offered.reply,))):
                found.update((Need(*pair), None) for pair in each.imports)
        return list(found)

    def _make(self, new: Sequence[tuple[str, Asked]]) -> None:
        modules: dict[str, set[str]] = {}
        for need in self._needs(new):
            modules.setdefault(need.module, set()).add(need.name)
        most = longest(self._workspace)
        library = [one for one in modules if one in ("typing", "collections.abc")]
        groups = [sorted(library), [one for one in modules if one not in library]]
        spelt = [
            "".join(wrapped(f"from {one} import {', '.join(sorted(modules[one]))}", most) + "\n" for one in group)
            for group in groups
            if group
        ]
        stems = [one.rpartition("/")[2].removesuffix(".py") for one in sorted(self._sides)]
        head = f'"""Events and requests between {stems[0]} and {stems[1]}."""\n\n' + "\n".join(spelt)
        self._workspace.make(self.path, "\n\n".join([head, *(self._text(*one) for one in new)]), like=min(self._sides))

    def _append(self, new: Sequence[tuple[str, Asked]]) -> None:
        workspace = self._workspace
        for need, name in bring(workspace, self.path, self._needs(new)).items():
            if name != need.name:
                raise Refused(Reason.EVENT_CLASH, f"{self.path} means something else by `{need.name}`")
        data = workspace.source(self.path).data
        end = len(data)
        text = "".join(f"\n\n{self._text(*one)}" for one in new)
        if data and not data.endswith((b"\n", b"\r")):
            text = "\n" + text.rstrip("\n")
        workspace.edit(self.path, [Change((Splice(end, end, text),))])


def _camel(name: str) -> str:
    parts = [one for one in re.split(r"_+", name) if one]
    made = "".join(one[0].upper() + one[1:] for one in parts)
    if not made or not made.isidentifier():
        raise Refused(Reason.EVENT_CLASH, f"no class can be called after `{name}`")
    return made


def _classes(tree: ast.Module) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    """The classes of a module, each with its topic and what it says beside its docstring."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            body = _body(node)
            topic = ""
            for one in body:
                match one:
                    case ast.Assign(targets=[ast.Name(id="TOPIC")], value=ast.Constant(value=str(text))):
                        topic = text
            yield node.name, (topic, tuple(ast.unparse(one) for one in body))


def _body(node: ast.stmt) -> list[ast.AST]:
    """The bases of a class, and its statements but for the docstring."""
    assert isinstance(node, ast.ClassDef)
    body = node.body
    documented = body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    return [*node.bases, *body[1 if documented else 0 :]]
