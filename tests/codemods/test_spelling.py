"""How a module that is made, or that defines what another hands on, is named: so that Python finds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.codemods.circles import answers

MEMORY = (
    "LIMIT = 3\n\n\ndef limit():\n    return LIMIT\n\n\n"
    "from {session} import Session\n\n\nclass Memory(Session):\n    pass\n"
)
SESSION = "class Session:\n    days = 1\n\n\nfrom {memory} import limit\n\nKNOWN = limit()\n"


def printed(folder: Path, code: str) -> str:
    """What a program prints that is started in a folder."""
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("memory", "session", "packages"),
    [
        ("app/memory.py", "app/session.py", []),
        ("app/deep/memory.py", "app/deep/session.py", []),
        ("app/deep/memory.py", "app/deep/session.py", ["app/__init__.py"]),
        ("app/deep/memory.py", "app/deep/session.py", ["app/deep/__init__.py"]),
        ("app/one/memory.py", "app/two/session.py", []),
        ("app/one/memory.py", "app/two/session.py", ["app/__init__.py", "app/one/__init__.py", "app/two/__init__.py"]),
    ],
    ids=["namespace", "deep", "in-a-package", "around-a-package", "two-folders", "two-packages"],
)
@pytest.mark.parametrize("dots", [True, False], ids=["dots", "names"])
def test_a_module_that_is_made_is_found(
    memory: str, session: str, packages: list[str], dots: bool, tmp_path: Path
) -> None:
    names = {path: path.removesuffix(".py").replace("/", ".") for path in (memory, session)}
    spelt = dict(names)
    if dots:
        same = memory.rpartition("/")[0] == session.rpartition("/")[0]
        spelt = {path: f".{name.rpartition('.')[2]}" if same else f".{name[3:]}" for path, name in names.items()}
    files = {
        memory: MEMORY.format(session=spelt[session]),
        session: SESSION.format(memory=spelt[memory]),
        "main.py": f"import {names[session]}\n\nprint({names[session]}.KNOWN)\n",
        **dict.fromkeys(packages, ""),
    }
    (one,) = answers(tmp_path, files)
    assert one.verdict == "rewritten", one
    assert f"{session.removesuffix('.py')}_shared.py" in one.detail
    for name in names.values():
        assert printed(tmp_path, f"import {name}, {names[session]}; print({names[session]}.KNOWN)") == "3\n"


def test_what_a_package_in_a_namespace_hands_on_is_taken_from_where_it_is(tmp_path: Path) -> None:
    files = {
        "app/pk/__init__.py": "from .base import Base\nfrom .user import User\n",
        "app/pk/base.py": "class Base:\n    pass\n",
        "app/pk/user.py": "from app.pk import Base\n\n\nclass User(Base):\n    pass\n",
    }
    (one,) = answers(tmp_path, files)
    assert one.verdict == "rewritten", one
    assert (tmp_path / "app/pk/user.py").read_text().startswith("from app.pk.base import Base\n")
    assert printed(tmp_path, "import app.pk; print(app.pk.User.__name__)") == "User\n"


def test_a_script_in_a_package_goes_on_to_name_its_neighbours(tmp_path: Path) -> None:
    files = {
        "app/__init__.py": "",
        "app/memory.py": MEMORY.format(session="session"),
        "app/session.py": SESSION.format(memory="memory"),
        "app/main.py": "import session\n\nif __name__ == '__main__':\n    print(session.KNOWN)\n",
    }
    (one,) = answers(tmp_path, files)
    assert one.verdict == "rewritten", one
    assert printed(tmp_path / "app", "import session; print(session.KNOWN)") == "3\n"
