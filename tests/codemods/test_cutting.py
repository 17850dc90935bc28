"""What keeps an import where it is: one case for each thing that could miss it."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemods.edits import Reason
from tests.codemods.circles import answers

# Too little to move: what else could be done is not in the way of what is looked at.
SESSION = "from memory import Memory\n\n\nclass Session(Memory):\n    pass\n"
FUNCTION = "import session\n\n\nclass Memory:\n    def open(self):\n        return session.Session()\n"
ANNOTATION = (
    "from __future__ import annotations\n\nimport session\n\n\n"
    "class Memory:\n    def open(self, one: session.Session | None = None):\n        return one\n"
)


def said(folder: Path, memory: str, **others: str) -> tuple[str, str]:
    """The reason and the detail for the import in ``memory.py``; empty where it was cut."""
    files = {"memory.py": memory, "session.py": SESSION}
    files |= {name.replace("__", ".").replace("_py", ".py"): text for name, text in others.items()}
    (one,) = [one for one in answers(folder, files) if one.detail.startswith("session.py")]
    return (one.reason, one.detail) if one.verdict == "declined" else ("", one.detail)


def test_nothing_in_the_way(tmp_path: Path) -> None:
    assert said(tmp_path, FUNCTION) == ("", "session.py: moved into open()")


def test_a_class_reads_what_it_binds_afterwards(tmp_path: Path) -> None:
    text = FUNCTION + "\n\nclass Known:\n    session = session\n"
    assert said(tmp_path, text)[0] == Reason.NEEDED.value


@pytest.mark.parametrize(
    "text", ["from session import (\n    Session,\n); LIMIT = 1\n", "from session import \\\n    Session; LIMIT = 1\n"]
)
def test_a_statement_behind_the_last_line_of_an_import(text: str, tmp_path: Path) -> None:
    text += "\n\nclass Memory:\n    def open(self):\n        return Session(), LIMIT\n"
    assert said(tmp_path, text)[0] == Reason.SHARED_LINE.value
    assert (tmp_path / "memory.py").read_text() == text


def test_a_comment_on_types_stays_where_its_function_begins(tmp_path: Path) -> None:
    text = FUNCTION.replace("        return", "        # type: () -> object\n        return")
    assert said(tmp_path, text)[0] == ""
    begin = "def open(self):\n        # type: () -> object\n        import session\n"
    assert begin in (tmp_path / "memory.py").read_text()


@pytest.mark.parametrize(
    "head", ['"""Doc."""; from zlib import crc32', "from typing import Any; from zlib import crc32"]
)
def test_imports_that_share_a_line(head: str, tmp_path: Path) -> None:
    text = f"{head}\n{ANNOTATION.partition(chr(10))[2].lstrip()}".replace("session.Session | None", "session.Session")
    assert said(tmp_path, text)[0] == ""
    assert (tmp_path / "memory.py").read_text().startswith(head)


def test_nothing_in_the_way_of_an_annotation(tmp_path: Path) -> None:
    assert said(tmp_path, ANNOTATION) == ("", "session.py: moved under `if TYPE_CHECKING`")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("test_py", 'from unittest import mock\n\nmock.patch("app.memory.session")\n'),
        ("test_py", 'import memory\n\n\ndef test(monkeypatch):\n    monkeypatch.setattr(memory, "session", None)\n'),
        ("test_py", 'from unittest import mock\n\nmock.patch.multiple("memory", session=None)\n'),
        ("test_py", 'import memory\nfrom unittest import mock\n\nmock.patch.object(memory, "session")\n'),
        ("test_py", "def test(memory):\n    memory.session = None\n"),
        (
            "test_py",
            'import memory\nfrom unittest import mock as m\n\nm.patch.object(target=memory, attribute="session")\n',
        ),
        ("test_py", 'from unittest import mock\n\nM = "memory"\nmock.patch(f"{M}.session")\n'),
        ("test_py", 'from unittest import mock\n\nM = "memory"\nmock.patch(M + ".session")\n'),
        ("test_py", 'import sys\n\nsetattr(sys.modules["memory"], "session", None)\n'),
        ("test_py", "import memory\nfrom unittest import mock\n\nmock.patch.dict(vars(memory), session=None)\n"),
        ("test_py", 'from app import memory as m\n\nm.__dict__["session"] = None\n'),
        ("test_py", 'from unittest import mock\n\nmock.patch.dict("memory.__dict__", {"session": None})\n'),
        ("test_py", 'import memory\n\nNAME = "session"\nsetattr(memory, NAME, None)\n'),
        ("test_py", 'import memory\nfrom unittest import mock\n\nmock.patch.object(memory, "ses" "sion"[:4])\n'),
        ("readme__rst", "Sessions::\n\n    >>> from app.memory import Memory, session\n"),
        ("docs__md", "```\n>>> import memory as m\n>>> m.session.Session()\n```\n"),
        ("pyproject__toml", '[project.scripts]\nopen = "memory:session"\n'),
    ],
    ids=[
        "patch",
        "setattr",
        "multiple",
        "object",
        "set",
        "attribute",
        "formatted",
        "added",
        "sys-modules",
        "vars",
        "dict",
        "dict-by-name",
        "constant",
        "joined",
        "document",
        "document-attribute",
        "entry-point",
    ],
)
def test_a_name_that_something_outside_means(name: str, text: str, tmp_path: Path) -> None:
    reason, detail = said(tmp_path, FUNCTION, **{name: text})
    assert reason == Reason.LOOKED_UP.value
    assert "names `session` of a module from outside" in detail


@pytest.mark.parametrize(
    "text",
    [
        "def names(memory, name):\n    return vars(memory), memory.__dict__, getattr(memory, name)\n",
        'import memory\n\n\ndef names(name):\n    return getattr(memory, "Memory", None), getattr(name, name)\n',
    ],
    ids=["an object that is called as the module", "another name of the module"],
)
def test_a_name_that_nothing_outside_means(text: str, tmp_path: Path) -> None:
    assert said(tmp_path, FUNCTION, other_py=text) == ("", "session.py: moved into open()")


@pytest.mark.parametrize(
    ("memory", "said_so"),
    [
        (FUNCTION + "\n\ndef names():\n    return globals()\n", "by `globals()`"),
        (FUNCTION.replace("return session", "return locals(), session"), "by `locals()`"),
        (
            FUNCTION.replace("return", '"""Open.\n\n        >>> session.x\n        """\n        return'),
            "an example in line",
        ),
    ],
    ids=["globals", "locals", "doctest"],
)
def test_names_that_are_looked_up(memory: str, said_so: str, tmp_path: Path) -> None:
    reason, detail = said(tmp_path, memory)
    assert (reason, said_so in detail) == (Reason.LOOKED_UP.value, True), detail


def test_a_look_for_another_name_is_no_look_up(tmp_path: Path) -> None:
    script = '\n\nif __name__ == "__main__":\n    if "agent" in locals():\n        print(1)\n'
    assert said(tmp_path / "1", FUNCTION + script)[0] == ""
    reason, _ = said(tmp_path / "2", FUNCTION + script.replace("agent", "session"))
    assert reason == Reason.LOOKED_UP.value


def test_names_that_other_files_take_by_attribute(tmp_path: Path) -> None:
    for number, text in enumerate(("import memory\n\nmemory.session.x\n", "import memory as m\n\nprint(m.session)\n")):
        reason, detail = said(tmp_path / str(number), FUNCTION, other_py=text)
        assert reason == Reason.OFFERED.value
        assert "other.py:3 takes `session` from here" in detail


@pytest.mark.parametrize(
    "text",
    [
        "def look():\n    import memory\n\n    return memory.session.x\n",
        "def look():\n    import memory as m\n\n    return m.session.x\n",
        "import memory\n\nm = memory\nprint(m.session)\n",
        'import importlib\n\nm = importlib.import_module("memory")\nprint(m.session)\n',
        'import importlib\n\nprint(importlib.import_module("memory").session)\n',
    ],
    ids=["function", "alias", "assigned", "loaded", "call"],
)
def test_names_that_functions_of_other_files_take(text: str, tmp_path: Path) -> None:
    assert said(tmp_path, FUNCTION, other_py=text)[0] == Reason.OFFERED.value


def test_a_long_file_keeps_all_else(tmp_path: Path) -> None:
    rest = "".join(f"\n\ndef f{number}(x):\n    return x + {number}\n" for number in range(1500))
    assert said(tmp_path, FUNCTION + rest) == ("", "session.py: moved into open()")
    text = (tmp_path / "memory.py").read_text()
    assert text.endswith(rest)
    assert "        import session\n\n        return session.Session()\n" in text


def test_a_name_that_is_said_to_be_for_others(tmp_path: Path) -> None:
    memory = FUNCTION.replace("import session", "from session import Session as Session").replace("session.", "")
    reason, detail = said(tmp_path, memory)
    assert (reason, "`Session as Session` says" in detail) == (Reason.OFFERED.value, True)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("import json\n        import other", "import json\n        import other\n        import session\n"),
        ("import json\n        import zoo", "import session\n        import json\n        import zoo\n"),
        ("import other\n        import zoo", "import other\n        import session\n        import zoo\n"),
        ("import zoo\n        import other", "import session\n        import zoo\n        import other\n"),
        ("import other; x = 1", "import session\n        import other; x = 1\n"),
    ],
    ids=["behind", "other-group", "between", "no-order", "shared-line"],
)
def test_an_import_goes_among_those_of_a_function(first: str, expected: str, tmp_path: Path) -> None:
    memory = FUNCTION.replace("return", f"{first}\n        return")
    assert said(tmp_path, memory, other_py="", zoo_py="")[0] == ""
    assert f"    def open(self):\n        {expected}" in (tmp_path / "memory.py").read_text()


def test_comments_stay_with_what_follows_them(tmp_path: Path) -> None:
    comments = "        # About all of it.\n\n        # About the session.\n        return"
    assert said(tmp_path, FUNCTION.replace("        return", comments))[0] == ""
    text = (tmp_path / "memory.py").read_text()
    assert "    def open(self):\n        import session\n\n        # About all of it.\n\n" in text


@pytest.mark.parametrize(
    ("listed", "reason"),
    [("", Reason.OFFERED.value), ("__all__ = ['Memory']\n", ""), ("__all__ = ['session']\n", Reason.OFFERED.value)],
    ids=["all", "listed", "exported"],
)
def test_what_a_star_import_takes(listed: str, reason: str, tmp_path: Path) -> None:
    memory = FUNCTION.replace("\n\n\nclass", f"\n\n{listed}\n\nclass")
    assert said(tmp_path, memory, other_py="from memory import *\n")[0] == reason


def test_a_file_does_not_begin_with_blank_lines_afterwards(tmp_path: Path) -> None:
    assert said(tmp_path, FUNCTION)[0] == ""
    assert (tmp_path / "memory.py").read_text().startswith("class Memory:\n")


def test_an_import_for_checkers_joins_the_imports_that_are_there(tmp_path: Path) -> None:
    block = (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import json\n\n    # A name.\n    Name = str\n\n"
    )
    memory = ANNOTATION.replace("import session\n", f"{block}import session\n")
    assert said(tmp_path, memory)[0] == ""
    assert "    import json\n\n    import session\n\n    # A name." in (tmp_path / "memory.py").read_text()


def test_a_destructor(tmp_path: Path) -> None:
    assert said(tmp_path, FUNCTION.replace("open", "__del__"))[0] == Reason.DESTRUCTOR.value


def test_a_function_that_is_compiled(tmp_path: Path) -> None:
    memory = FUNCTION.replace("    def", "    @numba.njit(cache=True)\n    def").replace(
        "import", "import numba\nimport"
    )
    reason, detail = said(tmp_path, memory)
    assert (reason, "`@njit` compiles open()" in detail) == (Reason.NEEDED.value, True)


@pytest.mark.parametrize(
    "extra",
    [
        "Memory().open()",
        "KNOWN = [one for one in Memory.open(None)]",
        "def all():\n    return Memory().open()\n\n\nfirst = all()",
    ],
    ids=["method", "class", "through"],
)
def test_what_is_called_while_the_module_is_imported(extra: str, tmp_path: Path) -> None:
    reason, detail = said(tmp_path, f"{FUNCTION}\n\n{extra}\n")
    assert (reason, "open(), which uses `session`" in detail) == (Reason.CALLED_AT_IMPORT.value, True)


@pytest.mark.parametrize(
    ("function", "extra", "called"),
    [
        ("__init__", "", False),
        ("__init__", "class Other:\n    def __init__(self):\n        pass\n\n\nOther()", False),
        ("__init__", "class Other(Memory):\n    pass\n\n\nOther()", True),
        ("__init_subclass__", "class Other(Memory):\n    pass", True),
        ("__init_subclass__", "class Other:\n    pass", False),
        ("open", "class Other:\n    first = Memory().open()", True),
        ("open", "later = lambda: Memory().open()", False),
        ("open", "@Memory().open\ndef other():\n    pass", True),
    ],
)
def test_special_methods_are_called_for_their_class(function: str, extra: str, called: bool, tmp_path: Path) -> None:
    reason, detail = said(tmp_path, f"{FUNCTION.replace('open', function)}\n\n{extra}\n")
    assert (reason == Reason.CALLED_AT_IMPORT.value) is called, detail


def test_a_metaclass_is_called_when_a_class_is_defined(tmp_path: Path) -> None:
    memory = (
        "import session\n\n\nclass Meta(type):\n    def __new__(cls, *given):\n        return session.Session\n\n\n"
        "class Base(metaclass=Meta):\n    pass\n\n\nclass Memory(Base):\n    pass\n"
    )
    reason, detail = said(tmp_path, memory)
    assert (reason, "__new__(), which uses" in detail) == (Reason.CALLED_AT_IMPORT.value, True)


def test_what_is_called_as_a_script_only_is_late_enough(tmp_path: Path) -> None:
    memory = f'{FUNCTION}\n\nif __name__ == "__main__":\n    Memory().open()\n'
    assert said(tmp_path, memory) == ("", "session.py: moved into open()")


@pytest.mark.parametrize(
    "other",
    [
        "import typing\n\nprint(typing.get_type_hints(print))\n",
        "import punq\n",
        "from injector import inject\n",
        "import inspect\n\nprint(inspect.get_annotations(print))\n",
        "from inspect import signature, get_annotations\n",
    ],
    ids=["hints", "punq", "injector", "inspect", "taken"],
)
def test_a_tree_that_reads_annotations(other: str, tmp_path: Path) -> None:
    reason, detail = said(tmp_path, ANNOTATION, other_py=other)
    assert (reason, "reads annotations while the program runs" in detail) == (Reason.ANNOTATION.value, True)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ("import memory\n\n\ndef get(one=Depends(memory.Memory.open)):\n    pass\n", Reason.ANNOTATION.value),
        ("import memory\n\napp.add_api_route(\n    '/', memory.Memory().open\n)\n", Reason.ANNOTATION.value),
        ("import memory\n\nopen = memory.Memory().open\napp.add_api_route('/', open)\n", Reason.ANNOTATION.value),
        ("import memory\n\n\ndef get(one=Depends(memory.Memory)):\n    pass\n", Reason.ANNOTATION.value),
        ("import memory\n\n\ndef get(one=Depends(str)):\n    pass\n", ""),
    ],
    ids=["dependency", "called", "route", "class", "other"],
)
def test_what_is_given_to_a_reader_of_annotations(other: str, reason: str, tmp_path: Path) -> None:
    assert said(tmp_path, ANNOTATION, other_py=other)[0] == reason


def test_a_method_of_that_name_reads_no_annotations(tmp_path: Path) -> None:
    other = "class Node:\n    def get_annotations(self):\n        pass\n\n    def get_type_hints(self):\n        pass\n"
    assert said(tmp_path, ANNOTATION, other_py=other)[0] == ""


def test_annotations_that_are_read_may_be_said_to_be_others(tmp_path: Path) -> None:
    files = {"memory.py": ANNOTATION, "session.py": SESSION, "other.py": "import punq\n"}
    (one,) = answers(tmp_path, files, unsafe=True)
    assert (one.verdict, one.safety) == ("rewritten", "unsafe")


@pytest.mark.parametrize(
    "memory",
    [
        "import session\nfrom pydantic import BaseModel\n\n\nclass Memory(BaseModel):\n    one: session.Session\n",
        "import session\nfrom dataclasses import dataclass\n\n\n@dataclass\nclass Memory:\n    one: session.Session\n",
        ANNOTATION.replace("    def", "    @app.get('/')\n    def"),
        "import session\n\n\nclass Memory(metaclass=Meta):\n    one: session.Session\n",
        "import session\n\n\nclass Memory(table=True):\n    one: session.Session\n",
    ],
    ids=["base", "dataclass", "route", "metaclass", "keyword"],
)
def test_annotations_that_may_be_read(memory: str, tmp_path: Path) -> None:
    assert said(tmp_path, memory)[0] == Reason.ANNOTATION.value


@pytest.mark.parametrize("metaclass", ["ABCMeta", "abc.ABCMeta", "type"])
def test_a_metaclass_that_reads_no_annotations(metaclass: str, tmp_path: Path) -> None:
    memory = f"import abc\nimport session\n\n\nclass Memory(metaclass={metaclass}):\n    one: session.Session\n"
    assert said(tmp_path, memory) == ("", "session.py: moved under `if TYPE_CHECKING`")
    assert '    one: "session.Session"\n' in (tmp_path / "memory.py").read_text()


def test_annotations_of_local_variables_are_left_as_they_are(tmp_path: Path) -> None:
    memory = (
        "import session\n\n\nclass Memory:\n    def open(self):\n        one: session.Session = 1\n        return one\n"
    )
    assert said(tmp_path, memory)[0] == ""
    text = (tmp_path / "memory.py").read_text()
    assert "one: session.Session = 1" in text
    assert "TYPE_CHECKING" in text


def test_a_local_annotation_is_content_with_the_import_of_its_function(tmp_path: Path) -> None:
    memory = FUNCTION.replace(
        "return session.Session()", "one: session.Session = session.Session()\n        return one"
    )
    assert said(tmp_path, memory) == ("", "session.py: moved into open()")
    assert "TYPE_CHECKING" not in (tmp_path / "memory.py").read_text()


def test_an_annotation_with_both_kinds_of_quotes_cannot_be_quoted(tmp_path: Path) -> None:
    memory = (
        "import session\nfrom typing import Literal\n\n\nclass Memory:\n"
        "    def open(self, one: session.Session | Literal['a', \"b\"]):\n        ...\n"
    )
    assert said(tmp_path, memory)[0] == Reason.ANNOTATION.value


# What is loaded later, or not at all


@pytest.mark.parametrize(
    "session",
    [
        "from memory import Memory\nimport registry\n\n\nclass Session(Memory):\n    pass\n\n\nregistry.add(Session)\n",
        "from memory import Memory\nimport registry\n\n\n@registry.known\nclass Session(Memory):\n    pass\n",
        "import registry\nfrom memory import Memory\n\nregistry.known['a'] = 1\n\n\nclass Session(Memory):\n    pass\n",
        "import os\n\nif os.name:\n    os.environ.setdefault('A', 'b')\n\n" + SESSION,
        SESSION + "\n\nprint('session')\n",
    ],
    ids=["call", "decorator", "item", "environment", "print"],
)
def test_a_module_that_does_something_when_it_is_loaded(session: str, tmp_path: Path) -> None:
    others = {"session_py": session, "registry_py": "known = {}\nadd = known.get\n"}
    reason, detail = said(tmp_path, FUNCTION, **others)
    assert (reason, "does something when it is loaded" in detail) == (Reason.EFFECT.value, True), detail


@pytest.mark.parametrize(
    "session",
    [
        SESSION + "\n\nknown = []\nknown.append(Session)\n",
        "import functools\n" + SESSION.replace("class", "@functools.total_ordering\nclass"),
        SESSION + '\n\nif __name__ == "__main__":\n    print(Session())\n',
        "import registry\n" + SESSION.replace("pass", "@registry.timed\n    def open(self):\n        pass"),
    ],
    ids=["own", "library", "script", "method"],
)
def test_a_module_that_only_defines_things_may_come_later(session: str, tmp_path: Path) -> None:
    assert said(tmp_path, FUNCTION, session_py=session)[0] == ""


@pytest.mark.parametrize(
    "base",
    [
        "class Root:\n    def __init_subclass__(cls):\n        print(cls)\n",
        "class Meta(type):\n    pass\n\n\nclass Root(metaclass=Meta):\n    pass\n",
        "class Root:\n    @classmethod\n    def all(cls):\n        return cls.__subclasses__()\n",
    ],
    ids=["hook", "metaclass", "subclasses"],
)
def test_a_class_that_is_noted_down_by_its_base(base: str, tmp_path: Path) -> None:
    memory = FUNCTION.replace("class Memory:", "class Memory(root.Root):").replace("import", "import root\nimport", 1)
    assert said(tmp_path / "1", memory, root_py=base)[0] == Reason.EFFECT.value
    assert said(tmp_path / "2", memory, root_py="class Root:\n    pass\n")[0] == ""


def test_unsafe_says_that_it_does_not_matter_when_a_module_is_loaded(tmp_path: Path) -> None:
    files = {"memory.py": FUNCTION, "session.py": SESSION + "\n\nprint('session')\n"}
    (one,) = [one for one in answers(tmp_path, files, unsafe=True) if one.detail.startswith("session.py")]
    assert (one.verdict, one.safety) == ("rewritten", "unsafe")


@pytest.mark.parametrize(
    ("main", "reason"),
    [
        ("import pk.memory\n\nprint(pk.session.Session)\n", Reason.OFFERED.value),
        ("import pk.memory\nimport pk as p\n\nprint(p.session.Session)\n", Reason.OFFERED.value),
        ("import pk.memory\nimport pk.session\n\nprint(pk.session.Session)\n", ""),
        ("import pk.memory\n\nprint(pk.memory.Memory)\n", ""),
    ],
    ids=["attribute", "alias", "imported", "other"],
)
def test_a_module_that_is_taken_from_its_package(main: str, reason: str, tmp_path: Path) -> None:
    files = {
        "pk/__init__.py": "",
        "pk/memory.py": FUNCTION.replace("import", "from pk import"),
        "pk/session.py": SESSION.replace("from memory", "from pk.memory"),
        "main.py": main,
    }
    (one,) = [one for one in answers(tmp_path, files) if one.detail.startswith("pk/session.py")]
    assert one.reason == reason, one.detail


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("globals()['Base'] = int", "declined"),
        ("globals().update(Base=int)", "declined"),
        ("known = 'Base' in globals()", "rewritten"),
    ],
)
def test_a_package_that_looks_at_its_names_or_binds_them(line: str, verdict: str, tmp_path: Path) -> None:
    files = {
        "pk/__init__.py": f"from .base import Base\n{line}\nfrom .user import User\n",
        "pk/base.py": "class Base:\n    pass\n",
        "pk/user.py": "from pk import Base\n\n\nclass User(Base):\n    pass\n",
    }
    found = [one for one in answers(tmp_path, files) if one.detail.startswith("pk/__init__.py")]
    assert [one.verdict for one in found] == [verdict]


def test_a_name_that_the_package_replaces_is_not_taken_from_elsewhere(tmp_path: Path) -> None:
    files = {
        "pk/__init__.py": "import sys\nfrom .base import Base\nsetattr(sys.modules[__name__], 'Base', int)\n"
        "from .user import User\n",
        "pk/base.py": "class Base:\n    pass\n",
        "pk/user.py": "from pk import Base\n\n\nclass User(Base):\n    pass\n",
    }
    found = [one for one in answers(tmp_path, files) if one.detail.startswith("pk/__init__.py")]
    assert [one.verdict for one in found] == ["declined"]
