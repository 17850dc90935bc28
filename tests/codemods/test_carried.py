"""Types and defaults that go from the head of a function into the fields of a message."""

from __future__ import annotations

import ast
import collections.abc
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemods.cutting.carried import ANY, NotCarried, Type, Types, default, is_plain_member

HEAD = """
import collections.abc
import typing
import typing as t
from collections.abc import Mapping as Table
from typing import Any, Dict, Literal, Optional, Sequence, Union


class Own:
    pass


alias = int
"""
SIMPLE = st.sampled_from(
    ["bool", "int", "float", "str", "bytes", "Any", "t.Any", "typing.Any", "'int'", "list", "dict"]
)
KEYS = st.sampled_from(["str", "int", "bytes", "'str'"])


def annotations() -> st.SearchStrategy[str]:
    """Annotations as people write them, with what the head above imports."""

    def more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        several = st.lists(inner, min_size=1, max_size=3).map(", ".join)
        return st.one_of(
            inner.map("list[{}]".format),
            inner.map("typing.List[{}]".format),
            inner.map("Sequence[{}]".format),
            inner.map("collections.abc.Sequence[{}]".format),
            inner.map("tuple[{}, ...]".format),
            several.map("tuple[{}]".format),
            several.map("t.Tuple[{}]".format),
            st.tuples(KEYS, inner).map(lambda pair: f"Dict[{', '.join(pair)}]"),
            st.tuples(KEYS, inner).map(lambda pair: f"Table[{', '.join(pair)}]"),
            inner.map("Optional[{}]".format),
            inner.map("Union[{}, None]".format),
        )

    return st.recursive(SIMPLE, more, max_leaves=6)


def node(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def types(head: str = HEAD) -> Types:
    return Types(ast.parse(head))


def meaning(found: Type) -> Any:
    """What the text means in a module that has the imports of ``found`` and nothing else."""
    known: dict[str, Any] = {}
    for module, name in found.imports:
        exec(f"from {module} import {name}", known)
    return eval(found.text, known)


@given(annotations())
def test_the_text_means_in_another_module_what_the_annotation_means_in_its_own(text: str) -> None:
    own: dict[str, Any] = {}
    exec(HEAD, own)

    def function(x: Any) -> None: ...

    function.__annotations__ = {"x": eval(text, own)}
    theirs = typing.get_type_hints(function, own)["x"]
    found = types().of(node(text))
    assert _plain(meaning(found)) == _plain(theirs)


def _plain(kind: Any) -> Any:
    """A type with the names of typing for those of collections.abc, and what stands in quotes read."""
    if isinstance(kind, str):
        return _plain(eval(kind))
    if isinstance(kind, typing.ForwardRef):
        return _plain(kind.__forward_arg__)
    origin = typing.get_origin(kind)
    if origin is None:
        return kind
    return origin, tuple(map(_plain, typing.get_args(kind)))


@given(annotations())
def test_a_struct_may_have_such_a_field_and_bring_it_over(text: str) -> None:
    found = types().of(node(text), optional=True)
    made = msgspec.defstruct("Made", [("x", meaning(found))])
    (kind,) = (field.type for field in msgspec.structs.fields(made))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made(None)), type=made) == made(None), kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int", Type("int")),
        ("'dict[str, int]'", Type("dict[str, int]")),
        ("int | None", Type("int | None")),
        ("t.Mapping[str, t.Any]", Type("Mapping[str, Any]", (("typing", "Mapping"), ("typing", "Any")))),
        ("Table", Type("Mapping", (("collections.abc", "Mapping"),))),
        ("Literal['a', -1]", Type("Literal['a', -1]", (("typing", "Literal"),))),
    ],
    ids=["builtin", "in quotes", "a union", "an alias of a module", "an alias of a name", "literals"],
)
def test_names_are_spelt_as_their_modules_have_them(text: str, expected: Type) -> None:
    assert types().of(node(text)) == expected


def test_nothing_is_said() -> None:
    assert types().of(None) == ANY


@pytest.mark.parametrize(
    ("text", "optional", "expected"),
    [
        ("int", True, "int | None"),
        ("int | None", True, "int | None"),
        ("None", True, "None"),
        ("Any", True, "Any"),
        ("int", False, "int"),
    ],
)
def test_none_as_a_default_widens_the_type(text: str, optional: bool, expected: str) -> None:
    assert types().of(node(text), optional=optional).text == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Own", "`Own` is a class of its own module"),
        ("alias", "`alias` is a class of its own module"),
        ("Path", "`Path` is no type of a message that is known here"),
        ("typing.Callable", "`typing.Callable` is no type of a message that is known here"),
        ("Any.x", "`Any.x` is no type of a message that is known here"),
        ("typing", "`typing` is no type of a message that is known here"),
        ("'1 +'", "`1 +` is no annotation"),
        ("[int]", "`[int]` is no type that is known here"),
        ("Literal[x]", "`x` is not literal"),
        ("int[str]", "`int[str]`: "),
        ("list | set", "`list | set` is no type of a message: "),
        ("list[Own]", "`Own` is a class of its own module"),
    ],
)
def test_what_no_message_carries(text: str, why: str) -> None:
    with pytest.raises(NotCarried) as raised:
        types().of(node(text))
    assert str(raised.value).startswith(why)


@pytest.mark.parametrize("head", ["class int: pass\n", "from numbers import Integral as int\n", "int = float\n"])
def test_a_builtin_that_its_module_means_otherwise(head: str) -> None:
    with pytest.raises(NotCarried):
        types(head).of(node("int"))


PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary()),
    lambda inner: st.one_of(st.tuples(inner), st.tuples(inner, inner)),
    max_leaves=4,
)


@given(PLAIN)
def test_a_default_is_the_value_that_it_was(value: Any) -> None:
    # Written and read once: a float beyond the largest is written as a name.
    text = default(node(repr(value)))
    if text is None:
        assert "inf" in repr(value)
    else:
        assert repr(ast.literal_eval(text)) == repr(value)
        msgspec.defstruct("Made", [("x", Any, ast.literal_eval(text))])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("'a'", '"a"'), ("'it\\'s'", '"it\'s"'), ("[]", "[]"), ("{}", "{}"), ("[1]", None), ("{1}", None), ("f()", None)],
)
def test_defaults_that_a_struct_may_have(text: str, expected: str | None) -> None:
    assert default(node(text)) == expected


def test_attributes_of_what_a_message_carries() -> None:
    assert [is_plain_member(one) for one in ("append", "items", "strip", "real", "save", "shape")] == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]


def test_every_abstract_type_is_one_that_a_struct_may_have() -> None:
    for name in ("Collection", "Mapping", "MutableMapping", "MutableSequence", "Sequence"):
        head = f"from collections.abc import {name}\n"
        assert meaning(types(head).of(node(name))) is getattr(collections.abc, name)
