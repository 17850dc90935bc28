"""What can the body of this ``try`` raise?

``infer(project)`` answers for every ``try`` of a tree, ``python -m analysis.exceptions PATH...`` prints it.
A set is *proved* when every operation of the body is accounted for: explicit raises, the tree's own functions (to a
fixpoint over strongly connected components), methods through classes, bases and overriding subclasses, and the tables
of ``config/exceptions``. It is *assumed* when it is complete only if some operand is what it looks like (``x["k"]`` on
an unknown ``x`` is taken to raise KeyError, IndexError or TypeError). It is *open* at the first call of which nothing
is known; the types of an open set are not collected.

What even a proved set leaves out, because any line of Python may raise it: ``MemoryError``, ``RecursionError``; what
is thrown in from outside (``KeyboardInterrupt``, ``asyncio.CancelledError``, a signal handler's exception, a trace
function); warnings turned into errors; ``BaseException`` types that are not ``Exception`` out of a call that sits
under an inner ``except Exception``. And what it takes for granted: nobody replaces the attributes of modules or
built-ins from outside the tree, ``self`` is an instance of its class or of a class derived from it below the root,
subclasses of built-in types keep the behaviour of their base, keys of a dict or set compare without error, a file was
opened with an ``errors`` that exists, and ``sys.stdin``, ``sys.stdout`` and ``sys.stderr`` are files.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from analysis.collectors.effects import Effects
from analysis.effects.records import Module
from analysis.effects.resolve import World
from analysis.effects.solver import Solver
from analysis.effects.unseen import Unseen
from analysis.modules import Modules
from analysis.words import plural
from config.knowledge import knowledge

if TYPE_CHECKING:
    from analysis.project import Project


class RaiseSet(msgspec.Struct, frozen=True):
    """What a stretch of code may raise.

    ``types``: public names, sorted, without those whose base is listed too: ``ValueError``, ``zmq.ZMQError``,
    ``mypkg.errors.MyError``. ``open``: the first thing that makes the set incomplete, as a sentence; None when there
    is none. ``assumed``: the first assumption that the set rests on; None when there is none.
    """

    types: tuple[str, ...] = ()
    open: str | None = None
    assumed: str | None = None

    @property
    def proved(self) -> bool:
        """Whether nothing else can come out."""
        return self.open is None and self.assumed is None


class Raises:
    """The answer for a tree."""

    def __init__(
        self, sets: Mapping[tuple[str, int, int], RaiseSet], causes: Mapping[tuple[str, int, int], str]
    ) -> None:
        self._sets = sets
        self._causes = causes

    def of(self, path: str, line: int, col: int) -> RaiseSet:
        """What the body of the ``try`` statement that starts at ``line`` and ``col`` of ``path`` may raise."""
        found = self._sets.get((path, line, col))
        return found if found is not None else RaiseSet(open=f"there is no `try` at {path}:{line}:{col + 1}")

    def __iter__(self) -> Iterator[tuple[tuple[str, int, int], RaiseSet]]:
        return iter(self._sets.items())

    def __len__(self) -> int:
        return len(self._sets)

    def causes(self) -> Counter[str]:
        """The calls that leave sets open, and how many each."""
        return Counter(self._causes.values())


def infer(project: Project, collector: type[Effects] = Effects, *, whole: bool = True) -> Raises:
    """Answer for every ``try`` of the project's files that ``collector`` has read.

    ``whole``: look into the files below the root that were left out, or could not be read, for classes derived from
    those of the tree; a caller for whom no set of a part of the tree is proved can do without. With ``Proofs`` those
    are the ones with a broad handler, and the types of an assumed set are not all of them.

    Raises:
        KnowledgeError: a table of ``config/exceptions`` is not valid.
    """
    records = {path: found[0] for path, facts in project.files.items() if (found := facts.records(collector))}
    return solve(records, project.files, Unseen(project) if whole else None)


def solve(
    records: Mapping[str, Module], paths: Mapping[str, object] | None = None, unseen: Unseen | None = None
) -> Raises:
    """Answer for every ``try`` in ``records``, by path; ``paths`` are all files of the tree, parseable or not.

    ``unseen``: the files that have no record.
    """
    modules = Modules(paths if paths is not None else records, {path: each.paths for path, each in records.items()})
    solver = Solver(World(records, modules, knowledge(), unseen))
    sets: dict[tuple[str, int, int], RaiseSet] = {}
    causes: dict[tuple[str, int, int], str] = {}
    numbers: dict[tuple[str, int, int], int] = {}
    for path in records:
        for number, each in enumerate(records[path].tries):
            key = (path, each.line, each.col)
            numbers[key] = number
            state = solver.state(("try", path, number))
            if state.open is None:
                sets[key] = RaiseSet(solver.least(state), None, state.assumed)
            else:
                sets[key] = RaiseSet(open=state.open)
                causes[key] = state.cause or state.open
    for key, found in sets.items():
        if found.proved and found.types:
            doubt = solver.misnamed(solver.state(("try", key[0], numbers[key])))
            if doubt is not None:
                sets[key] = RaiseSet(found.types, None, doubt)
    return Raises(sets, causes)


def to_json(raises: Raises) -> bytes:
    """All sets as a JSON list, in the order of the files."""
    rows = [
        {"path": path, "line": line, "column": col + 1, "types": each.types, "open": each.open, "assumed": each.assumed}
        for (path, line, col), each in raises
    ]
    return msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n"


def to_text(raises: Raises) -> Iterator[str]:
    """One line per ``try``: where, and what its body raises or why that is not known."""
    for (path, line, col), each in raises:
        names = ", ".join(each.types) or "nothing"
        said = f"open: {each.open}" if each.open else f"{names}, if {each.assumed}" if each.assumed else names
        yield f"{path}:{line}:{col + 1}: {said}"


def summary(raises: Raises, most: int = 10) -> Iterator[str]:
    """How many sets are proved, assumed and open, and the calls that most of the open ones are owed to."""
    counts = Counter("open" if each.open else "assumed" if each.assumed else "proved" for _, each in raises)
    told = ", ".join(f"{counts[kind]} {kind}" for kind in ("proved", "assumed", "open"))
    yield f"{plural(len(raises), 'try body', 'try bodies')}: {told}"
    for cause, number in raises.causes().most_common(most):
        yield f"{number:7}  {cause}"


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m analysis.exceptions PATH...``: print the sets; 0 when all was read, 2 when something could not be."""
    import argparse

    from analysis.discovery import NoSuchPath
    from analysis.project import load

    parser = argparse.ArgumentParser(prog="python -m analysis.exceptions", description="What can each try body raise?")
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="files and folders; the current one")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="how many causes the summary lists")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="processes; one per processor")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the index")
    options = parser.parse_args(argv)
    try:
        project = load(
            options.paths, root=Path.cwd(), collectors=[Effects], jobs=options.jobs, cache=not options.no_cache
        )
    except NoSuchPath as error:
        sys.stderr.write(f"{error}\n")
        return 2
    raises = infer(project)
    if options.format == "json":
        sys.stdout.buffer.write(to_json(raises))
    else:
        sys.stdout.writelines(f"{line}\n" for line in to_text(raises))
    sys.stdout.flush()
    faults = [(path, facts.fault) for path, facts in project.files.items() if facts.fault is not None]
    sys.stderr.writelines(f"{line}\n" for line in summary(raises, options.top))
    for path, fault in faults:
        sys.stderr.write(f"{path}:{fault.line}: not analysed: {fault.message}\n")
    return 2 if any(fault.kind != "compile" for _, fault in faults) else 0


if __name__ == "__main__":
    sys.exit(main())
