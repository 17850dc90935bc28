"""What two modules share moves into a module of its own, or stays for what something else has to do with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemods.edits import Reason
from tests.codemods.circles import answers

SHARED = {
    "memory.py": "import json\nimport session\n\nLIMIT = 3\n\n\n"
    "def limit():\n    return json.dumps(LIMIT)\n\n\nKNOWN = session.first\n",
    "session.py": "from memory import limit\n\nfirst = limit()\n",
}


def moved(folder: Path, **others: str) -> tuple[str, str]:
    files = {**SHARED, **{name.replace("_py", ".py"): text for name, text in others.items()}}
    (one,) = [one for one in answers(folder, files) if one.detail.startswith("memory.py")]
    return (one.reason, one.detail) if one.verdict == "declined" else ("", one.detail)


def test_what_moves_takes_along_what_it_needs(tmp_path: Path) -> None:
    assert moved(tmp_path) == ("", "memory.py: LIMIT, limit moved to memory_shared.py")
    assert (tmp_path / "memory_shared.py").read_text() == (
        '"""What memory.py shares with modules that it imports."""\n\nimport json\n\n'
        "LIMIT = 3\n\n\ndef limit():\n    return json.dumps(LIMIT)\n"
    )
    assert (tmp_path / "memory.py").read_text() == (
        "import session\nfrom memory_shared import LIMIT, limit  # noqa: F401\n\n\nKNOWN = session.first\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        'from unittest import mock\n\nmock.patch("memory.json")\n',
        'from unittest import mock\n\nmock.patch("memory.limit")\n',
        "import memory\n\nmemory.LIMIT = 5\n",
        "import memory as m\n\nm.LIMIT = 5\n",
        "import app.memory\n\napp.memory.LIMIT = 5\n",
        "import memory\n\nmemory.LIMIT += 5\n",
        "import memory\n\nmemory.LIMIT, one = 5, 6\n",
        "import memory\n\nif memory:\n    del memory.LIMIT\n",
        "import memory\n\nif memory: memory.LIMIT = 5\n",
        "import memory\n\nfor memory.LIMIT in range(5):\n    pass\n",
    ],
    ids=["import", "definition", "constant", "alias", "dotted", "added", "several", "deleted", "one-line", "loop"],
)
def test_what_is_replaced_from_outside_stays(text: str, tmp_path: Path) -> None:
    assert moved(tmp_path, test_py=text)[0] == Reason.LOOKED_UP.value


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = []\nLIMIT.append(3)"),
        ("LIMIT = 3", "LIMIT = {}\nLIMIT[1] = 3"),
        ("KNOWN", "limit.known = 5\nKNOWN"),
        ("LIMIT = 3", "json.setup()\nLIMIT = json.dumps(3)"),
        ("LIMIT = 3", "if json:\n    json.seed(3)\nLIMIT = json.dumps(3)"),
    ],
    ids=["call", "item", "attribute", "before", "condition"],
)
def test_what_other_statements_have_a_part_in_stays(old: str, new: str, tmp_path: Path) -> None:
    files = {**SHARED, "memory.py": SHARED["memory.py"].replace(old, new, 1)}
    (one,) = [one for one in answers(tmp_path, files) if one.detail.startswith("memory.py")]
    assert (one.reason, "line " in one.detail) == (Reason.NOT_MOVABLE.value, True), one.detail


def test_a_package_that_is_imported_with_a_module_of_its_own_is_one_thing(tmp_path: Path) -> None:
    memory = SHARED["memory.py"].replace("import json\n", "import collections.abc\nimport json\nimport collections\n")
    text = memory.replace("dumps(LIMIT)", "dumps(collections.Counter(known))").replace("LIMIT = 3", "known = 'a'")
    text = text.replace("\n\nKNOWN", "\n\nclass Known(collections.abc.Sized):\n    pass\n\n\nKNOWN")
    (one,) = [one for one in answers(tmp_path, {**SHARED, "memory.py": text}) if one.verdict == "rewritten"]
    assert one.detail == "memory.py: known, limit moved to memory_shared.py"
    assert (tmp_path / "memory_shared.py").read_text() == (
        '"""What memory.py shares with modules that it imports."""\n\n'
        "import collections\nimport collections.abc\nimport json\n\n"
        "known = 'a'\n\n\ndef limit():\n    return json.dumps(collections.Counter(known))\n"
    )
    assert (tmp_path / "memory.py").read_text().startswith("import collections.abc\nimport collections\n")


@pytest.mark.parametrize("metaclass", ["ABCMeta", "abc.ABCMeta"])
def test_an_abstract_class_moves_from_behind_a_statement(metaclass: str, tmp_path: Path) -> None:
    files = {
        "memory.py": "import abc\nfrom abc import ABCMeta\n\nimport session\n\nknown = []\nknown.append(ABCMeta)\n\n\n"
        f"class Limit(metaclass={metaclass}):\n    @abc.abstractmethod\n    def all(self): ...\n\n\n"
        "KNOWN = session.first\n",
        "session.py": "from memory import Limit\n\nfirst = Limit\n",
    }
    (one,) = [one for one in answers(tmp_path, files) if one.detail.startswith("memory.py")]
    assert one.detail == "memory.py: Limit moved to memory_shared.py"


def test_a_default_is_no_assignment(tmp_path: Path) -> None:
    text = "import memory\n\n\ndef show(one: memory.LIMIT = None, two=memory.LIMIT == 5):\n    return memory.LIMIT\n"
    assert moved(tmp_path, test_py=text)[0] == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 3\nLIMIT += 1"),
        ("LIMIT = 3", "LIMIT = __name__"),
        ("LIMIT = 3", "if json:\n    LIMIT = 3"),
        ("return json", "global LIMIT\n    return json"),
        ("LIMIT", "__version__"),
        ("LIMIT = 3", "LIMIT, OTHER = 3, 4"),
        ("LIMIT = 3", "from math import *\nLIMIT = floor(3.5)"),
    ],
    ids=["added", "name", "condition", "global", "version", "several", "star"],
)
def test_what_cannot_move(old: str, new: str, tmp_path: Path) -> None:
    (one,) = [
        one
        for one in answers(tmp_path, {**SHARED, "memory.py": SHARED["memory.py"].replace(old, new)})
        if one.detail.startswith("memory.py")
    ]
    assert one.reason == Reason.NOT_MOVABLE.value


@pytest.mark.parametrize(
    "rest",
    ["import json; SIZE = 1\n", "import json\n\n\ndef find(name):\n    return globals()[name]\n"],
    ids=["shared-line", "looked-up"],
)
def test_an_import_that_may_still_be_needed_stays(rest: str, tmp_path: Path) -> None:
    assert moved(tmp_path, memory_py=SHARED["memory.py"].replace("import json\n", rest))[0] == ""
    assert rest.partition("\n")[0] in (tmp_path / "memory.py").read_text()


def test_what_a_comment_on_types_names_goes_along(tmp_path: Path) -> None:
    text = (
        SHARED["memory.py"]
        .replace("LIMIT = 3", "LIMIT = 3  # type: Any")
        .replace("\n", "\nfrom typing import Any\n", 1)
    )
    assert moved(tmp_path, memory_py=text)[0] == ""
    assert "from typing import Any\n" in (tmp_path / "memory_shared.py").read_text()
    assert "Any" not in (tmp_path / "memory.py").read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "READY = subprocess.call(['true'])\nLIMIT = os.getenv('LIMIT', '3')"),
        ("LIMIT = 3", "READY = session.prepare()\nLIMIT = os.getenv('LIMIT', '3')"),
        (
            "LIMIT = 3",
            "try:\n    READY = session.prepare()\nexcept OSError:\n    READY = None\nLIMIT = os.environ['LIMIT']",
        ),
        ("LIMIT = 3", "START = time.time()\nLIMIT = session.prepare()"),
        ("LIMIT = 3", "READY = prepare()\nLIMIT = os.getenv('LIMIT', '3')"),
        ("LIMIT = 3", "@session.register\nclass Ready:\n    pass\n\n\nLIMIT = session.count()"),
        ("LIMIT = 3", "class Ready:\n    known = session.prepare()\n\n\nLIMIT = sys.argv"),
        ("LIMIT = 3", "READY = Ready()\nLIMIT = os.getcwd()"),
    ],
    ids=["program", "module", "try", "clock", "own", "decorator", "class", "made"],
)
def test_what_is_read_is_not_read_before_what_may_change_it(old: str, new: str, tmp_path: Path) -> None:
    head = (
        "import os\nimport subprocess\nimport sys\nimport time\n\n\ndef prepare():\n    os.environ['LIMIT'] = '5'\n\n\n"
    )
    head += "class Ready:\n    def __init__(self):\n        os.chdir('/')\n\n\n"
    text = SHARED["memory.py"].replace(old, head + new, 1)
    reason, detail = moved(tmp_path, memory_py=text)
    assert (reason, "runs before what moves" in detail) == (Reason.NOT_MOVABLE.value, True), detail


@pytest.mark.parametrize(
    "stays",
    [
        "LOGGER = logging.getLogger(__name__)",
        "WORDS = re.compile('[a-z]+')\nNAMES = tuple(sorted({3, 1}))[:1]",
        "START = time.time()",
        "@dataclass\nclass Ready:\n    names: list[str] = field(default_factory=list)\n\n\nREADY = Ready()",
        "def double(one):\n    return one * 2\n\n\nSIZE = double(3)",
        "HOME = Path(__file__).resolve().parent",
    ],
    ids=["logger", "made", "clock", "class", "function", "path"],
)
def test_what_only_makes_a_value_does_not_keep_another_back(stays: str, tmp_path: Path) -> None:
    head = "import logging\nimport os\nimport re\nimport time\nfrom dataclasses import dataclass, field\n"
    head += f"from pathlib import Path\n\n{stays}\n"
    text = head + SHARED["memory.py"].replace("LIMIT = 3", "LIMIT = os.getenv('LIMIT', '3')")
    assert moved(tmp_path, memory_py=text) == ("", "memory.py: LIMIT, limit moved to memory_shared.py")


def test_what_formatters_are_kept_away_from_is_not_parted(tmp_path: Path) -> None:
    text = SHARED["memory.py"].replace("LIMIT = 3\n", "# fmt: off\nLIMIT = 3\nOTHER  = 4\n# fmt: on\n")
    reason, detail = moved(tmp_path, memory_py=text)
    assert (reason, "formatter" in detail) == (Reason.NOT_MOVABLE.value, True), detail


def test_what_formatters_are_kept_away_from_inside_goes_along(tmp_path: Path) -> None:
    text = SHARED["memory.py"].replace("    return json", "# fmt: off\n    one  = 1\n# fmt: on\n    return json")
    assert moved(tmp_path, memory_py=text)[0] == ""
    assert "# fmt: off\n    one  = 1\n# fmt: on\n" in (tmp_path / "memory_shared.py").read_text()


def test_a_comment_at_the_end_of_a_block_goes_along(tmp_path: Path) -> None:
    text = SHARED["memory.py"].replace("dumps(LIMIT)\n", "dumps(LIMIT)\n\n    # To be done: in kilobytes.\n# Apart.\n")
    assert moved(tmp_path, memory_py=text)[0] == ""
    assert (tmp_path / "memory_shared.py").read_text().endswith("(LIMIT)\n\n    # To be done: in kilobytes.\n")
    assert "# Apart.\n" in (tmp_path / "memory.py").read_text()
    assert "kilobytes" not in (tmp_path / "memory.py").read_text()


def test_the_new_module_ends_its_lines_as_the_old_one(tmp_path: Path) -> None:
    text = SHARED["memory.py"].replace("import json\n", "import json  # for all\n").replace("\n", "\r\n")
    assert moved(tmp_path, memory_py=text)[0] == ""
    for name in ("memory.py", "memory_shared.py"):
        data = (tmp_path / name).read_bytes()
        assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")


def test_a_form_feed_stays(tmp_path: Path) -> None:
    text = SHARED["memory.py"].replace("\n\n\ndef limit", "\n\f\ndef limit")
    assert moved(tmp_path, memory_py=text)[0] == ""
    assert "\f\n" in (tmp_path / "memory.py").read_text()


def test_an_import_stays_that_may_be_taken_from_the_module_as_a_value(tmp_path: Path) -> None:
    others = {"loads.py": "import memory\n\n\ndef show(one):\n    return one.json\n\n\nSHOWN = show(memory)\n"}
    assert [one.verdict for one in answers(tmp_path, {**SHARED, **others})] == ["rewritten"]
    assert "import json\n" in (tmp_path / "memory.py").read_text()


def test_a_module_that_a_run_left_which_was_taken_back_is_used_again(tmp_path: Path) -> None:
    text = (
        SHARED["memory.py"].replace("import json\n", "import json  # for all\n").replace("LIMIT = 3", "LIMIT = 3  # kB")
    )
    assert moved(tmp_path, memory_py=text)[0] == ""
    once = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert moved(tmp_path, memory_py=text)[0] == ""
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == once


def test_a_module_of_that_name_with_something_else_stays(tmp_path: Path) -> None:
    assert moved(tmp_path)[0] == ""
    (tmp_path / "memory_shared.py").write_text((tmp_path / "memory_shared.py").read_text() + "\nOTHER = 5\n")
    reason, detail = moved(tmp_path)
    assert (reason, "memory_shared.py is there already" in detail) == (Reason.CONFLICT.value, True), detail
    (tmp_path / "memory_shared.py").write_text("OTHER = 5\n")
    assert moved(tmp_path)[1].endswith("moved to memory_shared2.py")


def test_imports_behind_what_moved_are_one_line_apart(tmp_path: Path) -> None:
    files = {
        "memory.py": "import enum\n\n\nclass Kind(enum.Enum):\n    ONE = 1\n\n\n# The rest.\nimport session\n\n"
        "KNOWN = session.first\n",
        "session.py": "from memory import Kind\n\nfirst = Kind.ONE\n",
    }
    (one,) = [one for one in answers(tmp_path, files) if one.detail.startswith("memory.py")]
    assert one.detail == "memory.py: Kind moved to memory_shared.py"
    assert (tmp_path / "memory.py").read_text() == (
        "from memory_shared import Kind  # noqa: F401\n\n# The rest.\nimport session\n\nKNOWN = session.first\n"
    )


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (
            "import memory\n\n\ndef show(shell):\n    return isinstance(shell.memory, memory.limit), shell.json\n",
            "json",
        ),
        ("import memory\n\n\ndef show(one):\n    return one.json\n\n\nSHOWN = show(memory)\n", "import json\n"),
    ],
    ids=["attribute", "module"],
)
def test_an_attribute_of_the_name_of_a_module_is_not_the_module(text: str, verdict: str, tmp_path: Path) -> None:
    answers(tmp_path, {**SHARED, "shows.py": text})
    left = (tmp_path / "memory.py").read_text()
    assert ("import json\n" in left) == (verdict == "import json\n")


@pytest.mark.parametrize(("lines", "moves"), [(1, False), (60, True)])
def test_a_folder_whose_modules_are_all_loaded_gets_no_new_one(lines: int, moves: bool, tmp_path: Path) -> None:
    text = "import importlib\nimport pathlib\n\nHERE = pathlib.Path(__file__).parent\n"
    text += "FOUND = sorted(HERE.glob('*.txt'))\n" + "# More.\n" * (20 * lines if moves else 1)
    text += "LOADED = [importlib.import_module(one.stem) for one in FOUND]\n"
    assert (moved(tmp_path, plugins_py=text)[0] == "") == moves


def test_a_parameter_of_the_name_of_a_module_is_not_the_module(tmp_path: Path) -> None:
    text = "import memory\n\n\ndef show(memory, one):\n    print(memory, getattr(one, 'a', 5))\n    return one.json\n"
    assert moved(tmp_path, shows_py=text)[0] == ""
    assert "import json\n" not in (tmp_path / "memory.py").read_text()


def test_what_a_function_imports_may_be_handed_on_there(tmp_path: Path) -> None:
    text = "def show(one):\n    return one.json\n\n\ndef shown():\n    import memory\n\n    return show(memory)\n"
    assert moved(tmp_path, shows_py=text)[0] == ""
    assert "import json\n" in (tmp_path / "memory.py").read_text()
