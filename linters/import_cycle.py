"""E920 import cycle: files that import each other while they are imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from analysis.walk import Collector
from linters.rule import Example, Finding, TreeRule

if TYPE_CHECKING:
    from analysis.collectors.imports import Import
    from analysis.cuts import Cut
    from analysis.facts import FileFacts
    from analysis.project import Project


class ImportCycle(TreeRule):
    """Files that import each other, at the import to cut.

    ## What it flags
    An import that is part of a circle of imports that run while their modules are imported: at module level or in a
    class body, under a condition or not. Of each circle the imports are flagged that are cheapest to cut, and without
    which no circle is left; `unsnarl cycles` shows the circle, with a shortest way round.

    ## Why it matters
    Which of the modules is whole when the other asks for its names depends on which was imported first. It works in
    the program that somebody started, and fails with "partially initialized module" from another entry point, in a
    test, or after an import was sorted. And neither can be read, tested or moved without the other.

    ## Example
    ```python
    # memory.py
    from session import Session  # session.py imports memory.py

    class Memory:
        def open(self):
            return Session()
    ```

    ## Better
    The message says what the import is used for, and so what can be done: `if TYPE_CHECKING` for what only annotations
    need; the module that defines the name, for one that a package hands on; an import in the function that needs it; or
    a third module for what both need.

    ## When it is left alone
    - It runs where it is selected (`select = ["E9"]`, `--select E920`), since it makes a first run read more.
    - flake8 reports it where its own code or `E92` is selected there: `E9` is what flake8 calls the whole plugin.
    - Only a part of the tree is named and nothing says where the tree begins. The summary then says so.
    - Imports for type checkers only, and those in functions, which run when all modules are there.
    - A module that imports a module of a package which it lies in itself: the package had been started before. Taking
      a name of the package counts.
    - Files that do not parse are part of the circles that their lines still show, and are not flagged themselves.
    - Imports by a call whose argument is no literal, and in files that are generated. Missed alarm.

    ## Options
    None.

    ## References
    - <https://docs.python.org/3/faq/programming.html#what-are-the-best-practices-for-using-import-in-a-module>
    - <https://pylint.readthedocs.io/en/stable/user_guide/messages/refactor/cyclic-import.html>
    """

    code: ClassVar[str] = "E920"
    name: ClassVar[str] = "import-cycle"
    message: ClassVar[str] = "files import each other"
    since: ClassVar[str] = "0.1"
    default: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "used in a function only",
            files={
                "memory.py": "from session import Session  # <E920>\n\n\nclass Memory:\n    def open(self):\n"
                "        return Session()\n",
                "session.py": "from memory import Memory\n\n\nclass Session(Memory):\n    pass\n",
            },
        ),
        Example(
            "taken from the package that hands it on",
            files={
                "app/__init__.py": "from .base import Base\nfrom .user import User\n",
                "app/base.py": "class Base:\n    pass\n",
                "app/user.py": "from app import Base  # <E920>\n\n\nclass User(Base):\n    pass\n",
            },
        ),
        Example(
            "in a class body",
            files={
                "a.py": "class A:\n    import b\n",
                "b.py": "import a  # <E920>\n\n\nclass B(a.A):\n    pass\n",
            },
        ),
        Example(
            "for type checkers, and in a function",
            files={
                "a.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from b import B\n",
                "b.py": "from a import A\n",
                "c.py": "def f():\n    import d\n",
                "d.py": "import c\n",
            },
        ),
        Example(
            "modules of one package",
            files={
                "app/__init__.py": "from app import a\n",
                "app/a.py": "from app import b\nimport app.b\n",
                "app/b.py": "import app\n",
            },
        ),
    )

    def collectors(self) -> tuple[type[Collector], ...]:
        """What the graph of imports is made from."""
        # Not at the top: what this rule needs would be loaded where it is not selected, too.
        from analysis.imports import COLLECTORS

        return COLLECTORS

    def later(self) -> tuple[type[Collector], ...]:
        """How the names are used that the files of a cycle import."""
        from analysis.collectors.crossings import Crossings

        return (Crossings,)

    def survey(self, project: Project) -> Iterator[Finding]:
        """Yield each import that is to be cut."""
        from analysis.cuts import of_project
        from analysis.cycles import cycles
        from analysis.imports import graph_of

        graph = graph_of(project, keep=True)
        found = cycles(graph)
        for cycle, cuts in zip(found, of_project(project, graph, found), strict=True):
            for cut in cuts:
                yield from findings_of(cut, project.files[cut.importer], len(cycle.files))


def findings_of(cut: Cut, facts: FileFacts, files: int = 2) -> Iterator[Finding]:
    """What E920 says of an import to be cut: ``facts`` of the importer, ``files`` in the circle."""
    from analysis.collectors.imports import Imports

    lines = {edge.line for edge in cut.edges}
    for one in facts.records(Imports):
        if one.span.line in lines:
            yield _finding(cut, one, files)


def _finding(cut: Cut, one: Import, files: int) -> Finding:
    circle = "imports this file back" if files == 2 else f"is part of a circle of {files} files with this one"
    return Finding(
        code=ImportCycle.code,
        message=f"{cut.imported} {circle}: {cut.reason}",
        path=cut.importer,
        span=one.span,
        column=one.column,
        scope=one.scope,
        source=f"imports {cut.imported}",
    )
