"""What a symbol can stand for."""

from __future__ import annotations

from dataclasses import dataclass, field

from analysis.effects.records import Function
from config.knowledge import Entry


@dataclass(frozen=True, slots=True)
class Thing:
    """What a symbol stands for. ``what`` is one of:

    ``module`` (``path``: a file, or a folder of a namespace package), ``function`` (``function`` in file ``path``,
    found on the class ``name``; ``bound``: its first parameter is filled), ``class``, ``instance`` (of ``name`` in
    ``path``; ``bound``: or of a class derived from it), ``bases`` (``super()``), ``named`` (``name``: a public name of
    the tables), ``kind`` (``name``: an instance of a table type), ``entry`` (a method of a table type), ``attribute``,
    ``missing``, ``unknown`` (``name``: why, for people).
    """

    what: str
    name: str = ""
    path: str = ""
    bound: bool = False
    line: int = 0
    function: Function | None = field(default=None, compare=False)
    entry: Entry | None = field(default=None, compare=False)


def as_thing(name: str, path: str, function: Function) -> Thing:
    """The function, found under ``name`` in the file at ``path``."""
    return Thing("function", name, path, line=function.line, function=function)
