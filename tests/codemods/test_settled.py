"""A name that stands for one thing early and another late: an import of it stays where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemods.edits import Reason
from tests.codemods.circles import answers

USER = "from pk import helper\n\n\ndef use():\n    return helper()\n"
FAST = "def helper():\n    return 'fast'\n"
EITHER = "try:\n    from .fast import helper\nexcept ImportError:\n    from .slow import helper\n"
SLOW = "def helper():\n    return 'slow'\n"


def said(folder: Path, files: dict[str, str], imported: str) -> tuple[str, str]:
    """The reason and the detail for the import of ``imported``; no reason where it was cut."""
    (one,) = [one for one in answers(folder, files) if one.detail.startswith(imported)]
    return (one.reason, one.detail) if one.verdict == "declined" else ("", one.detail)


@pytest.mark.parametrize(
    ("face", "told"),
    [
        ("from .fast import helper\nfrom .user import use\nfrom .slow import helper\n", "pk/__init__.py:3 binds"),
        (f"{EITHER}from .user import use\n", ""),
        ("from .fast import helper\nfrom .slow import *\nfrom .user import use\n", ""),
        ("from .fast import helper\nfrom .user import use\nfrom . import tool\n", "once pk/helper.py is loaded"),
        ("from .helper import helper\nfrom .user import use\n", ""),
        ("from .fast import helper\nfrom .user import use\n", ""),
    ],
    ids=["later", "either", "star", "submodule", "submodule-first", "once"],
)
def test_what_a_package_gives_at_different_times(face: str, told: str, tmp_path: Path) -> None:
    files = {
        "pk/__init__.py": face,
        "pk/fast.py": FAST,
        "pk/slow.py": SLOW,
        "pk/user.py": USER,
    }
    if "tool" in face or ".helper" in face:
        files |= {"pk/helper.py": FAST, "pk/tool.py": "import pk.helper\n"}
    reason, detail = said(tmp_path, files, "pk/__init__.py")
    assert (reason, told in detail) == (Reason.BOUND_ANEW.value if told else "", True), detail


@pytest.mark.parametrize(
    ("face", "taken"),
    [
        (EITHER, False),
        ("from .fast import helper\nfrom .slow import *\n", False),
        ("from .middle import helper\n", False),
        ("from .fast import helper\n", True),
        ("from .fast import *\nfrom .fast import helper\n", True),
    ],
    ids=["either", "star", "through", "once", "twice-the-same"],
)
def test_a_name_of_two_meanings_is_not_taken_from_either(face: str, taken: bool, tmp_path: Path) -> None:
    files = {
        "pk/__init__.py": f"{face}from .user import use\n",
        "pk/fast.py": FAST,
        "pk/slow.py": SLOW,
        "pk/middle.py": EITHER,
        "pk/user.py": USER,
    }
    said(tmp_path, files, "pk/__init__.py")
    now = (tmp_path / "pk/user.py").read_text()
    assert ("from pk.fast import helper\n" in now, "slow" in now) == (taken, False)


ASKING = "from session import state\n\n\nclass Memory:\n    def open(self):\n        return state\n"
SESSION = "state = None\n\nimport memory\n\n\nclass Session(memory.Memory):\n    pass\n"


@pytest.mark.parametrize(
    ("session", "other", "reason"),
    [
        (SESSION, "", ""),
        (f"{SESSION}\n\ndef start():\n    global state\n    state = 5\n", "", Reason.BOUND_ANEW.value),
        (f"{SESSION}\n\nstate = 5\n", "", Reason.BOUND_ANEW.value),
        (f"{SESSION}\n\ndel state\n", "", Reason.BOUND_ANEW.value),
        (SESSION.replace("None\n", "None\nstate = 5\n"), "", ""),
        (SESSION, "import session\n\nsession.state = 5\n", Reason.LOOKED_UP.value),
        (f"{SESSION}\n\nglobals()['state'] = 5\n", "", Reason.LOOKED_UP.value),
    ],
    ids=["once", "global", "again", "deleted", "before", "outside", "globals"],
)
def test_what_a_module_binds_anew(session: str, other: str, reason: str, tmp_path: Path) -> None:
    files = {"memory.py": ASKING, "session.py": session, "other.py": other}
    assert said(tmp_path, files, "session.py")[0] == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("print(\n    session.state, end='='\n)", ""),
        ("print(\n    1,\n    session.state, end='='\n)", ""),
        ("session.state, one = 1, 2", Reason.LOOKED_UP.value),
        ("print(1)\nsession.state, one=1, 2", Reason.LOOKED_UP.value),
    ],
)
def test_an_argument_is_no_target(line: str, reason: str, tmp_path: Path) -> None:
    files = {"memory.py": ASKING, "session.py": SESSION, "other.py": f"import session\n\n{line}\n"}
    assert said(tmp_path, files, "session.py")[0] == reason


def test_a_module_is_the_same_whenever_it_is_asked_for(tmp_path: Path) -> None:
    memory = "import session\n\n\nclass Memory:\n    def open(self):\n        return session.state\n"
    files = {"memory.py": memory, "session.py": f"{SESSION}\n\nstate = 5\n"}
    assert said(tmp_path, files, "session.py")[0] == ""
