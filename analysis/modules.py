"""Which file an import means: packages, namespace packages, loose scripts, several roots, folders put on ``sys.path``.

A *root* is a folder that imports are looked up in. A file has its own: the folder its outermost package lies in (its
own folder, for a script), the folders it puts on ``sys.path`` itself, a folder ``src`` around it, then the root of the
tree. So two modules of the same name in two roots do not get mixed up: each importer finds its own.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from posixpath import dirname, join, normpath

_LIBRARY = sys.stdlib_module_names


class Modules:
    """Finds files by module name. Paths are relative to the root of the tree, with ``/``."""

    def __init__(
        self,
        paths: Iterable[str],
        added: Mapping[str, tuple[str, ...]] | None = None,
        scripts: Iterable[str] | None = None,
    ) -> None:
        """``added``: for each file, the folders it puts on ``sys.path``, relative to its own folder.

        ``scripts``: the files that can be run as scripts. Where that is known, a module in a package finds its
        neighbours by their bare names only beside one of them: their folder is on the path then.
        """
        self._started = None if scripts is None else {path.rpartition("/")[0] for path in scripts}
        self._files = set(paths)
        self._added = added or {}
        self._folders = {""}
        for path in self._files:
            folder = dirname(path)
            while folder not in self._folders:
                self._folders.add(folder)
                folder = dirname(folder)
        self._found: dict[tuple[str, str], str | None] = {}
        self._roots: dict[str, tuple[str, ...]] = {}
        self._inits: dict[str, tuple[str, ...]] = {"": ()}
        self._spelt: dict[str, Counter[str]] = {}

    def root(self, path: str) -> str:
        """The folder that the file's outermost package lies in."""
        folder = path.rpartition("/")[0]
        around = self._around(folder)
        return around[0].rpartition("/")[0].rpartition("/")[0] if around else folder

    def roots(self, path: str) -> tuple[str, ...]:
        """Where imports in the file at ``path`` are looked up, in order."""
        known = self._roots.get(path)
        if known is None:
            added = [normpath(join(dirname(path), each)) for each in self._added.get(path, ())]
            inside = ["" if each == "." else each for each in added if each.split("/")[0] != ".."]
            roots = [self.root(path), *inside, dirname(path), *self._sources(dirname(path)), ""]
            known = self._roots[path] = tuple(dict.fromkeys(roots))
        return known

    def _sources(self, folder: str) -> Iterator[str]:
        """The folders ``src`` that are no packages, the innermost first: what lies there is installed from there."""
        while folder:
            if folder.rpartition("/")[2] == "src" and f"{folder}/__init__.py" not in self._files:
                yield folder
            folder = dirname(folder)

    def name(self, path: str) -> str:
        """The dotted name the file is imported under: as most of the tree's imports have it, else from its root."""
        spelt = self._spelt.get(path)
        if spelt:
            return min(spelt, key=lambda name: (-spelt[name], name))
        return self.from_root(path)

    def from_root(self, path: str) -> str:
        """The dotted name the file has seen from its root."""
        root = self.root(path)
        inner = path[len(root) + 1 :] if root else path
        inner = inner.removesuffix(".py").removesuffix("/__init__")
        return inner.replace("/", ".")

    def several(self, path: str) -> bool:
        """Whether imports found so far give the file several dotted names, so that it may be loaded more than once."""
        return len(self._spelt.get(path, ())) > 1

    def find(self, importer: str, module: str, level: int = 0) -> str | None:
        """The file, or the folder of a package without ``__init__.py`` (ending in ``/``), that an import finds.

        ``level`` is the number of leading dots. None when nothing in the tree is meant.
        """
        folder = importer.rpartition("/")[0]
        if level:
            for _ in range(level - 1):
                folder = folder.rpartition("/")[0]
            return self._under(folder, module)
        key = (folder if importer not in self._added else importer, module)
        if key not in self._found:
            self._found[key] = self._search(importer, folder, module)
        hit = self._found[key]
        if hit is not None:
            self._spelt.setdefault(hit, Counter())[module] += 1
        return hit

    def _search(self, importer: str, folder: str, module: str) -> str | None:
        hits = []
        for root in self.roots(importer):
            # The folder of a module in a package is on the path only where that module is run as a script. Nobody
            # does that to one whose neighbour would hide a module of the standard library.
            if root == folder:
                started = self._started is None or folder in self._started
                hides = not started or module.partition(".")[0] in _LIBRARY
                if hides and root in self._guessed(importer):
                    continue
            found = self._under(root, module)
            if found is not None:
                hits.append(found)
        # A regular module anywhere on the path goes before a namespace package.
        return next((each for each in hits if not each.endswith("/")), hits[0] if hits else None)

    def _guessed(self, path: str) -> frozenset[str]:
        """The folder of a file in a package that does not put it on the path itself."""
        folder = path.rpartition("/")[0]
        added = {normpath(join(folder, each)) for each in self._added.get(path, ())}
        return frozenset({folder} - {self.root(path)} - added)

    def inside(self, package: str, name: str) -> str | None:
        """The submodule ``name`` of the package at ``package`` (an ``__init__.py`` or a folder ending in ``/``)."""
        if package.endswith("/"):
            return self._under(package[:-1], name)
        if package.endswith("__init__.py"):
            return self._under(package.rpartition("/")[0], name)
        return None

    def packages(self, path: str) -> tuple[str, ...]:
        """The ``__init__.py`` files that run before the file at ``path`` is imported, outermost first."""
        folder = path.rpartition("/")[0]
        if path.endswith("__init__.py"):
            folder = folder.rpartition("/")[0]
        return self._around(folder)

    def _around(self, folder: str) -> tuple[str, ...]:
        """The ``__init__.py`` files of a folder and of those around it, as far as each has one."""
        known = self._inits.get(folder)
        if known is None:
            own = f"{folder}/__init__.py"
            inside = own in self._files
            known = self._inits[folder] = (*self._around(folder.rpartition("/")[0]), own) if inside else ()
        return known

    def _under(self, root: str, module: str) -> str | None:
        base = module.replace(".", "/")
        if root:
            base = f"{root}/{base}" if base else root
        # The root of the tree is a package, too, where it has an __init__.py.
        package = f"{base}/__init__.py" if base else "__init__.py"
        if package in self._files:
            return package
        if f"{base}.py" in self._files:
            return f"{base}.py"
        return f"{base}/" if base and base in self._folders else None
