"""Laws of the import planner, on generated heads of modules that are then really run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from hypothesis import event, given, reject, settings
from hypothesis import strategies as st

from analysis.source import Source
from codemods.compose import Change, Composer
from codemods.edits import Need, Reason, Splice
from codemods.imports import Refused
from tests.codemods.support import planner

NEED = Need("planned_tools.failures", "Known")
USE = "USE_IT_HERE"

FIRST = st.sampled_from(
    ["", "#!/usr/bin/env python\n", "# coding: utf-8\n", "#!/x\n# coding: utf-8\n", "# Licence.\n\n"]
)
DOC = st.sampled_from(["", '"""Doc."""\n', "'''Doc\n\nmore'''\n", '"""Doc."""; import os\n', "# c\n'doc'\n\n"])
FUTURE = st.sampled_from(["", "", "from __future__ import annotations\n", "\nfrom __future__ import division\n# c\n"])
PIECES = st.sampled_from(
    [
        "import os\n",
        "import os, re\n",
        "import os; import re\n",
        "import re; x = 1\n",
        "from os import (\n    path,\n    sep,  # c\n)\n",
        "import re as r, \\\n    os\n",
        "\n",
        "\n\n# A comment.\n",
        "\x0c\n",
        "import sys\nsys.path.append('x')\n",
        "import sys\nif True:\n    sys.path.insert(0, 'x')\n",
        "try:\n    import no_such_module\nexcept ImportError:\n    no_such_module = None\n",
        "import typing\nif typing.TYPE_CHECKING:\n    from planned_tools.failures import Known\n",
        "x = 1\n",
        "y = '''a\nimport os\n'''\n",
        "from planned_tools.failures import Known\n",
        "from planned_tools.failures import Known as K\n",
        "import planned_tools.failures\n",
        "from planned_tools import failures\n",
        "def f():\n    from planned_tools.failures import Known\n    return Known\n",
        "Known = 1\n",
        "def g(Known): ...\n",
        "from planned_star import *\n",
        "try:\n    from planned_tools.failures import Known\nexcept ImportError:\n    Known = None\n",
        "class C:\n    Known = 2\n",
        "_Known = 3\n",
        "if __name__ == '__main__':\n    import os\n",
    ]
)
USES = st.sampled_from(
    [f"def use():\n    return {USE}  # here\n", f"seen = {USE}  # here\ndef use():\n    return seen\n"]
)
NEWLINE = st.sampled_from(["\n", "\r\n", "\r"])


@contextmanager
def world() -> Iterator[type]:
    """The modules that generated code imports, for real: a package with the target, and one for star imports."""
    package, failures, star = (
        ModuleType("planned_tools"),
        ModuleType("planned_tools.failures"),
        ModuleType("planned_star"),
    )
    package.__path__ = []
    known = type("Known", (Exception,), {})
    failures.Known = known  # type: ignore[attr-defined]
    package.failures = failures  # type: ignore[attr-defined]
    star.Known = star.failures = star.K = star.planned_tools = "from the star"  # type: ignore[attr-defined]
    star.__all__ = ["Known", "failures", "K", "planned_tools"]  # type: ignore[attr-defined]
    made = {"planned_tools": package, "planned_tools.failures": failures, "planned_star": star}
    path = list(sys.path)
    sys.modules.update(made)
    try:
        yield known
    finally:
        sys.path[:] = path
        for name in made:
            del sys.modules[name]


def run(data: bytes) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "generated"}
    exec(compile(data, "generated.py", "exec", dont_inherit=True), names)
    return names


def line_of_use(data: bytes) -> int:
    lines = Source.from_bytes(data, "x.py").lines
    return next(number for number, line in enumerate(lines, 1) if line.rstrip().endswith(b"# here"))


@settings(max_examples=300, deadline=None)
@given(FIRST, DOC, FUTURE, st.lists(PIECES, max_size=6), USES, st.lists(PIECES, max_size=2), NEWLINE, st.booleans())
def test_an_import_is_bound_where_it_is_used_and_changes_nothing_else(
    first: str, doc: str, future: str, pieces: list[str], use: str, behind: list[str], newline: str, mark: bool
) -> None:
    above = first + doc + future + "".join(pieces)
    text = (above + use + "".join(behind)).replace("\n", newline)
    data = (b"\xef\xbb\xbf" if mark else b"") + text.encode()
    try:
        compile(data, "generated.py", "exec", dont_inherit=True)
    except SyntaxError:
        # `from __future__` behind code.
        reject()
    line = line_of_use(data)
    plan = planner(data)
    try:
        local = plan.bind(NEED, line)
    except Refused as refused:
        event(str(refused.reason))
        # Every name can get an alias here, so that only order is left to be in the way.
        if refused.reason != Reason.BEFORE_IMPORT:
            raise
        return
    source = Source.from_bytes(data, "x.py")
    start = data.index(USE.encode())
    changes = plan.changes([(NEED, line)])
    event("added" if changes else "reused")
    new = Composer(source).compose([*changes, Change((Splice(start, start + len(USE), local),))]).data

    # The head is still what it was.
    assert new.startswith(b"\xef\xbb\xbf") == mark
    assert ast.get_docstring(ast.parse(new), clean=False) == ast.get_docstring(ast.parse(data), clean=False)
    with world() as known:
        before = run(data.replace(USE.encode(), b"None", 1))
        after = run(new)
        assert after["use"]() is known
        extra = local.partition(".")[0]
        for name, value in before.items():
            if name not in ("use", "seen", "f", "g", "C", "__builtins__", extra):
                assert after[name] == value, name
        if "f" in before:
            assert after["f"]() is known
        if changes:
            assert extra not in before

    # A second look finds the import and adds nothing.
    again = planner(new)
    at = line_of_use(new)
    assert again.bind(NEED, at) == local
    assert again.changes([(NEED, at)]) == ()
    assert new.count(b"import Known") - data.count(b"import Known") == (1 if changes else 0)
