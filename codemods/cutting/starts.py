"""Where a service starts, and so where it says what it answers."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from analysis.collectors.header import first_line
from analysis.collectors.imports import is_main
from analysis.nodes import below
from codemods.cutting.offers import FUNCTIONS, Function, Module, inside
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason
from codemods.imports import Refused

_STARTING = ("run", "serve", "serve_forever", "start", "main")


_LOOPS = (ast.While, ast.AsyncFor)


class Start(NamedTuple):
    """The statement before which a service has to have said what it answers, and what it stands in, for people."""

    before: ast.stmt
    where: str


def is_service(workspace: Workspace, path: str) -> bool:
    """Whether a file is a service: it starts by itself, has a class that is started, or binds a socket."""
    if path.rpartition("/")[2] == "__init__.py":
        # Whatever is imported from a package starts it.
        return False
    for node in below(workspace.tree(path)):
        match node:
            case ast.If(test=test) if is_main(test):
                return True
            case ast.ClassDef(body=body) if any(isinstance(one, FUNCTIONS) and one.name in _STARTING for one in body):
                return True
            case ast.Call(func=ast.Attribute(attr="bind" | "bind_to_random_port")):
                return True
    return False


def start_of(module: Module) -> Start:
    """Where the service of a file starts to serve. Raises Refused where that cannot be told.

    That is what ``if __name__ == "__main__"`` calls: a function of the file, or a method of a class of it; else that
    itself; where there is none, a method called ``run`` or the like of the only class that has one.
    """
    main = next((one for one in module.tree.body if isinstance(one, ast.If) and is_main(one.test)), None)
    function = _called(module, main) if main is not None else _only(module)
    if function is not None:
        return Start(_serving(function.body), f"{function.name}()")
    if main is None:
        raise Refused(Reason.NO_START, f"{module.path} is no script, and has no one class with a run()")
    if not any(_starts(one, _LOOPS) for one in main.body):
        raise Refused(Reason.NO_START, f"{module.path} does its work as a script and ends, as far as can be seen")
    return Start(_serving(main.body), "what it does as a script")


def _called(module: Module, main: ast.If) -> Function | None:
    """The function or method of the file that serves, of those that it calls as a script."""
    calls = sorted(
        (one for one in below(*main.body) if isinstance(one, ast.Call)), key=lambda one: (one.lineno, one.col_offset)
    )
    local = {
        target.id: one.value.func.id
        for one in below(*main.body)
        if isinstance(one, ast.Assign)
        and isinstance(one.value, ast.Call)
        and isinstance(one.value.func, ast.Name)
        and one.value.func.id in module.classes
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    for call in calls:
        match call.func:
            case ast.Name(id=name) if name in module.functions:
                found = module.functions[name]
                if name in _STARTING or any(_starts(one, _LOOPS) for one in found.body):
                    return found
            case ast.Attribute(value=value, attr=attr) if attr in _STARTING:
                method = _method(module, _kind(module, value, local), attr)
                if method is not None:
                    return method
    return None


def _kind(module: Module, value: ast.expr, local: dict[str, str]) -> str:
    match value:
        case ast.Name(id=name):
            return local.get(name) or module.objects.get(name, "")
        case ast.Call(func=ast.Name(id=name)):
            return name if name in module.classes else module.accessor(name)
    return ""


def _method(module: Module, kind: str, name: str) -> Function | None:
    body = module.classes[kind].body if kind else []
    return next((one for one in body if isinstance(one, FUNCTIONS) and one.name == name), None)


def _only(module: Module) -> Function | None:
    """The method that starts the only class which has such a method."""
    found = [(kind, name) for kind in module.classes for name in _STARTING if _method(module, kind, name) is not None]
    kinds = {kind for kind, _ in found}
    return _method(module, *found[0]) if len(kinds) == 1 else None


def _serving(body: Sequence[ast.stmt]) -> ast.stmt:
    """The statement that serves, or that starts what does: what is made before it is there when it is asked for."""
    for kinds in (_LOOPS, (ast.For,)):
        for one in body:
            if not _starts(one, kinds):
                continue
            heads = [each.context_expr for each in one.items] if isinstance(one, (ast.With, ast.AsyncWith)) else []
            if isinstance(one, (ast.With, ast.AsyncWith, ast.Try)) and not any(_starts(each, kinds) for each in heads):
                return _serving(one.body)
            return one
    first = body[0]
    docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1] if docstring and len(body) > 1 else first


def _starts(node: ast.AST, loops: tuple[type[ast.AST], ...]) -> bool:
    """Whether something in ``node`` is one of ``loops``, or a call that starts what loops."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return False
    for one in (node, *inside(node)):
        if isinstance(one, loops):
            return True
        if isinstance(one, ast.Call) and _last(one.func) in _STARTING:
            return True
    return False


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def place(workspace: Workspace, path: str, statement: ast.stmt) -> tuple[int, str]:
    """The line before which a line can go in front of ``statement``, and its indent. Raises Refused."""
    source = workspace.source(path)
    line = first_line(statement)
    text = source.lines[line - 1]
    indent = text[: len(text) - len(text.lstrip(b" \t\f"))]
    if text[: statement.col_offset] != indent:
        raise Refused(Reason.SHARED_LINE, f"{path}: another statement stands on line {statement.lineno}")
    while line > 1 and source.lines[line - 2].startswith(indent + b"#"):
        line -= 1
    return line, indent.decode(source.encoding)
