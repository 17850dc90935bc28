"""What calls of built-in functions are said to raise and to give, by what they are given."""

from __future__ import annotations

import pytest

from analysis.effects.kinds import Kind
from tests.analysis.effects.support import Read, read, spelled, surprises
from tests.exceptions.support import only

CALLS = [
    *(
        "isinstance(a, str)",
        "isinstance(a, (int, float))",
        "isinstance(1, a)",
        "isinstance(a)",
        "isinstance(*[a, str])",
    ),
    *("hasattr(a, 'real')", "hasattr(a, b)", "hasattr(a)", "hasattr(a, 3)", "setattr(a, 'x', 1)"),
    *("getattr(a, 'real')", "getattr(a, 'real', b)", "getattr(a, 'x', b)", "getattr(a, b)", "getattr(a, b, 1)"),
    *("list(a)", "tuple(a)", "set(a)", "dict(a)", "list()", "set()", "tuple()", "dict()", "list(a, b)"),
    *("dict(k=a)", "dict(a, k=b)", "dict(**a)", "dict(a, b)"),
    *("sorted(a)", "sorted(a, reverse=True)", "sorted(a, reverse=b)", "sorted(a, key=len)", "sorted(a, k=b)"),
    *("list(enumerate(a))", "list(enumerate(a, b))", "list(enumerate(a, start=b))", "enumerate(a, x=b)", "enumerate()"),
    *("list(zip(a, b))", "list(zip(a, b, strict=True))", "list(zip(a))", "zip()", "zip(a, x=b)", "list(zip(*a))"),
    *("list(reversed(a))", "reversed(a)", "reversed(a, b)", "any(a)", "all(a)", "any(a, b)", "type(a)", "type(*a)"),
    *("sum(a)", "sum(a, b)", "min(a)", "max(a, b)", "min(a, b, 1)", "max(a, default=b)", "max([], default=a)"),
    *("min(a, key=len)", "max(a, b, key=str)", "min(a, x=b)", "min()", "max(*a)"),
]


@pytest.mark.parametrize("text", CALLS)
def test_nothing_else_comes_of_real_values(text: str) -> None:
    assert surprises(text) == []


PROMISES: list[tuple[str, dict[str, Kind], Kind, set[str]]] = [
    ("isinstance(a, str)", {"a": "size"}, "bool", set()),
    ("isinstance(a, (str, ValueError))", {"a": "size"}, "bool", set()),
    ("isinstance(a)", {"a": "size"}, "bool", {"TypeError"}),
    ("hasattr(a, 'x')", {"a": "size"}, "bool", set()),
    ("hasattr(a, 3)", {"a": "size"}, "bool", {"TypeError"}),
    ("getattr(a, 'x')", {"a": "size"}, None, {"AttributeError", "TypeError"}),
    ("getattr(a, 'x', 0)", {"a": "size"}, None, set()),
    ("list()", {}, "list[None]", set()),
    ("list(a)", {"a": "str"}, "list[str]", set()),
    ("list(a)", {"a": "range"}, "list", {"OverflowError"}),
    ("list(a)", {"a": "size"}, "list", {"TypeError"}),
    ("tuple(a)", {"a": "set[str]"}, "tuple", {"RuntimeError"}),
    ("set(a)", {"a": "list[str]"}, "set[str]", set()),
    ("set(a)", {"a": "list[list[str]]"}, "set[list[str]]", {"TypeError"}),
    ("dict()", {}, "dict", set()),
    ("dict(k=a)", {"a": "str"}, "dict[str]", set()),
    ("dict(a)", {"a": "dict[str]"}, "dict", set()),
    ("dict(a)", {"a": "list[str]"}, "dict", {"RuntimeError", "TypeError", "ValueError"}),
    ("sorted(a)", {"a": "list[str]"}, "list[str]", set()),
    ("sorted(a)", {"a": "list[float|str]"}, "list[float|str]", {"TypeError"}),
    ("sorted(a, reverse=True)", {"a": "list[str]"}, "list[str]", set()),
    ("sorted(a, reverse=b)", {"a": "list[str]", "b": "size"}, "list[str]", {"OverflowError"}),
    ("enumerate(a)", {"a": "list[str]"}, "iterator[tuple[size,str]]", set()),
    ("enumerate(a, b)", {"a": "list[str]", "b": "size"}, "iterator[tuple[size,str]]", set()),
    ("enumerate()", {}, None, {"TypeError"}),
    ("zip(a, b)", {"a": "list[str]", "b": "str"}, "iterator[tuple[str,str]]", set()),
    ("zip(a)", {"a": "list[str]"}, "iterator[tuple[str,]]", set()),
    ("zip(a, strict=True)", {"a": "list[str]"}, "iterator[tuple[str,]]", {"TypeError", "ValueError"}),
    ("zip()", {}, "iterator", set()),
    ("reversed(a)", {"a": "list[str]"}, "iterator[str]", set()),
    ("reversed(a)", {"a": "list[str]|set[str]"}, None, {"TypeError"}),
    ("sum(a)", {"a": "list[size]"}, "int", set()),
    ("sum(a)", {"a": "list[float]"}, "float|int", {"OverflowError"}),
    ("min(a)", {"a": "list[str]"}, "str", {"ValueError"}),
    ("max(a, default=b)", {"a": "list[str]", "b": "None"}, "None|str", set()),
    ("max(a, b)", {"a": "size", "b": "float"}, "float|size", set()),
    ("max(a, b)", {"a": "size", "b": "str"}, "size|str", {"TypeError"}),
    ("any(a)", {"a": "list[str]"}, "bool", set()),
    ("all(a)", {"a": "dict[str]"}, "bool", {"RuntimeError"}),
    ("type(a)", {"a": "str"}, "type", set()),
    ("open(a, 'rb')", {"a": "str"}, "io.BufferedIOBase", {"OSError", "ValueError"}),
]


@pytest.mark.parametrize(("text", "kinds", "kind", "raises"), PROMISES, ids=spelled)
def test_what_known_types_lead_to(text: str, kinds: dict[str, Kind], kind: Kind, raises: set[str]) -> None:
    found = read(text, **kinds)
    assert (found.kind, set(found.raises)) == (kind, raises)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("isinstance(a, b)", "`b` is taken to be a plain class"),
        ("isinstance(a, str)", "the class of `a` is taken to be plain"),
        ("hasattr(a, 'x')", "`a.x` is taken to be a plain attribute"),
        ("hasattr(a, b)", "the attribute that is looked up is taken to be a plain one"),
        ("setattr(a, 'x', 1)", "the attribute that is set is taken to be a plain one"),
        ("set([a])", "the members of a set are taken to be hashable without error"),
        ("dict(a)", "`a` is taken to be of a built-in type"),
        ("sorted([a])", "what `sorted` compares is taken to be of built-in types"),
        ("sorted([1, 2], key=lambda n: n)", "the keys that `sorted` compares are taken to be of built-in types"),
        ("sorted([1, 2], reverse=a)", "`a` is taken to be true or false"),
        ("enumerate([1], a)", "where `enumerate` starts is taken to be a whole number"),
        ("reversed(a)", "what `reversed` is given is taken to be a sequence"),
        ("sum([a])", "what `sum` adds up is taken to be numbers"),
        ("min(a, 1)", "what `min` compares is taken to be of built-in types"),
        ("max(*[1])", "what `max` compares is taken to be of built-in types"),
        ("any([a])", "the truth of what `any` tests is taken to be well defined"),
        ("all([a])", "the truth of what `all` tests is taken to be well defined"),
    ],
)
def test_what_unknown_types_are_taken_for_is_told(text: str, told: str) -> None:
    found = read(text, a=None, b=None)
    assert found.open is None
    assert found.assumed == told


def test_what_three_arguments_make_of_type_is_open() -> None:
    assert read("type('S', (), {})").open == "what `type()` makes"


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("open('p')", "io.TextIOWrapper"),
        ("open('p', 'w')", "io.TextIOWrapper"),
        ("open('p', mode='wb')", "io.BufferedIOBase"),
        ("open('p', 'rb', 0)", None),
        ("open('p', 'rb', buffering=0)", None),
        ("open('p', a)", None),
        ("open(*a)", None),
    ],
)
def test_the_mode_says_what_open_gives(call: str, kind: Kind) -> None:
    assert read(call, a="list[str]").kind == kind


METHOD = """
class A:
    def step(self): raise KeyError(1)

class B(A):
    {decorator}
    def f({given}):
        {before}
        try:
            {call}
        except Exception:
            pass
"""


@pytest.mark.parametrize(
    ("decorator", "given", "before", "call"),
    [
        ("@staticmethod", "self", "pass", "super().step()"),
        ("", "*self", "pass", "super().step()"),
        ("", "self", "self = None", "super().step()"),
        ("", "self", "pass", "super(B, self).step()"),
        ("", "self", "pass", "[super().step() for _ in [1]]"),
    ],
)
def test_super_that_may_find_another_object_is_open(decorator: str, given: str, before: str, call: str) -> None:
    found = only(METHOD.format(decorator=decorator, given=given, before=before, call=call))
    assert found.open is not None and found.open.startswith("what `super()` finds")


def test_super_in_a_method_finds_the_base() -> None:
    found = only(METHOD.format(decorator="", given="self", before="pass", call="super().step()"))
    assert (found.types, found.proved) == (("KeyError",), True)
    assert read("super().step()") == Read(None, frozenset(), None, "what `super()` finds")
