"""What becomes doubtful because a file of the tree replaces it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.effects.doubts import Doubts
from analysis.effects.records import Module, Region
from config.knowledge import knowledge

QUIET = Module((), (), (), Region(), (), (), (), (), (), (), False, ())
NOTHING: frozenset[str] = frozenset()


def doubts(**files: dict[str, Any]) -> Doubts:
    """What is doubtful in a tree of files that do these things; ``a`` stands for ``a.py``."""
    records = {f"{name}.py": msgspec.structs.replace(QUIET, **does) for name, does in files.items()}
    return Doubts(records, knowledge())


def test_a_quiet_tree_leaves_no_doubt() -> None:
    found = doubts(a={}, b={})
    assert found.of(frozenset({"foo", "mod"})) is None
    assert found.of_constant("foo") is None
    assert found.replaced(["foo"]) is None
    assert (found.dynamic, found.makes, found.everything) == (None, None, None)


def test_an_attribute_that_is_set_is_doubted_wherever_its_name_is_on_the_way() -> None:
    found = doubts(a={}, c={"stores": ("foo",)}, b={"stores": ("foo", "bar")})
    told = "`foo`, an attribute that b.py sets, is taken to be what its own file makes it"
    assert found.of(frozenset({"foo"})) == found.of(frozenset({"mod", "foo"})) == told
    assert found.of(frozenset({"mod"})) is None
    assert found.of_constant("foo") == "b.py sets an attribute of that name"
    assert found.of_constant("mod") is None


@pytest.mark.parametrize("patch", ["0:pkg.mod:foo", "1::foo", "0:pkg:mod.foo"])
def test_a_patch_of_the_tree_is_known_by_its_last_name(patch: str) -> None:
    found = doubts(a={"patches": (patch,)})
    assert found.patched == {"foo"}
    assert found.of(frozenset({"foo"})) == "`foo`, which the tree replaces, is taken to be what its own file makes it"
    assert found.everything is None


def test_a_patch_of_a_library_is_known_by_its_whole_name() -> None:
    found = doubts(a={"patches": ("json.loads",)})
    assert found.patched == {"json.loads"}
    assert found.replaced(["json.loads"]) == "json.loads"
    assert found.replaced(["loads"]) is None
    assert found.everything is None


def test_of_several_names_the_first_in_the_alphabet_is_told() -> None:
    found = doubts(a={"stores": ("b", "a"), "patches": ("0:mod:c",)})
    assert found.replaced(["c", "b"]) == "b"
    assert found.replaced(iter(["d", "c"])) == "c"
    assert found.replaced([]) is None


@pytest.mark.parametrize(
    ("does", "reaches"),
    [
        ({"builtins": True}, True),
        ({"patches": ("builtins.ord",)}, True),
        ({"patches": ("pathlib.Path.exists",)}, True),
        ({"patches": ("builtins.no_such_name",)}, False),
        ({"patches": ("json.loads",)}, False),
        ({"patches": ("0:builtins:ord",)}, False),
        ({"stores": ("ord",)}, False),
    ],
)
def test_what_is_built_in_and_classes_of_the_library_reach_far(does: dict[str, Any], reaches: bool) -> None:
    assert doubts(a={}, b=does).everything == ("b.py" if reaches else None)


def test_names_set_out_of_sight_make_all_attributes_doubtful() -> None:
    found = doubts(b={"dynamic": True}, a={})
    told = "attributes are taken to be what their files make them, though b.py sets some by name"
    assert found.of(frozenset({"foo"})) == told
    assert found.of_constant("foo") == "b.py sets attributes by name"
    assert found.of(NOTHING) is None


def test_a_file_that_binds_its_own_names_is_told_before_others_that_set_them() -> None:
    found = doubts(b={"dynamic": True, "stores": ("foo",)})
    told = "the names of mod.py are taken to be what they look like, though it may bind them otherwise"
    assert found.of(frozenset({"bar", ":mod.py"})) == told
    assert found.of(frozenset({"bar", ":other.py", ":mod.py"})) == told
    assert (found.of(frozenset({"foo", ":mod.py"})) or "").startswith("`foo`")


def test_the_first_file_is_told() -> None:
    found = doubts(b={"makes": True, "dynamic": True, "builtins": True}, c={"makes": True}, a={})
    assert (found.makes, found.dynamic, found.everything) == ("b.py", "b.py", "b.py")


NAMES = st.sampled_from(["foo", "bar", "builtins.ord", "json.loads"])
DOES = st.fixed_dictionaries(
    {
        "stores": st.lists(NAMES, max_size=2).map(tuple),
        "patches": st.lists(NAMES.map("0:mod:{}".format) | NAMES, max_size=2).map(tuple),
        "dynamic": st.booleans(),
        "makes": st.booleans(),
        "builtins": st.booleans(),
    }
)
FILES = st.dictionaries(st.sampled_from("abcd"), DOES, max_size=3)
TRAILS = st.frozensets(st.sampled_from(["foo", "bar", "mod", ":a.py"]), max_size=3)


@settings(deadline=None)
@given(FILES, TRAILS, st.randoms())
def test_the_order_of_the_files_does_not_matter(
    files: dict[str, dict[str, Any]], trail: frozenset[str], at: Any
) -> None:
    mixed = list(files.items())
    at.shuffle(mixed)
    one, other = doubts(**files), doubts(**dict(mixed))
    assert vars(one) == vars(other)
    assert one.of(trail) == other.of(trail)


@settings(deadline=None)
@given(FILES, FILES, TRAILS)
def test_another_file_takes_no_doubt_away(
    files: dict[str, dict[str, Any]], more: dict[str, dict[str, Any]], trail: frozenset[str]
) -> None:
    few, many = doubts(**files), doubts(**{f"z{name}": does for name, does in more.items()}, **files)
    assert few.of(trail) is None or many.of(trail) is not None
    assert few.patched <= many.patched and few.stores.items() <= many.stores.items()
    for name in trail:
        assert few.of_constant(name) is None or many.of_constant(name) is not None
    for what in ("dynamic", "makes", "everything"):
        assert getattr(few, what) is None or getattr(many, what) == getattr(few, what)
