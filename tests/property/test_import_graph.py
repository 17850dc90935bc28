"""The graph of imports after a change is the one that is made from nothing, whatever was changed."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.collectors.imports import Imports
from analysis.facts import FileFacts
from analysis.imports import COLLECTORS, ImportGraph
from analysis.reading import analyse
from analysis.source import Source
from analysis.walk import Collector

PATHS = (
    "a.py",
    "b.py",
    "run.py",
    "p/__init__.py",
    "p/a.py",
    "p/b.py",
    "p/q/__init__.py",
    "p/q/a.py",
    "p/q/c.py",
    "s/a.py",
    "s/p/c.py",
)
LINES = (
    "import a",
    "import b as a",
    "import p.a, p.q.c",
    "import p.q.a as b",
    "from p import a",
    "from p import b as a, q",
    "from p import *",
    "from p.q import *",
    "from p.q import a as c, X",
    "from p.b import X",
    "from . import a, b",
    "from . import b as a",
    "from .q import a",
    "from .. import a as q",
    "from b import X",
    "from c import X",
    "a = 1",
    "X = 2",
    "def b(): from p.a import X",
    "def q(): import a",
    "__all__ = ['a', 'X']",
    "__all__ = ['b', 'c', 'q']",
    "import importlib; importlib.import_module('p.q.a')",
    "import sys; sys.path.insert(0, 's')",
    "import sys, os; sys.path.append(os.path.join(os.path.dirname(__file__), 'p'))",
    "if __name__ == '__main__': X()",
    "try:\n    import p.b\nexcept ImportError:\n    b = None",
    "def (",
)
texts = st.lists(st.sampled_from(LINES), max_size=5).map("\n".join)
# None takes the file away.
changes = st.dictionaries(st.sampled_from(PATHS), st.none() | texts, min_size=1, max_size=3)


def facts_of(path: str, text: str) -> FileFacts:
    return analyse(Source.from_bytes(text.encode(), path), COLLECTORS, path)


def known(graph: ImportGraph) -> list[object]:
    """All that a graph is asked for."""
    names = ("a", "b", "c", "q", "X")
    return [
        graph.files,
        graph.edges,
        graph.following,
        graph.into,
        graph.offers,
        sorted(graph.between().edges),
        {path: graph.name(path) for path in graph.files},
        {path: graph.modules.roots(path) for path in graph.files},
        {(path, name): graph.origin(path, name) for path in graph.files for name in names},
        graph.outside(("c", "importlib")),
    ]


# A module that can be run as a script lays its neighbours open, a folder that is made hides another, and what a module
# hands on is taken from elsewhere.
@example({"p/__init__.py": "", "p/a.py": "import b", "p/b.py": ""}, [{"p/b.py": "if __name__ == '__main__': X()"}])
@example({"p/a.py": "", "s/a.py": "from p import a"}, [{"s/p/c.py": ""}])
@example({"a.py": "from b import X", "b.py": "X = 2", "p/b.py": "X = 2"}, [{"a.py": "from p.b import X"}])
@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(PATHS), texts, min_size=4), st.lists(changes, min_size=1, max_size=4))
def test_a_graph_that_was_changed_is_the_one_made_from_nothing(
    files: dict[str, str], steps: list[dict[str, str | None]]
) -> None:
    facts = {path: facts_of(path, text) for path, text in sorted(files.items())}
    graph = ImportGraph(facts)
    before = known(graph)
    for number, step in enumerate(steps):
        was, held = graph, known(graph)
        facts = dict(facts)
        for path, text in step.items():
            facts.pop(path, None)
            if text is not None:
                facts[path] = facts_of(path, text)
        facts = dict(sorted(facts.items()))
        # Sometimes nobody asks in between.
        graph = graph.after(facts, step.keys())
        if number % 2 or number + 1 == len(steps):
            assert known(graph) == known(ImportGraph(facts))
        assert known(was) == held
    assert known(ImportGraph({path: facts_of(path, text) for path, text in sorted(files.items())})) == before


class Counted(FileFacts):
    """Facts that note down in ``asked`` whose imports are read."""

    asked: ClassVar[list[str]] = []

    def records(self, collector: type[Collector]) -> list[Any]:
        if collector is Imports:
            self.asked.append(self.path)
        return super().records(collector)


def counted(path: str, text: str) -> FileFacts:
    facts = facts_of(path, text)
    return Counted(path, facts.digest, facts.fault, facts.blobs)


def test_only_what_may_be_otherwise_is_looked_at_anew() -> None:
    files = {"a.py": "import b", "b.py": "from p import c", "p/__init__.py": "c = 1", "p/c.py": "", "d.py": "import a"}
    facts = {path: counted(path, text) for path, text in sorted(files.items())}
    graph = ImportGraph(facts)
    assert ("b.py", "p/c.py") not in {(one.importer, one.imported) for one in graph.edges}
    for path in ("p/__init__.py", "p/d.py"):
        Counted.asked.clear()
        facts = {**facts, path: counted(path, "")}
        graph = graph.after(facts, [path])
        assert ("b.py", "p/c.py") in {(one.importer, one.imported) for one in graph.edges}
        # Of the others the imports are known, whether their edges are looked for again or not.
        assert Counted.asked == [path]
