"""Which files of a tree import each other, by what Python was seen to do: the other side of ``analysis.imports``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.imports import AT_IMPORT, ImportGraph

Pair = tuple[str, str]
"""Importer and imported, as paths in the tree."""


@dataclass
class Observed:
    """What was seen when each module was imported in a process of its own.

    ``edges`` are the imports that ran at the level of a module or a class, ``late`` those in functions that ran while a
    module was imported; ``ran`` the files that ran from end to end, ``errors`` the others that were asked for.
    """

    edges: set[Pair] = field(default_factory=set)
    late: set[Pair] = field(default_factory=set)
    ran: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)


def module(path: str) -> str:
    """The name of the module in the file ``path`` of a folder on ``sys.path``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def observe(
    root: Path,
    paths: Iterable[str],
    *,
    source: str = "",
    folders: Sequence[Path] = (),
    anew: bool = False,
    aliases: dict[str, str] | None = None,
    jobs: int = 2,
) -> Observed:
    """Import the modules of ``paths`` of the tree ``root``, which Python finds in its folder ``source``.

    ``folders`` are searched next, the packages of this interpreter never. ``anew``: the standard library is loaded anew
    for each, since it is what is looked at. ``aliases`` are names by which a file goes besides its own.
    """
    base = Path(os.path.realpath(root / source))
    names = {module(os.path.relpath(root / path, root / source)): path for path in paths}
    by_file = {os.path.realpath(root / path): path for path in _python(root)}
    found = Observed()
    shares = [share for start in range(jobs) if (share := list(names)[start::jobs])]
    with ThreadPoolExecutor(jobs) as pool:
        for traces in pool.map(lambda one: _traced(one, [base, *folders], anew), shares):
            for one in traces:
                _add(found, one, names, by_file, aliases or {})
    return found


def _python(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in root.rglob("*.py")]


def _traced(names: Sequence[str], folders: Sequence[Path], anew: bool) -> list[dict[str, Any]]:
    job = json.dumps({"modules": names, "folders": [str(one) for one in folders], "anew": anew})
    script = Path(__file__).with_name("import_trace.py")
    with tempfile.TemporaryDirectory(prefix="unsnarl-bytecode-") as folder:
        # Nothing is left in the tree, and nothing compiled before a rewrite is found after it.
        given = ["-X", f"pycache_prefix={folder}", "-X", "frozen_modules=off"]
        command = [sys.executable, "-I", "-S", *given, str(script)]
        done = subprocess.run(command, input=job, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise RuntimeError(f"tracing failed: {done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _add(
    found: Observed, one: dict[str, Any], names: dict[str, str], by_file: dict[str, str], aliases: dict[str, str]
) -> None:
    if one["error"]:
        found.errors[names[one["module"]]] = one["error"]
        return
    # A module that failed, and whose importer did not mind, is not among them.
    files = {name: by_file.get(os.path.realpath(file)) for name, file in one["files"].items() if file} | aliases
    for kind, pairs in (("edges", found.edges), ("late", found.late)):
        for importer, imported in one[kind].items():
            source = files.get(importer)
            if source is None:
                continue
            if kind == "edges":
                found.ran.add(source)
            pairs.update((source, target) for each in imported if (target := files.get(each)) not in (None, source))


def expected(graph: ImportGraph, seen: Observed) -> set[Pair]:
    """The pairs of the graph that must have been seen: of files that ran, and under a condition only what was."""
    return {
        pair
        for one in graph.edges
        if one.when in AT_IMPORT
        and one.importer in seen.ran
        and (one.when != "conditional" or (one.importer, one.imported) in seen.edges)
        and (pair := (one.importer, one.imported))
    }


def components(pairs: Collection[Pair]) -> list[list[str]]:
    """The strongly connected components of more than one node, by Tarjan (1972), "Depth-first search and linear graph
    algorithms"; written out here so that it has nothing in common with what it is held against.
    """
    after: dict[str, list[str]] = {}
    for importer, imported in sorted(pairs):
        after.setdefault(importer, []).append(imported)
        after.setdefault(imported, [])
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    found: list[list[str]] = []
    for start in list(after):
        if start in number:
            continue
        number[start] = lowest[start] = len(number)
        stack.append(start)
        waiting.add(start)
        path = [(start, iter(after[start]))]
        while path:
            node, rest = path[-1]
            for other in rest:
                if other not in number:
                    number[other] = lowest[other] = len(number)
                    stack.append(other)
                    waiting.add(other)
                    path.append((other, iter(after[other])))
                    break
                if other in waiting:
                    lowest[node] = min(lowest[node], number[other])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[node])
                if lowest[node] == number[node]:
                    at = stack.index(node)
                    waiting.difference_update(stack[at:])
                    if len(stack) - at > 1:
                        found.append(sorted(stack[at:]))
                    del stack[at:]
    return sorted(found)
