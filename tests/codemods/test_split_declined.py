"""``event_bus --events``: what is not asked over the bus, each with its reason; nothing is changed then."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemods.cutting.split import split
from codemods.imports import Refused
from tests.codemods.split_support import RUN, cut, refused, workspace

KEEPER = "def load(name, size=1):\n    return name\n"
OBJECT = "class Keeper:\n    def load(self, name): return 1\n\n\nkeep = Keeper()\n"
NOT_A_CALL = "not-used-by-calling-a-function"
NOT_CARRIED = "no-message-can-carry-it"
F = "import keeper\n\n\ndef f(x):\n    "
ANOT_A_CALL = "not-used-by-calling-a-function"
NOT_CARRIED = "no-message-can-carry-it"
AF = "import keeper\n\n\nasync def f(x):\n    "
F = "import keeper\n\n\nasync def f(x):\n    "

USES = {
    "a class": ("return keeper.Service()", KEEPER, NOT_A_CALL, "a class of keeper.py"),
    "a constant": (
        "return keeper.MOST",
        "MOST = 1\n",
        NOT_A_CALL,
        "uses `keeper.MOST` otherwise",
    ),
    "a callback": (
        "return map(keeper.load, x)",
        KEEPER,
        NOT_A_CALL,
        "uses `keeper.load` otherwise",
    ),
    "an object": ("return use(keeper.keep)", OBJECT, NOT_A_CALL, "uses `keeper.keep` otherwise"),
    "an attribute": ("return keeper.keep.size", OBJECT, NOT_A_CALL, "otherwise than by calling"),
    "nothing of that name": ("return keeper.lod(x)", KEEPER, NOT_A_CALL, "`lod` is no function"),
    "a method that is not written": ("return keeper.keep.lod(x)", OBJECT, "function-is-not-plain", "no method that is"),
    "a decorated function": (
        "return keeper.load(x)",
        "@retry(3)\ndef load(name): return 1\n",
        "function-is-not-plain",
        "`@retry` may make another thing of `load`",
    ),
    "a function that is bound anew": (
        "return keeper.load(x)",
        KEEPER + "\n\nload = wrap(load)\n",
        "function-is-not-plain",
        "`load` is bound more than once",
    ),
    "a handler of certain errors": (
        "try:\n        return keeper.load(x)\n    except ValueError:\n        return 1",
        KEEPER,
        "its-errors-are-told-apart",
        "waits for `ValueError`, and would get RequestFailed",
    ),
    "a handler of certain errors around an event": (
        "try:\n        keeper.load(x)\n    except (OSError, ValueError):\n        return 1",
        KEEPER,
        "its-errors-are-told-apart",
        "waits for `(OSError, ValueError)`",
    ),
    "a method of the answer": ("return keeper.load(x).predict()", KEEPER, NOT_CARRIED, "`predict`"),
    "a call of the answer": ("return keeper.load(x)()", KEEPER, NOT_CARRIED, "`()`"),
    "the answer as a context": ("with keeper.load(x) as y: return y", KEEPER, NOT_CARRIED, "`with`"),
    "a method of a variable": (
        "y = keeper.load(x)\n    return y.predict()",
        KEEPER,
        NOT_CARRIED,
        "takes what comes back for an object: `y.predict`",
    ),
    "stars": ("return keeper.load(*x)", KEEPER, NOT_CARRIED, "hands on `*` or `**` arguments"),
    "double stars": ("return keeper.load(**x)", KEEPER, NOT_CARRIED, "hands on `*` or `**` arguments"),
    "a lambda": ("return keeper.load(lambda: 1)", KEEPER, NOT_CARRIED, "gives it `lambda: 1`: no data"),
    "a generator": ("return keeper.load(y for y in x)", KEEPER, NOT_CARRIED, "`(y for y in x)`: no data"),
    "too many": ("return keeper.load(1, 2, 3)", KEEPER, NOT_CARRIED, "as it is defined"),
    "too few": ("return keeper.load()", KEEPER, NOT_CARRIED, "as it is defined"),
    "an unknown one": ("return keeper.load(1, sice=2)", KEEPER, NOT_CARRIED, "as it is defined"),
    "None where it is not said to be": (
        "return keeper.load(None)",
        "def load(name: str): return name\n",
        NOT_CARRIED,
        "gives None for `name`, which is said to be `str`",
    ),
    "a default that cannot be a field's": (
        "return keeper.load(1) + keeper.load(1, 2)",
        "def load(a, b=now()): return a\n",
        NOT_CARRIED,
        "the default of `b` of `load` is not literal, and some calls rely on it",
    ),
    "any number of arguments": (
        "return keeper.load(x)",
        "def load(*names): return 1\n",
        NOT_CARRIED,
        "takes any number of arguments",
    ),
    "a generator function": (
        "return keeper.load(x)",
        "def load(x):\n    yield x\n",
        NOT_CARRIED,
        "is a generator",
    ),
    "a class of its own as a parameter": (
        "return keeper.load(x)",
        "class Model: pass\n\n\ndef load(x: Model): return 1\n",
        NOT_CARRIED,
        "`x` of `load`: `Model` is a class of its own module",
    ),
    "a class of others as an answer": (
        "return keeper.load(x)",
        "import numpy as np\n\n\ndef load(x) -> np.ndarray: return 1\n",
        NOT_CARRIED,
        "what `load` returns: `np.ndarray` is no type of a message that is known here",
    ),
    "a callback as a parameter": (
        "return keeper.load(x)",
        "from typing import Callable\n\n\ndef load(x: Callable): return 1\n",
        NOT_CARRIED,
        "`Callable` is no type of a message",
    ),
    "a union that cannot be told apart": (
        "return keeper.load(x)",
        "def load(x: list | set): return 1\n",
        NOT_CARRIED,
        "`list | set` is no type of a message",
    ),
    "an object of its own as an answer": (
        "return keeper.load(x)",
        "class Model: pass\n\n\ndef load(x): return Model()\n",
        NOT_CARRIED,
        "`Model()` is no data",
    ),
    "a view as an answer": (
        "return keeper.load(x)",
        "def load(x): return x.keys()\n",
        NOT_CARRIED,
        "no data",
    ),
    "now a tuple and now none": (
        "return keeper.load(x)",
        "def load(x):\n    if x: return None\n    return 1, 2\n",
        NOT_CARRIED,
        "`(1, 2)` would come as a list",
    ),
    "a parameter that is changed": (
        "return keeper.load(x)",
        "def load(x):\n    x['a'] = 1\n    return 1\n",
        NOT_CARRIED,
        "`load` may change its `x` in keeper.py:2",
    ),
    "a parameter that is added to": (
        "return keeper.load(x)",
        "def load(x):\n    x.append(1)\n    return 1\n",
        NOT_CARRIED,
        "`load` may change its `x` in keeper.py:2",
    ),
    "a field of a name that is kept": (
        "return keeper.load(1)",
        "def load(TOPIC): pass\n",
        NOT_CARRIED,
        "`TOPIC`",
    ),
    "an object that is called as ours": (
        "return keeper.bus.load(x)",
        OBJECT.replace("keep =", "bus ="),
        "no-free-name-to-import-as",
        "`bus.load` of keeper.py",
    ),
}


@pytest.mark.parametrize("case", USES)
def test_a_use(tmp_path: Path, case: str) -> None:
    use, keeper, reason, detail = USES[case]
    assert (told := refused(tmp_path, f"{F}{use}\n", keeper))[0] == reason, told
    assert detail in told[1]


WHOLE = {
    "in a generator of a coroutine": (f"{AF}return list(keeper.load(y) for y in x)\n", NOT_CARRIED),
    "in a lambda of a coroutine": (f"{AF}return lambda: keeper.load(x)\n", NOT_CARRIED),
    "while it is imported": ("import keeper\n\nX = keeper.load(1)\n", "needed-while-imported"),
    "by what is called while it is imported": (
        f"{F}return keeper.load(x)\n\n\nf(1)\n",
        "function-called-while-imported",
    ),
    "as a base class": ("import keeper\n\n\nclass A(keeper.Service): pass\n", NOT_A_CALL),
    "in an annotation": ("import keeper\n\n\ndef f(x: keeper.Service): pass\n", NOT_A_CALL),
    "not at all": ("import keeper\n", "imported-for-its-effect"),
    "all of it": ("from keeper import *\n\n\ndef f(x):\n    return load(x)\n", "import-cannot-be-read-off-the-source"),
    "by a call": (
        "import importlib\n\n\ndef f(x):\n    return importlib.import_module('keeper').load(x)\n",
        "import-cannot-be-read-off-the-source",
    ),
    "under a condition": (
        "try:\n    import keeper\nexcept ImportError:\n    pass\n\n\ndef f(x):\n    return keeper.load(x)\n",
        "import-under-a-condition",
    ),
    "in a try of a function": (
        "def f(x):\n    try:\n        import keeper\n        return keeper.load(x)\n    finally:\n        pass\n",
        "import-under-a-condition",
    ),
    "bound twice": (
        "from keeper import load\nfrom other import load\n\n\ndef f(x):\n    return load(x)\n",
        "name-bound-by-several-imports",
    ),
    "bound anew in the function": (
        "def f(x):\n    from keeper import load\n    load = wrap(load)\n    return load(x)\n",
        "name-bound-by-several-imports",
    ),
    "with others on the line": (
        "def f(x):\n    import keeper, time\n    return keeper.load(x)\n",
        "several-statements-on-a-line",
    ),
    "a comment that must stay with its import": (
        "def f(x):\n    import keeper  # noqa: E402\n\n    return keeper.load(x)\n",
        "several-statements-on-a-line",
    ),
}


@pytest.mark.parametrize("case", WHOLE)
def test_an_importer(tmp_path: Path, case: str) -> None:
    asker, reason = WHOLE[case]
    told = refused(tmp_path, asker, KEEPER, {"time.py": "", "other.py": "def load(x): pass\n"})
    assert told[0] == reason, told


def test_a_name_that_others_take_from_here(tmp_path: Path) -> None:
    told = refused(tmp_path, f"{F}return keeper.load(x)\n", KEEPER, {"user.py": "from asker import keeper\n"})
    assert told == ("name-is-taken-from-here", "user.py:1 takes `keeper` from here")


def test_a_name_that_a_test_replaces(tmp_path: Path) -> None:
    told = refused(tmp_path, f"{F}return keeper.load(x)\n", KEEPER, {"test_a.py": "patch('asker.keeper')\n"})
    assert told[0] == "name-looked-up-by-a-text"


NOT_SERVICES = {
    "the one that asks": ("def f(x):\n    return 1\n", KEEPER + RUN, "not-two-services", "asker.py is no script"),
    "the one that answers": (RUN, KEEPER, "not-two-services", "keeper.py is no script"),
    "no start": (
        RUN,
        f"{KEEPER}\n\nclass A:\n    def run(self): pass\n\n\nclass B:\n    def run(self): pass\n",
        "start-of-the-service-not-found",
        "keeper.py is no script, and has no one class with a run()",
    ),
    "work and an end": (
        RUN,
        f'{KEEPER}\n\nif __name__ == "__main__":\n    print(load("x"))\n',
        "start-of-the-service-not-found",
        "does its work as a script and ends",
    ),
    "on one line": (
        RUN,
        f'{KEEPER}\n\ndef main(): go.run()\n\n\nif __name__ == "__main__":\n    main()\n',
        "several-statements-on-a-line",
        "another statement stands on line",
    ),
    "a handler of another meaning": (
        RUN,
        f"{KEEPER}\n\ndef handle_events(): pass\n{RUN}",
        "no-free-name-to-import-as",
        "keeper.py has another `handle_events`",
    ),
}


def test_a_package(tmp_path: Path) -> None:
    files = {"asker.py": f"{F}return keeper.load(x)\n{RUN}", "keeper/__init__.py": KEEPER + RUN}
    tree = workspace(tmp_path, files)
    with pytest.raises(Refused, match=r"keeper/__init__.py is no script") as caught, tree.attempt():
        split(tree, cut(tree, imported="keeper/__init__.py"))
    assert caught.value.reason.value == "not-two-services"


@pytest.mark.parametrize("case", NOT_SERVICES)
def test_what_is_no_service(tmp_path: Path, case: str) -> None:
    asker, keeper, reason, detail = NOT_SERVICES[case]
    text = f"import keeper\n\n\ndef ask(x):\n    return keeper.load(x)\n\n\n{asker}"
    tree = workspace(tmp_path, {"asker.py": text, "keeper.py": keeper})
    with pytest.raises(Refused) as caught, tree.attempt():
        split(tree, cut(tree))
    assert caught.value.reason.value == reason
    assert detail in caught.value.detail
    assert tree.changed == []


CLASHES = {
    "other fields": "class Load(Request[Any], frozen=True):\n    TOPIC = 'keeper.load'\n\n    name: str\n",
    "both names": "class Load: pass\n\n\nclass KeeperLoad: pass\n",
}


@pytest.mark.parametrize("case", CLASHES)
def test_names_of_events_that_are_taken(tmp_path: Path, case: str) -> None:
    events = f"from typing import Any\n\nfrom runtime.events import Request\n\n\n{CLASHES[case]}"
    told = refused(tmp_path, f"{F}return keeper.load(x)\n", KEEPER, {"asker_events.py": events})
    assert told[0] == "name-of-the-event-is-taken"


def test_two_functions_of_one_name(tmp_path: Path) -> None:
    told = refused(tmp_path, f"{F}return keeper.load(x) + keeper.keep.load(x)\n", f"{KEEPER}\n\n{OBJECT}")
    assert told == ("name-of-the-event-is-taken", "several things that are called here are called `load`")
