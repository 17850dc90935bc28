"""Contracts of a tree: which of its parts may import which. Written by people into the settings, kept by E922."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

Kind = Literal["layers", "independent", "forbidden"]


class ContractError(ValueError):
    """A contract that cannot be kept, whatever the tree: ``key`` is at fault (empty: the contract as a whole)."""

    def __init__(self, key: str, problem: str) -> None:
        self.key = key
        self.problem = problem
        super().__init__(problem)


class Contract(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """One contract: ``layers``, ``independent``, or ``sources`` with ``targets`` or ``packages``.

    ``layers``: parts of the tree, highest first; none imports one that is named before it. Parts on one layer are
    joined by ` | ` where they may not import each other, by ` : ` where they may.
    ``independent``: parts none of which imports another; of a pattern with `*` each match is a part of its own.
    ``sources``: parts that import none of the `targets` and `packages`.
    ``targets``: parts that none of the `sources` imports.
    ``packages``: modules from outside of the tree that none of the `sources` imports.
    ``ignore``: imports that are allowed all the same, as `importer -> imported`.
    ``indirect``: whether imports by way of files that are in no part count.
    ``deferred``: whether imports in functions count.
    ``typing``: whether imports for type checkers only count.
    """

    layers: tuple[str, ...] = ()
    independent: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    indirect: bool = True
    deferred: bool = True
    typing: bool = False

    @property
    def kind(self) -> Kind:
        """What is asked of the parts."""
        return "layers" if self.layers else "independent" if self.independent else "forbidden"

    def parts(self) -> Iterator[Part]:
        """The parts that the contract names, in its order. Raises ContractError."""
        for key in ("layers", "independent", "sources", "targets"):
            for level, text in enumerate(getattr(self, key)):
                marks = [mark for mark in ("|", ":") if f" {mark} " in text]
                if marks and (key != "layers" or len(marks) > 1):
                    raise ContractError(key, f'"{text}": {_JOINED if key == "layers" else _ALONE}')
                for one in text.split(f" {marks[0]} ") if marks else [text]:
                    yield _part(key, one.strip(), level, marks == [":"])

    def exceptions(self) -> Iterator[tuple[str, str, str]]:
        """What ``ignore`` names: the entry, importer and imported. Raises ContractError."""
        for text in self.ignore:
            importer, arrow, imported = (one.strip() for one in text.partition("->"))
            if not (importer and arrow and imported):
                raise ContractError("ignore", f'"{text}": expected "importer -> imported"')
            yield text, importer, imported

    def check(self) -> None:
        """Raise ContractError where the keys do not make a contract."""
        kinds = [key for key in ("layers", "independent") if getattr(self, key)]
        rest = [key for key in ("sources", "targets", "packages") if getattr(self, key)]
        kinds += rest[:1]
        if len(kinds) > 1:
            raise ContractError(kinds[1], f"goes with no `{kinds[0]}`: make it a contract of its own")
        if not kinds:
            raise ContractError(
                "", "asks for nothing: give it `layers`, `independent`, or `sources` with `targets` or `packages`"
            )
        if rest == ["sources"]:
            raise ContractError("sources", "says nothing without `targets` or `packages`")
        if rest and not self.sources:
            raise ContractError(rest[0], "says nothing without `sources`")
        for name in self.packages:
            if not all(one.isidentifier() for one in name.split(".")):
                raise ContractError("packages", f'"{name}" is no name of a module')
        seen: set[tuple[str, str]] = set()
        for part in self.parts():
            if (part.key, part.pattern) in seen:
                raise ContractError(part.key, f'"{part.pattern}" is named twice')
            seen.add((part.key, part.pattern))
        list(self.exceptions())


class Part(msgspec.Struct, frozen=True):
    """Some files of the tree: those that ``pattern`` matches.

    ``key`` is the key of the contract that names it, ``level`` its place there. ``open``: it may import its like on
    the same layer. ``optional``: there need not be such files.
    """

    key: str
    pattern: str
    level: int
    open: bool
    optional: bool


def _part(key: str, text: str, level: int, among: bool) -> Part:
    optional = text.startswith("(") and text.endswith(")")
    pattern = text[1:-1].strip() if optional else text
    if not pattern or pattern.strip("./") == "":
        raise ContractError(key, f'"{text}" names no module and no path')
    return Part(key, pattern, level, among, optional)


_JOINED = "parts of one layer are joined by ` | ` or by ` : `, not by both"
_ALONE = "one part each; ` | ` and ` : ` are for layers"
