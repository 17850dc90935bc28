"""Which files cannot import the target of a codemod: those it is made of, and those that would find another module."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cached_property
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from analysis.collectors.imports import Imports as ImportCollector
from analysis.modules import Modules
from analysis.source import Source
from codemods.edits import Reason
from codemods.names import bindings

if TYPE_CHECKING:
    from analysis.collectors.imports import Import
    from analysis.project import Project
    from codemods.outcome import Refusal
    from config.settings import Settings


_STAR = re.compile(rb"import\s*\(?\s*\*")


class Targets:
    """The import target that the setting ``field`` names, in ``project``, whose facts hold the imports of each file."""

    def __init__(self, project: Project, settings: Settings, field: str) -> None:
        target: str = getattr(settings, field)
        module, _, self._name = target.partition(":")
        self._project = project
        self._settings = settings
        self._module = module
        self._setting = field.replace("_", "-")
        self._top = module.partition(".")[0]
        self._homes = {home for path in project.files for home in self._home_of(path)}
        self._makers = self._closure()
        self._shadows = {folder for path in project.files for folder in self._shadow_of(path)}

    def refusal(self, path: str) -> Refusal | None:
        """Why the file ``path`` may not import the target; None when it may."""
        if path in self._makers:
            return Reason.DEFINES_TARGET, f"`{self._module}` is made of this file"
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in self._shadows:
                shadow = f"{folder}/{self._top}" if folder else self._top
                meant = f"`{shadow}` of this tree would be found in place of `{self._module}`"
                cure = f"name a module of this tree as `{self._setting}` under [tool.unsnarl]"
                return Reason.SHADOWED_TARGET, f"{meant}; {cure}"
        taken = self._taken.get(path)
        if taken is not None:
            return Reason.NAME_TAKEN, f"`{self._name}` bound here would take the place of that of {taken}"
        return None

    @cached_property
    def _taken(self) -> dict[str, str]:
        """The files in which the name cannot be bound since others see it there, each with one that has its own."""
        found: dict[str, str] = {}
        for path in self._project.files:
            folder, _, last = path.rpartition("/")
            if last in (f"{self._name}.py", "__init__.py"):
                package = folder if last == f"{self._name}.py" else folder.rpartition("/")[0]
                own = last != "__init__.py" or folder.rpartition("/")[2] == self._name
                around = f"{package}/__init__.py" if package else "__init__.py"
                if own and around in self._project.files:
                    found[around] = path
        for path, seen in self._starred().items():
            if _mentions(self._read(path), self._name):
                found.update((one, path) for one in seen if b"__all__" not in self._read(one))
        return found

    def _starred(self) -> dict[str, set[str]]:
        """The files that each file takes all names of, directly or through others."""
        modules = Modules(self._project.files)
        stars: dict[str, set[str]] = {}
        for path, facts in self._project.files.items():
            for one in facts.records(ImportCollector) if facts.fault is None else ():
                if one.is_from and one.names[0][0] == "*":
                    meant = modules.find(path, one.module, one.level)
                    if meant is not None and not meant.endswith("/"):
                        stars.setdefault(path, set()).add(meant)
        for seen in stars.values():
            todo = list(seen)
            while todo:
                new = stars.get(todo.pop(), set()) - seen
                seen |= new
                todo += new
        return stars

    def _read(self, path: str) -> bytes:
        try:
            return self._project.path(path).read_bytes()
        except OSError:
            return b""

    def lacking(self) -> str:
        """What to tell people when the module of the target is in the tree and does not bind its name; else empty."""
        homes = [path for path in self._project.files if any(True for _ in self._home_of(path))]
        for path in homes:
            source = Source.read(self._project.path(path))
            names = bindings(source)
            if source.fault is not None or self._name in names.sites or _STAR.search(source.data) is not None:
                return ""
        if not homes:
            return ""
        problem = f"{homes[0]} has no `{self._name}`; rewritten files would fail to import it"
        return str(self._settings.error((self._setting,), problem))

    def missing(self) -> str:
        """What to tell people when the module of the target is neither in the tree nor installed here; else empty."""
        if self._homes or _found(self._module, None) or _found(self._module, [str(self._project.root)]):
            return ""
        # A run over a part of the tree, or over stdin, has not looked for it.
        whole = self._project.below_root()
        if any(True for path in whole.files for _ in self._home_of(path)):
            return ""
        problem = (
            f"there is no module `{self._module}`, neither in this tree nor installed here: rewritten files cannot "
            "import it. Mend the name, write the module, or install what has it where the code runs"
        )
        return str(self._settings.error((self._setting,), problem))

    def _home_of(self, path: str) -> Iterator[str]:
        """The folder from which ``path`` is the target module: one at most, empty for the root."""
        file = self._module.replace(".", "/")
        for ending in (f"{file}.py", f"{file}/__init__.py"):
            if path == ending:
                yield ""
            elif path.endswith(f"/{ending}"):
                yield path[: -len(ending) - 1]

    def _shadow_of(self, path: str) -> Iterator[str]:
        """The folder in which ``path`` takes the first name of the target without holding the target."""
        # A folder without `__init__.py` yields to a package further down `sys.path`.
        for ending in (f"{self._top}.py", f"{self._top}/__init__.py"):
            if path == ending or path.endswith(f"/{ending}"):
                folder = path[: -len(ending) - 1] if path != ending else ""
                if folder not in self._homes and not self._inside_home(folder) and not self._on_disk(folder):
                    yield folder

    def _inside_home(self, folder: str) -> bool:
        """Whether ``folder`` is in a package of the target's own, whose modules are not found by their last name."""
        return any(f"{folder}/".startswith(f"{home}/{self._top}/" if home else f"{self._top}/") for home in self._homes)

    def _on_disk(self, folder: str) -> bool:
        """Whether the target is in ``folder`` although the project leaves it out."""
        file = self._project.root / folder / self._module.replace(".", "/")
        return file.with_suffix(".py").exists() or (file / "__init__.py").exists()

    def _closure(self) -> frozenset[str]:
        """The files that importing the target runs, over all that define it."""
        found: set[str] = set()
        todo = [path for home in self._homes for path in self._files(home, self._module)]
        while todo:
            path = todo.pop()
            if path in found:
                continue
            found.add(path)
            facts = self._project.files[path]
            for one in facts.records(ImportCollector) if facts.fault is None else ():
                if one.when not in ("deferred", "typing"):
                    todo += [file for module in _modules(one) for file in self._resolve(path, one.level, module)]
        return frozenset(found)

    def _resolve(self, path: str, level: int, module: str) -> Iterator[str]:
        folder = path.rpartition("/")[0]
        if level:
            for _ in range(level - 1):
                folder = folder.rpartition("/")[0]
            yield from self._files(folder, module)
        else:
            for home in self._homes:
                yield from self._files(home, module)

    def _files(self, home: str, module: str) -> Iterator[str]:
        """The files that importing ``module`` from the folder ``home`` runs: its packages and itself."""
        parts = module.split(".")
        for length in range(1, len(parts) + 1):
            base = "/".join([*([home] if home else []), *parts[:length]])
            for file in (f"{base}.py", f"{base}/__init__.py"):
                if file in self._project.files:
                    yield file


def _mentions(data: bytes, name: str) -> bool:
    """Whether ``name`` stands in ``data`` as a word of its own."""
    return re.search(rb"(?<!\w)%b(?!\w)" % re.escape(name.encode()), data) is not None


def _found(module: str, folders: list[str] | None) -> bool:
    """Whether ``module`` can be imported, from ``folders`` or from anywhere. Nothing is imported to find out."""
    name = ""
    finders = sys.meta_path if folders is None else [PathFinder]
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        specs = (one.find_spec(name, folders) for one in finders if hasattr(one, "find_spec"))
        spec = next((one for one in specs if one is not None), None)
        if spec is None:
            return False
        locations = spec.submodule_search_locations
        folders = list(locations) if locations is not None else []
    return spec is not None and spec.loader is not None


def _modules(one: Import) -> Iterator[str]:
    """The modules that an import may run, without its leading dots."""
    for name, _ in one.names:
        if not one.is_from:
            yield name
        elif name != "*":
            # What is imported from a package may be a module of it.
            yield f"{one.module}.{name}" if one.module else name
        else:
            yield one.module
