"""Which files there are to analyse below the paths that were named, and why each of the others is left out.

In a git work tree git itself says which files count: tracked ones always, others unless they are ignored. Elsewhere
the ``.gitignore`` files are read. Folders that hold other people's code (environments, caches) are never entered. A
file that is named is taken whatever the patterns say.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import generated
from analysis.source import what_it_is

if TYPE_CHECKING:
    import pathspec

SUFFIXES = (".py", ".pyw")
ENVIRONMENT = frozenset({"pyvenv.cfg", "conda-meta"})
"""What stands at the top of an environment."""
FOREIGN = {
    **dict.fromkeys((".git", ".hg", ".svn", ".bzr", ".jj"), "version control"),
    **dict.fromkeys(
        (".venv", ".tox", ".nox", "site-packages", "dist-packages", "__pypackages__", ".eggs", ".pixi", ".pyenv"),
        "an environment",
    ),
    "node_modules": "installed packages",
    **dict.fromkeys(
        (
            "__pycache__",
            ".mypy_cache",
            ".ruff_cache",
            ".pytest_cache",
            ".hypothesis",
            ".ipynb_checkpoints",
            ".pytype",
            ".unsnarl_cache",
            ".cache",
        ),
        "a cache",
    ),
}
"""Folder names that are not entered, and what such a folder is."""


class NoSuchPath(Exception):
    """A path that was named does not exist. ``path`` is it, as given."""

    def __init__(self, path: str) -> None:
        super().__init__(f"no such file or folder: {path}")
        self.path = path


class Found:
    """A file to analyse: ``name`` as reports show it, ``named`` if it was asked for itself, ``status`` if at hand."""

    __slots__ = ("name", "named", "status")

    def __init__(self, name: str, named: bool, status: os.stat_result | None) -> None:
        self.name = name
        self.named = named
        self.status = status


class Discovery:
    """What was found.

    ``files`` by name; ``excluded`` and ``unreadable`` files and folders (``/`` at the end) with the reason of each.
    Names are relative to the root, with ``/``; absolute for what lies outside of it. ``patterns`` are those of the
    settings where it looked for the Python files below the root, all of them and no others; ``listed`` says that git
    was asked, and not for what it ignores.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.patterns: tuple[str, ...] | None = None
        self.listed = False
        self.files: dict[str, Found] = {}
        self.excluded: dict[str, str] = {}
        self.unreadable: dict[str, str] = {}


def discover(
    paths: Iterable[str | os.PathLike[str]],
    root: Path,
    exclude: Sequence[str] = (),
    *,
    named_too: bool = False,
    ignored: bool = False,
    wanted: Callable[[str], bool] | None = None,
) -> Discovery:
    """Find the files below ``paths`` (relative ones are taken from the working directory).

    ``exclude`` are patterns as in a ``.gitignore`` file at ``root``; with ``named_too`` they hold for named files as
    well. ``ignored`` asks git to name what it ignores, which costs a second look at the tree; without it those files
    are not in ``excluded`` where git is used. ``wanted`` says by their path which files are meant, named ones too;
    without it those are the Python files, and all that are named. Raises NoSuchPath.
    """
    search = _Search(Path(os.path.abspath(root)), exclude, named_too, ignored, wanted)
    tops = list(paths)
    found = search.run(tops)
    if wanted is None and [search.absolute(one) for one in tops] == [search.root]:
        found.patterns = tuple(exclude)
    return found


def excludes(patterns: Sequence[str], root: Path, path: str | os.PathLike[str]) -> bool:
    """Whether ``patterns``, as in a ``.gitignore`` file at ``root``, hold for a file at ``path``, there or not."""
    search = _Search(Path(os.path.abspath(root)), patterns, True, False)
    return search.is_excluded(search.absolute(path))


def folder_reason(path: str, name: str) -> str | None:
    """What the folder ``path`` called ``name`` is, when it holds no code of this tree; else None."""
    reason = name_reason(path, name)
    if reason is None and any(os.path.lexists(os.path.join(path, one)) for one in ENVIRONMENT):
        return "an environment"
    return reason


def name_reason(path: str, name: str) -> str | None:
    """The same as far as its name and what stands beside it tell, without a look into it."""
    reason = FOREIGN.get(name)
    return "build output" if reason is None and name == "build" and _is_build_output(path) else reason


def _is_build_output(path: str) -> bool:
    beside = os.path.dirname(path)
    if not any(os.path.exists(os.path.join(beside, name)) for name in ("setup.py", "pyproject.toml", "setup.cfg")):
        return False
    try:
        inside = os.listdir(path)
    except OSError:
        return False
    return "lib" in inside or any(name.startswith(("bdist.", "lib.", "temp.")) for name in inside)


def is_python(path: str) -> bool:
    """Whether a file is Python source by its name."""
    return path.endswith(SUFFIXES)


class _Search:
    def __init__(
        self,
        root: Path,
        exclude: Sequence[str],
        named_too: bool,
        ignored: bool,
        wanted: Callable[[str], bool] | None = None,
    ) -> None:
        self.root = os.fspath(root)
        self.result = Discovery(root)
        self.named_too = named_too
        self.ignored = ignored
        self.only = wanted
        self.wanted = wanted or is_python
        self.exclude = _spec(exclude) if exclude else None
        self.folders: dict[str, str | None] = {}
        self.links: list[str] = []

    def run(self, paths: Iterable[str | os.PathLike[str]]) -> Discovery:
        for given in paths:
            path = self.absolute(given)
            try:
                mode = os.stat(path).st_mode
            except OSError as error:
                if not os.path.lexists(path):
                    raise NoSuchPath(os.fspath(given)) from None
                self.result.unreadable[self.name(path)] = _reason(error)
                continue
            if stat.S_ISDIR(mode):
                self.below(path)
            elif (self.only is None or self.only(path)) and not (self.named_too and self.is_excluded(path)):
                self.result.files[self.name(path)] = Found(self.name(path), True, None)
        self.drop_links()
        result = self.result
        result.files = dict(sorted(result.files.items()))
        result.excluded = dict(sorted(item for item in result.excluded.items() if item[0] not in result.files))
        result.unreadable = dict(sorted(result.unreadable.items()))
        return result

    def absolute(self, given: str | os.PathLike[str]) -> str:
        """The absolute path of ``given``, below the root where it lies there, be it by way of a link."""
        path = os.path.abspath(given)
        if os.path.isabs(self.name(path)):
            real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
            root = os.path.realpath(self.root)
            if real == root or real.startswith(root.rstrip(os.sep) + os.sep):
                return os.path.normpath(os.path.join(self.root, os.path.relpath(real, root)))
        return path

    def name(self, path: str) -> str:
        """How reports name the absolute ``path``."""
        if path == self.root:
            return "."
        base = self.root if self.root.endswith(os.sep) else self.root + os.sep
        inside = path.removeprefix(base)
        return inside if os.sep == "/" else inside.replace(os.sep, "/")

    def is_excluded(self, path: str, folder: bool = False) -> bool:
        if self.exclude is None:
            return False
        name = self.name(path) + ("/" if folder else "")
        if os.path.isabs(name) or not self.exclude.match_file(name):
            return False
        self.result.excluded.setdefault(name, "excluded by a pattern of the settings")
        return True

    def leave_out(self, folder: str, reason: str) -> None:
        """Note why ``folder`` is not entered. What tools keep there for themselves is no part of the tree."""
        if reason not in ("version control", "a cache"):
            self.result.excluded[self.name(folder) + "/"] = reason

    def take(self, path: str) -> None:
        """Take the file ``path`` unless something speaks against it."""
        name = self.name(path)
        if name in self.result.files or self.is_excluded(path):
            return
        if path.endswith(generated.NAMES):
            self.result.excluded[name] = "generated: by its name, from a protocol buffer definition"
            return
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                self.links.append(name)
                status = os.stat(path)
        except FileNotFoundError:
            if not os.path.lexists(path):
                return
            self.result.unreadable[name] = "a link to something that is not there"
            return
        except OSError as error:
            self.result.unreadable[name] = _reason(error)
            return
        if stat.S_ISDIR(status.st_mode):
            return
        if not stat.S_ISREG(status.st_mode):
            self.result.unreadable[name] = what_it_is(status.st_mode)
            return
        self.result.files[name] = Found(name, False, status)

    def drop_links(self) -> None:
        """A link to a file that is in the tree itself is left out, so that no file is counted or changed twice."""
        if not self.links:
            return
        files = self.result.files
        links = set(self.links)
        own = {_identity(one.status): name for name, one in files.items() if one.status and name not in links}
        for name in sorted(links & files.keys()):
            target = own.setdefault(_identity(files[name].status), name)
            if target != name and not files[name].named:
                del files[name]
                self.result.excluded[name] = f"a link to {target}"

    def below(self, top: str) -> None:
        from analysis.gitfiles import list_files

        listed = list_files(top, self.wanted, self.ignored)
        if listed is None:
            from analysis.gitignore import walk

            walk(self, top)
            return
        self.result.listed = self.result.listed or not self.ignored
        for path, why in listed.ignored:
            if path.endswith("/"):
                self.leave_out(path[:-1], FOREIGN.get(os.path.basename(path[:-1]), why))
            else:
                self.result.excluded[self.name(path)] = why
        for path, why in listed.unreadable:
            self.result.unreadable[self.name(path) + "/"] = why
        for folder in listed.nested:
            if self.inside_reason(top, folder + "/x") is None and not self.is_excluded(folder, folder=True):
                self.below(folder)
        for path in listed.files:
            if self.inside_reason(top, path) is None:
                self.take(path)

    def inside_reason(self, top: str, path: str) -> str | None:
        """Why a folder between ``top`` and ``path`` is not entered; None when all are."""
        folder = os.path.dirname(path)
        if len(folder) <= len(top):
            return None
        if folder in self.folders:
            return self.folders[folder]
        reason = self.inside_reason(top, folder)
        if reason is None:
            reason = folder_reason(folder, os.path.basename(folder))
            if reason is not None:
                self.leave_out(folder, reason)
            elif self.is_excluded(folder, folder=True):
                reason = "excluded"
        self.folders[folder] = reason
        return reason


def _identity(status: os.stat_result | None) -> tuple[int, int] | None:
    return None if status is None else (status.st_dev, status.st_ino)


def _spec(patterns: Iterable[str]) -> pathspec.GitIgnoreSpec:
    import pathspec

    return pathspec.GitIgnoreSpec.from_lines(patterns)


def _reason(error: OSError) -> str:
    from analysis.source import unreadable

    return unreadable(error).message
