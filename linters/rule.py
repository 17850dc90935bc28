"""The vocabulary of rules: what a rule is, what it finds, and the examples that are its tests and its documentation."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

from analysis.facts import Span
from analysis.walk import Collector
from config.settings import Settings, nearest

if TYPE_CHECKING:
    from analysis.project import Project


class Facts(Protocol):
    """The facts of one file, as a rule asks for them: ``analysis.project.FileFacts`` is one."""

    @property
    def path(self) -> str:
        """The path that findings name, with ``/``."""

    def records(self, collector: type[Collector]) -> Sequence[Any]:
        """What ``collector`` noted down about the file, in source order."""


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One place where a rule objects.

    ``span`` counts as ``ast`` does (columns in UTF-8 bytes from 0); ``column`` is the start for people: in characters,
    from 1. ``scope`` is the enclosing definition and ``source`` the normalised source of the place: together with the
    code they tell the finding from others without a line number, for the baseline.
    """

    code: str
    message: str
    path: str
    span: Span
    column: int
    scope: str
    source: str


class Comment(msgspec.Struct, frozen=True, gc=False):
    """A ``noqa`` comment and what came of it.

    ``first`` and ``last`` are the lines it governs; ``line``, ``col`` (UTF-8 bytes, from 0) and ``column`` (characters,
    from 1) say where it stands, in the definition ``scope``. ``codes`` are those it names, upper case, none for a
    blanket one; ``reason`` is the text beside them. ``silenced`` are the codes of the findings it silenced, once each.
    """

    first: int
    last: int
    line: int
    col: int
    column: int
    text: str
    scope: str
    codes: tuple[str, ...]
    reason: str
    silenced: tuple[str, ...]


class NoOptions(msgspec.Struct, frozen=True):
    """The options of a rule that has none."""


class Example(msgspec.Struct, frozen=True):
    """Source that a rule is clean on, or flags on each line that ends in a ``# <CODE>`` mark, once per mark.

    ``options`` are settings of ``[tool.unsnarl]`` that the example runs under; ``why`` says what it shows. A rule that
    looks across files has ``files``, by path, in place of ``source``.
    """

    why: str
    source: str = ""
    options: dict[str, Any] = {}
    files: dict[str, str] = {}

    @property
    def flagged(self) -> list[tuple[int, str]]:
        """The (line, code) pairs that the marks expect, in order; file by file, where there are several."""
        return [pair for text in (self.files or {"": self.source}).values() for pair in _marks(text)]

    @property
    def places(self) -> list[tuple[str, int, str]]:
        """The (path, line, code) triples that the marks in ``files`` expect, by path."""
        return [(path, *pair) for path, text in sorted(self.files.items()) for pair in _marks(text)]

    @property
    def plain(self) -> str:
        """The source without its marks, for documentation."""
        return _unmarked(self.source)

    @property
    def plain_files(self) -> dict[str, str]:
        """The files without their marks."""
        return {path: _unmarked(text) for path, text in self.files.items()}


def _marks(text: str) -> list[tuple[int, str]]:
    lines = enumerate(text.splitlines(), 1)
    return [(number, code) for number, line in lines for code in re.findall(r"<([A-Z]{1,3}\d{3})>", line)]


def _unmarked(text: str) -> str:
    return re.sub(r"[ \t]*#(?:[ \t]*<[A-Z]{1,3}\d{3}>)+", "", text)


class Rule:
    """One pattern that we object to.

    A subclass is found by being in a module of ``linters``. Its docstring is the documentation for users: a sentence,
    then the headings What it flags, Why it matters, Example, Better, When it is left alone, Options and References.

    ``code`` is unique and never reused; ``name`` states the pattern, in kebab case; ``message`` is one line;
    ``since`` the version it appeared in; ``neighbours`` the codes of other linters that look at the same thing;
    ``eases`` the codes of the rules whose findings a codemod may turn into one of this rule, which is the lesser evil;
    ``options_type`` the typed table ``[tool.unsnarl.rules.<code>]``; ``default`` whether the rule runs where nothing is
    selected.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    message: ClassVar[str]
    since: ClassVar[str]
    neighbours: ClassVar[tuple[str, ...]] = ()
    eases: ClassVar[tuple[str, ...]] = ()
    options_type: ClassVar[type[msgspec.Struct]] = NoOptions
    default: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = ()

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError when the rule's own table holds an unknown option or a wrong type."""
        self.settings = settings
        self.options: Any = settings.options(self.code, self.options_type)

    @classmethod
    def applies(cls, settings: Settings) -> bool:
        """Whether there is anything to look for under ``settings``, selected or not."""
        del settings
        return True

    def collectors(self) -> tuple[type[Collector], ...]:
        """The topics that ``check`` reads."""
        return ()

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Yield the findings of one file, in source order."""
        del facts
        yield from ()

    def left_alone(self, facts: Facts) -> Iterator[tuple[Finding, str]]:
        """Yield what looks like a finding of one file and is none, with the reason: for the report of a codemod."""
        del facts
        yield from ()

    def review(self, path: str, comments: Sequence[Comment], judged: frozenset[str]) -> Iterator[Finding]:
        """Yield findings about the ``noqa`` comments of one file, after they were applied.

        ``judged`` are the codes whose findings were looked for, so that a comment naming another is left alone.
        """
        del path, comments, judged
        yield from ()


class TreeRule(Rule):
    """A rule that looks across files. It needs the whole tree, so flake8 runs it only where its code is selected."""

    def later(self) -> tuple[type[Collector], ...]:
        """The topics that ``survey`` asks of some files only, with ``Project.of``."""
        return ()

    def survey(self, project: Project) -> Iterator[Finding]:
        """Yield the findings of all files of a whole tree, which answers ``collectors``."""
        del project
        yield from ()


@cache
def kinds() -> dict[str, type[Rule]]:
    """Every rule by its code, in order. Rules are found by walking this package."""
    import linters

    found: dict[str, type[Rule]] = {}
    for module in pkgutil.iter_modules(linters.__path__, "linters."):
        if not module.ispkg:
            for one in vars(importlib.import_module(module.name)).values():
                if isinstance(one, type) and issubclass(one, Rule) and one not in (Rule, TreeRule):
                    found[one.code] = one
    return dict(sorted(found.items()))


class Selection(msgspec.Struct, frozen=True):
    """Which codes are reported: ``select`` and ``ignore`` hold codes or prefixes; the longer of two matches wins."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def takes(self, code: str) -> bool:
        """Whether findings of ``code`` are reported."""
        chosen = max((len(one) for one in self.select if code.startswith(one)), default=-1 if self.select else 0)
        dropped = max((len(one) for one in self.ignore if code.startswith(one)), default=-1)
        return chosen > dropped


def check_codes(codes: Iterable[str], known: Iterable[str]) -> None:
    """Raise ValueError, naming the nearest valid code, for one that neither is known nor begins a known one."""
    valid = tuple(known)
    for code in codes:
        if not code or not any(one.startswith(code) for one in valid):
            raise ValueError(f"unknown rule code `{code}`; {nearest(code, valid)}")


def rules(settings: Settings, selection: Selection | None = None) -> list[Rule]:
    """The rules to run under ``settings``; ``selection`` stands in for its ``select`` and ``ignore``.

    A rule that is off by default runs when ``select`` names its code or the beginning of it.

    Raises SettingsError when the settings name a rule that does not exist, or an option that its rule does not have.
    """
    known = kinds()
    named = [
        (("select",), settings.select),
        (("ignore",), settings.ignore),
        *((("per-file-ignores", pattern), codes) for pattern, codes in settings.per_file_ignores.items()),
    ]
    for keys, codes in named:
        try:
            check_codes(codes, known)
        except ValueError as error:
            raise settings.error(keys, str(error)) from None
    for code in settings.rules:
        if code not in known:
            raise settings.error(("rules", code), f"unknown rule code; {nearest(code, known)}")
    chosen = selection if selection is not None else Selection(settings.select, settings.ignore)
    made = [kind(settings) for kind in known.values()]
    return [one for one in made if chosen.takes(one.code) and (one.default or chosen.select) and one.applies(settings)]
