"""The graph of imports of the standard library, held against what Python imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from analysis.cuts import is_acyclic, of_project
from analysis.cycles import cycles
from analysis.imports import AT_IMPORT, COLLECTORS, graph_of
from analysis.project import Project, load

LIBRARY = Path(os.path.realpath(sysconfig.get_path("stdlib")))
PACKAGES = ("asyncio", "concurrent", "ctypes", "email", "html", "http", "importlib", "json", "logging")
PACKAGES += ("multiprocessing", "os", "threading", "unittest", "urllib", "wsgiref", "xml", "zoneinfo")
# Loaded before anything can be watched, or by the interpreter itself.
UNSEEN = ("codecs.py", "encodings/", "zipimport.py", "importlib/_bootstrap")
# Windows and other systems only.
ELSEWHERE = ("win32", "windows", "_aix", "macholib", "wintypes")

pytestmark = pytest.mark.xdist_group("import-graph")


@cache
def project() -> Project:
    skipped = ("site-packages", "test", "idlelib", "lib2to3", "turtledemo", "config-*", "lib-dynload")
    return load([LIBRARY], root=LIBRARY, collectors=COLLECTORS, jobs=2, cache=False, exclude=skipped, named_too=True)


def module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def traced(name: str) -> dict[str, Any]:
    command = [sys.executable, "-I", "-X", "frozen_modules=off", str(Path(__file__).with_name("tracing.py")), name]
    done = subprocess.run([*command, str(LIBRARY)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, (name, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@cache
def observed() -> tuple[set[tuple[str, str]], set[str]]:
    """The edges that Python was seen to follow, and the files that ran from end to end."""
    files = project().files
    names = [
        module(path)
        for path in files
        if module(path).partition(".")[0] in PACKAGES
        and not path.endswith("__main__.py")
        and not any(one in path for one in (*ELSEWHERE, *UNSEEN))
    ]
    by_file = {str(LIBRARY / path): path for path in files}
    edges: set[tuple[str, str]] = set()
    ran: set[str] = set()
    with ThreadPoolExecutor(2) as pool:
        for one in pool.map(traced, names):
            paths = {name: by_file.get(os.path.realpath(file)) for name, file in one["files"].items() if file}
            # A name that os gives to another module.
            paths["os.path"] = by_file[str(LIBRARY / "os.py")]
            for importer, imported in one["edges"].items():
                source = paths.get(importer)
                if source is None or one["error"]:
                    continue
                ran.add(source)
                edges.update((source, target) for each in imported if (target := paths.get(each)) not in (None, source))
    return edges, ran


def seen(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {pair for pair in pairs if not any(path.startswith(UNSEEN) for path in pair)}


def components(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from(pairs)
    return sorted(sorted(one) for one in nx.strongly_connected_components(graph) if len(one) > 1)


def test_what_python_imports_is_in_the_graph() -> None:
    edges, _ = observed()
    known = {(one.importer, one.imported) for one in graph_of(project()).edges}
    assert len(edges) > 500
    assert seen(edges) - known == set()


def test_what_is_in_the_graph_and_was_not_imported_stands_under_a_condition() -> None:
    edges, ran = observed()
    graph = graph_of(project())
    left = {
        (one.importer, one.imported)
        for one in graph.edges
        if one.when in ("import", "class") and one.certain and one.importer in ran
    }
    assert seen(left) - edges == set()


def test_the_cycles_are_those_that_python_runs_into() -> None:
    edges, ran = observed()
    graph = graph_of(project())
    known = {
        (one.importer, one.imported)
        for one in graph.edges
        if one.when in AT_IMPORT
        and one.importer in ran
        and (one.when != "conditional" or (one.importer, one.imported) in edges)
    }
    found = components(seen(known))
    assert found == components(seen(edges))
    assert any("multiprocessing/context.py" in one for one in found)


def test_the_cuts_open_every_cycle() -> None:
    graph = graph_of(project())
    found = cycles(graph)
    made = [each for one in of_project(project(), graph, found) for each in one]
    assert made
    assert is_acyclic(graph, made)
