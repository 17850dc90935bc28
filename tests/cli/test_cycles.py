"""``unsnarl cycles``, as a process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import unsnarl, write

FILES = {
    "app/__init__.py": "",
    "app/memory.py": "from app.session import Session\n\n\nclass Memory:\n    def open(self):\n"
    "        return Session()\n",
    "app/session.py": "from app.memory import Memory\n\n\nclass Session(Memory): ...\n",
    "app/other.py": "import app.memory\n",
    "left.py": "import right\n\n\ndef f(x: right.X): ...\n",
    "right.py": "import left\n\n\nclass X(left.Y): ...\n",
    "broken.py": "import left\ndef f(:\n",
}
WHOLE = """\
2 files import each other, by 2 imports:
  app/memory.py:1 imports app/session.py (Session)
  app/session.py:1 imports app/memory.py (Memory)
  cut:
    app/memory.py:1 imports app/session.py: Session is used in Memory.open() only; import it there

2 files import each other, by 2 imports:
  left.py:1 imports right.py
  right.py:1 imports left.py
  cut:
    left.py:1 imports right.py: right is used in annotations only; put it under `if TYPE_CHECKING:`
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, FILES)
    (tmp_path / "unsnarl.toml").touch()
    return tmp_path


def cycles(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return unsnarl("cycles", *arguments, cwd=cwd)


def test_each_cycle_with_its_cut(tree: Path) -> None:
    done = cycles(cwd=tree)
    assert (done.returncode, done.stdout) == (1, WHOLE)
    assert (
        done.stderr
        == (
            "2 import cycles of 4 files among 7; 2 imports to cut.\n"
            "1 file could not be parsed: what imports they show was counted\n"
        )
        or done.stderr
    )


def test_only_those_of_the_paths_though_the_whole_tree_is_looked_at(tree: Path) -> None:
    done = cycles("app/session.py", cwd=tree)
    assert done.stdout == WHOLE.partition("\n\n")[0] + "\n"
    done = cycles("--through", "right.py", cwd=tree)
    assert done.stdout == WHOLE.partition("\n\n")[2]
    assert "1 import cycle of 2 files among 7; 1 import to cut. 1 other cycle in the tree." in done.stderr
    done = cycles("app/other.py", cwd=tree)
    assert (done.returncode, done.stdout) == (0, "")
    assert "No import cycle here. 2 other cycles in the tree." in done.stderr


def test_no_cycle(tree: Path) -> None:
    (tree / "right.py").unlink()
    (tree / "app" / "memory.py").write_text("")
    done = cycles(cwd=tree)
    assert (done.returncode, done.stdout) == (0, "")
    assert "No import cycle among 6 files." in done.stderr


def test_imports_in_functions_count_when_asked_for(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "def f():\n    import b\n", "b.py": "from a import *\n"})
    assert cycles(cwd=tmp_path).returncode == 0
    done = cycles("--late", cwd=tmp_path)
    assert done.returncode == 1
    assert "import it there" not in done.stdout
    assert done.stdout.splitlines()[-1] == (
        "    a.py:2 imports b.py: all of b.py is used in functions, and only another design does without; by hand"
    )


def test_json(tree: Path) -> None:
    found = json.loads(cycles("--format", "json", cwd=tree).stdout)
    assert [one["files"] for one in found] == [["app/memory.py", "app/session.py"], ["left.py", "right.py"]]
    assert found[0]["cuts"][0]["technique"] == "defer"
    assert found[0]["imports"][0]["names"] == ["Session"]


def test_pictures(tree: Path) -> None:
    dot = cycles("--format", "dot", cwd=tree).stdout
    assert '"app/memory.py" -> "app/session.py" [style=dashed, color=red, label="defer"];' in dot
    mermaid = cycles("--format", "mermaid", cwd=tree).stdout
    assert "f0 -. defer .-> f1" in mermaid
    assert "f1 --> f0" in mermaid


def test_a_path_that_is_not_there(tree: Path) -> None:
    done = cycles("gone", cwd=tree)
    assert done.returncode == 2
    assert "no such file or folder: gone" in done.stderr
    done = cycles("--through", "gone.py", cwd=tree)
    assert done.returncode == 2
    assert "--through gone.py: the tree has no such Python file" in done.stderr
