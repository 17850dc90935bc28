"""What the source says of whose a port is."""

from __future__ import annotations

import pytest

from analysis.collectors.port_literals import PortLiteral, PortLiteralCollector
from analysis.source import Source
from analysis.walk import collect
from codemods.port_voices import heard, said, telling
from config.registry import Port

MEMORY = Port("MEMORY_AGENT", 5556, "main", "MemoryAgent")
NOBODYS = Port("MEMORY", 5556, "main")


def literal(text: str) -> PortLiteral:
    source = Source.from_bytes(text.encode(), "sample.py")
    tree = source.parse()
    assert tree is not None
    (one,) = collect(source, tree, (PortLiteralCollector,))[PortLiteralCollector.topic]
    assert isinstance(one, PortLiteral)
    return one


@pytest.mark.parametrize(
    ("text", "nearest", "name"),
    [
        ("TTS_PORT = 5556\n", "TTS_PORT", "TTS"),
        ("add(name='MemoryClient', health_port=5556)\n", "MemoryClient", "MEMORY_CLIENT_HEALTH"),
        ("x = {'tts_engine': {'port': 5556}}\n", "tts_engine.port", "TTS_ENGINE"),
        ("MAIN_PC_PORT = 5556\n", "", ""),
        ("PC2_PORT = 5556\n", "", ""),
        ("f('http://localhost:5556')\n", "", ""),
        ("def check_tts(port=5556): ...\n", "", ""),
    ],
)
def test_the_nearest_name_that_tells(text: str, nearest: str, name: str) -> None:
    assert telling(literal(text)) == nearest
    assert heard(literal(text), ["main_pc", "pc2"]) == name


@pytest.mark.parametrize(
    ("text", "agrees"),
    [
        ("MEMORY_PORT = 5556\n", True),
        ("VISION_PORT = 5556\n", False),
        ("f('http://localhost:5556')\n", None),
        ("f('http://memory:5556')\n", True),
        ("f('http://prometheus:5556')\n", False),
        ("f('http://pc2:5556')\n", None),
        ("HEALTH_PORT = 5556\n", False),
        ("def check_memory(port=5556): ...\n", True),
        ("class Vision:\n    port = 5556\n", False),
        ("class MemoryAgent:\n    port = 5556\n", True),
        ("class Vision:\n    peers = [{'port': 5556}]\n", None),
    ],
)
def test_whether_it_agrees(text: str, agrees: bool | None) -> None:
    assert said(literal(text), "agents/x.py", MEMORY, ["pc2"], home=False) is agrees


def test_at_home_only_a_name_speaks_against_it_and_of_what_nobody_binds_no_class() -> None:
    assert said(literal("HEALTH_PORT = 5556\n"), "a.py", MEMORY, [], home=True) is True
    assert said(literal("VISION_PORT = 5556\n"), "a.py", MEMORY, [], home=True) is False
    assert said(literal("class Vision:\n    port = 5556\n"), "a.py", NOBODYS, [], home=False) is None
