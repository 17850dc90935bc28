"""What evaluating a statement of a module's own level does: it makes a value, reads what may change, or does more.

Two statements may change places where one of them does nothing of that kind, or both only read.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import IntEnum

from analysis.nodes import dotted
from codemods.cutting.calls import last
from codemods.cutting.guards import HARMLESS

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Defining = _Function | ast.ClassDef


class Effect(IntEnum):
    """How far an evaluation reaches."""

    NONE = 0
    """It makes a value of what is written there."""
    READS = 1
    """What it makes depends on what other statements may change: the environment, the clock, an attribute of a module
    of the tree.
    """
    ACTS = 2
    """It may change something, as far as is known."""

    def clashes(self, other: Effect) -> bool:
        """Whether the order of two evaluations may matter."""
        return Effect.ACTS in (self, other) and Effect.NONE not in (self, other)


_BUILTINS = frozenset(
    {"all", "any", "ascii", "bin", "bool", "bytearray", "bytes", "chr", "classmethod", "complex", "dict", "divmod"}
    | {"enumerate", "float", "format", "frozenset", "hash", "hex", "id", "int", "isinstance", "issubclass", "iter"}
    | {"len", "list", "max", "memoryview", "min", "object", "oct", "ord", "pow", "property", "range", "repr"}
    | {"reversed", "round", "set", "slice", "sorted", "staticmethod", "str", "sum", "super", "tuple", "type", "zip"}
)
_MODULES = frozenset(
    {"abc", "ast", "attr", "attrs", "base64", "collections", "contextvars", "dataclasses", "datetime", "decimal"}
    | {"enum", "fractions", "hashlib", "ipaddress", "itertools", "json", "math", "msgspec", "numbers", "operator"}
    | {"pathlib", "pydantic", "queue", "re", "statistics", "string", "struct", "textwrap", "threading", "types"}
    | {"typing", "typing_extensions", "weakref"}
)
"""Modules whose functions and classes make something of what they are given, and do no more."""
_NAMES = frozenset(
    {"contextlib.contextmanager", "contextlib.suppress", "copy.copy", "copy.deepcopy", "fnmatch.translate"}
    | {"functools.cache", "functools.cached_property", "functools.lru_cache", "functools.partial"}
    | {"functools.partialmethod", "functools.singledispatch", "functools.total_ordering", "functools.wraps"}
    | {"logging.NullHandler", "os.fspath", "os.path.basename", "os.path.dirname", "os.path.join"}
    | {"os.path.normpath", "os.path.split", "os.path.splitext", "textwrap.dedent", "uuid.UUID"}
)
_READING = frozenset(
    {"os.cpu_count", "os.environ.get", "os.getcwd", "os.getenv", "os.getpid", "os.listdir", "os.path.abspath"}
    | {"os.path.exists", "os.path.expanduser", "os.path.expandvars", "os.path.isdir", "os.path.isfile"}
    | {"os.path.realpath", "shutil.which", "socket.gethostname", "uuid.uuid4", "builtins.getattr", "builtins.hasattr"}
    | {"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today", "pathlib.Path.cwd"}
    | {"pathlib.Path.home", "builtins.callable", "builtins.dir", "builtins.vars", "sys.getrecursionlimit"}
)
_READING_MODULES = frozenset({"platform", "sysconfig", "time"})
_LOGGERS = frozenset({"getLogger", "get_logger"})
_METHODS = frozenset(
    {"absolute", "as_posix", "casefold", "copy", "count", "decode", "difference", "encode", "endswith", "exists"}
    | {"expanduser", "find", "format", "fullmatch", "get", "group", "groups", "index", "intersection", "is_dir"}
    | {"is_file", "items", "join", "joinpath", "keys", "lower", "lstrip", "match", "partition", "removeprefix"}
    | {"removesuffix", "replace", "resolve", "rpartition", "rsplit", "rstrip", "search", "split", "splitlines"}
    | {"startswith", "strip", "title", "total_seconds", "union", "upper", "values", "with_name", "with_suffix"}
)
"""Methods that tell something of what they belong to."""
_PLAIN_BASES = frozenset(
    {"object", "str", "int", "float", "bytes", "tuple", "dict", "list", "set", "frozenset", "type"}
)
_STATE = ("os.environ", "sys.")


class Effects:
    """What the statements of one module do.

    ``names`` gives for a name of the module's own level what an import binds it to (``getenv``: ``os.getenv``),
    ``defined`` the statement that defines it, ``is_own`` whether a module is one of the tree. ``registering`` are the
    names of the classes that note down who derives from them.
    """

    def __init__(
        self,
        names: Mapping[str, str],
        defined: Mapping[str, ast.stmt],
        is_own: Callable[[str], bool],
        registering: Collection[str] = (),
    ) -> None:
        self._registering = registering
        self._names = names
        self._defined = defined
        self._is_own = is_own
        self._inside: dict[int, Effect] = {}

    def of(self, node: ast.stmt) -> Effect:
        """What it does that the statement is run."""
        found = Effect.NONE
        for one in _run(node):
            if isinstance(one, ast.expr):
                found = max(found, self._expression(one))
                continue
            found = max(found, *map(self._decorator, one.decorator_list), Effect.NONE)
            if isinstance(one, ast.ClassDef) and any(last(base) in self._registering for base in one.bases):
                return Effect.ACTS
        return found

    def _decorator(self, node: ast.expr) -> Effect:
        """What a decorator does, beyond what the expression does that it is."""
        if self._is_known(node) or last(node) in HARMLESS:
            return Effect.NONE
        if isinstance(node, ast.Name) and node.id in self._defined:
            return self._own(self._defined[node.id])
        return Effect.ACTS

    def _expression(self, node: ast.expr) -> Effect:
        found = Effect.NONE
        todo: list[ast.AST] = [node]
        while todo:
            one = todo.pop()
            if isinstance(one, ast.Lambda):
                todo += [each for each in (*one.args.defaults, *one.args.kw_defaults) if each is not None]
                continue
            if isinstance(one, (ast.Await, ast.Yield, ast.YieldFrom)):
                return Effect.ACTS
            if isinstance(one, ast.Call):
                found = max(found, self._call(one))
                todo += [*one.args, *one.keywords]
                if isinstance(one.func, ast.Attribute):
                    todo.append(one.func.value)
                elif not isinstance(one.func, ast.Name):
                    todo.append(one.func)
                continue
            if isinstance(one, ast.Attribute):
                found = max(found, self._attribute(one))
            todo += ast.iter_child_nodes(one)
            if found is Effect.ACTS:
                break
        return found

    def _name(self, node: ast.expr) -> str:
        """The full name of what is imported, or built in; empty for anything else."""
        name = dotted(node)
        if name is None:
            return ""
        first, dot, rest = name.partition(".")
        if first in self._names:
            return self._names[first] + dot + rest
        return f"builtins.{name}" if first not in self._defined and hasattr(builtins, first) else ""

    def _attribute(self, node: ast.Attribute) -> Effect:
        name = self._name(node)
        if not name or name.startswith("builtins."):
            return Effect.NONE
        if f"{name}.".startswith(_STATE) or self._is_own(name.rpartition(".")[0]):
            return Effect.READS
        return Effect.NONE

    def _call(self, node: ast.Call) -> Effect:
        func = node.func
        if isinstance(func, ast.Name) and func.id in self._defined and func.id not in self._names:
            return self._own(self._defined[func.id])
        name = self._name(func)
        if (name.rpartition(".")[2] or last(func)) in _LOGGERS:
            return Effect.NONE
        if name in _READING or name.partition(".")[0] in _READING_MODULES:
            return Effect.READS
        module, _, rest = name.partition(".")
        if (module == "builtins" and rest in _BUILTINS) or name in _NAMES:
            return Effect.NONE
        if module in _MODULES and not self._is_own(module):
            return Effect.NONE
        if isinstance(func, ast.Attribute) and func.attr in _METHODS and not (name and self._is_own(_module(name))):
            return Effect.NONE if isinstance(func.value, (ast.Constant, ast.JoinedStr)) else Effect.READS
        return Effect.ACTS

    def _own(self, node: ast.stmt) -> Effect:
        """What it does that a function or a class of the module is called."""
        if id(node) not in self._inside:
            # One that calls itself does what else it does.
            self._inside[id(node)] = Effect.NONE
            self._inside[id(node)] = self._called(node)
        return self._inside[id(node)]

    def _called(self, node: ast.stmt) -> Effect:
        if isinstance(node, ast.FunctionDef):
            return Effect.ACTS if node.decorator_list else self._body(node, "")
        if not isinstance(node, ast.ClassDef) or node.keywords:
            return Effect.ACTS
        if not all(self._is_plain_base(one) for one in node.bases):
            return Effect.ACTS
        if not all(self._is_known(one) for one in node.decorator_list):
            return Effect.ACTS
        bases = (self._defined[one.id] for one in node.bases if isinstance(one, ast.Name) and one.id in self._defined)
        found = [Effect.NONE, *map(self._own, bases)]
        for one in node.body:
            if isinstance(one, ast.FunctionDef) and one.name in ("__new__", "__init__", "__post_init__"):
                own = one.args.args[0].arg if one.args.args else ""
                found.append(self._body(one, own))
        return max(found)

    def _is_known(self, decorator: ast.expr) -> bool:
        name = self._name(decorator.func if isinstance(decorator, ast.Call) else decorator)
        return name in _NAMES or (name.partition(".")[0] in _MODULES and not self._is_own(_module(name)))

    def _is_plain_base(self, node: ast.expr) -> bool:
        node = node.value if isinstance(node, ast.Subscript) else node
        if isinstance(node, ast.Name) and isinstance(self._defined.get(node.id), ast.ClassDef):
            return True
        module, _, name = self._name(node).partition(".")
        kind = getattr(builtins, name, None) if module == "builtins" else None
        return module in _MODULES or name in _PLAIN_BASES or (isinstance(kind, type) and issubclass(kind, Exception))

    def _body(self, node: _Function, own: str) -> Effect:
        """What a function does; ``own`` is the name of what it may fill."""
        local = {one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
        found = Effect.NONE
        for one in ast.walk(ast.Module(node.body, [])):
            if isinstance(one, (ast.Global, ast.Nonlocal, ast.Delete, ast.Import, ast.ImportFrom, ast.With)):
                return Effect.ACTS
            if isinstance(one, (ast.Attribute, ast.Subscript)) and isinstance(one.ctx, ast.Store):
                if not (isinstance(one.value, ast.Name) and one.value.id == own):
                    return Effect.ACTS
            elif isinstance(one, ast.Call):
                if isinstance(one.func, ast.Name) and one.func.id in local:
                    return Effect.ACTS
                found = max(found, self._call(one))
            elif isinstance(one, ast.Attribute):
                found = max(found, self._attribute(one))
            elif isinstance(one, (ast.Await, ast.Yield, ast.YieldFrom)):
                return Effect.ACTS
        return found


def _module(name: str) -> str:
    return name.rpartition(".")[0]


def _run(node: ast.AST) -> Iterator[ast.expr | _Defining]:
    """The expressions that are evaluated where a statement runs, none of those in the functions that it defines, and
    the definitions that it makes.
    """
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        yield node
        yield from node.decorator_list
        yield from (one for one in (*node.args.defaults, *node.args.kw_defaults) if one is not None)
    elif isinstance(node, ast.ClassDef):
        yield node
        yield from (*node.decorator_list, *node.bases, *(one.value for one in node.keywords))
        for one in node.body:
            yield from _run(one)
    elif isinstance(node, ast.AnnAssign):
        yield from () if node.value is None else (node.value,)
    else:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield child
            else:
                yield from _run(child)
