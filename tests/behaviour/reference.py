"""A rewrite made by hand for the plainest shape, and the ways to get it wrong that the harness must notice.

It shares no code with the codemod. Right, it shows that the harness raises no false alarm; each ``Fault`` shows
that the harness can fail.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal, get_args

Fault = Literal[
    "drops the else",
    "runs the else always",
    "forgets to delete the name",
    "forgets to delete the attempt",
    "leaves the names on return",
    "keeps the error",
    "runs the handler twice",
    "runs the handler always",
    "drops the handler",
    "catches KeyboardInterrupt",
    "catches cancellation",
    "catches what derives from BaseException",
    "lets ValueError by",
    "drops the finally",
    "runs the finally before the handler",
    "turns return into fall-through",
    "drops the cause",
    "logs without the traceback",
    "logs at INFO itself",
    "copies the error",
    "swallows what the handler raises",
    "swaps the handlers",
    "narrows to ValueError",
    "widens to BaseException",
    "moves the last statement out of the body",
    "leaves a name behind",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)

_EXECUTOR = """\
class SafeExecutor:
    __module__ = 'executor'
    error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if {caught}:
            self.error = {kept}
            {extra}
            return True
        return False
"""
_CAUGHT = {
    "catches KeyboardInterrupt": "isinstance(error, (Exception, KeyboardInterrupt))",
    "catches cancellation": "isinstance(error, (Exception, asyncio.CancelledError))",
    "catches what derives from BaseException": "error is not None",
    "lets ValueError by": "isinstance(error, Exception) and kind is not ValueError",
}
_READS_STACK = {"locals", "dir", "vars", "active", "report", "boom", "chosen"}
_READS_ERROR = {"exception", "format_exc", "exc_info", "print_exc", "active", "report"}


@dataclass(frozen=True)
class Rewritten:
    """The new program and how many of its handlers were rewritten and declined."""

    data: bytes
    rewritten: int
    declined: int


def unparsed(data: bytes) -> bytes:
    """``data`` in the layout that ``rewrite`` leaves: what to compare its result with."""
    return ast.unparse(ast.parse(data)).encode()


def rewrite(data: bytes, fault: Fault | None = None) -> Rewritten:
    """Rewrite the handlers of the plainest shape in ``data``; comments and layout are lost."""
    tree = ast.parse(data)
    if fault in SPOILED:
        _Spoiler(fault).visit(tree)
        return Rewritten(ast.unparse(ast.fix_missing_locations(tree)).encode(), 0, 0)
    writer = _Writer(fault)
    tree = writer.visit(tree)
    executor = _EXECUTOR.format(
        caught=_CAUGHT.get(fault or "", "isinstance(error, Exception)"),
        kept="type(error)(*error.args)" if fault == "copies the error" else "error",
        extra={
            "keeps the error": "SafeExecutor.last = error",
            "logs at INFO itself": "logging.getLogger('program').info('recovered')",
        }.get(fault or "", "pass"),
    )
    text = ast.unparse(ast.fix_missing_locations(tree)).replace("\nkept = []\n", f"\nkept = []\n{executor}\n", 1)
    return Rewritten(text.encode(), writer.rewritten, writer.declined)


class _Writer(ast.NodeTransformer):
    def __init__(self, fault: Fault | None) -> None:
        self.fault = fault
        self.rewritten = 0
        self.declined = 0
        self.scopes: list[ast.AST] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._scope(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._scope(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._scope(node)

    def _scope(self, node: ast.AST) -> ast.AST:
        self.scopes.append(node)
        self.generic_visit(node)
        self.scopes.pop()
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST | list[ast.stmt]:
        plain = self._plain(node)
        self.generic_visit(node)
        if not plain:
            self.declined += len(node.handlers)
            return node
        self.rewritten += 1
        return self._write(node, f"attempt_{self.rewritten}")

    def _plain(self, node: ast.Try) -> bool:
        """One handler for Exception, in a function, that needs nothing but its own name."""
        if len(node.handlers) != 1 or not self.scopes or isinstance(self.scopes[-1], ast.ClassDef):
            return False
        handler = node.handlers[0]
        if not isinstance(handler.type, ast.Name) or handler.type.id != "Exception":
            return False
        for inner in ast.walk(handler):
            if isinstance(inner, (ast.Yield, ast.YieldFrom, ast.Await, ast.Try, ast.TryStar, ast.FunctionDef)):
                # Needs the active exception, or can show that there is none.
                return False
            if isinstance(inner, ast.Raise) and inner.exc is None:
                return False
            if isinstance(inner, ast.Name) and inner.id in _READS_STACK:
                return False
            if isinstance(inner, ast.Attribute) and inner.attr in _READS_ERROR:
                return False
            if isinstance(inner, ast.keyword) and inner.arg == "exc_info" and isinstance(inner.value, ast.Constant):
                return False
        return not any(
            (isinstance(one, ast.Name) and one.id in {"locals", "dir", "vars"})
            or isinstance(one, (ast.Global, ast.Nonlocal, ast.Lambda))
            for one in ast.walk(self.scopes[0])
        )

    def _write(self, node: ast.Try, name: str) -> ast.AST | list[ast.stmt]:
        fault = self.fault
        handler = node.handlers[0]
        made: list[ast.stmt] = ast.parse(f"with SafeExecutor() as {name}:\n    pass").body
        assert isinstance(made[0], ast.With)
        made[0].body = node.body
        bound = [handler.name] if handler.name else []
        gone = [name, *bound]
        if fault == "forgets to delete the name":
            gone = [name]
        if fault == "forgets to delete the attempt":
            gone = bound
        body = list(handler.body)
        if fault == "runs the handler twice":
            body = [*body, *body]
        if fault == "drops the handler":
            body = [ast.Pass()]
        if fault == "turns return into fall-through":
            body = [ast.Expr(one.value or ast.Constant(0)) if isinstance(one, ast.Return) else one for one in body]
        if fault == "logs without the traceback":
            body = [_quiet(one) for one in body]
        if fault == "drops the cause":
            body = [ast.Raise(one.exc, None) if isinstance(one, ast.Raise) else one for one in body]
        if fault == "swallows what the handler raises":
            body = [ast.With([ast.withitem(ast.parse("SafeExecutor()", mode="eval").body)], body)]
        if gone and fault != "leaves the names on return":
            removal = ast.parse(f"{' = '.join(gone)} = None\ndel {', '.join(gone)}").body
            tidy: list[ast.stmt] = [ast.Try(body=body, handlers=[], orelse=[], finalbody=removal)]
        else:
            removal = ast.parse(f"{' = '.join(gone)} = None\ndel {', '.join(gone)}").body if gone else []
            tidy = [*body, *removal]
        tidy = [*ast.parse(f"{bound[0]} = {name}.error").body, *tidy] if bound else tidy
        orelse = node.orelse if fault != "drops the else" else []
        test = "True" if fault == "runs the handler always" else f"{name}.error is not None"
        choice = ast.parse(f"if {test}:\n    pass").body[0]
        assert isinstance(choice, ast.If)
        choice.body = tidy
        choice.orelse = orelse
        made.append(choice)
        if fault == "runs the else always" and orelse:
            choice.orelse = []
            made += orelse
        if not node.finalbody or fault == "drops the finally":
            return made
        if fault == "runs the finally before the handler":
            return [ast.Try(body=made[:1], handlers=[], orelse=[], finalbody=node.finalbody), *made[1:]]
        return ast.Try(body=made, handlers=[], orelse=[], finalbody=node.finalbody)


SPOILED: frozenset[Fault] = frozenset(
    {
        "swaps the handlers",
        "narrows to ValueError",
        "widens to BaseException",
        "moves the last statement out of the body",
        "leaves a name behind",
    }
)


class _Spoiler(ast.NodeTransformer):
    """Changes every ``try`` where it stands."""

    def __init__(self, fault: str | None) -> None:
        self.fault = fault

    def visit_Try(self, node: ast.Try) -> ast.AST | list[ast.AST]:
        self.generic_visit(node)
        if self.fault == "swaps the handlers" and len(node.handlers) > 1 and node.handlers[-1].type is not None:
            node.handlers.reverse()
        if self.fault == "moves the last statement out of the body" and node.handlers and len(node.body) > 1:
            node.orelse.insert(0, node.body.pop())
        if self.fault == "leaves a name behind":
            return [node, *ast.parse("attempt_1 = None").body]
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        target = str(self.fault).partition(" to ")[2]
        if (
            target in {"ValueError", "BaseException"}
            and isinstance(node.type, ast.Name)
            and node.type.id == "Exception"
        ):
            node.type.id = target
        return node


def _quiet(statement: ast.stmt) -> ast.stmt:
    for inner in ast.walk(statement):
        if isinstance(inner, ast.Call):
            inner.keywords = [one for one in inner.keywords if one.arg != "exc_info"]
    return statement
