"""Which edges the imports of a file make, and when they run."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.imports import ANY_TIME, AT_IMPORT, COLLECTORS, graph_of
from analysis.project import load

from .support import Tree, edges

CASES: dict[str, tuple[dict[str, str], list[str]]] = {
    "modules and names": (
        {"a.py": "import b\nfrom c import X, Y as Z\nimport json\n", "b.py": "", "c.py": ""},
        ["a.py:1 b.py", "a.py:2 c.py X,Y"],
    ),
    "packages that run before": (
        {"a.py": "import p.q.m\n", "p/__init__.py": "", "p/q/__init__.py": "", "p/q/m.py": ""},
        ["a.py:1 p/__init__.py implied", "a.py:1 p/q/__init__.py implied", "a.py:1 p/q/m.py"],
    ),
    "not the packages around the importer": (
        {"p/__init__.py": "", "p/a.py": "import p.b\nfrom . import b\nfrom .b import X\nimport p\n", "p/b.py": ""},
        ["p/a.py:1 p/b.py", "p/a.py:2 p/b.py", "p/a.py:3 p/b.py X"],
    ),
    "but their names": (
        {"p/__init__.py": "X = 1\n", "p/a.py": "from p import X\nfrom . import Y\n"},
        ["p/a.py:1 p/__init__.py X", "p/a.py:2 p/__init__.py Y"],
    ),
    "a name or a module of a package": (
        {"p/__init__.py": "b = 1\n", "p/b.py": "", "p/c.py": "", "a.py": "from p import b, c\n"},
        ["a.py:1 p/__init__.py b", "a.py:1 p/c.py"],
    ),
    "a name that hides the module it comes from": (
        {"p/__init__.py": "from .b import b\n", "p/b.py": "", "p/a.py": "from p import b\n"},
        ["p/__init__.py:1 p/b.py b", "p/a.py:1 p/__init__.py b"],
    ),
    "a module that the package imports is that module": (
        {"p/__init__.py": "from . import b\n", "p/b.py": "", "p/a.py": "from p import b\n"},
        ["p/__init__.py:1 p/b.py", "p/a.py:1 p/b.py"],
    ),
    "all names": (
        {"p/__init__.py": "__all__ = ['m', 'X']\n", "p/m.py": "", "a.py": "from p import *\n"},
        ["a.py:1 p/__init__.py *", "a.py:1 p/m.py"],
    ),
    "all names of a list that is added to": (
        {
            "p/__init__.py": "__all__ = ['X']\n__all__ += ['m']\n__all__.append('n')\n",
            "p/m.py": "",
            "p/n.py": "",
            "a.py": "from p import *\n",
        },
        ["a.py:1 p/__init__.py *", "a.py:1 p/m.py", "a.py:1 p/n.py"],
    ),
    "folders without __init__.py": (
        {"n/m.py": "", "n/o.py": "", "a.py": "import n.m\nfrom n import o\n"},
        ["a.py:1 n/m.py", "a.py:2 n/o.py"],
    ),
    "folders without __init__.py below src": (
        {"src/n/a.py": "from n.b import X\n", "src/n/b.py": "import m\n", "src/m.py": "", "m.py": ""},
        ["src/n/a.py:1 src/n/b.py X", "src/n/b.py:1 src/m.py"],
    ),
    "a package that is called src": (
        {"src/__init__.py": "", "src/n/a.py": "import m\nimport n.b\nimport src.m\n", "src/n/b.py": "", "src/m.py": ""},
        ["src/n/a.py:3 src/__init__.py implied", "src/n/a.py:3 src/m.py"],
    ),
    "scripts beside each other, and two modules of one name": (
        {"x/a.py": "import util\n", "x/util.py": "", "y/a.py": "import util\n", "y/util.py": ""},
        ["x/a.py:1 x/util.py", "y/a.py:1 y/util.py"],
    ),
    "a folder that is put on the path": (
        {
            "bin/run.py": "import sys, os\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))\n"
            "import util\n",
            "lib/util.py": "",
        },
        ["bin/run.py:3 lib/util.py"],
    ),
    "a script in a package imports its neighbour without the package": (
        {
            "p/__init__.py": "",
            "p/run.py": "import util\nif __name__ == '__main__':\n    util.run()\n",
            "p/util.py": "import more\n",
            "p/more.py": "",
        },
        ["p/run.py:1 p/util.py", "p/util.py:1 p/more.py"],
    ),
    "a module of a package without scripts imports no neighbour by its bare name": (
        {"p/__init__.py": "", "p/a.py": "import redis\nfrom . import redis\n", "p/redis.py": "import redis\n"},
        ["p/a.py:2 p/redis.py"],
    ),
    "a module of a package that is called like one of the standard library": (
        {
            "p/__init__.py": "",
            "p/a.py": "import http.client\nimport logging\nimport util\nfrom . import http\n"
            "if __name__ == '__main__':\n    main()\n",
            "p/http.py": "",
            "p/logging.py": "",
            "p/util.py": "",
            "s/a.py": "import logging\n",
            "s/logging.py": "",
        },
        ["p/a.py:3 p/util.py", "p/a.py:4 p/http.py", "s/a.py:1 s/logging.py"],
    ),
    "when": (
        {
            "a.py": """\
                from typing import TYPE_CHECKING
                if TYPE_CHECKING:
                    import b
                try:
                    import c
                except ImportError:
                    c = None
                class D:
                    import d
                def f():
                    import e
                """,
            **{f"{one}.py": "" for one in "bcde"},
        },
        ["a.py:3 b.py typing", "a.py:5 c.py conditional", "a.py:9 d.py class", "a.py:11 e.py deferred"],
    ),
    "calls": (
        {
            "a.py": """\
                import importlib
                importlib.import_module("b")
                def f():
                    __import__("c")
                importlib.import_module(name)
                if __name__ == "__main__":
                    importlib.import_module("d")
                """,
            "p/__init__.py": "",
            "p/a.py": "from importlib import import_module\nx = import_module('.m', __package__)\n"
            "import_module('.m', 'other')\n",
            "p/m.py": "",
            **{f"{one}.py": "" for one in "bcd"},
        },
        [
            "a.py:2 b.py uncertain",
            "a.py:4 c.py deferred uncertain",
            "a.py:7 d.py deferred uncertain",
            "p/a.py:2 p/m.py uncertain",
        ],
    ),
    "a module that is no file of its own": (
        {"a.py": "import os.path\nfrom os.path import join\n", "os.py": ""},
        ["a.py:1 os.py", "a.py:2 os.py"],
    ),
    "itself": ({"a.py": "import a\nfrom a import b\n", "p/__init__.py": "import p\nfrom p import x\n"}, []),
    "a file that does not parse": (
        {"a.py": "import b\nfrom c import (X,\n    Y)\ndef f(:\n    import d\n", **{f"{one}.py": "" for one in "bcd"}},
        ["a.py:1 b.py uncertain", "a.py:2 c.py X,Y uncertain", "a.py:5 d.py deferred uncertain"],
    ),
}


@pytest.mark.parametrize(("files", "expected"), CASES.values(), ids=CASES)
def test_edges(files: dict[str, str], expected: list[str]) -> None:
    assert sorted(edges(files)) == sorted(expected)


def test_what_runs_when() -> None:
    graph = Tree({"a.py": "import b\ndef f():\n    import c\n", "b.py": "", "c.py": ""}).graph
    assert sorted(graph.between(AT_IMPORT).edges) == [("a.py", "b.py")]
    assert sorted(graph.between(ANY_TIME).edges) == [("a.py", "b.py"), ("a.py", "c.py")]
    assert set(graph.between().nodes) == {"a.py", "b.py", "c.py"}


@pytest.mark.parametrize(
    ("files", "origin"),
    [
        ({"p/__init__.py": "from .m import X\n", "p/m.py": "X = 1\n"}, ("p/m.py", "X")),
        ({"p/__init__.py": "from .m import Y as X\n", "p/m.py": "Y = 1\n"}, ("p/m.py", "Y")),
        (
            {"p/__init__.py": "from .q import X\n", "p/q/__init__.py": "from .m import X\n", "p/q/m.py": "X = 1\n"},
            ("p/q/m.py", "X"),
        ),
        ({"p/__init__.py": "from .m import X\nX = 2\n", "p/m.py": "X = 1\n"}, ("p/__init__.py", "X")),
        ({"p/__init__.py": "from json import X\n"}, ("p/__init__.py", "X")),
        ({"p/__init__.py": "from p.m import X\n", "p/m.py": "from p import X\n"}, ("p/__init__.py", "X")),
    ],
)
def test_where_a_name_is_defined(files: dict[str, str], origin: tuple[str, str]) -> None:
    assert Tree(files).graph.origin("p/__init__.py", "X") == origin


def test_the_graph_does_not_depend_on_the_number_of_processes_nor_on_the_index(tmp_path: Path) -> None:
    for number in range(30):
        padding = "# to make it worth a process\n" * 200
        (tmp_path / f"m{number}.py").write_text(f"import m{(number * 7 + 1) % 30}\n{padding}")
    (tmp_path / "broken.py").write_text("import m1\ndef f(:\n")
    found = [
        graph_of(load([tmp_path], root=tmp_path, collectors=COLLECTORS, jobs=jobs, cache=cache)).edges
        for jobs, cache in ((1, False), (2, False), (2, True), (1, True))
    ]
    assert len(found[0]) == 31
    assert all(one == found[0] for one in found)
