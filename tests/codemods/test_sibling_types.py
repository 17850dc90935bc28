"""What a finding says whose sibling handler names a type that is not known: which one, and why not."""

from __future__ import annotations

import pytest

from analysis.reading import analyse
from analysis.source import Source
from codemods.edits import Reason
from codemods.engine import Engine
from codemods.safe_executor import SafeExecutorCodemod
from config.settings import Settings

WORK = """\
def work(job):
    try:
        job()
    except {types}:
        return None
    except Exception as e:
        print(e)
"""


def detail(text: str) -> str:
    """The detail of the one finding in ``text``, which is declined for a sibling's type."""
    engine = Engine(SafeExecutorCodemod(), Settings(), {"policy": "preserve", "unsafe": False})
    facts = analyse(Source.from_bytes(text.encode(), "sample.py"), engine.collectors, "sample.py")
    assert facts.fault is None, facts.fault
    answers, _, _ = engine.run(Source.from_bytes(text.encode(), "sample.py"), facts)
    ((reason, said),) = [(one.reason, one.detail) for one in answers]
    assert reason == Reason.SIBLING_TYPE.value
    return said


@pytest.mark.parametrize(
    ("head", "types", "why"),
    [
        ("", "Odd", "nothing imports `Odd`"),
        ("", "odd.Odd", "nothing imports `odd`"),
        ("", "(ValueError, odd.Odd)", "nothing imports `odd`"),
        ("import odd\n", "odd.Odd", "`odd.Odd` is not among the exceptions that are known of the libraries"),
        (
            "from . import odd\n",
            "odd.Odd",
            "`odd` comes from the tree itself (line 1), whose classes are not looked up",
        ),
        ("from odd import *\n", "ValueError", "a star import at line 1 may bind `ValueError`"),
        ("import odd\nx = globals()\n", "odd.Odd", "`globals()` at line 2 may bind `odd`"),
        ("import odd\nexec ('y')\n", "odd.Odd", "`exec()` at line 2 may bind `odd`"),
        (
            "class Odd(Exception): pass\n",
            "Odd",
            "`Odd` is a class of this file (line 1), and only imported ones are looked up",
        ),
        ("\nOdd = ValueError\n", "Odd", "`Odd` is bound at line 2, and not by an import"),
        ("import sys\n\ndef f(sys): pass\n", "sys.Odd", "`sys` is bound at line 3, and not by an import"),
        (
            "try:\n    import zmq\nexcept ImportError:\n    pass\n",
            "zmq.ZMQError",
            "line 2 imports `zmq` under a condition",
        ),
        (
            "def f():\n    import zmq\n",
            "zmq.ZMQError",
            "line 2 imports `zmq`, but not while the module is imported",
        ),
        ("from a import E\nfrom b import E\n", "E", "line 2 imports something else as `E`"),
        ("", "kind()", "an expression that is no name says which type it is"),
        ("", "job.Failed", "`job` may be bound by the function, at line 1"),
    ],
)
def test_the_type_and_the_reason(head: str, types: str, why: str) -> None:
    line = head.count("\n") + 4
    shown = "?" if types == "kind()" else types.strip("()")
    assert detail(head + WORK.format(types=types)) == f"`{shown}` at line {line}: {why}"


def test_an_import_below() -> None:
    text = WORK.format(types="zmq.ZMQError") + "\n\nimport zmq\n"
    assert detail(text) == "`zmq.ZMQError` at line 4: `zmq` is imported at line 10 only"


def test_errors_and_exits_in_one_handler() -> None:
    text = WORK.format(types="(ValueError, SystemExit)")
    assert detail(text) == "`ValueError, SystemExit` at line 4: errors and exits in one handler"


def test_beside_exception_itself() -> None:
    text = "def work(job):\n    try:\n        job()\n    except (Exception, odd.Odd):\n        return None\n"
    assert detail(text) == "`Exception, odd.Odd`: nothing imports `odd`"
