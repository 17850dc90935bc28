"""What others do with a module or with annotations: an import stays where it is for it, or a definition does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from codemods.edits import Reason
from tests.codemods.circles import answers

MEMORY = "from pk.session import helper\n\n\nclass Memory:\n    def open(self):\n        return helper()\n"
SESSION = "def helper():\n    return 1\n\n\nfrom pk import memory\n\n\nclass Session(memory.Memory):\n    pass\n"
TREE = {"pk/__init__.py": "", "pk/memory.py": MEMORY, "pk/session.py": SESSION}


def said(folder: Path, files: dict[str, str], start: str = "pk/session.py") -> tuple[str, str]:
    """The reason and the detail for the import of ``start``; no reason where it was cut."""
    (one,) = [one for one in answers(folder, files) if one.detail.startswith(start)]
    return (one.reason, one.detail) if one.verdict == "declined" else ("", one.detail)


LAZY = "import importlib\n\n_FROM = {'helper': '.memory'}\n\n\ndef __getattr__(name):\n    return _FROM[name]\n"
ATTACHED = "from lazy import attach\n\n__getattr__, __dir__, __all__ = attach(__name__, {'memory': ['helper']})\n"


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("pk/__init__.py", LAZY, Reason.OFFERED),
        ("pk/__init__.py", ATTACHED, Reason.OFFERED),
        ("pk/__init__.py", LAZY.replace("'helper'", "'Memory'"), None),
        ("pk/__init__.py", LAZY.replace("'.memory'", "'.others'"), None),
        ("pk/__init__.py", LAZY.replace("__getattr__", "find"), None),
        ("settings.json", '{"open": "pk.memory.helper"}', Reason.LOOKED_UP),
        ("conf/settings.yaml", "open: pk.memory.helper\n", Reason.LOOKED_UP),
        ("conf/settings.ini", "[a]\nopen = pk.memory:helper\n", Reason.LOOKED_UP),
        ("conf/pyproject.toml", '[project.scripts]\nopen = "pk.memory:helper"\n', Reason.LOOKED_UP),
        ("a.py", "import server\n\nserver.run('pk.memory:helper')\n", Reason.LOOKED_UP),
        ("settings.json", '{"open": "pk/memory.helper/x", "url": "https://memory.helper.org/"}', None),
        ("settings.json", '{"open": "pk.memory.helper"}' + " " * 1_000_000, None),
        ("a.py", "import inspect\nfrom pk import memory\n\nprint(inspect.getmembers(memory))\n", Reason.LOOKED_UP),
        ("a.py", "from pk import memory\n\nprint(dir(memory))\n", Reason.LOOKED_UP),
        ("a.py", "from pk import memory, session\n\nprint(dir(session), memory.Memory)\n", None),
        (
            "a.py",
            "from pk import memory\n\n\ndef f(m, n):\n    return getattr(m, n)\n\n\nf(memory, 'x')\n",
            Reason.OFFERED,
        ),
        ("a.py", "from pk import memory\n\nprint(getattr(memory, 'Memory').helper)\n", Reason.OFFERED),
        ("a.py", "from pk import memory, session\n\nprint(hasattr(memory, 'x'), session.helper)\n", None),
    ],
    ids=[
        *("lazy", "attached", "lazy-other-name", "lazy-other-module", "no-lazy", "json", "yaml", "ini", "toml"),
        "text",
        *("no-name", "data", "members", "names", "names-of-another", "given-away", "by-name", "looked-at"),
    ],
)
def test_what_takes_a_name_from_a_module(path: str, text: str, reason: Reason | None, tmp_path: Path) -> None:
    found = said(tmp_path, {**TREE, path: text})
    assert found[0] == (reason.value if reason is not None else ""), found


@pytest.mark.parametrize(
    "text",
    [
        "import sys\n\nThis = sys.modules[__name__]\n",
        "import importlib\n\nthis = importlib.import_module(__name__)\n",
    ],
)
def test_a_module_that_takes_itself_for_an_object(text: str, tmp_path: Path) -> None:
    assert said(tmp_path, {**TREE, "pk/memory.py": text + MEMORY})[0] == Reason.LOOKED_UP.value


TYPED = "from pk.session import Session\n\n\nclass Memory:\n    kept: Session\n"
TYPES = "class Session:\n    pass\n\n\nfrom pk import memory\n\n\nclass Loader(memory.Memory):\n    pass\n"
ASKING = (
    "import inspect\n\n\ndef types(f):\n    return [p.annotation for p in inspect.signature(f).parameters.values()]\n"
)


@pytest.mark.parametrize(
    ("other", "read"),
    [
        ("def types(kind):\n    return kind.__annotations__\n", True),
        ("def types(kind):\n    return getattr(kind, '__annotations__', {})\n", True),
        (ASKING, True),
        ("def types(node):\n    return node.annotation\n", False),
        (ASKING.replace(".annotation", ".default"), False),
    ],
    ids=["annotations", "by-name", "signature", "syntax", "defaults"],
)
@pytest.mark.parametrize("texts", [True, False], ids=["texts", "values"])
def test_an_annotation_that_is_asked_for(other: str, read: bool, texts: bool, tmp_path: Path) -> None:
    memory = f"from __future__ import annotations\n\n{TYPED}" if texts else TYPED
    files = {**TREE, "pk/memory.py": memory, "pk/session.py": TYPES, "other.py": other}
    # What is a text already stays the text that it was.
    assert said(tmp_path, files)[0] == (Reason.ANNOTATION.value if read and not texts else "")


@pytest.mark.parametrize(("call", "reason"), [("show.register", Reason.ANNOTATION.value), ("atexit.register", "")])
def test_a_function_that_is_registered(call: str, reason: str, tmp_path: Path) -> None:
    memory = "import atexit\nfrom pk.session import Session\nfrom show import show\n\n\nclass Memory:\n    pass\n\n\n"
    memory += f"def of(one: Session = None):\n    return one\n\n\n{call}(of)\n"
    assert said(tmp_path, {**TREE, "pk/memory.py": memory, "pk/session.py": TYPES})[0] == reason


@pytest.mark.parametrize(
    "code",
    ["import threading\n\nthreading.Thread(target=work).start()\n", "known = list(map(work, [1]))\n"],
    ids=["thread", "map"],
)
def test_a_function_that_something_calls_while_the_module_is_imported(code: str, tmp_path: Path) -> None:
    memory = "from pk.session import helper\n\n\nclass Memory:\n    pass\n\n\ndef work(*_):\n    return helper()\n\n\n"
    memory += code
    assert said(tmp_path, {**TREE, "pk/memory.py": memory})[0] == Reason.CALLED_AT_IMPORT.value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import atexit\n\n\n@atexit.register\ndef bye():\n    pass\n", Reason.EFFECT.value),
        ("import reg\n\nknown = reg.register(helper)\n", Reason.EFFECT.value),
        ("import reg\n\nknown = reg.register_all([helper])\n", Reason.EFFECT.value),
        ("import reg\n\nknown = reg.made(helper)\n", ""),
        ("import reg\n\n\nclass Known(metaclass=reg.Meta):\n    pass\n", Reason.EFFECT.value),
        ("import functools\n\n\n@functools.cache\ndef bye():\n    pass\n", ""),
    ],
    ids=["at-exit", "registered", "several", "made", "metaclass", "cached"],
)
def test_a_module_that_something_is_noted_down_of(text: str, reason: str, tmp_path: Path) -> None:
    meta = "class Meta(type):\n    seen = []\n\n    def __init__(cls, *given):\n        cls.seen.append(cls)\n"
    assert said(tmp_path, {**TREE, "pk/session.py": SESSION + text, "reg.py": meta})[0] == reason


SHARED = {
    "pk/__init__.py": "",
    "pk/memory.py": "import json\n\nLIMIT = 3\n\n\ndef limit():\n    return LIMIT\n\n\n"
    "import pk.session\n\nKNOWN = pk.session.first\n",
    "pk/session.py": "from pk.memory import limit\n\nfirst = limit()\n",
}
OWN = "import importlib\nimport pkgutil\n\n\ndef load():\n    for one in pkgutil.iter_modules(__path__):\n"
OWN += "        importlib.import_module(one.name)\n"
OTHER = "import importlib\nfrom pathlib import Path\n\nfor one in Path('pk').glob('*.py'):\n"
OTHER += "    importlib.import_module(one.stem)\n"


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("pk/__init__.py", OWN, Reason.LOOKED_UP.value),
        ("other.py", OTHER, Reason.LOOKED_UP.value),
        ("other.py", OTHER.replace("'pk'", "'src/pk'"), Reason.LOOKED_UP.value),
        ("other.py", OTHER.replace("'pk'", "'plugins'"), ""),
        ("other.py", OTHER.replace("import_module", "find"), ""),
    ],
    ids=["own", "other", "deeper", "elsewhere", "not-loaded"],
)
def test_a_folder_whose_modules_are_all_loaded(path: str, text: str, reason: str, tmp_path: Path) -> None:
    assert said(tmp_path, {**SHARED, path: text}, "pk/memory.py")[0] == reason


@pytest.mark.parametrize(
    ("decorator", "reason"),
    [("@app.task", Reason.NOT_MOVABLE.value), ("@app.task(name='x')", Reason.NOT_MOVABLE.value), ("@cache", "")],
)
def test_a_function_whose_module_is_noted_down(decorator: str, reason: str, tmp_path: Path) -> None:
    head = "from functools import cache\n\nfrom work import app\n\n"
    memory = SHARED["pk/memory.py"].replace("import json\n", head).replace("def limit", f"{decorator}\ndef limit")
    assert said(tmp_path, {**SHARED, "pk/memory.py": memory}, "pk/memory.py")[0] == reason


def test_an_example_has_the_names_that_it_is_run_with(tmp_path: Path) -> None:
    memory = SHARED["pk/memory.py"].replace(
        "    return LIMIT\n",
        '    """A number.\n\n    >>> json.dumps(limit() + twice())\n    \'9\'\n    """\n    return LIMIT\n\n\n'
        "def twice():\n    return LIMIT * 2\n",
    )
    assert said(tmp_path, {**SHARED, "pk/memory.py": memory}, "pk/memory.py")[0] == ""
    code = "import doctest, pk.session, pk.memory_shared as m; print(doctest.testmod(m))"
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "TestResults(failed=0, attempted=1)\n"


def test_an_import_goes_before_the_decorator_of_what_is_for_checkers(tmp_path: Path) -> None:
    memory = "import typing\n\nfrom pk.session import Session\n\nif typing.TYPE_CHECKING:\n\n    @typing.final\n"
    memory += "    class Kind:\n        pass\n\n\nclass Memory:\n    kept: Session\n"
    assert said(tmp_path, {**TREE, "pk/memory.py": memory, "pk/session.py": TYPES})[0] == ""
    assert "    from pk.session import Session\n    @typing.final\n" in (tmp_path / "pk/memory.py").read_text()


@pytest.mark.parametrize(("called", "reason"), [("self.close()", Reason.DESTRUCTOR.value), ("self.leave()", "")])
def test_a_function_that_a_destructor_calls(called: str, reason: str, tmp_path: Path) -> None:
    memory = MEMORY + "\n    def close(self):\n        self.open()\n\n    def leave(self):\n        pass\n"
    memory += f"\n    def __del__(self):\n        {called}\n"
    assert said(tmp_path, {**TREE, "pk/memory.py": memory})[0] == reason


def test_what_a_module_has_by_its_own_name_is_not_the_module(tmp_path: Path) -> None:
    files = {"a.py": "import b\n\n\ndef a():\n    return b.b()\n", "b.py": "import a\n\n\ndef b():\n    return a.a()\n"}
    assert [one.verdict for one in answers(tmp_path, files)] == ["rewritten"]
