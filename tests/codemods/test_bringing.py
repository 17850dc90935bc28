"""Where imports of several names go."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from codemods.compose import Change
from codemods.cutting.bringing import bring, with_name
from codemods.edits import Need
from codemods.imports import Refused
from tests.codemods.split_support import workspace

CACHE, BUS, GET, LOAD = (
    Need("functools", "cache"),
    Need("runtime.events", "Bus"),
    Need("runtime.events", "get_bus"),
    Need(".app_events", "Load"),
)
USE = "\n\ndef f():\n    pass\n"
LONG = "Something" * 5
CASES = {
    "nothing is there": ("", [GET], "from runtime.events import get_bus\n"),
    "among its like": (
        "import abc\nfrom typing import Any\n\nimport zmq\n",
        [CACHE],
        "import abc\nfrom functools import cache\nfrom typing import Any\n\nimport zmq\n",
    ),
    "before all others": ("import zmq\n", [CACHE], "from functools import cache\n\nimport zmq\n"),
    "behind what must come first": (
        '"""Doc."""\n\nfrom __future__ import annotations\n\nimport zmq\n',
        [CACHE],
        '"""Doc."""\n\nfrom __future__ import annotations\n\nfrom functools import cache\n\nimport zmq\n',
    ),
    "into one that is there": (
        "from runtime.events import Event\n",
        [GET, BUS],
        "from runtime.events import Bus, Event, get_bus\n",
    ),
    "into one with dots": ("from .app_events import Keep\n", [LOAD], "from .app_events import Keep, Load\n"),
    "into one of several lines": (
        "from runtime.events import (\n    Event,  # what is told\n    Request\n)\n",
        [GET, BUS],
        "from runtime.events import (\n    Bus,\n    Event,  # what is told\n    Request,\n    get_bus\n)\n",
    ),
    "into one in brackets": (
        "from runtime.events import (\n    # The first.\n    Event,\n    Request,\n)  # all\n",
        [GET, BUS],
        "from runtime.events import (\n    Bus,\n    # The first.\n    Event,\n    Request,\n    get_bus,\n)  # all\n",
    ),
    "into one with several on a line": (
        "from runtime.events import (\n    Event, Request,\n    Hub)\n",
        [GET, BUS],
        "from runtime.events import (\n    Event, Request,\n    Hub, get_bus, Bus)\n",
    ),
    "into one whose order is its own": (
        "from runtime.events import Request, Event, Hub\n",
        [BUS],
        "from runtime.events import Request, Event, Hub, Bus\n",
    ),
    "into one that is too long then": (
        f"from runtime.events import Event, {LONG}  # told\n",
        [GET],
        f"from runtime.events import (  # told\n    Event,\n    {LONG},\n    get_bus,\n)\n",
    ),
    "into one whose bracket closes behind the last": (
        "from runtime.events import (\n    Event,\n    Request,)\n",
        [GET, BUS],
        "from runtime.events import (\n    Bus,\n    Event,\n    Request,)\nfrom runtime.events import get_bus\n",
    ),
    "not into one that goes on without brackets": (
        "from runtime.events import Event, \\\n    Request\n",
        [GET],
        "from runtime.events import Event, \\\n    Request\nfrom runtime.events import get_bus\n",
    ),
    "on a line of its own where each name is": (
        "from functools import partial\nfrom functools import wraps\nimport zmq\n",
        [CACHE],
        "from functools import cache\nfrom functools import partial\nfrom functools import wraps\nimport zmq\n",
    ),
    "before what sorts behind it": (
        "from typing import Any\n",
        [CACHE],
        "from functools import cache\nfrom typing import Any\n",
    ),
    "not into one with other names": (
        "from runtime.events import Event as E\n",
        [GET],
        "from runtime.events import Event as E\nfrom runtime.events import get_bus\n",
    ),
    "what is there already": ("from runtime.events import get_bus\n", [GET], "from runtime.events import get_bus\n"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_place(tmp_path: Path, case: str) -> None:
    text, needs, expected = CASES[case]
    tree = workspace(tmp_path, {"app.py": text + USE})
    assert bring(tree, "app.py", needs) == {one: one.name for one in needs}
    assert tree.source("app.py").text.removesuffix(USE).strip("\n") == expected.strip("\n")


def test_a_name_that_means_something_else(tmp_path: Path) -> None:
    tree = workspace(tmp_path, {"app.py": "import zmq\n\n\ndef cache():\n    pass\n"})
    assert bring(tree, "app.py", [CACHE]) == {CACHE: "_cache"}
    assert "from functools import cache as _cache\n" in tree.source("app.py").text


def test_no_name_is_free(tmp_path: Path) -> None:
    tree = workspace(tmp_path, {"app.py": "cache = _cache = _unsnarl_cache = 1\n"})
    with pytest.raises(Refused):
        bring(tree, "app.py", [CACHE])


NAMES = st.lists(st.sampled_from(["Alpha", "BETA", "gamma", "delta as d", "Eps", "zeta"]), min_size=1, unique=True)
STYLES = st.sampled_from(["line", "bracket", "each", "each-open", "closed", "hanging", "backslash"])


def spelt(names: list[str], style: str, told: bool) -> str:
    comment = "  # told" if told else ""
    match style:
        case "line":
            return f"from base import {', '.join(names)}{comment}\n"
        case "bracket":
            return f"from base import ({', '.join(names)}){comment}\n"
        case "each" | "each-open" | "closed":
            ends = [",\n"] * (len(names) - 1) + [",\n" if style == "each" else "\n"]
            rows = "".join(f"    {one}{end[:-1]}{comment}\n" for one, end in zip(names, ends, strict=True))
            return f"from base import (\n{rows}){comment}\n" if style != "closed" else f"from base import (\n{rows} )\n"
        case "hanging":
            return f"from base import ({', '.join(names[:2])},{comment}\n                  {', '.join(names[2:])})\n"
    return f"from base import {', '.join(names[:2])}, \\\n    {', '.join(names[2:])}\n"


@given(names=NAMES, style=STYLES, told=st.booleans(), name=st.sampled_from(["ALSO", "New", "_", "zzz"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_name_that_joins_others_takes_nothing_away(
    tmp_path: Path, names: list[str], style: str, told: bool, name: str
) -> None:
    assume(len(names) > 2 or style not in ("hanging", "backslash"))
    text = spelt(names, style, told)
    tree = workspace(tmp_path, {"app.py": f"{text}last = 1\n"})
    (node, _) = tree.tree("app.py").body
    assert isinstance(node, ast.ImportFrom)
    edits = with_name(tree, "app.py", node, name)
    if edits is None:
        assert style in ("hanging", "backslash", "bracket")
        return
    tree.edit("app.py", [Change((one,)) for one in edits])
    (now, rest) = tree.tree("app.py").body
    assert isinstance(now, ast.ImportFrom)
    assert isinstance(rest, ast.Assign)
    given_now = [ast.unparse(one) for one in now.names]
    assert [one for one in given_now if one != name] == names
    assert given_now.count(name) == 1
    assert tree.source("app.py").text.count("# told") == text.count("# told")
