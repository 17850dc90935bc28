"""Where imports of several names go."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemods.cutting.bringing import bring
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
