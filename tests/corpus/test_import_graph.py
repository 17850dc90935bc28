"""The graph of imports of the standard library, held against what Python imports."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.cuts import is_acyclic, of_project
from analysis.cycles import cycles
from analysis.imports import COLLECTORS, graph_of
from analysis.project import Project, load
from tools.observed import Observed, components, expected, module, observe

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


@cache
def observed() -> Observed:
    files = project().files
    paths = [
        path
        for path in files
        if module(path).partition(".")[0] in PACKAGES
        and not path.endswith("__main__.py")
        and not any(one in path for one in (*ELSEWHERE, *UNSEEN))
    ]
    # A name that os gives to another module.
    return observe(LIBRARY, paths, anew=True, aliases={"os.path": "os.py"})


def seen(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {pair for pair in pairs if not any(path.startswith(UNSEEN) for path in pair)}


def test_what_python_imports_is_in_the_graph() -> None:
    known = {(one.importer, one.imported) for one in graph_of(project()).edges}
    assert len(observed().edges) > 500
    assert seen(observed().edges) - known == set()


def test_what_is_in_the_graph_and_was_not_imported_stands_under_a_condition() -> None:
    graph = graph_of(project())
    left = {
        (one.importer, one.imported)
        for one in graph.edges
        if one.when in ("import", "class") and one.certain and one.importer in observed().ran
    }
    assert seen(left) - observed().edges == set()


def test_the_cycles_are_those_that_python_runs_into() -> None:
    found = components(seen(expected(graph_of(project()), observed())))
    assert found == components(seen(observed().edges))
    assert any("multiprocessing/context.py" in one for one in found)


@given(st.sets(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg"))))
def test_components_are_those_that_another_way_finds(pairs: set[tuple[str, str]]) -> None:
    graph: nx.DiGraph[str] = nx.DiGraph(list(pairs))
    assert components(pairs) == sorted(sorted(one) for one in nx.strongly_connected_components(graph) if len(one) > 1)


def test_the_cuts_open_every_cycle() -> None:
    graph = graph_of(project())
    found = cycles(graph)
    made = [each for one in of_project(project(), graph, found) for each in one]
    assert made
    assert is_acyclic(graph, made)
