"""Programs with ports in many places: rewritten, they have the same values, whatever the environment says."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from unittest.mock import patch

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.discovery import Discovery
from analysis.project import Project
from analysis.reading import analyse
from analysis.source import Source
from codemods.edits import Reason
from codemods.engine import Engine
from codemods.get_port import GetPortCodemod
from codemods.port_plan import Decision
from config.settings import Settings
from runtime import ports

STATEMENTS = (
    "V{i}_PORT = v{i} = {n}",
    "v{i} = dict(port={n}, timeout={n})",
    'v{i} = os.getenv("V{i}_PORT", "{n}")',
    'v{i} = int(os.environ.get("V{i}_PORT", {n}))',
    'v{i} = f"tcp://{{host}}:{n}/{{{{x}}}}"',
    'v{i} = "tcp://*:{n}", "{{}} http://h:{n}/{{}}".format(1, 2)',
    'v{i} = ["tcp://a:{n},tcp://b:{m}", r"tcp://b:{n}\\d", "x" "tcp://c:{m}"]',
    "def f{i}(port={n}, *, api_port: int = {m}):\n    return port, api_port\n\n\nv{i} = f{i}()",
    "class C{i}:\n    port: int = {n}\n    PORTS = [{n}, {m}]\n\n\nv{i} = C{i}.port, C{i}.PORTS",
    "v{i} = {{'port': '{n}', 'api_port': {m}, 'size': {n}}}",
    "port = {n} if host else {m}\nv{i} = port",
    "port: int = {n}\nv{i} = port + 1, -port, port == {n}",
    'v{i} = "%s" % "tcp://h:{n}", len("tcp://h:{n}")',
    "base_port = {n}; v{i} = base_port + 1  # {n}",
    "def g{i}():\n    port = {n}\n    return f'tcp://{{host}}:{m} {{port}}'\n\n\nv{i} = g{i}()",
)
HEAD = "import os\n\nhost = 'h'\n"


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A module of a few statements."""
    numbers = st.integers(1024, 1030) | st.integers(10000, 65535)
    chosen = draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=6))
    return HEAD + "".join(
        one.format(i=number, n=draw(numbers), m=draw(numbers)) + "\n" for number, one in enumerate(chosen)
    )


def values(text: str, environment: dict[str, str], registry: dict[str, int]) -> dict[str, object]:
    """What the module binds, where the registry and the environment are these."""
    space: dict[str, object] = {}
    with patch.dict(os.environ, environment), patch.object(ports, "get_port", registry.__getitem__):
        exec(compile(text, "sample.py", "exec", dont_inherit=True), space)
    return {name: value for name, value in space.items() if name[0] == "v" and name[1:].isdigit()}


@settings(max_examples=80, deadline=None)
@given(programs(), st.sampled_from(["\n", "\r\n"]))
def test_values_are_those_of_before(text: str, newline: str) -> None:
    data = text.replace("\n", newline).encode()
    engine = Engine(GetPortCodemod(), Settings(), {"unsafe": False})
    with tempfile.TemporaryDirectory() as folder:
        facts = analyse(Source.from_bytes(data, f"{folder}/sample.py"), engine.collectors, "sample.py")
        project = Project(Path(folder), Discovery(Path(folder)), 1, False)
        project.files = {"sample.py": facts}
        prepared = engine.codemod.prepare(project, Settings(), {})
        answers, new, _ = engine.run(Source.from_bytes(data, f"{folder}/sample.py"), facts, prepared["sample.py"])
    assert {one.reason for one in answers if one.verdict != "rewritten"} <= {Reason.OTHER_OWNER.value}, text
    decided = msgspec.msgpack.decode(prepared["sample.py"], type=list[Decision])
    registry = {name.entry.name: name.was for one in decided for name in one.names}
    assert len({*registry.values()}) == len(registry)
    for environment in ({}, {f"V{number}_PORT": "4711" for number in range(6)}):
        assert values(new.decode(), environment, registry) == values(text, environment, {})
