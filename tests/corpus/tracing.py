"""Prints what importing a module really imports, as JSON: ``python -I -X frozen_modules=off tracing.py MODULE FOLDER``.

Independent of the analysis: it stands in for ``__import__`` in a new process and notes down each statement that runs at
the level of a module or a class, by what Python makes of it. The file is run by itself.
"""

from __future__ import annotations

import builtins
import json
import os
import sys
from types import FrameType, ModuleType
from typing import Any

# What the interpreter itself cannot do without while everything else is loaded anew.
KEPT = frozenset(
    {"builtins", "sys", "_frozen_importlib", "_frozen_importlib_external", "_imp", "_thread", "_warnings", "_weakref"}
    | {"marshal", "zipimport", "_io", "posix", "nt", "__main__", "time", "codecs", "_codecs", "_signal"}
    | {"importlib._bootstrap", "importlib._bootstrap_external"}
)


class Trace:
    """``edges``: for each module that imported anything, the modules that it needed for that."""

    def __init__(self) -> None:
        self.edges: dict[str, set[str]] = {}
        self._import = builtins.__import__

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
        optimised, new_locals = 0x1, 0x2
        if globals is not None and not (frame.f_code.co_flags & optimised and frame.f_code.co_flags & new_locals):
            self._note(globals["__name__"], _absolute(globals, name, level), tuple(fromlist or ()))
        return result

    def _note(self, importer: str, module: str, names: tuple[str, ...]) -> None:
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
        self.edges.setdefault(importer, set()).update(needed)


def _absolute(space: dict[str, Any], name: str, level: int) -> str:
    if not level:
        return name
    package = space.get("__package__") or space["__name__"]
    for _ in range(level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{name}" if name else str(package)


def main() -> None:
    """Import the module that is named and print edges, files and the error, if any."""
    module, *folders = sys.argv[1:]
    sys.path[:0] = folders
    output = os.dup(1)
    os.dup2(2, 1)
    trace = Trace()
    before = dict(sys.modules)
    for name in before:
        if name not in KEPT and name.partition(".")[0] != "encodings":
            del sys.modules[name]
    builtins.__import__ = trace
    error = ""
    try:
        __import__(module)
    except BaseException as raised:  # noqa: E900 - whatever a module does when it is imported
        error = f"{type(raised).__name__}: {raised}"
    builtins.__import__ = trace._import
    files = {name: getattr(one, "__file__", None) for name, one in list(sys.modules.items())}
    found = {"edges": {name: sorted(each) for name, each in trace.edges.items()}, "files": files, "error": error}
    with os.fdopen(output, "wb") as file:
        file.write(json.dumps(found).encode())


if __name__ == "__main__":
    main()
