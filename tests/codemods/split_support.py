"""Two services and the split of one import between them, without the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.cuts import Cut
from analysis.project import load
from codemods.cutting.split import split
from codemods.cutting.workspace import Workspace
from codemods.imports import Refused
from config.settings import Settings
from linters.rule import kinds
from tests.cli.support import write

RUN = """

class Service:
    def run(self):
        while True:
            pass


if __name__ == "__main__":
    Service().run()
"""


def workspace(root: Path, files: Mapping[str, str], settings: Settings | None = None) -> Workspace:
    """The tree ``files``, written below ``root``."""
    write(root, dict(files))
    chosen = settings or Settings()
    rule = kinds()["E920"](chosen)
    return Workspace(load([root], root=root, collectors=rule.collectors(), jobs=1, cache=False), chosen)


def cut(tree: Workspace, importer: str = "asker.py", imported: str = "keeper.py") -> Cut:
    edges = [one for one in tree.graph.edges if (one.importer, one.imported) == (importer, imported)]
    return Cut(importer, imported, tuple(edges), "events", "", 0)


def talk(root: Path, asker: str, keeper: str, more: Mapping[str, str] | None = None, **options: Any) -> dict[str, str]:
    """The files as they are when ``asker.py`` asks ``keeper.py`` over the bus; a service is made of each."""
    tree = workspace(root, {"asker.py": asker + RUN, "keeper.py": keeper + RUN, **(more or {})})
    with tree.attempt():
        split(tree, cut(tree), **options)
    return {path: tree.source(path).data.decode() for path in {*tree.changed, "asker.py"}}


def refused(root: Path, asker: str, keeper: str, more: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Why ``asker.py`` cannot; and that nothing is changed then."""
    tree = workspace(root, {"asker.py": asker + RUN, "keeper.py": keeper + RUN, **(more or {})})
    try:
        with tree.attempt():
            split(tree, cut(tree))
    except Refused as problem:
        assert tree.changed == []
        return problem.reason.value, problem.detail
    raise AssertionError(tree.source("asker.py").data.decode())
