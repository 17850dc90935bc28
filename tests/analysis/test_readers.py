"""Which functions read the error that their caller is handling."""

from __future__ import annotations

from textwrap import dedent

import pytest

from analysis.collectors.parents import ParentCollector
from analysis.collectors.readers import ReaderCollector
from analysis.source import Source
from analysis.walk import Collector, collect


def names(kind: type[Collector], text: str) -> list[str]:
    source = Source.from_bytes(dedent(text).encode(), "subject.py")
    tree = source.parse()
    assert tree is not None
    return [one.name for one in collect(source, tree, [kind])[kind.topic]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(): return traceback.format_exc()\n", ["f"]),
        ("def f(): raise\n", ["f"]),
        ("def f():\n    try: g()\n    except OSError: raise\n", []),
        ("def f(): g()\ndef g(): h()\ndef h(): print(sys.exc_info())\n", ["f", "g", "h"]),
        ("def f(): x.g()\ndef g(): raise\n", ["g"]),
        ("class A:\n    def f(self): self.g()\n    def g(self): raise\n", ["f", "g"]),
        ("class A:\n    def __init__(self): self.text = traceback.format_exc()\n", ["A"]),
        ("class A:\n    def __init__(self): raise\ndef f(): return A()\n", ["A", "f"]),
        ("async def f(): raise\nasync def g(): await f()\ndef h(): f()\n", ["await f", "await g"]),
        ("tell = traceback.print_exc\n", ["tell"]),
        ("tell = lambda: traceback.print_exc()\n", ["tell"]),
        ("tell = functools.partial(logger.error, exc_info=True)\n", ["tell"]),
        ("self.tell = logger.exception\n", ["tell"]),
        ("text = traceback.format_exc()\n", []),
        (
            "from traceback import print_exc as tell\nfrom logging import exception as say, info as note\n",
            ["say", "tell"],
        ),
        ("def f():\n    def g(): raise\n", ["g"]),
        ("def f(console): console.print_exception()\n", ["f"]),
        ("def f(error): console.print_exception(error)\n", ["f"]),
        ("def f(): print('no error')\n", []),
    ],
)
def test_what_reads_the_error(text: str, expected: list[str]) -> None:
    assert names(ReaderCollector, text) == expected


def test_the_classes_that_others_derive_from() -> None:
    text = "class A(m.B, C[D], make(E), metaclass=F): ...\nclass G: ...\nclass H(B): ...\n"
    assert names(ParentCollector, text) == ["B", "C", "D", "E", "make"]
