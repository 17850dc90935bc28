"""Which files import each other, and what is cut."""

from __future__ import annotations

from itertools import permutations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.cuts import EXACT, cuts, feedback, is_acyclic
from analysis.cycles import cycles, way
from analysis.imports import ANY_TIME

from .support import Tree


def opened(files: dict[str, str]) -> list[tuple[str, str, str, str]]:
    """The cuts of a tree: importer, imported, technique, reason."""
    tree = Tree(files)
    graph = tree.graph
    found = [each for one in cycles(graph) for each in cuts(one, tree.crossings, graph)]
    assert is_acyclic(graph, found)
    return [(one.importer, one.imported, one.technique, one.reason) for one in found]


def test_a_cycle_its_edges_and_the_shortest_way_round() -> None:
    files = {"a.py": "import b\nimport c\n", "b.py": "import c\n", "c.py": "import a\n", "d.py": "import a\n"}
    (one,) = cycles(Tree(files).graph)
    assert one.files == ("a.py", "b.py", "c.py")
    assert [(edge.importer, edge.line, edge.imported) for edge in one.edges] == [
        ("a.py", 1, "b.py"),
        ("a.py", 2, "c.py"),
        ("b.py", 1, "c.py"),
        ("c.py", 1, "a.py"),
    ]
    assert one.shortest == ("a.py", "c.py")


def test_the_largest_first() -> None:
    files = {"a.py": "import b\n", "b.py": "import a\n", **{f"x{n}.py": f"import x{(n + 1) % 3}\n" for n in range(3)}}
    assert [one.files for one in cycles(Tree(files).graph)] == [("x0.py", "x1.py", "x2.py"), ("a.py", "b.py")]


@pytest.mark.parametrize(
    "text",
    ["def f():\n    import b\n", "if TYPE_CHECKING:\n    import b\n", "if __name__ == '__main__':\n    import b\n"],
)
def test_what_does_not_run_at_import_makes_no_cycle(text: str) -> None:
    files = {"a.py": f"from typing import TYPE_CHECKING\n{text}", "b.py": "import a\n"}
    assert cycles(Tree(files).graph) == []
    assert len(cycles(Tree(files).graph, ANY_TIME)) == ("TYPE_CHECKING" not in text)


def test_a_class_body_runs_at_import() -> None:
    assert cycles(Tree({"a.py": "class A:\n    import b\n", "b.py": "import a\n"}).graph)


LATE: dict[str, tuple[dict[str, str], tuple[str, str, str, str]]] = {
    "in functions only": (
        {
            "a.py": "from b import g\n\n\ndef f():\n    return g()\n\n\nclass A: ...\n",
            "b.py": "from a import A\n\n\ndef g(): ...\n\n\nclass B(A): ...\n",
        },
        (
            "a.py",
            "b.py",
            "extract",
            "g is used in functions only, where an import is part of this circle, too",
        ),
    ),
    "in a function already": (
        {"a.py": "def f():\n    from b import g\n    return g()\n", "b.py": "import a\n\n\nprint(a)\n"},
        ("a.py", "b.py", "extract", "g is used in functions only, where an import is part of this circle, too"),
    ),
    "each calls the other": (
        {
            "a.py": "from b import g\n\n\ndef f():\n    g()\n",
            "b.py": "def g():\n    import a\n    a.f()\n",
        },
        ("a.py", "b.py", "extract", "g is used in functions only, where an import is part of this circle, too"),
    ),
    "what is called calls back": (
        {
            "a.py": "from b import g\n\n\ndef f():\n    g()\n",
            "b.py": "import a\n\n\ndef g():\n    a.f()\n",
        },
        (
            "a.py",
            "b.py",
            "events",
            "g is called in functions only, and g needs what imports b.py in turn",
        ),
    ),
    "a module that is called": (
        {"a.py": "import b\n\n\ndef f():\n    b.g()\n", "b.py": "from a import *\n"},
        ("a.py", "b.py", "events", "b is called in functions only"),
    ),
    "a module in functions": (
        {"a.py": "def f():\n    import b\n", "b.py": "from a import *\n"},
        ("a.py", "b.py", "restructure", "all of b.py is used in functions, and only another design does without"),
    ),
    "what is handed about needs this": (
        {
            "a.py": "from b import g\n\n\ndef f():\n    return g\n",
            "b.py": "from a import *\nimport a\n\n\ndef g():\n    a.f()\n",
        },
        (
            "a.py",
            "b.py",
            "restructure",
            "g is used in functions, and g needs what imports b.py in turn: only another design does without",
        ),
    ),
    "annotations only": (
        {
            "a.py": "from b import B\n\n\ndef f(x: B): ...\n",
            "b.py": "from a import f\n\n\nclass B:\n    def y(self):\n        f(1)\n",
        },
        ("a.py", "b.py", "type-checking", "B is used in annotations only"),
    ),
    "handed on by another": (
        {
            "a.py": "def f():\n    from b import C\n    return C\n",
            "b.py": "from c import C\nimport a\n\n\nprint(a)\n",
            "c.py": "class C: ...\n",
        },
        ("a.py", "b.py", "redirect", "C is defined in c.py"),
    ),
}


@pytest.mark.parametrize(("files", "expected"), LATE.values(), ids=LATE)
def test_moving_an_import_into_a_function_cuts_no_circle_of_which_it_is_part_there(
    files: dict[str, str], expected: tuple[str, str, str, str]
) -> None:
    tree = Tree(files)
    (cycle,) = cycles(tree.graph, ANY_TIME)
    found = cuts(cycle, tree.crossings, tree.graph, late=True)
    assert [(one.importer, one.imported, one.technique, one.reason) for one in found] == [expected]
    assert "it runs when a function is called" not in found[0].reason


TECHNIQUES: dict[str, tuple[dict[str, str], tuple[str, str, str, str]]] = {
    "annotations only": (
        {
            "a.py": "from b import B\n\n\ndef f(x: B): ...\n",
            "b.py": "from a import f\n\n\nclass B:\n    y = f(1)\n",
        },
        ("a.py", "b.py", "type-checking", "B is used in annotations only"),
    ),
    "in functions only": (
        {
            "a.py": "from b import g\n\n\ndef f():\n    return g()\n\n\nclass A: ...\n",
            "b.py": "from a import A\n\n\nclass B(A): ...\n",
        },
        ("a.py", "b.py", "defer", "g is used in f() only"),
    ),
    "needed at import": (
        {"a.py": "from b import B\n\n\nclass A(B): ...\n", "b.py": "import a\n\n\nclass B: ...\n\n\nprint(a)\na.x()\n"},
        ("a.py", "b.py", "extract", "B is needed while the module is imported: as a base class in line 4"),
    ),
    "handed on by the package around it": (
        {
            "p/__init__.py": "from .base import Base\nfrom .user import User\n",
            "p/base.py": "class Base: ...\n",
            "p/user.py": "from p import Base\n\n\nclass User(Base): ...\n",
        },
        ("p/user.py", "p/__init__.py", "redirect", "Base is defined in p/base.py"),
    ),
    "loaded for what it does": (
        {"a.py": "from b import *\n", "b.py": "import p.a\nfrom a import x\n\n\nx()\n", "p/a.py": ""},
        ("b.py", "a.py", "extract", "x is needed while the module is imported: by a call in line 5"),
    ),
    "taken from here by others": (
        {
            "a.py": "from b import g\n\n\ndef f():\n    return g()\n",
            "b.py": "from a import f\n\n\nh = f\n",
            "c.py": "from a import g\n",
        },
        ("b.py", "a.py", "extract", "f is needed while the module is imported: as a value in line 4"),
    ),
}


@pytest.mark.parametrize(("files", "expected"), TECHNIQUES.values(), ids=TECHNIQUES)
def test_how_an_import_can_be_cut(files: dict[str, str], expected: tuple[str, str, str, str]) -> None:
    assert opened(files) == [expected]


def test_a_redirect_that_closes_another_circle_is_none() -> None:
    files = {
        "p/__init__.py": "from .base import Base\n",
        "p/base.py": "from .user import User\n\n\nclass Base: ...\n\n\nUser()\n",
        "p/user.py": "from p import Base\n\n\nclass User(Base): ...\n",
    }
    assert "redirect" not in {technique for _, _, technique, _ in opened(files)}


def test_an_import_under_a_condition_is_cut_only_where_nothing_else_does() -> None:
    text = "\n\n\ndef f():\n    return {0}.x\n"
    files = {
        "a.py": "try:\n    import b\nexcept ImportError:\n    b = 1" + text.format("b"),
        "b.py": "import a" + text.format("a"),
    }
    assert [(importer, how) for importer, _, how, _ in opened(files)] == [("b.py", "defer")]


# The least to cut


@st.composite
def graphs(draw: st.DrawFn, most: int) -> tuple[list[str], dict[tuple[str, str], int]]:
    files = [chr(97 + number) for number in range(draw(st.integers(2, most)))]
    pairs = [(one, other) for one in files for other in files if one != other]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=3 * len(files)))
    return files, {pair: draw(st.integers(1, 9)) for pair in chosen}


def left(files: list[str], costs: dict[tuple[str, str], int], cut: set[tuple[str, str]]) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(files)
    graph.add_edges_from(pair for pair in costs if pair not in cut)
    return graph


@given(graphs(6))
def test_in_small_components_nothing_costs_less(drawn: tuple[list[str], dict[tuple[str, str], int]]) -> None:
    files, costs = drawn
    cut = feedback(files, costs)
    assert nx.is_directed_acyclic_graph(left(files, costs, cut))
    least = min(
        sum(cost for (one, other), cost in costs.items() if order.index(one) > order.index(other))
        for order in permutations(files)
    )
    assert sum(costs[pair] for pair in cut) == least


@given(graphs(30))
@settings(deadline=None)
def test_in_large_ones_no_circle_is_left_and_no_cut_is_in_vain(
    drawn: tuple[list[str], dict[tuple[str, str], int]],
) -> None:
    files, costs = drawn
    cut = feedback([*files, *(f"z{number}" for number in range(EXACT))], costs)
    graph = left(files, costs, cut)
    assert nx.is_directed_acyclic_graph(graph)
    for one, other in cut:
        assert nx.has_path(graph, other, one)


@given(graphs(8), st.randoms())
def test_it_depends_on_names_alone(drawn: tuple[list[str], dict[tuple[str, str], int]], chance: object) -> None:
    files, costs = drawn
    again = list(costs.items())
    chance.shuffle(again)  # type: ignore[attr-defined]
    mixed = list(files)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert feedback(mixed, dict(again)) == feedback(files, costs)


@given(graphs(8))
def test_the_way_is_a_shortest_one(drawn: tuple[list[str], dict[tuple[str, str], int]]) -> None:
    files, costs = drawn
    graph = left(files, costs, set())
    for one in files:
        for other in files:
            found = way(graph, one, other)
            if one != other:
                expected = nx.shortest_path_length(graph, one, other) if nx.has_path(graph, one, other) else 0
                assert len(found) == expected
            elif found:
                assert found[0] == one
                assert all(graph.has_edge(*pair) for pair in zip(found, (*found[1:], one), strict=True))
