"""What the collector of executors sees, and what it must not."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from analysis.collectors.executors import Executor, executors
from analysis.reading import analyse
from analysis.source import Source

IMPORT = "from runtime.safe_executor import SafeExecutor\n"


def uses(text: str | bytes, name: str = "SafeExecutor") -> list[Executor]:
    data = text.encode() if isinstance(text, str) else text
    facts = analyse(Source.from_bytes(data, "x.py"), [executors(name)])
    assert facts.fault is None, facts.fault
    found: list[Any] = facts.records(executors(name))
    return found


@pytest.mark.parametrize(
    ("text", "module", "star"),
    [
        (IMPORT + "with SafeExecutor(): ...", "runtime.safe_executor", False),
        ("from runtime.safe_executor import SafeExecutor as S\nwith S(): ...", "runtime.safe_executor", False),
        ("from runtime.safe_executor import *\nwith SafeExecutor(): ...", "runtime.safe_executor", True),
        (
            "import runtime.safe_executor\nwith runtime.safe_executor.SafeExecutor(): ...",
            "runtime.safe_executor",
            False,
        ),
        ("import runtime.safe_executor as r\nwith r.SafeExecutor(): ...", "runtime.safe_executor", False),
        ("from runtime import safe_executor\nwith safe_executor.SafeExecutor(): ...", "runtime.safe_executor", False),
        ("from . import safe_executor as s\nwith s.SafeExecutor(): ...", ".safe_executor", False),
        ("from ..x import SafeExecutor\nwith SafeExecutor(): ...", "..x", False),
    ],
)
def test_the_class_is_followed_through_its_import(text: str, module: str, star: bool) -> None:
    (use,) = uses(text)
    assert (use.module, use.star) == (module, star)


@pytest.mark.parametrize(
    ("call", "recoverable"),
    [
        ("SafeExecutor()", None),
        ("SafeExecutor(log)", None),
        ("SafeExecutor(log, recoverable=OSError)", ("OSError",)),
        ("SafeExecutor(log, recoverable=(OSError, zmq.ZMQError))", ("OSError", "zmq.ZMQError")),
        ("SafeExecutor(log, recoverable=())", ("?",)),
        ("SafeExecutor(log, recoverable=errors())", ("?",)),
        ("SafeExecutor(**options)", ("options",)),
        ("SafeExecutor(recoverable=OSError, **options)", ("OSError",)),
    ],
)
def test_recoverable_is_read(call: str, recoverable: tuple[str, ...] | None) -> None:
    (use,) = uses(f"{IMPORT}with {call}: ...")
    assert use.recoverable == recoverable


def test_forms_and_scopes() -> None:
    text = (
        f"{IMPORT}class A:\n    guard = SafeExecutor()\n    @SafeExecutor\n    def f(self):\n"
        "        with open(p) as x, SafeExecutor() as y:\n            return SafeExecutor()\n"
        "@SafeExecutor()\nasync def g():\n    async with SafeExecutor(): ...\n"
    )
    assert [(use.form, use.scope) for use in uses(text)] == [
        ("value", "A"),
        ("decorator", "A"),
        ("with", "A.f"),
        ("value", "A.f"),
        ("decorator", "<module>"),
        ("with", "g"),
    ]


def test_columns_count_characters_in_any_encoding() -> None:
    line = "é = 'ü'; x = SafeExecutor('ä',\n   recoverable = OSError)\n"
    for encoding in ("utf-8", "latin-1"):
        data = f"# coding: {encoding}\n{IMPORT}{line}".encode(encoding)
        (use,) = uses(data)
        assert (use.span.line, use.column) == (3, line.index("SafeExecutor") + 1)
        assert use.source == "SafeExecutor('ä', recoverable = OSError)"


@pytest.mark.parametrize(
    "text",
    [
        "class SafeExecutor: ...\nwith SafeExecutor(): ...",
        "def f(SafeExecutor):\n    with SafeExecutor(): ...",
        IMPORT + "SafeExecutor",
        IMPORT + "with other(SafeExecutor): ...",
        "'from runtime.safe_executor import SafeExecutor'",
        "with runtime.SafeExecutor(): ...",
    ],
)
def test_what_is_no_use(text: str) -> None:
    assert uses(text) == []


def test_the_class_of_a_name_is_one_and_can_be_sent_to_workers() -> None:
    assert executors("Guard") is executors("Guard")
    assert executors("Guard") is not executors("SafeExecutor")
    assert pickle.loads(pickle.dumps(executors("Guard"))) is executors("Guard")
    assert executors("Guard").needles == (b"Guard",)


def test_a_worker_that_never_heard_of_the_name_finds_the_class(tmp_path: Any) -> None:
    import subprocess
    import sys

    (tmp_path / "kind").write_bytes(pickle.dumps(executors("Guard")))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).topic)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "kind")], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("executors.Guard", "")
