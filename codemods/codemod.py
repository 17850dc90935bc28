"""What a codemod is: the part that is written anew for each rewrite. Everything round it is the engine's."""

from __future__ import annotations

import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import codemods
from codemods.edits import Declined, Example, Reason, Rewrite, Skipped, TreeExample

if TYPE_CHECKING:
    import click

    from analysis.facts import FileFacts
    from analysis.project import Project
    from analysis.source import Source
    from analysis.walk import Collector
    from codemods.imports import Imports
    from codemods.outcome import Outcome, Refusal
    from config.settings import Settings
    from linters.rule import Finding

_CLASS = re.compile(r"^class (?!TreeCodemod)\w+\((?:Tree)?Codemod\):", re.MULTILINE)


class Impossible(Exception):
    """A codemod cannot do the job as a whole; the message says why and what to do. Nothing is written."""


class FileView:
    """One file as a codemod sees it, in a worker process.

    ``findings`` are the places to answer: what the codemod's rules report here, suppressed ones left out.
    ``options`` are the codemod's own command-line options by parameter name, and ``unsafe``.
    ``imports`` answers under which name a needed import can be used at a line, or why it cannot.
    """

    __slots__ = ("facts", "findings", "imports", "options", "settings", "source")

    def __init__(
        self,
        source: Source,
        facts: FileFacts,
        findings: tuple[Finding, ...],
        settings: Settings,
        options: Mapping[str, Any],
        imports: Imports,
    ) -> None:
        self.source = source
        self.facts = facts
        self.findings = findings
        self.settings = settings
        self.options = options
        self.imports = imports

    @property
    def path(self) -> str:
        """The file's name as it is reported: relative to the root, with ``/``."""
        return self.facts.path


class Codemod(ABC):
    """A rewrite that answers the findings of one or more rules.

    ``name`` is the module's name and the command (``python -m codemods.<name>``); ``answers`` are the codes of its
    rules. ``collectors`` are the facts that ``rewrite`` needs beside those of its rules. ``target`` is the setting,
    written ``module:name``, of what its new text imports, if anything. ``passing`` are those of its reasons that may be
    gone once a statement inside or around the finding was rewritten, so that it is asked again. One object serves a
    whole run in each process, so it must carry nothing from one file to the next.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    answers: ClassVar[tuple[str, ...]]
    collectors: ClassVar[tuple[type[Collector], ...]] = ()
    target: ClassVar[str | None] = None
    passing: ClassVar[frozenset[Reason]] = frozenset()
    examples: ClassVar[tuple[Example, ...]] = ()

    def target_of(self, options: Mapping[str, Any]) -> str | None:
        """``target``, where it hangs on the options whether anything is imported."""
        del options
        return self.target

    def parameters(self) -> Sequence[click.Parameter]:
        """The command-line options of this codemod alone, as click builds them."""
        return ()

    def surveys(self, settings: Settings, options: Mapping[str, Any]) -> tuple[type[Collector], ...]:
        """The facts of every file that ``prepare`` alone needs."""
        del settings, options
        return ()

    def prepare(self, project: Project, settings: Settings, options: Mapping[str, Any]) -> Mapping[str, bytes]:
        """Work out, once and in the parent process, what can only be seen across files.

        Returns a small result per path, which the worker that rewrites this file is handed.
        """
        return {}

    def moved(self, prepared: bytes, where: Callable[[int, int], tuple[int, int]]) -> bytes:
        """The result of ``prepare`` after the file was rewritten once: ``where`` says where a line and column (as
        ``ast`` counts them) went. Only to be overridden by a codemod that keeps positions in it.
        """
        return prepared

    def complete(
        self,
        project: Project,
        settings: Settings,
        options: Mapping[str, Any],
        prepared: Mapping[str, bytes],
        outcomes: Sequence[Outcome],
    ) -> Sequence[Outcome]:
        """The other files that have to change together with those of ``outcomes``: a registry, a plan.

        An outcome whose ``old`` is empty makes a file that must not be there. Called in the parent process, before
        anything is written. Raises Impossible.
        """
        return ()

    @abstractmethod
    def rewrite(self, file: FileView, prepared: bytes | None) -> Iterator[Rewrite | Declined | Skipped]:
        """Answer each of ``file.findings`` once, in any order."""


class Telling(Protocol):
    """What is told how far a run has come."""

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """``done`` of ``total`` steps of ``what`` are done."""


class TreeJob(NamedTuple):
    """What a codemod of a whole tree is given.

    ``refusal`` says of a file why it may not import the codemod's target, None where it may; ``may_change`` whether a
    file may be changed at all; ``most`` is the largest number of files to change, None for no bound. ``progress`` is
    told how many of how many steps are done, and of what, ``say`` what people are to know beside the report. ``ready``
    is for what is costly, or runs code of the tree: it raises an error that ends the run where the files that it is
    given could not be written to in the end.
    """

    project: Project
    settings: Settings
    options: Mapping[str, Any]
    refusal: Callable[[str], Refusal | None]
    may_change: Callable[[str], bool]
    most: int | None
    progress: Telling
    say: Callable[[str], None]
    ready: Callable[[Sequence[str]], None] = lambda _: None


class TreeCodemod(Codemod):
    """A rewrite whose steps each take several files, so that no file can be dealt with by itself.

    Its examples are trees.
    """

    trees: ClassVar[tuple[TreeExample, ...]] = ()

    @abstractmethod
    def transform(self, job: TreeJob) -> Sequence[Outcome]:
        """Answer the findings of the whole tree, in the parent process. Nothing is written yet.

        Raises Impossible.
        """

    def rewrite(self, file: FileView, prepared: bytes | None) -> Iterator[Rewrite | Declined | Skipped]:
        """Nothing: no file is asked by itself."""
        del file, prepared
        yield from ()


def load(name: str) -> Codemod:
    """The codemod of the module ``codemods.<name>``: the class there that is named like one and defined there.

    Raises:
        LookupError: the module has no codemod.
    """
    module = importlib.import_module(f"codemods.{name}")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Codemod) and value.__module__ == module.__name__:
            return value()
    raise LookupError(f"codemods/{name}.py defines no codemod")


def names() -> list[str]:
    """The names of all codemods, sorted. They are found by looking into the package, not registered."""
    folder = resources.files(codemods)
    return sorted(
        one.name
        for one in pkgutil.iter_modules(codemods.__path__)
        # Importing all modules to look at their classes would load libcst and more for the sake of a list.
        if not one.ispkg and _CLASS.search(folder.joinpath(f"{one.name}.py").read_text("utf-8"))
    )
