"""What an act on a name of another file may raise, run or leave open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.effects.acts import Outcome, act
from analysis.effects.records import Act, Pending
from analysis.effects.resolve import World
from analysis.modules import Modules
from config.knowledge import knowledge
from tests.analysis.effects.support import spelled
from tests.exceptions.support import record

MOD = """\
import functools, json, math
import unread
from dataclasses import dataclass
from math import sqrt

def plain(a, b=1): pass
def gen(): yield 1
async def co(): pass
async def agen(): yield 1
@unread
def decorated(): pass

class Plain:
    field = 1
    def __init__(self, a): pass
    def method(self): pass
    @property
    def prop(self): return 1

class Caller:
    def __call__(self, a): pass

class Bare: pass
class Yielding:
    def __init__(self): yield
class Hooked:
    def __getattr__(self, name): return 1
class Unread(unread.Base): pass
class Custom(ValueError): pass
@dataclass
class Data:
    n: int
class Strange(metaclass=unread.Meta): pass

plain_one = Plain(1)
caller = Caller()
bare = Bare()
hooked = Hooked()
data = Data(1)
text = "a"
"""


def world(*unread: str, **files: str) -> World:
    """The tree of these files; ``pkg__mod`` is ``pkg/mod.py``, ``unread`` are files that do not parse."""
    paths = {f"{name.replace('__', '/')}.py".replace("/init.py", "/__init__.py"): text for name, text in files.items()}
    records = {path: record(text, path) for path, text in paths.items()}
    return World(records, Modules([*records, *unread]), knowledge())


TREE = world(subject="import mod\n", mod=MOD)


def done(how: Act, name: str, tree: World = TREE, **call: Any) -> Outcome:
    """What comes of doing it, in ``subject.py``, to ``name`` of ``mod.py``."""
    return act(tree, "subject.py", Pending(how, f"0:mod:{name}", f"mod.{name}", 1, **call))


def run(name: str) -> list[tuple[str, str, int]]:
    """That the first function of this name is run."""
    lines = MOD.splitlines()
    return [("function", "mod.py", next(at for at, line in enumerate(lines, 1) if f"def {name}(" in line))]


@pytest.mark.parametrize(
    ("name", "call", "raises", "runs"),
    [
        ("plain", {"args": 1}, set(), "plain"),
        ("plain", {"args": 0}, {"TypeError"}, "plain"),
        ("plain", {"star": True}, {"TypeError"}, "plain"),
        ("gen", {}, set(), None),
        ("co", {}, set(), None),
        ("agen", {}, set(), None),
        ("decorated", {}, set(), "decorated"),
        ("Plain", {"args": 1}, set(), "__init__"),
        ("Plain", {}, {"TypeError"}, "__init__"),
        ("Bare", {}, set(), None),
        ("Bare", {"args": 1}, {"TypeError"}, None),
        ("Yielding", {}, {"TypeError"}, None),
        ("Custom", {"args": 3}, set(), None),
        ("Custom", {"keywords": ("a",)}, {"TypeError"}, None),
        ("Data", {"args": 1}, {"AttributeError", "TypeError"}, None),
        ("caller", {"args": 1}, set(), "__call__"),
        ("caller", {}, {"TypeError"}, "__call__"),
        ("bare", {}, {"TypeError"}, None),
        ("plain_one.method", {}, set(), "method"),
        ("plain_one.method", {"args": 1}, {"TypeError"}, "method"),
        ("Plain.method", {"args": 1}, set(), "method"),
        ("nothing", {}, {"AttributeError", "ImportError", "TypeError"}, None),
        ("text", {}, {"TypeError"}, None),
        ("text.upper", {}, set(), None),
        ("text.upper", {"args": 1}, {"TypeError"}, None),
        ("sqrt", {"args": 1}, {"OverflowError", "TypeError", "ValueError"}, None),
        ("math.sqrt", {"args": 1}, {"OverflowError", "TypeError", "ValueError"}, None),
    ],
    ids=spelled,
)
def test_a_call(name: str, call: dict[str, Any], raises: set[str], runs: str | None) -> None:
    found = done(Act.CALL, name, **call)
    assert found.runs == ([] if runs is None else run(runs))
    assert (found.raises, found.open) == (raises, None)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Unread", "a base of `Unread`"),
        ("Strange", "how `Strange` is made"),
        ("plain_one.prop", "what a property gives is called"),
        ("unread.f", "`unread` is not in this tree"),
        ("functools.no_such_name", ""),
    ],
)
def test_a_call_of_what_cannot_be_known_is_open(name: str, told: str) -> None:
    assert done(Act.CALL, name, args=1).open == told


def test_arguments_of_the_project_are_told_where_the_tables_know_built_in_ones_only() -> None:
    assert done(Act.CALL, "math.sqrt", args=1).assumed is None
    told = "what `mod.math.sqrt` is given is taken to be of built-in types"
    assert done(Act.CALL, "math.sqrt", args=1, plain=False).assumed == told


def test_a_library_function_that_calls_what_it_is_given_is_open() -> None:
    assert done(Act.CALL, "json.loads", args=1).open == "it calls what it is given"


def test_an_await_runs_a_coroutine_and_nothing_else() -> None:
    assert done(Act.AWAIT, "co") == Outcome(runs=run("co"))
    assert done(Act.AWAIT, "gen").raises == {"TypeError"}
    assert done(Act.AWAIT, "agen") == Outcome(raises={"TypeError"})
    assert done(Act.AWAIT, "plain", args=1).open == "what it returns is awaited"
    assert done(Act.AWAIT, "Bare").open == "an instance is awaited"
    assert done(Act.AWAIT, "math.sqrt", args=1).open == "what it returns is awaited"


def test_iterating_runs_a_generator_and_nothing_else() -> None:
    assert done(Act.ITERATE, "gen") == Outcome(runs=run("gen"))
    assert done(Act.ITERATE, "agen") == done(Act.ITERATE, "co") == Outcome(raises={"TypeError"})
    found = done(Act.ITERATE, "plain")
    assert (found.raises, found.runs) == ({"TypeError"}, [])
    assert found.assumed == "what `mod.plain` gives is taken to be iterable without error"


@pytest.mark.parametrize(
    ("name", "raises", "runs", "assumed"),
    [
        ("plain", set(), None, False),
        ("plain_one.prop", set(), "prop", False),
        ("plain_one.method", set(), None, False),
        ("decorated", set(), None, True),
        ("nothing", {"AttributeError"}, None, False),
        ("bare.nothing", {"AttributeError"}, None, False),
        ("hooked.nothing", {"AttributeError"}, None, True),
        ("unread.nothing", {"AttributeError"}, None, True),
    ],
)
def test_a_read(name: str, raises: set[str], runs: str | None, assumed: bool) -> None:
    found = done(Act.READ, name)
    assert (found.raises, found.open, found.assumed is not None) == (raises, None, assumed)
    assert list(dict.fromkeys(found.runs)) == ([] if runs is None else run(runs))


@pytest.mark.parametrize(
    ("name", "raises", "runs", "assumed"),
    [
        ("anything", set(), None, False),
        ("bare.anything", set(), None, False),
        ("Bare.anything", set(), None, False),
        ("plain_one.prop", {"AttributeError"}, "prop", False),
        ("hooked.anything", {"AttributeError", "TypeError"}, None, True),
        ("data.anything", {"AttributeError"}, None, False),
        ("text.anything", {"AttributeError", "TypeError"}, None, True),
        ("unread.anything", {"AttributeError", "TypeError"}, None, True),
    ],
)
def test_a_write(name: str, raises: set[str], runs: str | None, assumed: bool) -> None:
    found = done(Act.WRITE, name)
    assert (found.raises, found.open, found.assumed is not None) == (raises, None, assumed)
    assert found.runs == ([] if runs is None else run(runs))


def test_what_another_file_replaces_is_doubted() -> None:
    tree = world(subject="import mod\n", mod=MOD, other="import mod\nmod.plain.__code__ = f\nmod.x.method = f\n")
    told = done(Act.CALL, "plain_one.method", tree).assumed
    assert told == "`method`, an attribute that other.py sets, is taken to be what its own file makes it"


def test_a_class_made_by_a_call_may_override() -> None:
    maker = 'import mod\ntype("S", (mod.Plain,), {})\n'
    tree = world(subject="import mod\n", mod=MOD, other=maker)
    found = act(tree, "mod.py", Pending(Act.CALL, "0::Plain@.method", "self.method", 1))
    assert found.assumed == "`self.method` is taken not to be overridden in a class made by calls in other.py"
    found = act(TREE, "mod.py", Pending(Act.CALL, "0::Plain@.method", "self.method", 1))
    assert found.assumed is None


def test_modules_that_import_each_other_may_be_half_made() -> None:
    tree = world(subject="import mod\n", mod="import subject\ndef plain(): pass\n")
    assert done(Act.READ, "plain", tree).raises == {"AttributeError"}


# -- imports


def imported(tree: World, target: str, path: str = "subject.py") -> Outcome:
    return act(tree, path, Pending(Act.IMPORT, target, "import", 1))


def test_an_import_runs_the_packages_around_and_the_module() -> None:
    tree = world(subject="", pkg__init="", pkg__sub__init="", pkg__sub__mod="")
    files = ["pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/mod.py"]
    assert imported(tree, "0:pkg.sub.mod:") == Outcome(runs=[("module", file, 0) for file in files])
    found = imported(tree, "0:pkg.sub:mod").runs
    assert list(dict.fromkeys(found)) == [("module", file, 0) for file in files]


def test_a_name_that_the_package_binds_is_not_its_module() -> None:
    tree = world(subject="", pkg__init="mod = 1\n", pkg__mod="")
    assert imported(tree, "0:pkg:mod").runs == [("module", "pkg/__init__.py", 0)]


def test_the_getattr_of_a_module_runs_for_names_that_it_lacks() -> None:
    tree = world(subject="", mod="x = 1\n\ndef __getattr__(name): pass\n")
    assert ("function", "mod.py", 3) in imported(tree, "0:mod:y").runs
    assert imported(tree, "0:mod:x").runs == [("module", "mod.py", 0)]


def test_an_import_from_nowhere_is_open() -> None:
    assert imported(TREE, "0:somewhere:").open == "`somewhere` is not in this tree"
    tree = world(pkg__init="", pkg__mod="")
    assert imported(tree, "1:somewhere:", "pkg/mod.py").open == "`.somewhere` is not in this tree"


def test_a_file_that_does_not_parse_is_a_syntax_error() -> None:
    found = imported(world("mod.py", subject=""), "0:mod:")
    assert (found.raises, found.open, found.runs) == ({"SyntaxError"}, "mod.py does not parse", [])


def test_modules_set_by_name_make_imports_doubtful() -> None:
    tree = world(subject="", mod="", other="setattr(mod, name, 1)\n")
    told = "modules are taken to be their files, though other.py sets attributes by name"
    assert imported(tree, "0:mod:").assumed == told


# -- notes


def test_the_first_note_of_an_outcome_stays() -> None:
    outcome = Outcome()
    outcome.leave_open("one")
    outcome.leave_open("two")
    outcome.assume("three")
    outcome.assume("four")
    assert (outcome.open, outcome.assumed) == ("one", "three")


# -- signatures

NAMES = ["a", "b", "c"]


@st.composite
def signatures(draw: st.DrawFn) -> str:
    """Parameters as source: some by position only, some by name only, some with defaults, and what takes the rest."""
    names = [*NAMES]
    only, both, named = (draw(st.integers(0, 2)) for _ in range(3))
    first = draw(st.integers(0, 3))
    parts = [f"{name}=0" if at >= first else name for at, name in enumerate(names[: only + both])]
    if only and parts:
        parts.insert(min(only, len(parts)), "/")
    many = draw(st.booleans())
    last = [draw(st.sampled_from([name, f"{name}=0"])) for name in names[only + both :][:named]]
    if many or last:
        parts.append("*args" if many else "*")
    return ", ".join([*parts, *last, *(["**rest"] if draw(st.booleans()) else [])])


@settings(deadline=None)
@given(signatures(), st.integers(0, 4), st.sets(st.sampled_from([*NAMES, "d"])))
def test_a_call_is_a_type_error_where_python_says_so(given_: str, count: int, keywords: set[str]) -> None:
    space: dict[str, Callable[..., None]] = {}
    exec(f"def f({given_}): pass", space)
    try:
        space["f"](*range(count), **dict.fromkeys(keywords))
        wrong = False
    except TypeError:
        wrong = True
    tree = world(subject="import mod\n", mod=f"def f({given_}): pass\n")
    found = done(Act.CALL, "f", tree, args=count, keywords=tuple(sorted(keywords)))
    assert found == Outcome(raises={"TypeError"} if wrong else set(), runs=[("function", "mod.py", 1)])
