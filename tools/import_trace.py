"""Prints what importing modules really imports, one line of JSON each, a job on standard input.

``modules`` are the names; ``folders`` go to the front of ``sys.path``. Every module is imported in a process of its
own, forked from one that has loaded nothing of the first folder. With ``anew`` that one has loaded nothing at all but
what the interpreter cannot do without; else it has loaded what the modules need from elsewhere.

Independent of the analysis: it stands in for ``__import__`` and notes down each statement that runs, by what Python
makes of it. The file is run by itself: ``python -I -X frozen_modules=off import_trace.py``.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType, ModuleType
from typing import Any

# What the interpreter itself cannot do without while everything else is loaded anew.
KEPT = frozenset(
    {"builtins", "sys", "_frozen_importlib", "_frozen_importlib_external", "_imp", "_thread", "_warnings", "_weakref"}
    | {"marshal", "zipimport", "_io", "posix", "nt", "__main__", "time", "codecs", "_codecs", "_signal"}
    | {"importlib._bootstrap", "importlib._bootstrap_external"}
)


SECONDS = 60
"""How long one import may take."""


class Trace:
    """For each module that imported anything, the modules that it needed for that.

    ``edges`` are made by statements at the level of a module or a class, ``late`` by those in functions that ran while
    something was imported.
    """

    def __init__(self) -> None:
        self.edges: dict[str, set[str]] = {}
        self.late: dict[str, set[str]] = {}
        self._import = builtins.__import__
        self._load = importlib.import_module

    def __call__(
        self,
        name: str,
        globals: Any = None,  # noqa: A002 - its own names
        locals: Any = None,  # noqa: A002 - its own names
        fromlist: Any = (),
        level: int = 0,
    ) -> ModuleType:
        """Import, and note down what for."""
        result = self._import(name, globals, locals, fromlist, level)
        frame: FrameType = sys._getframe(1)
        if globals is not None:
            self._note(frame, _absolute(globals, name, level), tuple(fromlist or ()))
        return result

    def load(self, name: str, package: str | None = None) -> ModuleType:
        """``importlib.import_module``, noted down, too."""
        result = self._load(name, package)
        self._note(sys._getframe(1), result.__name__, ())
        return result

    def _note(self, frame: FrameType, module: str, names: tuple[str, ...]) -> None:
        optimised, new_locals = 0x1, 0x2
        importer = frame.f_globals.get("__name__", "")
        function = frame.f_code.co_flags & optimised and frame.f_code.co_flags & new_locals
        parts = importer.split(".")
        around = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
        whole = module.split(".")
        needed = [each for end in range(1, len(whole) + 1) if (each := ".".join(whole[:end])) not in around]
        found = sys.modules.get(module)
        for name in names:
            inner = f"{module}.{name}"
            if name == "*":
                listed = [f"{module}.{one}" for one in getattr(found, "__all__", ())]
                needed += [one for one in listed if getattr(found, one.rpartition(".")[2], 0) is sys.modules.get(one)]
                needed += [module] if module in around else []
            elif inner in sys.modules and getattr(found, name, sys.modules[inner]) is sys.modules[inner]:
                needed += [inner] if inner not in around else []
            elif module in around and module != importer:
                needed.append(module)
        (self.late if function else self.edges).setdefault(importer, set()).update(needed)


def _absolute(space: dict[str, Any], name: str, level: int) -> str:
    if not level:
        return name
    package = space.get("__package__") or space["__name__"]
    for _ in range(level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{name}" if name else str(package)


def traced(module: str, *, anew: bool) -> dict[str, Any]:
    """Import the module: edges, the files of what is loaded then, and the error, if any."""
    trace = Trace()
    if anew:
        for name in list(sys.modules):
            if name not in KEPT and name.partition(".")[0] != "encodings":
                del sys.modules[name]
    else:
        importlib.import_module = trace.load
    builtins.__import__ = trace
    error = ""
    try:
        __import__(module)
    except BaseException as raised:  # noqa: BLE001,E900 - whatever a module does when it is imported
        error = f"{type(raised).__name__}: {raised}"
    builtins.__import__ = trace._import
    return {
        "module": module,
        "edges": {name: sorted(each) for name, each in trace.edges.items()},
        "late": {name: sorted(each) for name, each in trace.late.items()},
        "files": {name: getattr(one, "__file__", None) for name, one in list(sys.modules.items())},
        "error": error,
    }


def elsewhere(modules: list[str], folder: str) -> list[str]:
    """What is loaded from outside of ``folder`` when all the modules are, in that order."""
    for module in modules:
        try:
            __import__(module)
        except BaseException:  # noqa: BLE001,E900 - whatever a module does when it is imported
            continue
    inside = folder.rstrip("/") + "/"
    files = {name: str(getattr(one, "__file__", None) or "") for name, one in list(sys.modules.items())}
    tops = {module.partition(".")[0] for module in modules}
    return [name for name, file in files.items() if not file.startswith(inside) and name.partition(".")[0] not in tops]


def pulling(names: list[str], tops: set[str]) -> str:
    """The first of ``names``, without what follows a dot, that loads anything of ``tops``; empty if none does."""
    for name in names:
        try:
            __import__(name)
        except BaseException:  # noqa: BLE001,E900 - whatever a module does when it is imported
            continue
        if any(one in sys.modules for one in tops):
            return name.partition(".")[0]
    return ""


def forked(work: Callable[[], object]) -> Any:
    """What ``work`` returns in a process of its own; None when that ends without an answer."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        signal.alarm(SECONDS)
        with os.fdopen(writing, "wb") as file:
            file.write(json.dumps(work()).encode())
        # What a module leaves running must not keep its process alive.
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    return json.loads(data) if data else None


def main() -> None:
    """Do the job."""
    job = json.load(sys.stdin)
    modules, folders, anew = job["modules"], job["folders"], job["anew"]
    sys.path[:0] = folders
    # What a module says goes to where errors go.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if not anew:
        tops = {module.partition(".")[0] for module in modules}
        names = forked(partial(elsewhere, modules, folders[0])) or []
        while found := forked(partial(pulling, names, tops)):
            # It looks for what is tried, and would load it too early.
            names = [name for name in names if name.partition(".")[0] != found]
        for name in names:
            try:
                __import__(name)
            except BaseException:  # noqa: BLE001,E900 - whatever a module does when it is imported
                continue
        if early := sorted(tops & {name.partition(".")[0] for name in sys.modules}):
            sys.exit(f"{', '.join(early)} is imported by what it needs")
    for module in modules:
        found = forked(partial(traced, module, anew=anew))
        ended = {"module": module, "edges": {}, "late": {}, "files": {}, "error": "ended, or took too long"}
        output.write(json.dumps(found or ended) + "\n")
        output.flush()


if __name__ == "__main__":
    main()
