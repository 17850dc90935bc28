"""Loads modules of this distribution's ``config`` into a program that may have a ``config`` of its own."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_NAME = f"{__package__}._config"


@functools.cache
def schema(name: str, home: str) -> ModuleType:
    """The module ``config.<name>``; its errors are said to be of the module ``home``, which hands them on.

    Not under that name, unless it has been loaded already: once `config` was ours, the program's own could not be
    imported any more.
    """
    runtime = Path(__file__).parent
    # Beside the package as it is installed, or within it where a tree keeps a copy of its own.
    for folder in (runtime.parent / "config", runtime / "config"):
        if (folder / f"{name}.py").is_file():
            loaded = sys.modules.get(f"config.{name}")
            if loaded is not None and _same(loaded, folder / f"{name}.py"):
                return loaded
            return _load(folder, name, home)
    raise ImportError(f"{runtime} needs the folder `config` of unsnarl beside or in it; install unsnarl, or copy that")


def _same(module: ModuleType, file: Path) -> bool:
    return Path(module.__file__ or "").resolve() == file.resolve()


def _load(folder: Path, name: str, home: str) -> ModuleType:
    if _NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[_NAME] = package
        spec.loader.exec_module(package)
    module = importlib.import_module(f"{_NAME}.{name}")
    for one in vars(module).values():
        if isinstance(one, type) and issubclass(one, Exception) and one.__module__ == module.__name__:
            # Where it can be imported from, which is what pickle writes down.
            one.__module__ = home
    return module
