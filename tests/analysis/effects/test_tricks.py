"""What a file is found to replace behind the back of its own source."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.effects.tricks import Tricks, hooks, look

FOO = {"stores": {"foo"}}
DYNAMIC, OWN, REBINDS, MAKES, BUILTINS = ({name: True} for name in ("dynamic", "own", "rebinds", "makes", "builtins"))

FOUND: dict[str, dict[str, Any]] = {
    # An attribute under a name that is in the source, or under one that is not.
    'setattr(mod, "foo", bad)': {**FOO, "patches": [("mod", "foo")]},
    "setattr( a.b , 'foo', bad)": {**FOO, "patches": [("a.b", "foo")]},
    'delattr(mod, "foo")': {**FOO, "patches": [("mod", "foo")]},
    'setattr(self, "foo", bad)': {**FOO, "patches": [("self", "foo")]},
    'object.__setattr__(self, "foo", 1)': {**FOO, "patches": [("self", "foo")]},
    'monkeypatch.setattr("pkg.mod.foo", bad)': FOO,
    'monkeypatch.setattr(mod, "foo", bad)': {**FOO, "patches": [("mod", "foo")]},
    "setattr(mod, name, bad)": DYNAMIC,
    "set_ = setattr": DYNAMIC,
    "object.__setattr__(other, name, 1)": DYNAMIC,
    "setattr(self, name, bad)": OWN,
    "super().__setattr__(name, value)": OWN,
    # The dictionary of an object.
    'mod.__dict__["foo"] = bad': DYNAMIC,
    'mod.__dict__["foo"] += bad': DYNAMIC,
    'mod.__dict__["a"]["b"] = 1': DYNAMIC,
    'mod.__dict__["foo"].append(1)': DYNAMIC,
    "mod.__dict__.update(some)": DYNAMIC,
    "d = mod.__dict__": DYNAMIC,
    "self.__dict__.update(some)": OWN,
    'vars(mod)["foo"] = bad': DYNAMIC,
    "vars(self).update(some)": OWN,
    "vars(f(mod)).update(some)": DYNAMIC,
    "map(vars, some)": DYNAMIC,
    'f.__globals__["foo"] = bad': DYNAMIC,
    'frame.f_globals["foo"] = bad': DYNAMIC,
    "vars()": {**DYNAMIC, **REBINDS},
    # The names of the module itself.
    'globals()["foo"] = bad': REBINDS,
    "exec(text)": REBINDS,
    "locals().update(some)": REBINDS,
    # Classes made by calls.
    'type("S", (B,), {})': MAKES,
    "type (name, bases, {})": MAKES,
    f'type("{"s" * 300}", (B,), {{}})': MAKES,
    'types.new_class("S")': MAKES,
    'make_dataclass("S", [])': MAKES,
    # What is built in.
    "builtins.ord = bad": BUILTINS,
    "builtins.ord: object = bad": BUILTINS,
    "builtins.ord += bad": BUILTINS,
    'builtins["ord"] = bad': BUILTINS,
    "__builtins__.ord = bad": BUILTINS,
    'setattr(builtins, "ord", bad)': {"stores": {"ord"}, "patches": [("builtins", "ord")], **BUILTINS},
    "setattr(builtins, name, bad)": {**DYNAMIC, **BUILTINS},
    # Modules that are made anew.
    "x = reload(mod)": DYNAMIC,
    "importlib.reload(mod)": DYNAMIC,
    'sys.modules["mod"] = fake': DYNAMIC,
    "sys.modules[names[0]] = fake": DYNAMIC,
    'del sys.modules["mod"]': DYNAMIC,
    'sys.modules.pop("mod")': DYNAMIC,
    "sys.modules |= some": DYNAMIC,
    "known = sys.modules": DYNAMIC,
    "known = sys.modules  # all of them": DYNAMIC,
    "return sys.modules": DYNAMIC,
    'patch.dict(sys.modules, {"mod": fake})': DYNAMIC,
    'patch.dict("sys.modules", {"mod": fake})': DYNAMIC,
    "from sys import path, modules": DYNAMIC,
}

HARMLESS = [
    # Other words.
    "setattrs(mod, name, 1)",
    'my_setattr(mod, "foo", 1)',
    "globals_ = my_globals",
    "module.globals",
    "cursor.exec(text)",
    "options.vars = 1",
    'my.type("S", (B,), {})',
    "subtype(a, b)",
    "loader.reload(mod)",
    "import modules",
    "from package import modules",
    'modules["mod"] = fake',
    # Definitions.
    "def setattr(a): pass",
    "def __setattr__(self, name, value): pass",
    "def reload(self): pass",
    "def f(vars): pass",
    "vars = 3",
    # Reading.
    'x = mod.__dict__["foo"]',
    'x = mod.__dict__["foo"] == 1',
    "mod.__dict__.items()",
    "dict(mod.__dict__)",
    "f(**mod.__dict__)",
    "json.dumps(mod.__dict__)",
    "for name in self.__dict__: pass",
    "print(vars(some))",
    'vars(mod)["foo"]',
    "type(x)",
    "type(f(a, b))",
    "type([a, b])",
    "builtins.ord == bad",
    "builtins.open(path)",
    "builtins.no_such_name = 1",
    'sys.modules["mod"].foo()',
    'x = sys.modules["mod"]',
    'sys.modules.get("mod")',
    'f("mod" in sys.modules, 1)',
    "before = set(sys.modules)",
    "# it is in sys.modules, then",
]

LINES = [
    "",
    "x = 1",
    "def f(a):",
    "    return a",
    "class A(B):",
    "# a word",
    "é = 'ü'",
    "import sys",
    "    f(x)[0].y += 1",
]
AROUND = st.lists(st.sampled_from(LINES)).map("\n".join)


def changed(found: Tricks) -> dict[str, Any]:
    """What was found, without what was not."""
    return {name: value for name, value in asdict(found).items() if value}


@pytest.mark.parametrize("line", FOUND)
def test_it_is_found(line: str) -> None:
    assert changed(look(line.encode())) == FOUND[line]


@pytest.mark.parametrize("line", HARMLESS)
def test_it_is_not_taken_for_a_trick(line: str) -> None:
    assert look(line.encode()) == Tricks()


@given(AROUND, st.sampled_from([*FOUND, *HARMLESS]), AROUND)
def test_the_lines_around_do_not_matter(before: str, line: str, after: str) -> None:
    assert look(f"{before}\n{line}\n{after}\n".encode()) == look(line.encode())


@given(st.lists(st.sampled_from([*FOUND, *HARMLESS]), max_size=4))
def test_a_file_does_what_its_lines_do(lines: list[str]) -> None:
    whole, single = look("\n".join(lines).encode()), [look(line.encode()) for line in lines]
    assert whole.stores == set().union(*(one.stores for one in single))
    assert sorted(whole.patches) == sorted(patch for one in single for patch in one.patches)
    for each in fields(Tricks):
        if each.name not in ("stores", "patches"):
            assert getattr(whole, each.name) == any(getattr(one, each.name) for one in single), each.name


@given(
    st.binary() | st.lists(st.sampled_from([*FOUND, "(", "\\", '"', "\n", " ", "[", "="])).map("".join).map(str.encode)
)
def test_no_bytes_trip_it(data: bytes) -> None:
    assert isinstance(look(data), Tricks)


@pytest.mark.parametrize("name", ["__class__", "__code__", "__call__", "__bases__", "__getattr__", "____"])
def test_a_hook_changes_what_an_object_does(name: str) -> None:
    assert hooks(name)


@pytest.mark.parametrize(
    "name", ["__name__", "__doc__", "__wrapped__", "__cause__", "foo", "_foo", "__foo", "foo__", ""]
)
def test_what_an_object_only_holds_is_no_hook(name: str) -> None:
    assert not hooks(name)
