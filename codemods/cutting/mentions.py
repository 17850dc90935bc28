"""Where a tree names what a module has without importing it: in texts, and by what it sets from outside."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.project import Project

_DOTTED = re.compile(rb"[\"']([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)[\"']")
_BY_NAME = re.compile(rb"(?:[gs]etattr|delattr|hasattr|patch\.object)\(\s*([\w.]+)\s*,\s*[\"'](\w+)[\"']")
_SEVERAL = re.compile(rb"patch\.multiple\(([^()]*)")
_KEYWORD = re.compile(rb"(\w+)\s*=")
_SET = re.compile(rb"^[ \t]*([A-Za-z_]\w*)\.([A-Za-z_]\w*)[ \t]*=[^=]", re.MULTILINE)
_ENTRY = re.compile(rb"([A-Za-z_]\w*):([A-Za-z_]\w*)")
_ENTRIES = ("pyproject.toml", "setup.cfg", "setup.py")
_READERS = re.compile(
    rb"\b(?:get_type_hints|get_annotations|eval_str"
    rb"|(?:import|from) (?:beartype|dependency_injector|dishka|injector|lagom|punq|svcs|typeguard))\b"
)
_OWN = (b"self", b"cls")


class Mentions:
    """What the files of ``project`` say about the names of modules, read when it is first asked for."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, path: str, name: str) -> str | None:
        """Where something names ``name`` of the module ``path``, as ``file:line``, if anything does."""
        stem = path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
        return self._table.get((stem, name)) or self._table.get(("", name))

    @property
    def reader(self) -> str | None:
        """Where something reads annotations while the program runs, or is there to, if anything does."""
        return self._read[1]

    @property
    def _table(self) -> dict[tuple[str, str], str]:
        return self._read[0]

    @cached_property
    def _read(self) -> tuple[dict[tuple[str, str], str], str | None]:
        found: dict[tuple[str, str], str] = {}
        reader: str | None = None
        for path in self._project.files:
            with suppress(OSError):
                data = self._project.path(path).read_bytes()
                self._in_file(path, data, found)
                if reader is None and (hit := _READERS.search(data)) is not None:
                    reader = _where(path, data, hit)
        for name in _ENTRIES:
            with suppress(OSError):
                data = self._project.path(name).read_bytes()
                for hit in _ENTRY.finditer(data):
                    found.setdefault((hit[1].decode(), hit[2].decode()), _where(name, data, hit))
        return found, reader

    @staticmethod
    def _in_file(path: str, data: bytes, found: dict[tuple[str, str], str]) -> None:
        for hit in _DOTTED.finditer(data):
            for pair in pairwise(hit[1].decode().split(".")):
                found.setdefault(pair, _where(path, data, hit))
        for hit in _BY_NAME.finditer(data):
            if hit[1] not in _OWN:
                found.setdefault(("", hit[2].decode()), _where(path, data, hit))
        for hit in _SEVERAL.finditer(data):
            for word in _KEYWORD.findall(hit[1]):
                found.setdefault(("", word.decode()), _where(path, data, hit))
        for hit in _SET.finditer(data):
            if hit[1] not in _OWN:
                found.setdefault((hit[1].decode(), hit[2].decode()), _where(path, data, hit))


def _where(path: str, data: bytes, hit: re.Match[bytes]) -> str:
    line = data.count(b"\n", 0, hit.start()) + 1
    return f"{path}:{line}"
