"""What an expression comes to inside one file: every row is a program and the value of its last line's ``at(...)``."""

from __future__ import annotations

import textwrap

import pytest

from analysis.source import Source
from analysis.values.terms import written
from analysis.walk import collect
from tests.analysis.values.support import Asking

ROWS = {
    "a literal": ("at(5556)", "5556"),
    "a name": ("PORT = 5556\nat(PORT)", "5556"),
    "the last of two": ("PORT = 5556\nPORT = 5557\nat(PORT)", "5557"),
    "the one before": ("PORT = 5556\nat(PORT)\nPORT = 5557", "5556"),
    "one of two": ("if x:\n    PORT = 5556\nelse:\n    PORT = 5557\nat(PORT)", "5556 | 5557"),
    "one that may not have run": ("PORT = 5556\nif x:\n    PORT = 5557\nat(PORT)", "5556 | 5557"),
    "none of those that give nothing": ("PORT = None\nif x:\n    PORT = 5557\nat(PORT)", "5557"),
    "in its branch": ("PORT = 5556\nif x:\n    PORT = 5557\n    at(PORT)", "5557"),
    "a loop comes back": ("PORT = 1\nwhile x:\n    at(PORT)\n    PORT = 2", "1 | 2"),
    "what a try may have set": ("PORT = 1\ntry:\n    PORT = 2\nexcept E:\n    pass\nat(PORT)", "1 | 2"),
    "a sum": ("BASE = 5000\nat(BASE + 2)", "5002"),
    "a difference and a product": ("BASE = 10\nat(BASE * 600 - 1)", "5999"),
    "one more": ("PORT = 5556\nPORT += 1\nat(PORT)", "5557"),
    "text put together": ('HOST = "h"\nat("tcp://" + HOST + ":" + str(5556))', "tcp://h:5556"),
    "a replacement field": ('P = 5556\nat(f"tcp://*:{P}")', "tcp://*:5556"),
    "a sum in a replacement field": ('P = 5556\nat(f"tcp://*:{P + 1}/x")', "tcp://*:5557/x"),
    "the percent sign": ('at("tcp://%s:%d" % ("h", 5556))', "tcp://h:5556"),
    "format": ('at("tcp://{}:{port}".format("h", port=5556))', "tcp://h:5556"),
    "format by number": ('at("tcp://{1}:{0}".format(5556, "h"))', "tcp://h:5556"),
    "a template with a name": ('A = "tcp://*:{}"\nat(A.format(5556))', "tcp://*:5556"),
    "int of text": ('at(int("5556"))', "5556"),
    "the environment": ('at(os.getenv("X_PORT", 5556))', "$X_PORT or 5556"),
    "the environment without default": ('at(os.environ["X_PORT"])', "$X_PORT"),
    "int of the environment": ('at(int(os.environ.get("X_PORT", "5556")))', "$X_PORT or 5556"),
    "a default behind or": ('at(int(os.getenv("X_PORT") or 5556))', "$X_PORT or 5556"),
    "a helper around the environment": ('at(get_env("X_PORT", "5556"))', "$X_PORT or 5556"),
    "a shell's variable": ('at("${PORT_OFFSET}+7200")', "{$PORT_OFFSET}+7200"),
    "a dict": ('PORTS = {"a": 5556, "b": 5557}\nat(PORTS["b"])', "5557"),
    "a dict in a dict": ('S = {"a": {"port": 5556}}\nat(S["a"]["port"])', "5556"),
    "get from a dict": ('PORTS = {"a": 5556}\nat(PORTS.get("a", 1))', "5556"),
    "get what is not there": ('PORTS = {"a": 5556}\nat(PORTS.get("z", 5))', "5"),
    "a dict that is changed": (
        'PORTS = {"a": 5556}\nPORTS["a"] = 5557\nat(PORTS["a"])',
        "5556 | PORTS['a']",
    ),
    "a dict that is added to": (
        'PORTS = {"a": 5556}\nPORTS.update(load())\nat(PORTS["a"])',
        "5556 | PORTS['a']",
    ),
    "one of a dict": ('PORTS = {"a": 5556, "b": 5557}\nat(PORTS[name])', "5556 | 5557"),
    "an element": ("PORTS = [5556, 5557]\nat(PORTS[1])", "5557"),
    "taken apart": ('HOST, PORT = "h", 5556\nat(PORT)', "5556"),
    "a loop": ("for p in (5556, 5557):\n    at(p)", "5556 | 5557"),
    "a loop over pairs": ('for n, p in [("a", 5556), ("b", 5557)]:\n    at(p)', "5556 | 5557"),
    "a loop over a dict's items": ('P = {"a": 5556}\nfor n, p in P.items():\n    at(p)', "5556"),
    "a range": ("for p in range(5556, 5560):\n    at(p)", "0, 1, 2… + 5556"),
    "a configuration": ('c = load()\nat(c.get("port", 5556))', "c['port'] or 5556"),
    "a configuration's integer": ('at(config.getint("a.port", 5556))', "config['a.port'] or 5556"),
    "one or the other": ("at(5556 if x else 5557)", "5556 | 5557"),
    "an option": (
        (
            'p = ArgumentParser()\np.add_argument("-p", "--http-port", type=int, default=5556)\na = p.parse_args()\n'
            "at(a.http_port)"
        ),
        "--http-port or 5556",
    ),
    "an option without default": (
        'p.add_argument("--port", type=int)\nargs = p.parse_args()\nat(args.port or 5556)',
        "--port or 5556",
    ),
    "an option with another name": (
        'p.add_argument("--port", dest="where", default="5556")\nargs = p.parse_args()\nat(int(args.where))',
        "--port or 5556",
    ),
    "a parameter": ("def f(port=5556):\n    at(port)", "f(port) or 5556"),
    "a parameter that is replaced": ("def f(port=None):\n    port = port or 5556\n    at(port)", "f(port) or 5556"),
    "a parameter that is tested": (
        "def f(port=None):\n    if port is None:\n        port = 5556\n    at(port)",
        "f(port) | 5556",
    ),
    "a parameter that is never None": (
        "def f(port=5556):\n    at(port if port is not None else other)",
        "f(port) or 5556",
    ),
    "one whose default has a name": (
        "import settings\nPORT = 5556\ndef f(port=PORT):\n    at(port if port is not None else other)",
        "f(port) or 5556",
    ),
    "one whose default is looked up": (
        "from runtime.ports import get_port\ndef f(port=get_port('A')):\n    at(port if port is not None else 5557)",
        "f(port) or runtime.ports.get_port(A)",
    ),
    "one whose default nobody knows": (
        "from settings import PORT\ndef f(port=PORT):\n    at(port if port is not None else 5557)",
        "f(port) or settings.PORT | 5557",
    ),
    "the same the other way round": (
        "def f(*, port=5556):\n    at(other if port is None else port)",
        "f(port) or 5556",
    ),
    "a parameter that is None unless it is given": (
        "def f(port=None):\n    at(port if port is not None else 5557)",
        "f(port) | 5557",
    ),
    "a parameter that was assigned since": (
        "def f(port=5556):\n    port = read()\n    at(port if port is not None else 5557)",
        "read() | 5557",
    ),
    "a branch that takes another value": (
        "def f(port=5556):\n    at(5557 if port is not None else 5558)",
        "5557 | 5558",
    ),
    "a keyword-only parameter": ("def f(*, port=5556):\n    at(port)", "f(port) or 5556"),
    "an option of click": (
        'import click\n@click.option("--port", default=5556)\ndef f(port):\n    at(port)',
        "f(port) or --port or 5556",
    ),
    "a global in a function": ("PORT = 5556\ndef f():\n    at(PORT)", "5556"),
    "a name of the function hides it": ("PORT = 5556\ndef f():\n    PORT = 5557\n    at(PORT)", "5557"),
    "an attribute": (
        "class A:\n    def __init__(self):\n        self.port = 5556\n    def run(self):\n        at(self.port)",
        "5556",
    ),
    "an attribute from a parameter": (
        (
            "class A:\n    def __init__(self, port=5556):\n        self.port = port\n    def run(self):\n"
            "        at(self.port + 1)"
        ),
        "A.__init__(port) or 5556 + 1",
    ),
    "an attribute assigned just before": (
        (
            "class A:\n    def __init__(self):\n        self.port = 1\n    def run(self):\n        self.port = 2\n"
            "        at(self.port)"
        ),
        "2",
    ),
    "an attribute of the class": ("class A:\n    port = 5556\n    def run(self):\n        at(self.port)", "5556"),
    "a field": ("class A(Base):\n    port: int = Field(5556)\n    def run(self):\n        at(self.port)", "5556"),
    "an inherited attribute": ("class A(Base):\n    def run(self):\n        at(self.port)", "A.port"),
    "an attribute of an instance": ("class A:\n    port = 5556\na = A()\nat(a.port)", "5556"),
    "what a function gives": ("def port(n):\n    return 5000 + n\nat(port(3))", "5003"),
    "what a method gives": (
        "class A:\n    def port(self):\n        return 5556\n    def run(self):\n        at(self.port())",
        "5556",
    ),
    "an imported name": ("from settings import PORT\nat(PORT)", "settings.PORT"),
    "an attribute of a module": ("import settings\nat(settings.PORT)", "settings.PORT"),
    "an entry of an imported dict": ('from settings import PORTS\nat(PORTS["a"])', "settings.PORTS.[a]"),
    "a name that goes round": ("def f(p):\n    while x:\n        p = q\n        q = p\n    at(p)", "f(p) | q"),
    "something else": ("at(compute())", "compute()"),
    "no number": ("at(True)", "True"),
}


@pytest.mark.parametrize(("program", "expected"), ROWS.values(), ids=ROWS)
def test_an_expression_comes_to(program: str, expected: str) -> None:
    assert value(program) == expected


def value(program: str) -> str:
    source = Source.from_bytes(textwrap.dedent(program).encode(), "sample.py")
    tree = source.parse()
    assert tree is not None
    (term,) = collect(source, tree, (Asking,))["asking"]
    return written(term)


def test_the_options_are_bounded() -> None:
    many = "\n".join(f"if x == {number}:\n    p = {number}" for number in range(30))
    assert value(f"{many}\nat(p)") == "too many alternatives"


def test_depth_is_bounded() -> None:
    long = "p0 = 5\n" + "\n".join(f"p{number + 1} = p{number}" for number in range(300))
    assert value(f"{long}\nat(p300)") != ""


def test_a_long_sum_is_followed() -> None:
    assert value("at(" + " + ".join(["1"] * 20) + ")") == "20"
