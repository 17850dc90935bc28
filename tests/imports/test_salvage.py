"""What imports can be read off a file that does not parse."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.collectors.imports import Import, Imports
from analysis.reading import analyse
from analysis.salvage import salvaged_imports
from analysis.source import Source

BROKEN = "\ndef broken(:\n"


def salvaged(text: str) -> list[Import]:
    return [Import(*one) for one in salvaged_imports(text.encode())]


@pytest.mark.parametrize(
    "text",
    [
        "import a\nimport b.c as d, e\n",
        "from a import b\nfrom .a import *\nfrom . import x as y\n",
        "from a import (\n    b,  # why\n    c as d,\n)\nimport e\n",
        "from a import b, \\\n    c\n",
        "if x:\n    import a\nelse:\n    from b import c\n",
        "try:\n    import a\nexcept ImportError:\n    import b\n",
        "def f():\n    import a\n\n    class C:\n        import b\n",
        "class C:\n    import a\n",
        "if TYPE_CHECKING:\n    import a\n",
        "if __name__ == '__main__':\n    import a\n",
        "\timport a\r\nimport b\r\n",
    ],
)
def test_it_is_what_the_parser_would_have_said(text: str) -> None:
    whole = text.lstrip("\t")
    source = Source.from_bytes(whole.encode(), "a.py")
    expected = analyse(source, (Imports,)).records(Imports)
    found = salvaged(whole + BROKEN)
    assert [(one.module, one.level, one.names, one.is_from, one.when) for one in found] == [
        (one.module, one.level, one.names, one.is_from, one.when) for one in expected
    ]
    assert [one.span for one in found] == [one.span for one in expected]


def test_an_import_that_is_broken_itself_is_left_out() -> None:
    assert [one.names for one in salvaged("from a import (b,\nimport c\nfrom d import\nimport e f\nimport g\n")] == [
        (("c", None),),
        (("g", None),),
    ]


def test_of_a_broken_file_the_facts_are_none_and_the_imports_are_salvaged() -> None:
    facts = analyse(Source.from_bytes(b"import a\ndef f(:\n", "a.py"), (Imports,))
    assert facts.fault is not None
    assert facts.records(Imports) == []
    assert [one.names for one in facts.salvaged(Imports)] == [(("a", None),)]


def test_of_a_file_that_parses_nothing_is_salvaged() -> None:
    assert analyse(Source.from_bytes(b"import a\n", "a.py"), (Imports,)).salvaged(Imports) == []


@given(st.text(alphabet=st.sampled_from(list("from import a.b,*()\\\n\t #\"'as")), max_size=120))
def test_whatever_the_text_each_import_is_one(text: str) -> None:
    for one in salvaged(text):
        line = text.replace("\r\n", "\n").split("\n")[one.span.line - 1]
        assert line.lstrip(" \t").startswith(("import", "from"))
        names = ", ".join(name if alias is None else f"{name} as {alias}" for name, alias in one.names)
        written = f"from {'.' * one.level}{one.module} import {names}" if one.is_from else f"import {names}"
        ast.parse(written)
