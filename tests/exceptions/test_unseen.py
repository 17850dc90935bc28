"""Sets are proved only as far as the files that were not read cannot change them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from analysis.collectors.effects import Effects
from analysis.exceptions import RaiseSet, infer
from analysis.project import load
from tests.cli.support import write

BASE = """\
class Agent:
    def handle(self, message):
        raise NotImplementedError

    def run(self, message):
        try:
            self.handle(message)
        except Exception:
            pass
"""
DERIVED = "from base import Agent\n\n\nclass Echo(Agent):\n    def handle(self, message):\n        message.go()\n"
BROKEN = DERIVED + "def f(:\n"
MIXIN = """\
class Mixin:
    def run(self):
        try:
            self.step()
        except Exception:
            pass
"""


def of(tree: Path, path: str = "base.py", **options: object) -> RaiseSet:
    project = load([tree], root=tree, collectors=[Effects], jobs=1, cache=False, **options)  # type: ignore[arg-type]
    (found,) = [one for (where, _, _), one in infer(project) if where == path]
    return found


def test_alone_it_is_proved(tmp_path: Path) -> None:
    found = of(write(tmp_path, {"base.py": BASE}))
    assert (found.types, found.proved) == (("NotImplementedError",), True)


def test_a_file_that_speaks_of_something_else_changes_nothing(tmp_path: Path) -> None:
    assert of(write(tmp_path, {"base.py": BASE, "b.py": "class UserAgent(:\n"})).proved


def test_a_derived_class_in_a_file_that_does_not_parse(tmp_path: Path) -> None:
    found = of(write(tmp_path, {"base.py": BASE, "agents/echo.py": BROKEN}))
    assert found.open is None
    assert found.assumed == "`self.handle` is taken not to be overridden in agents/echo.py, which was not read (line 7)"


def test_a_derived_class_in_a_file_that_is_excluded(tmp_path: Path) -> None:
    tree = write(tmp_path, {"base.py": BASE, "agents/echo.py": DERIVED})
    assert not of(tree).proved
    found = of(tree, exclude=["agents/"])
    assert found.assumed == "`self.handle` is taken not to be overridden in agents/echo.py, which was not read (line 7)"


@pytest.mark.parametrize("name", ["agents/echo.py", "echo.py"])
def test_a_derived_class_in_a_file_that_git_ignores(tmp_path: Path, name: str) -> None:
    tree = write(tmp_path, {"base.py": BASE, name: DERIVED, ".gitignore": f"/{name.partition('/')[0]}\n"})
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    found = of(tree)
    assert found.assumed == f"`self.handle` is taken not to be overridden in {name}, which was not read (line 7)"


def test_what_is_installed_beside_it_derives_nothing_from_it(tmp_path: Path) -> None:
    files = {"base.py": BASE, "v/pyvenv.cfg": "", "v/lib/echo.py": DERIVED}
    assert of(write(tmp_path, files)).proved


def test_a_method_that_only_a_derived_class_has(tmp_path: Path) -> None:
    broken = "from base import Mixin\nclass A(Mixin):\n    def step(self):\n        return int(self.x)\n("
    found = of(write(tmp_path, {"base.py": MIXIN, "a.py": broken}))
    assert not found.proved


def test_an_attribute_that_a_derived_class_may_set(tmp_path: Path) -> None:
    text = (
        "class A:\n    def __init__(self):\n        self.name = 'a'\n    def run(self):\n        try:\n"
        "            return self.name.upper()\n        except Exception:\n            pass\n"
    )
    assert not of(write(tmp_path, {"base.py": text, "b.py": "class B(A):\n    name = 1\n)"})).proved


def test_a_module_that_does_not_parse_is_open(tmp_path: Path) -> None:
    text = "import other\n\n\ndef plain(x):\n    try:\n        other.work(x)\n    except Exception:\n        pass\n"
    found = of(write(tmp_path, {"base.py": text, "other.py": "def work(x):\n    return int(x)\ndef f(:\n"}))
    assert found.open == "the call to `other.work` at line 6 is unknown (the module other.py, which could not be read)"


def test_one_in_a_package_too(tmp_path: Path) -> None:
    text = "from pkg import other\ntry:\n    other.work(1)\nexcept Exception:\n    pass\n"
    found = of(write(tmp_path, {"base.py": text, "pkg/__init__.py": "", "pkg/other.py": "def f(:\n"}))
    assert found.open is not None
    assert "pkg/other.py, which could not be read" in found.open
