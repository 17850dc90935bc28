"""Terms that other files decide."""

from __future__ import annotations

from textwrap import dedent

from analysis.collectors.ports import PortCollector
from analysis.modules import Modules
from analysis.source import Source
from analysis.values.across import Across, Definition
from analysis.values.terms import Call, Const, Field, Parameter, Symbol, Term, written
from analysis.walk import collect


def across(files: dict[str, str]) -> Across:
    records = {}
    for path, text in files.items():
        source = Source.from_bytes(dedent(text).encode(), path)
        tree = source.parse()
        assert tree is not None
        found = collect(source, tree, (PortCollector,))[PortCollector.topic]
        if found:
            records[path] = found[0]
    return Across(records, Modules(files))


TREE = {
    "settings.py": "PORT = 5556\nPORTS = {'api': 5557}\nfrom more import OTHER_PORT\n",
    "more.py": "OTHER_PORT = 5558\ndef url(port):\n    return f'tcp://*:{port}'\n",
    "base.py": "class Base:\n    port = 5000\n    def __init__(self, name, port=None):\n        self.sock.bind(port)\n",
    "agent.py": """\
        from base import Base
        class Agent(Base):
            def __init__(self):
                super().__init__("a", 5559)
        """,
}


def resolved(term: Term, path: str = "agent.py") -> str:
    return written(across(TREE).resolve(term, path))


def test_names_of_other_files() -> None:
    assert resolved(Symbol("0:settings:PORT")) == "5556"
    assert resolved(Symbol("0:settings:PORTS.[api]")) == "5557"
    assert resolved(Symbol("0:settings:OTHER_PORT")) == "5558"
    assert resolved(Symbol("0:elsewhere:PORT")) == "elsewhere.PORT"


def test_attributes_of_base_classes() -> None:
    assert resolved(Field("Agent", "port")) == "5000"
    assert resolved(Field("Agent", "other")) == "Agent.other"


def test_what_callers_pass() -> None:
    assert resolved(Parameter("Base.__init__", "port"), "base.py") == "5559"
    assert resolved(Parameter("Base.__init__", "name", Const("x")), "base.py") == "x"


def test_what_functions_give() -> None:
    assert resolved(Call("0:more:url", ((0, Const(5560)),))) == "tcp://*:5560"
    assert resolved(Call("0:more:missing", ((0, Const(5560)),))) == "more.missing(5560)"


def test_lineage() -> None:
    assert across(TREE).lineage(Definition("agent.py", "Agent")) == [
        Definition("agent.py", "Agent"),
        Definition("base.py", "Base"),
    ]
