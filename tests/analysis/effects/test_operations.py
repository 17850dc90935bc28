"""What operators are said to raise, by the types of their operands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.effects.kinds import Kind, join
from tests.analysis.effects.support import VALUES, Read, read, spelled, surprises

BINARY = [f"a {sign} b" for sign in ("+", "-", "*", "/", "//", "%", "|", "&", "^", "@", ">>")]
POWERS = ["a ** 2", "a ** -1", "2.0 ** a", "a << 2", "1 >> a"]
UNARY = ["-a", "+a", "~a", "not a"]
SUBSCRIPTS = ["a[b]", "a[0]", "a[1]", "a[b:]", "a[:b]", "a[::b]"]
STORES = ["a[b] = 1", "a[:b] = [1]", "del a[b]", "del a[b:]"]
COMPARISONS = ["a < b", "a == b", "a != b <= a", "a in b", "a not in b", "a is b", "a in [b]"]
FORMATTED = ["f'{a:>3}'", "f'{a:.2f}'", "'%s' % a", "'%d%d' % a"]
OPERATIONS = [*BINARY, *POWERS, *UNARY, *SUBSCRIPTS, *STORES, *COMPARISONS, *FORMATTED]


@pytest.mark.parametrize("text", OPERATIONS)
def test_nothing_else_comes_of_real_values(text: str) -> None:
    assert surprises(text) == []


@pytest.mark.parametrize("text", ["f'{a}'", "f'{a!r}'", "f'{a}{b}'"])
def test_nothing_else_comes_of_printing_values_of_known_types(text: str) -> None:
    assert surprises(text, vague=False) == []


KINDS = st.sampled_from([*VALUES, "json", "list", "tuple", "range", "frozenset[size]"])


@settings(deadline=None)
@given(st.sampled_from(OPERATIONS), KINDS, KINDS, KINDS, KINDS)
def test_who_knows_less_of_an_operand_expects_no_less(text: str, a: str, b: str, more: str, others: str) -> None:
    known, wider = read(text, a=a, b=b), read(text, a=join(a, more), b=join(b, others))
    assert known.raises <= wider.raises
    assert known.assumed is None or wider.assumed is not None


PROMISES: list[tuple[str, dict[str, Kind], Kind, set[str]]] = [
    ("a + b", {"a": "size", "b": "size"}, "int", set()),
    ("a + b", {"a": "size", "b": "str"}, None, {"TypeError"}),
    ("a + b", {"a": "int", "b": "float"}, "float", {"OverflowError"}),
    ("a + b", {"a": "str", "b": "str"}, "str", set()),
    ("a + b", {"a": "list[str]", "b": "list[size]"}, "list", set()),
    ("a + b", {"a": "tuple[str,]", "b": "tuple[str,]"}, "tuple", set()),
    ("a * b", {"a": "size", "b": "list[str]"}, "list[str]", {"OverflowError"}),
    ("a * b", {"a": "tuple[str,]", "b": "size"}, "tuple", {"OverflowError"}),
    ("a / b", {"a": "size", "b": "size"}, "float", {"ZeroDivisionError"}),
    ("a / 2", {"a": "size"}, "float", set()),
    ("a % 2", {"a": "size"}, "size", set()),
    ("a // 0", {"a": "size"}, "size", {"ZeroDivisionError"}),
    ("a ** 2", {"a": "size"}, "int", {"OverflowError", "ZeroDivisionError"}),
    ("a ** b", {"a": "size", "b": "size"}, None, {"OverflowError", "ZeroDivisionError"}),
    ("a << b", {"a": "size", "b": "size"}, "int", {"OverflowError", "ValueError"}),
    ("a | b", {"a": "float", "b": "size"}, None, {"TypeError"}),
    ("a | b", {"a": "dict[str]", "b": "dict[str]"}, "dict", set()),
    ("a - b", {"a": "set[str]", "b": "set[str]"}, "set", set()),
    ("a % b", {"a": "str", "b": "size"}, "str", {"KeyError", "OverflowError", "TypeError", "ValueError"}),
    ("a[b]", {"a": "list[str]", "b": "size"}, "str", {"IndexError"}),
    ("a[b]", {"a": "dict[float]", "b": "str"}, "float", {"KeyError"}),
    ("a[b]", {"a": "dict[float]", "b": "list[str]"}, "float", {"KeyError", "TypeError"}),
    ("a[b]", {"a": "list[str]", "b": "str"}, None, {"TypeError"}),
    ("a[b]", {"a": "size", "b": "size"}, None, {"TypeError"}),
    ("a[0]", {"a": "tuple[str,size]"}, "str", set()),
    ("a[1]", {"a": "tuple[str,]"}, None, {"IndexError"}),
    ("a[-1]", {"a": "tuple[str,size]"}, None, {"IndexError"}),
    ("a[1:]", {"a": "tuple[str,size]"}, "tuple", set()),
    ("a[1:]", {"a": "list[str]"}, "list[str]", set()),
    ("a[::b]", {"a": "str", "b": "size"}, "str", {"ValueError"}),
    ("a[::2]", {"a": "str"}, "str", set()),
    ("a[b:]", {"a": "str", "b": "str"}, "str", {"TypeError"}),
    ("a[0]", {"a": "bytes"}, "size", {"IndexError"}),
    ("a[b] = 1", {"a": "dict[str]", "b": "str"}, None, set()),
    ("a[b] = 1", {"a": "list[str]", "b": "size"}, None, {"IndexError"}),
    ("del a[b]", {"a": "dict[str]", "b": "str"}, None, {"KeyError"}),
    ("-a", {"a": "bool"}, "size", set()),
    ("~a", {"a": "float"}, "float", {"TypeError"}),
    ("-a", {"a": "str"}, None, {"TypeError"}),
    ("not a", {"a": "list[str]"}, "bool", set()),
    ("a < b", {"a": "size", "b": "float"}, "bool", set()),
    ("a < b", {"a": "size", "b": "str"}, "bool", {"TypeError"}),
    ("a == b", {"a": "size", "b": "str"}, "bool", set()),
    ("a in b", {"a": "list[str]", "b": "set[str]"}, "bool", {"TypeError"}),
    ("a in b", {"a": "size", "b": "bytes"}, "bool", {"TypeError", "ValueError"}),
    ("a in b", {"a": "str", "b": "str"}, "bool", set()),
    ("f'{a}'", {"a": "size"}, "str", set()),
    ("f'{a}'", {"a": "int"}, "str", {"ValueError"}),
    ("f'{a:>9}'", {"a": "size"}, "str", {"TypeError", "ValueError"}),
]


@pytest.mark.parametrize(("text", "kinds", "kind", "raises"), PROMISES, ids=spelled)
def test_what_known_types_lead_to_is_proved(text: str, kinds: dict[str, Kind], kind: Kind, raises: set[str]) -> None:
    assert read(text, **kinds) == Read(kind, frozenset(raises), None, None)


@pytest.mark.parametrize(
    ("text", "kinds", "assumed"),
    [
        ("not a", {"a": None}, "the truth of `a` is taken to be well defined"),
        ("a[0]", {"a": None}, "`a[]` is taken to be a container of a built-in type"),
        ("a[0] = 1", {"a": None}, "`a[]` is taken to be a container of a built-in type"),
        ("a[b]", {"a": "list[str]", "b": None}, "`b` is taken to be an index of a built-in type"),
        ("a[b:]", {"a": "list[str]", "b": None}, "`b` is taken to be an index of a built-in type"),
        ("a[b]", {"a": "dict[str]", "b": None}, "`b` is taken to be a key of a built-in type"),
        ("a[:] = b", {"a": "list[str]", "b": None}, "what is put into `a[]` is taken to be a list"),
        ("a + b", {"a": "size", "b": None}, "the operands of `+` are taken to be of built-in types"),
        ("a % b", {"a": "str", "b": None}, "what is formatted by `%` is taken to be of built-in types"),
        ("a | b", {"a": "set", "b": "set"}, "the members of a set are taken to compare without error"),
        ("-a", {"a": None}, "`a` is taken to be a number of a built-in type"),
        ("a == b", {"a": "str", "b": None}, "`b` is taken to compare without error"),
        ("a < b", {"a": "str", "b": None}, "`b` is taken to be a value of a built-in type"),
        ("a in b", {"a": "str", "b": None}, "`b` is taken to be a container of a built-in type"),
        ("a in b", {"a": "str", "b": "list"}, "the members of `b` are taken to compare"),
        ("f'{a}'", {"a": None}, "`a` is taken to print without error"),
    ],
)
def test_what_unknown_types_are_taken_for_is_told(text: str, kinds: dict[str, Kind], assumed: str) -> None:
    assert read(text, **kinds).assumed == assumed


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("a[0] if b else a[1]", "the truth of `b` is taken to be well defined"),
        ("{b: a[0]}", "`b` is taken to be a key of a built-in type"),
        ("a < b < a[0]", "`a` is taken to be a value of a built-in type"),
    ],
)
def test_the_first_assumption_is_the_one_told(text: str, first: str) -> None:
    assert read(text, a=None, b=None).assumed == first


def test_a_type_may_be_subscripted_and_stays_itself() -> None:
    assert read("list[a]", a="=str") == Read("=list", frozenset(), None, None)
    assert read("dict[a, a]", a="=str") == Read("=dict", frozenset(), None, None)
