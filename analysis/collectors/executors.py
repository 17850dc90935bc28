"""Uses of a safe executor: where a class of a given name is entered, put on a function or bound to a name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

import msgspec

from analysis.collectors.handlers import caught_types, span_of
from analysis.facts import Span
from analysis.nodes import dotted
from analysis.walk import Collector, Walk

if TYPE_CHECKING:
    from analysis.source import Source

_IMPORTS = (ast.Import, ast.ImportFrom)
_WITHS = (ast.With, ast.AsyncWith)
_DECORATED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BOUND = (ast.Assign, ast.AnnAssign, ast.Return, ast.Expr)


class Executor(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One call of the executor class.

    ``span`` is the call's (a decorator without parentheses: the name's); ``column`` is its start in characters from 1.
    ``module`` is the module that the class was imported from as the import writes it, with its leading dots; ``star``
    when that import was ``from module import *``. ``form`` says what is done with it: entered by a ``with``, put on a
    definition, or anything else a statement does. ``recoverable`` are the types named, as written, ``?`` for an
    expression that is no name; None when the argument is missing.
    """

    span: Span
    column: int
    scope: str
    module: str
    star: bool
    form: Literal["with", "decorator", "value"]
    recoverable: tuple[str, ...] | None
    source: str


class ExecutorCollector(Collector):
    """Collects the calls of the class ``name``; ``executors`` makes the one for a given name."""

    version = 1
    record = Executor
    nodes = (*_IMPORTS, *_WITHS, *_DECORATED, *_BOUND)
    name: str

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.modules: dict[str, tuple[str, bool]] = {}

    def visit(self, walk: Walk, node: ast.AST) -> None:
        """Follow imports of the class and note its uses."""
        if isinstance(node, ast.ImportFrom):
            self._from(node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` binds `a`, and the class is then `a.b.Name`; `import a.b as c` makes it `c.Name`.
                self.modules[f"{alias.asname or alias.name}.{self.name}"] = (alias.name, False)
        elif isinstance(node, _WITHS):
            for item in node.items:
                self._use(walk, item.context_expr, "with")
        elif isinstance(node, _DECORATED):
            for decorator in node.decorator_list:
                self._use(walk, decorator, "decorator")
        elif isinstance(node, _BOUND) and node.value is not None:
            self._use(walk, node.value, "value")

    def _from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == self.name:
                self.modules[alias.asname or alias.name] = (module, False)
            elif alias.name == "*":
                self.modules.setdefault(self.name, (module, True))
            else:
                # `from package import module`, then `module.Name`.
                inner = module + alias.name if module.endswith(".") else f"{module}.{alias.name}"
                self.modules[f"{alias.asname or alias.name}.{self.name}"] = (inner, False)

    def _use(self, walk: Walk, node: ast.expr, form: Literal["with", "decorator", "value"]) -> None:
        call = node if isinstance(node, ast.Call) else None
        if call is not None and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
            # `SafeExecutor(...).call(function)`
            node = call = call.func.value
        if call is None and form != "decorator":
            return
        name = dotted(call.func if call is not None else node)
        found = self.modules.get(name) if name is not None else None
        if found is None:
            return
        # Type checkers hold callers to keywords, the interpreter does not.
        given = call.args if call is not None else []
        starred = next((one for one in given if isinstance(one, ast.Starred)), None)
        named = starred or (given[1] if len(given) > 1 else None)
        for keyword in call.keywords if call is not None else ():
            if keyword.arg == "recoverable":
                named = keyword.value
            elif keyword.arg is None:
                named = named or keyword.value  # `**options` may hold it: its types cannot be told.
        start, end = _ends(self.source, node)
        encoding = self.source.encoding
        self.records.append(
            Executor(
                span=span_of(node),
                column=len(self.source.data[self.source.offset(node.lineno, 0) : start].decode(encoding, "replace"))
                + 1,
                scope=walk.qualname,
                module=found[0],
                star=found[1],
                form=form,
                recoverable=None if named is None else caught_types(named),
                source=" ".join(self.source.data[start:end].decode(encoding, "replace").split()),
            )
        )


def executors(name: str) -> type[ExecutorCollector]:
    """The collector for executor classes called ``name``: the same class each time it is asked for."""
    # Its needle and its topic depend on a setting, and workers must be able to import it by its qualified name.
    qualname = f"executors_{name}"
    found: type[ExecutorCollector] | None = globals().get(qualname)
    if found is None:
        body = {
            "__module__": __name__,
            "__doc__": f"Collects the calls of the class ``{name}``.",
            "topic": f"executors.{name}",
            "needles": (name.encode(),),
            "name": name,
        }
        found = globals()[qualname] = type(qualname, (ExecutorCollector,), body)
    return found


def __getattr__(attribute: str) -> type[ExecutorCollector]:
    if attribute.startswith("executors_") and attribute.removeprefix("executors_").isidentifier():
        return executors(attribute.removeprefix("executors_"))
    raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")


def _ends(source: Source, node: ast.expr) -> tuple[int, int]:
    span = span_of(node)
    return source.offset(span.line, span.col), source.offset(span.end_line, span.end_col)
