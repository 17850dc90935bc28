"""How imported names are used."""

from __future__ import annotations

import pytest

from .support import Tree


def uses(text: str, name: str = "X") -> list[str]:
    """The uses of a name: ``2 base``, with the function it happens in where it comes later."""
    crossings = Tree({"a.py": text}).crossings["a.py"]
    (one,) = [each for each in crossings if each.local == name]
    return [
        " ".join(
            filter(None, [str(use.line), use.kind, use.member, "" if use.at_import else f"in {use.scope}".rstrip()])
        )
        for use in one.uses
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("class A(X): ...", ["2 base"]),
        ("class A(List[X], metaclass=X): ...", ["2 base", "2 base"]),
        ("@X\ndef f(): ...", ["2 decorator"]),
        ("@X.y(1)\nclass A: ...", ["2 decorator y"]),
        ("def f(a: X = 1) -> list[X]: ...", ["2 annotation", "2 annotation"]),
        ("a: X | None = None", ["2 annotation"]),
        ("def f():\n    a: X = g()", ["3 annotation in f"]),
        ("def f(a: 'X'): ...", ["2 annotation in "]),
        ("def f(a: 'list[X]'): ...", ["2 annotation in "]),
        ("X()", ["2 dropped-call"]),
        ("y = X()", ["2 call"]),
        ("y = X.a.b", ["2 value a.b"]),
        ("def f():\n    X.run()", ["3 dropped-call run in f"]),
        ("async def f():\n    await X.run()", ["3 dropped-call run in f"]),
        ("async def f():\n    return await X()", ["3 call in f"]),
        ("class A:\n    y = X\n    def f(self):\n        return X", ["3 value", "5 value in A.f"]),
        ("f = lambda a=X: X", ["2 value", "2 value in "]),
        ("def f(a=X): ...", ["2 value"]),
        ("try:\n    pass\nexcept X: ...", ["4 caught"]),
        ("__all__ = ['X']", ["2 export in "]),
        ("__all__ += ('X',)", ["2 export in "]),
        ("print('X')", []),
        ("X = 2", ["2 rebound"]),
        ("def f():\n    X = 2\n    return X", []),
        ("def f(X):\n    def g():\n        return X", []),
        ("def f():\n    global X\n    X = 2", ["4 rebound in f"]),
        ("class A:\n    X = 1\n    def f(self):\n        return X", ["5 value in A.f"]),
        ("y = [X for X in z]", []),
        ("y = [X for y in z]", ["2 value"]),
        ("def f():\n    import X\n    X()", []),
        ("if z:\n    X.a", ["3 value a"]),
    ],
)
def test_uses(text: str, expected: list[str]) -> None:
    assert uses(f"from m import X\n{text}\n") == [one.rstrip() for one in expected]


def test_with_postponed_annotations_nothing_of_them_runs() -> None:
    text = "from __future__ import annotations\nfrom m import X\n\n\ndef f(a: X): ...\n"
    assert uses(text) == ["5 annotation in"]


def test_each_import_of_a_name_is_told_of() -> None:
    crossings = Tree({"a.py": "try:\n    from m import X\nexcept ImportError:\n    from n import X\nX()\n"}).crossings
    assert [(one.line, one.local, len(one.uses)) for one in crossings["a.py"]] == [(2, "X", 1), (4, "X", 1)]


def test_an_import_in_a_function_is_none_of_these() -> None:
    assert Tree({"a.py": "def f():\n    import X\n    X()\n"}).crossings["a.py"] == []
