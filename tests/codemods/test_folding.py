"""Lines that have become too long are laid out as formatters do, and mean the same."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemods.cutting.folding import folded
from tests.codemods.split_support import RUN, talk

KEEPER = "def load(name, size=1):\n    return name\n"
NAMES = st.sampled_from(["first", "second_name", "'a text, with (brackets'", "f'{x} of {y!r:>{3}}'", "5", "(one,)"])
EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda found: f"call({', '.join(found)})"),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: f"[{', '.join(found)}]"),
        st.tuples(inner, inner).map(lambda found: f"({found[0]} + {found[1]})"),
        st.tuples(inner, inner).map(lambda found: f"{{{found[0]}: {found[1]}}}"),
        st.tuples(inner, inner).map(lambda found: f"[{found[0]} for x, y in {found[1]} if x]"),
        inner.map(lambda found: f"call(lambda x, y: {found}, key={found})"),
        inner.map(lambda found: f"name[{found}]"),
    ),
    max_leaves=12,
)
STATEMENTS = st.one_of(
    EXPRESSIONS.map(lambda found: f"y = {found}"),
    EXPRESSIONS.map(lambda found: f"return {found}"),
    st.lists(EXPRESSIONS, min_size=2, max_size=4).map(lambda found: f"return {' or '.join(found)}"),
    st.lists(EXPRESSIONS, min_size=2, max_size=4).map(lambda found: f"if {' and not '.join(found)}:"),
    st.tuples(EXPRESSIONS, EXPRESSIONS).map(lambda found: f"if {found[0]} and {found[1]} or {found[0]}:"),
)


def meaning(line: str) -> str:
    text = textwrap.dedent(line)
    body = " pass" if text.rstrip().endswith(":") else ""
    return ast.dump(ast.parse(f"async def f():\n{textwrap.indent(text + body, '    ')}"))


@given(STATEMENTS, st.sampled_from([0, 10, 30, 60]))
def test_what_is_laid_out_means_the_same(statement: str, most: int) -> None:
    laid = folded(f"    {statement}", most, 4)
    if laid is not None:
        assert meaning(laid) == meaning(f"    {statement}")


@pytest.mark.parametrize(
    "line",
    [
        "y = call(first)  # a comment",
        "y = call(first); z = 2",
        "y = call(first) + 1",
        "y = call(first, (",
        "y = call(first, '''a",
        "with call(first) as y:",
        "y = call(first) \\",
    ],
)
def test_what_is_not_simple_stays(line: str) -> None:
    assert folded(line, 5, 4) is None


def test_the_call_that_is_too_long_is_in_what_is_laid_out() -> None:
    assert folded("y = call(first).get(5)", 10, 4) is not None
    assert folded("y = other(5) if call(first) else other(6)", 10, 16) is not None
    assert folded("call(first)[other()] = name", 10, 0) is None


def test_tabs_stay_tabs() -> None:
    assert folded("\ty = call(first, second)", 10, 5) == "\ty = call(\n\t\tfirst,\n\t\tsecond,\n\t)"


def test_what_has_several_lines_is_moved_only_where_that_changes_no_text(tmp_path: Path) -> None:
    told = "'''first\nsecond'''"
    asker = f"from keeper import load\n\n\ndef f(x):\n    return load(\n        {told},\n    )\n"
    files = talk(tmp_path, asker, KEEPER)
    assert (
        files["asker.py"]
        .removesuffix(RUN)
        .rstrip()
        .endswith(f"    return get_bus().request_sync(Load(\n        name={told},\n    ), timeout=30)")
    )


def test_lines_that_become_too_long_are_laid_out_anew(tmp_path: Path) -> None:
    asker = (
        "from keeper import load\n\n\ndef f(x, a_long_name, another_name):\n"
        "    if x is None or not load(a_long_name, another_name) or load(x):\n"
        "        return [len(load(f'{a_long_name} of {another_name}, and more', 5)), x]\n"
        "    return load(a_long_name, another_name)  # as it was given\n"
    )
    assert (
        talk(tmp_path, asker, KEEPER)["asker.py"]
        .removesuffix(RUN)
        .rstrip()
        .endswith(
            """    if (
        x is None
        or not get_bus().request_sync(
            Load(name=a_long_name, size=another_name), timeout=30
        )
        or get_bus().request_sync(Load(name=x), timeout=30)
    ):
        return [
            len(
                get_bus().request_sync(
                    Load(name=f'{a_long_name} of {another_name}, and more', size=5),
                    timeout=30,
                )
            ),
            x,
        ]
    return get_bus().request_sync(Load(name=a_long_name, size=another_name), timeout=30)  # as it was given"""
        )
    )


def test_imports_stand_with_their_like_and_in_order(tmp_path: Path) -> None:
    asker = (
        "import json\n\nimport zmq\n\nfrom abacus import count\nfrom keeper import load\nfrom zoo import lions\n\n\n"
        "def f(x):\n    return load(json.dumps(x))\n"
    )
    files = talk(tmp_path, asker, KEEPER, {"abacus.py": "count = 1\n", "zoo.py": "lions = 1\n"})
    assert files["asker.py"].startswith(
        "import json\n\nimport zmq\nfrom runtime.events import get_bus\n\nfrom abacus import count\n"
        "from asker_events import Load\nfrom zoo import lions\n\n\ndef f"
    )


def test_imports_behind_a_change_of_the_path_stay_behind_it(tmp_path: Path) -> None:
    head = "import sys\n\nsys.path.insert(0, 'lib')\n\nfrom keeper import load\n"
    asker = f"{head}\n\ndef f(x):\n    return load(sys.path[0])\n"
    text = talk(tmp_path, asker, KEEPER)["asker.py"]
    assert text.index("sys.path.insert") < text.index("from runtime.events") < text.index("def f")
    assert text.index("sys.path.insert") < text.index("from asker_events") < text.index("def f")
