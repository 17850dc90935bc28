"""Loads ``config/registry.py`` of this distribution into a program that may have a ``config`` of its own."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_NAME = f"{__package__}._config"


@functools.cache
def schema() -> ModuleType:
    """The module ``config.registry``.

    Not under that name, unless it has been loaded already: once `config` was ours, the program's own could not be
    imported any more.
    """
    runtime = Path(__file__).parents[1]
    # Beside the package as it is installed, or within it where a tree keeps a copy of its own.
    for folder in (runtime.parent / "config", runtime / "config"):
        if (folder / "registry.py").is_file():
            loaded = sys.modules.get("config.registry")
            if loaded is not None and _same(loaded, folder / "registry.py"):
                return loaded
            return _load(folder)
    raise ImportError(f"{runtime} needs the folder `config` of unsnarl beside or in it; install unsnarl, or copy that")


def _same(module: ModuleType, file: Path) -> bool:
    return Path(module.__file__ or "").resolve() == file.resolve()


def _load(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = package
    spec.loader.exec_module(package)
    module = importlib.import_module(f"{_NAME}.registry")
    # Where it can be imported from, which is what pickle writes down.
    module.RegistryError.__module__ = __package__
    return module
