"""How the imports look that are written: groups, order, the length of a line, and what is told about them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codemods.cutting.layout import USUAL, Line, grouped, longest, wrapped
from tests.codemods.circles import answers, cut
from tests.codemods.split_support import workspace

NAMES = ("first", "second", "third")


@pytest.mark.parametrize(
    ("most", "indent", "comment", "expected"),
    [
        (37, "", "", "from app import first, second, third"),
        (35, "", "", "from app import (\n    first,\n    second,\n    third,\n)"),
        (37, "    ", "", "    from app import (\n        first,\n        second,\n        third,\n    )"),
        (35, "\t", "", "\tfrom app import (\n\t\tfirst,\n\t\tsecond,\n\t\tthird,\n\t)"),
        (40, "", "  # told", "from app import (  # told\n    first,\n    second,\n    third,\n)"),
        (40, "", "  # noqa: F401", "from app import first, second, third  # noqa: F401"),
        (35, "", "  # noqa: F401", "from app import (  # noqa: F401\n    first,\n    second,\n    third,\n)"),
    ],
    ids=["fits", "too-long", "indented", "tabs", "comment", "for-tools", "for-tools-too-long"],
)
def test_a_line_that_is_too_long_is_broken(most: int, indent: str, comment: str, expected: str) -> None:
    assert wrapped(f"from app import {', '.join(NAMES)}", most, indent, comment) == expected
    compile(expected.replace(indent, "", 1) if not expected.endswith("x") else expected, "app", "exec")


def test_what_cannot_be_broken_is_not() -> None:
    for text in ("import app.first.second", "from app import *"):
        assert wrapped(text, 5) == text


@pytest.mark.parametrize(
    ("settings", "most"),
    [
        ("", USUAL),
        ("[tool.ruff]\nline-length = 100\n[tool.black]\nline-length = 90\n", 100),
        ("[tool.black]\nline-length = 90\n", 90),
        ("[tool.isort]\nline_length = 70\n", 70),
        ("[tool.ruff]\nline-length = 'x'\n", USUAL),
        ("[tool\n", USUAL),
        ("tool = 3\n", USUAL),
    ],
)
def test_the_length_of_a_line_is_what_the_tree_says(settings: str, most: int, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(settings)
    assert longest(workspace(tmp_path, {"a.py": ""})) == most


def test_groups_are_those_of_ruff(tmp_path: Path) -> None:
    given = [
        Line("own.b", ("later", "KEPT", "Kind")),
        Line("..up", ("a",)),
        Line("zmq"),
        Line(".near", ("b",)),
        Line("json"),
        Line("abc", ("ABC",), above=("# Told.",)),
        Line("numpy", (), "np"),
        Line("collections.abc", ("Sequence",)),
        Line("collections.abc", ("Mapping",)),
        Line("own.a", ("b as c",)),
        Line("own.a", ("first",)),
    ]
    text = grouped(given, lambda module: module.startswith("own"), USUAL)
    assert text == (
        "import json\n\n# Told.\nfrom abc import ABC\n"
        "from collections.abc import Mapping, Sequence\n\nimport numpy as np\nimport zmq\n\n"
        "from own.a import b as c\nfrom own.a import first\nfrom own.b import KEPT, Kind, later\n\n"
        "from ..up import a\nfrom .near import b\n"
    )
    (tmp_path / "own").mkdir()
    for name in ("__init__", "a", "b"):
        (tmp_path / "own" / f"{name}.py").touch()
    (tmp_path / "one.py").write_text(text)
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        found = shutil.which("ruff")
        assert found is not None
        ruff = Path(found)
    command = [str(ruff), "check", "--isolated", "--no-cache", "--select", "I", "one.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


MEMORY = (
    '"""Kept."""\n\nfrom __future__ import annotations\n\nimport logging\n{more}from session import Session\n{typed}'
    "\n\nclass Kind:\n    def show(self, one: list[Clock]) -> None:\n        logging.info(deque(one))\n\n\n"
    "class Memory(Session):\n    pass\n"
)
SESSION = "from memory import Kind\n\n\nclass Session:\n    kind = Kind()\n"
MORE = "# The first ones.\nfrom collections import deque  # not too long\n\n"
TYPED = "\nif TYPE_CHECKING:\n    # Of the wall.\n    from clock import Clock\n"


def tree(typed: str = TYPED, more: str = MORE) -> dict[str, str]:
    text = MEMORY.format(more=f"from typing import TYPE_CHECKING\n\n{more}", typed=typed)
    return {"memory.py": text, "session.py": SESSION, "clock.py": "class Clock:\n    pass\n"}


def moved(folder: Path, files: dict[str, str]) -> tuple[str, str]:
    """The module that was moved from, and the one that was made."""
    (one,) = [one for one in answers(folder, files) if one.verdict == "rewritten"]
    assert "Kind moved to memory_shared.py" in one.detail
    return (folder / "memory.py").read_text(), (folder / "memory_shared.py").read_text()


def test_what_only_what_moved_had_a_use_for_goes_with_it_and_what_is_told_about_it(tmp_path: Path) -> None:
    old, new = moved(tmp_path, tree())
    assert old == (
        '"""Kept."""\n\nfrom __future__ import annotations\n\nfrom memory_shared import Kind  # noqa: F401\n'
        "from session import Session\n\n\nclass Memory(Session):\n    pass\n"
    )
    assert new == (
        '"""What memory.py shares with modules that it imports."""\n\nfrom __future__ import annotations\n\n'
        "import logging\n\n# The first ones.\nfrom collections import deque  # not too long\n"
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    # Of the wall.\n    from clock import Clock\n\n\n"
        "class Kind:\n    def show(self, one: list[Clock]) -> None:\n        logging.info(deque(one))\n"
    )


@pytest.mark.parametrize(
    ("files", "kept"),
    [
        ({"other.py": "from memory import deque\n"}, "from collections import deque"),
        ({"other.py": "import memory\n\nprint(memory.logging)\n"}, "import logging"),
        ({"other.py": "from memory import *\n"}, "import logging"),
        ({"memory.py": tree()["memory.py"] + "\n\none = []  # type: deque\n"}, "from collections import deque"),
        ({"memory.py": tree()["memory.py"] + "\n\ntwo = cast('Clock', 3)\n"}, "    from clock import Clock"),
        ({"memory.py": tree(more=MORE.replace("# not", "# noqa"))["memory.py"]}, "from collections import deque"),
        ({"memory.py": tree(more=MORE.replace("deque ", "deque as deque "))["memory.py"]}, "import deque as deque"),
        (
            {"memory.py": tree(typed=f"{TYPED}\n    # Told.\n")["memory.py"]},
            "    from clock import Clock\n\n    # Told.",
        ),
    ],
    ids=["taken", "attribute", "star", "comment-on-types", "cast", "noqa", "said-to-be-taken", "comment"],
)
def test_an_import_that_something_may_need_stays(files: dict[str, str], kept: str, tmp_path: Path) -> None:
    old, _ = moved(tmp_path, {**tree(), **files})
    assert f"{kept}\n" in old.replace("  # not too long", "").replace("  # noqa too long", "")


@pytest.mark.parametrize(
    ("listed", "gone"),
    [("", ["json"]), ("__all__ = ['Kind', 'text']\n", ["json", "user"]), ("__all__ = ['json', 'user']\n", [])],
    ids=["anything", "listed", "all-of-it"],
)
def test_what_others_may_take_from_a_package_stays(listed: str, gone: list[str], tmp_path: Path) -> None:
    files = {
        "app/__init__.py": f"import json\n\nfrom app.user import user\n{listed}\nKEPT = 1\n\n\nclass Kind:\n"
        "    def show(self):\n        return json.dumps(user())\n\n\nfrom app.text import text\n",
        "app/text.py": "from app import Kind\n\ntext = Kind()\n",
        "app/user.py": "def user():\n    return 3\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    cut(tmp_path)
    old, new = ((tmp_path / "app" / name).read_text() for name in ("__init__.py", "_shared.py"))
    assert "class Kind" in new
    assert [name for name in ("json", "user") if f"import {name}\n" not in old] == gone


def written(folder: Path, files: dict[str, str], path: str) -> str:
    for each, text in files.items():
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_text(text)
    cut(folder)
    return (folder / path).read_text()


def test_a_package_goes_on_to_say_that_a_name_is_for_others_and_to_use_dots(tmp_path: Path) -> None:
    files = {
        "app/__init__.py": "__version__ = '1'\n\nfrom .web import Url as Url, Web as Web\n",
        "app/base.py": "class Url:\n    pass\n\n\nclass Web:\n    pass\n",
        "app/web.py": "from . import __version__\nfrom .base import Url as Url, Web as Web\n\nknown = __version__\n",
    }
    assert written(tmp_path, files, "app/__init__.py").endswith("\nfrom .base import Url as Url, Web as Web\n")


def test_what_a_package_hands_on_from_a_new_module_is_imported_with_dots(tmp_path: Path) -> None:
    kind = "KEPT = 1\n\n\nclass Kind:\n    one = 1\n"
    files = {
        "app/__init__.py": f"from . import clock\n\n{kind}\n\nfrom .text import text\n",
        "app/clock.py": "",
        "app/text.py": "from . import Kind\n\ntext = Kind()\n",
    }
    text = written(tmp_path, files, "app/__init__.py")
    assert text.startswith("from . import clock\nfrom ._shared import Kind  # noqa: F401\n")


def test_names_that_are_taken_from_elsewhere_stand_behind_those_that_are_not(tmp_path: Path) -> None:
    files = {
        "app/__init__.py": "from app.base import Base\nfrom app import clock\nfrom app.user import User\n",
        "app/base.py": "class Base:\n    pass\n",
        "app/clock.py": "",
        "app/user.py": "from app import (\n    Base,\n    clock,\n)\n\n\nclass User(Base):\n    at = clock\n",
    }
    text = written(tmp_path, files, "app/user.py")
    assert text.startswith("from app import (\n    clock,\n)\nfrom app.base import Base\n\n\nclass User")
