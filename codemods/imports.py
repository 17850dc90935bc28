"""Imports that new text needs: reuse one that is there, or add one that runs before its use and clashes with nothing.

It works from facts (the imports and the head of the module). Only a file that mentions the name already is parsed
again, to see what the name means there.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from analysis.collectors.header import Header, Top
from codemods.compose import Change
from codemods.edits import Need, Reason, Splice
from codemods.names import Bindings, bindings

if TYPE_CHECKING:
    from analysis.collectors.imports import Import
    from analysis.source import Source

_NOQA_E402 = re.compile(rb"#\s*noqa(?:\s*$|\s*:[^#]*\bE402\b)", re.IGNORECASE)


class Refused(Exception):
    """A name cannot be imported for use at that place: ``reason`` from the fixed list, ``detail`` for this file."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Imports:
    """Plans the imports of one file.

    ``imports`` are all its import facts, ``header`` its head. ``refusal`` says why this file may not import anything
    new (it defines the target, or its folder shadows it); it is worked out across files by ``codemods.targets``.
    ``added`` are the names that an earlier pass of this run imported, which nothing else in the file can mean.
    """

    def __init__(
        self,
        source: Source,
        header: Header,
        imports: Sequence[Import],
        refusal: tuple[Reason, str] | None = None,
        added: Mapping[Need, str] | None = None,
    ) -> None:
        self._source = source
        self._header = header
        self._imports = imports
        self._refusal = refusal
        self._bindings: Bindings | None = None
        self._found: dict[Need, tuple[str, int] | None] = {}
        self._locals = dict(added or {})

    def bind(self, need: Need, line: int) -> str:
        """What to write for ``need`` at ``line``: its name, an alias, or a dotted name where its module is imported.

        The answer is the same for every line of the file. Raises Refused.
        """
        if self._refusal is not None:
            raise Refused(*self._refusal)
        existing = self._existing(need)
        if existing is not None:
            name, last = existing
            if last >= line:
                raise Refused(Reason.BEFORE_IMPORT, f"`{name}` is imported at line {last} only")
            return name
        self._place(line)
        return self._local(need)

    def changes(self, uses: Iterable[tuple[Need, int]]) -> tuple[Change, ...]:
        """The change that makes all ``uses`` (a need and the line where it is used) work; empty when all are there.

        Raises Refused, as ``bind`` does.
        """
        missing: dict[str, dict[str, None]] = {}
        first = sys.maxsize
        for need, line in uses:
            if self._existing(need) is not None:
                self.bind(need, line)
                continue
            local = self._local(need)
            spelled = need.name if local == need.name else f"{need.name} as {local}"
            missing.setdefault(need.module, {})[spelled] = None
            first = min(first, line)
        if not missing:
            return ()
        statements = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(missing.items())]
        return (Change((self._insertion(statements, next(iter(sorted(missing))), first),)),)

    def given(self, needs: Iterable[Need]) -> dict[Need, str]:
        """The names under which this planner imports ``needs`` anew, for the next pass over the file."""
        return {need: self._locals[need] for need in needs if need in self._locals}

    def free(self, name: str) -> bool:
        """Whether no identifier ``name`` is in this file, so that new text may bind it anywhere."""
        return not self._mentions(name) or name not in self._bound().used

    # Names

    def _existing(self, need: Need) -> tuple[str, int] | None:
        """A name that is bound to ``need`` by an import that always runs, and the last line of that import."""
        if need not in self._found:
            self._found[need] = self._find(need)
        return self._found[need]

    def _find(self, need: Need) -> tuple[str, int] | None:
        added = self._locals.get(need)
        for one in self._imports:
            if one.when != "import" or one.level:
                continue
            for local, target in _targets(one, need):
                if local == added or self._only(local.partition(".")[0], target):
                    return local, one.span.end_line
        return None

    def _only(self, name: str, target: str) -> bool:
        """Whether ``name`` means the import ``target`` everywhere in the file."""
        stars = [] if name.startswith("_") else self._header.stars
        found = self._bound()
        first = min((line for line, meaning in found.sites.get(name, ()) if meaning == target), default=0)
        return all(meaning == target for _, meaning in found.sites.get(name, ())) and all(one < first for one in stars)

    def _local(self, need: Need) -> str:
        """The name under which a new import binds ``need``."""
        found = self._locals.get(need)
        if found is None:
            for found in (need.name, f"_{need.name}", f"_unsnarl_{need.name}"):
                shadowed = self._header.stars and not found.startswith("_")
                if not shadowed and self.free(found):
                    break
            else:
                raise Refused(Reason.NAME_TAKEN, f"`{need.name}` and `_{need.name}` are in use")
            self._locals[need] = found
        return found

    def _mentions(self, name: str) -> bool:
        data = self._source.data
        if (
            name.encode() in data
            and re.search(rb"(?<![A-Za-z0-9_])" + name.encode() + rb"(?![A-Za-z0-9_])", data) is not None
        ):
            return True
        if data.isascii():
            return False
        # Python reads identifiers in their compatibility form: another spelling may be the same name.
        odd = {one for one in set(self._source.text) if one > "\x7f" and unicodedata.normalize("NFKC", one).isascii()}
        return any(unicodedata.normalize("NFKC", word) == name for word in _words_with(odd, self._source.text))

    def _bound(self) -> Bindings:
        if self._bindings is None:
            self._bindings = bindings(self._source)
        return self._bindings

    # Places

    @cached_property
    def _floor(self) -> int:
        """The last statement of the head that imports cannot go before; -1 when there is none."""
        tops = self._header.statements
        return max((at for at, one in enumerate(tops) if one.kind in ("docstring", "future", "path")), default=-1)

    @cached_property
    def _last(self) -> int:
        """The statement of the head that an import goes behind when nothing uses it earlier."""
        tops = self._header.statements
        return max(
            (at for at, one in enumerate(tops) if at >= self._floor and one.kind == "import"), default=self._floor
        )

    def _place(self, use: int) -> int:
        """The statement of the head behind which a new import runs before line ``use``; -1 for before all of them.

        Raises Refused.
        """
        tops = self._header.statements
        if not tops or tops[-1].end_line < use:
            return self._last
        if self._floor >= 0 and tops[self._floor].end_line >= use:
            what = "edits `sys.path`" if tops[self._floor].kind == "path" else "must come before it"
            place = f"the import can only go after line {tops[self._floor].end_line}, which {what}"
            raise Refused(Reason.BEFORE_IMPORT, f"{place}; the code at line {use} is before that")
        usable = [at for at, one in enumerate(tops) if one.end_line < use and at >= self._floor]
        return max((at for at in usable if tops[at].kind == "import"), default=self._floor)

    def _insertion(self, statements: Sequence[str], module: str, use: int) -> Splice:
        tops = self._header.statements
        place = self._place(use)
        anchor = self._neighbour(module, place)
        if anchor is None:
            return self._at_top(statements)
        last = _line_end(tops, anchor)
        text = "".join(f"{one}{self._noqa(tops[anchor])}\n" for one in statements)
        following = tops[anchor + 1] if anchor + 1 < len(tops) else None
        kind = tops[anchor].kind
        if kind in ("import", "future"):
            if _section(self._anchored(tops[anchor])) != _section(module):
                text = "\n" + text
        else:
            text = "\n" + text
        lines = self._source.lines
        ahead = lines[last] if last < len(lines) else b""
        if ahead.strip():
            next_line = following.line if following is not None else self._header.after
            if following is None or following.kind != "import" or following.line != last + 1:
                text += "\n\n" if self._header.definition and next_line == self._header.after else "\n"
        return self._inserted(last, text)

    def _neighbour(self, module: str, place: int) -> int | None:
        """The statement of the head to insert after: an import from the same package if there is one, else the last."""
        if place < 0:
            return None
        tops = self._header.statements
        package = module.partition(".")[0]
        for at in range(place, self._floor, -1):
            if tops[at].kind == "import" and self._anchored(tops[at]).partition(".")[0] == package:
                return at
        return place

    def _anchored(self, top: Top) -> str:
        """The module that the import statement ``top`` names."""
        for one in self._imports:
            if one.span.line == top.line:
                return one.module if one.is_from else one.names[0][0]
        return ""

    def _noqa(self, anchor: Top) -> str:
        """The comment that the import before ours carries because it does not stand at the top of the file."""
        line = self._source.lines[anchor.line - 1]
        return "  # noqa: E402" if anchor.kind == "import" and _NOQA_E402.search(line) else ""

    def _at_top(self, statements: Sequence[str]) -> Splice:
        """In a module with neither docstring nor imports: before the first statement and the comment above it."""
        lines = self._source.lines
        tops = self._header.statements
        first = tops[0].line if tops else self._header.after
        if not first:
            return self._inserted(len(lines), "".join(f"{one}\n" for one in statements))
        line = first
        while line > 1 and lines[line - 2].lstrip().startswith(b"#"):
            line -= 1
        if line == 1:
            # The comment at the very top is about the file: a licence, the interpreter, the encoding.
            line = first
        text = "".join(f"{one}\n" for one in statements)
        if line > 1 and lines[line - 2].strip():
            text = "\n" + text
        text += "\n\n" if first == self._header.after and self._header.definition else "\n"
        return self._inserted(line - 1, text)

    def _inserted(self, after: int, text: str) -> Splice:
        """The splice that puts whole lines behind line ``after`` (0: at the start of the file)."""
        lines = self._source.lines
        if after >= len(lines):
            end = len(self._source.data)
            if lines and not lines[-1].endswith((b"\n", b"\r")):
                # The file does not end in a newline, and goes on not to.
                text = "\n" + text.rstrip("\n")
            return Splice(end, end, text)
        start = self._source.offset(after + 1, 0)
        return Splice(start, start, text)


def _line_end(tops: Sequence[Top], at: int) -> int:
    """The last line of the statement ``at`` and of those that share a line with it."""
    last = tops[at].end_line
    for one in tops[at + 1 :]:
        if one.line > last:
            break
        last = max(last, one.end_line)
    return last


def _targets(one: Import, need: Need) -> Iterator[tuple[str, str]]:
    """How ``need`` can be written thanks to the import ``one``, with what the first part of that is bound to."""
    package, _, module = need.module.rpartition(".")
    for name, alias in one.names:
        if one.is_from and one.module == need.module and name == need.name:
            yield alias or name, f"{need.module}:{need.name}"
        elif one.is_from and package and one.module == package and name == module:
            yield f"{alias or name}.{need.name}", f"{package}:{module}"
        elif not one.is_from and name == need.module:
            if alias:
                yield f"{alias}.{need.name}", need.module
            else:
                yield f"{name}.{need.name}", f"{name.partition('.')[0]}."


def _words_with(odd: set[str], text: str) -> list[str]:
    """The words of ``text`` that have one of the characters ``odd`` in them."""
    return re.findall(rf"\w*[{re.escape(''.join(sorted(odd)))}]\w*", text) if odd else []


def _section(module: str) -> str:
    """The group of imports that ``module`` is usually kept in."""
    top = module.partition(".")[0]
    return "standard" if top in sys.stdlib_module_names else "other" if top else "relative"
