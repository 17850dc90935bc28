"""Which name every port of a tree gets, and which get none."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from analysis.collectors.port_literals import PortLiteralCollector
from analysis.collectors.port_lookups import PortLookupCollector
from analysis.collectors.ports import PortCollector
from analysis.project import Project, load
from codemods.edits import Reason
from codemods.get_port import GetPortCodemod
from codemods.port_plan import Plan
from codemods.port_sites import Key
from config.registry import SHARED, Machine
from config.settings import Settings
from tests.cli.support import write

SETTINGS = Settings(machines={"first": ("a",), "second": ("b",)})


def binds(owner: str, *ports: int) -> str:
    """A class that binds ports."""
    lines = "".join(f"        self.sock.bind('tcp://*:{port}')\n" for port in ports)
    return f"class {owner}:\n    def run(self):\n{lines}\n\n"


def asks(port: int, host: str = "localhost") -> str:
    return f"def ask(sock):\n    sock.connect('tcp://{host}:{port}')\n"


def project(tree: Path, *paths: str) -> Project:
    return load(
        [tree / one for one in paths] or [tree],
        root=tree,
        collectors=(PortCollector, PortLiteralCollector, PortLookupCollector),
        jobs=1,
        cache=False,
    )


def plan(tree: Path, settings: Settings | None = None, *, renumber: bool = False, stream: bool = False) -> Plan:
    return Plan(project(tree), settings or Settings(), renumber=renumber, stream=stream)


class Said(NamedTuple):
    """What became of one literal."""

    path: str
    line: int
    names: tuple[str, ...]
    reason: str
    detail: str


def said(one: Plan) -> list[Said]:
    return [
        Said(
            path,
            each.line,
            tuple(f"{name.entry.name}={name.entry.port}" for name in each.names),
            each.reason,
            each.detail,
        )
        for path, found in sorted(one.prepared().items())
        for each in found
    ]


def names(one: Plan) -> dict[str, list[str]]:
    """The names of each file in the order of their places."""
    found: dict[str, list[str]] = {}
    for each in said(one):
        found.setdefault(each.path, []).extend(each.names or [each.reason])
    return found


def registry(tree: Path, text: str) -> None:
    import os

    file = write(tree, {"config/ports.yaml": "version: 1\n" + text}) / "config" / "ports.yaml"
    os.utime(file, (1, 1))


# Names


def test_one_port_has_one_name_in_all_files_and_on_both_sides(tmp_path: Path) -> None:
    write(tmp_path, {"server.py": binds("MemoryAgent", 5556), "x/client.py": asks(5556), "y.py": "PORT = 5556\n"})
    assert names(plan(tmp_path)) == {
        "server.py": ["MEMORY_AGENT=5556"],
        "x/client.py": ["MEMORY_AGENT=5556"],
        "y.py": ["MEMORY_AGENT=5556"],
    }


def test_names_do_not_change_from_run_to_run_or_with_the_order_of_files(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        f"m{number}.py": binds(f"Agent{number % 3}", 5600 + number) + f"HEALTH_PORT = {5700 + number}\n{asks(5603)}"
        for number in range(6)
    }
    write(tmp_path / "one", files)
    write(tmp_path / "two", dict(reversed(files.items())))
    first = said(plan(tmp_path / "one"))
    assert first == said(plan(tmp_path / "one")) == said(plan(tmp_path / "two"))
    given = {name for one in first for name in one.names}
    assert len({name.partition("=")[0] for name in given}) == len(given)


def test_names_of_the_registry_are_kept(tmp_path: Path) -> None:
    write(tmp_path, {"server.py": binds("MemoryAgent", 5556, 5557)})
    registry(tmp_path, "ports:\n  Old_name: {port: 5556}\n  MEMORY_AGENT: {port: 6000}\n")
    found = names(plan(tmp_path))["server.py"]
    assert found[0] == "Old_name=5556"
    # The readable one is another port's already.
    assert found == ["Old_name=5556", "MEMORY_AGENT_5557=5557"]


def test_a_part_of_the_tree_has_the_names_of_the_whole(tmp_path: Path) -> None:
    write(tmp_path, {"server.py": binds("MemoryAgent", 5556), "x/client.py": asks(5556), "y.py": asks(5999)})
    codemod, options = GetPortCodemod(), {"renumber": False}
    whole = codemod.prepare(project(tmp_path), Settings(), options)
    for path in ("x/client.py", "y.py", "server.py"):
        part = codemod.prepare(project(tmp_path, path), Settings(), options)
        assert part == {path: whole[path]}


@pytest.mark.parametrize("path", ["tests/x.py", "test_x.py", "sub/x_test.py", "conftest.py", "testing/x.py"])
def test_tests_are_left_alone_and_name_nothing(tmp_path: Path, path: str) -> None:
    write(tmp_path, {path: binds("Fake", 5556), "client.py": asks(5556), "server.py": binds("Real", 5557)})
    found = plan(tmp_path)
    assert path not in found.prepared()
    assert names(found)["client.py"] == ["CLIENT_5556=5556"]
    assert not found.disputes


def test_low_ports_and_documentation_are_no_sites(tmp_path: Path) -> None:
    write(tmp_path, {"x.py": 'def f():\n    """tcp://h:5556"""\n    s.bind(("", 80))\n    s.bind(("", 0))\n'})
    assert plan(tmp_path).sites == []


# Machines


def test_machines_of_the_settings(tmp_path: Path) -> None:
    write(tmp_path, {"a/s.py": binds("One", 5556), "b/s.py": binds("Two", 5556), "b/c.py": asks(5556)})
    found = plan(tmp_path, SETTINGS)
    assert names(found) == {"a/s.py": ["ONE=5556"], "b/s.py": ["TWO=5556"], "b/c.py": ["TWO=5556"]}
    assert found.new_machines(["first"]) == (
        Machine("first", ("a",), (5000, 5999)),
        Machine("second", ("b",), (5000, 5999)),
    )


def test_machines_are_guessed_from_the_tree(tmp_path: Path) -> None:
    write(tmp_path, {"main_pc_code/s.py": binds("One", 5556), "pc2_code/s.py": binds("Two", 5556, 7100)})
    found = plan(tmp_path)
    assert names(found) == {"main_pc_code/s.py": ["ONE=5556"], "pc2_code/s.py": ["TWO=5556", "TWO_7100=7100"]}
    assert found.new_machines(()) == (
        Machine("main_pc", ("main_pc_code",), (5000, 5999)),
        Machine("pc2", ("pc2_code",), (5000, 7999)),
    )


def test_machines_of_the_registry_come_before_those_of_the_settings(tmp_path: Path) -> None:
    write(tmp_path, {"c/s.py": binds("One", 5556), "d/s.py": binds("Two", 5556)})
    registry(
        tmp_path,
        "machines:\n  third: {paths: [c]}\n  fourth: {paths: [d]}\nports:\n  X: {port: 5556, machine: third}\n",
    )
    found = plan(tmp_path, SETTINGS)
    assert names(found) == {"c/s.py": ["X=5556"], "d/s.py": ["TWO=5556"]}
    assert found.new_machines(["fourth"]) == ()


def test_what_may_run_anywhere_is_shared(tmp_path: Path) -> None:
    write(tmp_path, {"a/s.py": binds("One", 5556), "lib/s.py": binds("Lib", 5600), "b/c.py": asks(5600)})
    found = plan(tmp_path, SETTINGS)
    key = found.key(next(one for one in found.sites if one.path == "b/c.py"), 5600)
    assert isinstance(key, Key)
    entry = found.entries[key]
    assert entry is not None
    assert (entry.name, entry.machine) == ("LIB", SHARED)
    assert [one.name for one in found.new_machines([SHARED])] == ["first", "second", SHARED]


def test_a_port_of_two_machines_that_is_asked_for_from_a_third_place_is_declined(tmp_path: Path) -> None:
    write(tmp_path, {"a/s.py": binds("One", 5556), "b/s.py": binds("Two", 5556), "c.py": asks(5556, "10.0.0.7")})
    (one,) = [each for each in said(plan(tmp_path, SETTINGS)) if each.path == "c.py"]
    assert (one.names, one.reason) == ((), Reason.PORT_OF_SEVERAL)
    assert one.detail == "5556 is bound on first and on second: which of them is meant here cannot be told"


@pytest.mark.parametrize(
    ("asker", "host", "detail"),
    [
        ("a/c.py", "localhost", ""),
        ("a/c.py", "10.0.0.7", "5556 is that of first, and `10.0.0.7` seems to be another machine"),
        ("b/c.py", "10.0.0.7", ""),
        ("b/c.py", "localhost", "5556 is that of first, and `localhost` seems to be another machine"),
        ("c.py", "localhost", ""),
    ],
)
def test_an_address_leads_to_a_machine_that_has_the_port(tmp_path: Path, asker: str, host: str, detail: str) -> None:
    write(tmp_path, {"a/s.py": binds("One", 5556), asker: asks(5556, host)})
    (one,) = [each for each in said(plan(tmp_path, SETTINGS)) if each.path == asker]
    assert one.detail == detail
    assert one.reason == (Reason.PORT_OF_SEVERAL if detail else "")


def test_an_address_that_may_lead_elsewhere_is_not_that_of_its_own_machine(tmp_path: Path) -> None:
    write(tmp_path, {"a/s.py": binds("One", 5556), "b/s.py": binds("Two", 5556), "a/c.py": asks(5556, "10.0.0.7")})
    (one,) = [each for each in said(plan(tmp_path, SETTINGS)) if each.path == "a/c.py"]
    assert one.reason == Reason.PORT_OF_SEVERAL


def test_of_two_machines_the_name_of_the_literal_may_tell(tmp_path: Path) -> None:
    write(tmp_path, {"a/s.py": binds("Memory", 5556), "b/s.py": binds("Vision", 5556), "c.py": "VISION_PORT = 5556\n"})
    assert names(plan(tmp_path, SETTINGS))["c.py"] == ["VISION=5556"]


def test_a_name_that_several_machines_have_is_looked_up_with_its_machine(tmp_path: Path) -> None:
    write(tmp_path, {"a/s.py": binds("Health", 5556)})
    registry(
        tmp_path,
        "machines: {first: {paths: [a]}, second: {paths: [b]}}\n"
        "ports:\n  HEALTH:\n  - {port: 5556, machine: first}\n  - {port: 5557, machine: second}\n",
    )
    (one,) = [each for found in plan(tmp_path).prepared().values() for each in found]
    assert [(name.entry.name, name.several, name.known) for name in one.names] == [("HEALTH", True, True)]


def test_machines_without_folders_that_have_one_port(tmp_path: Path) -> None:
    write(tmp_path, {"s.py": "X_PORT = 5556\n"})
    registry(tmp_path, "machines: {p: , q: }\nports:\n  A: {port: 5556, machine: p}\n  B: {port: 5556, machine: q}\n")
    (one,) = said(plan(tmp_path))
    assert one.reason == Reason.PORT_OF_SEVERAL


# Conflicts


def test_a_port_with_two_owners_has_no_name_and_both_are_told(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": binds("One", 5556), "two.py": binds("Two", 5556), "c.py": asks(5556)})
    for one in said(plan(tmp_path)):
        assert (one.names, one.reason) == ((), Reason.PORT_CONFLICT)
        assert one.detail == "5556 is bound by One (one.py:3), Two (two.py:3)"


def test_what_is_called_after_another_owner_is_declined(tmp_path: Path) -> None:
    write(tmp_path, {"s.py": binds("MemoryAgent", 5556), "c.py": "VISION_PORT = 5556\n"})
    (one,) = [each for each in said(plan(tmp_path)) if each.path == "c.py"]
    told = "it is called after `VISION_PORT`, and 5556 is MEMORY_AGENT, which MemoryAgent binds (s.py:3)"
    assert (one.reason, one.detail) == (Reason.OTHER_OWNER, told)


@pytest.mark.parametrize(
    "text",
    [
        "class Chat:\n    def run(self):\n        self.coordinator_socket.connect('tcp://localhost:5556')\n",
        "AGENTS = [{'service_name': 'Coordinator', 'port': 5556}]\n",
        "MODELS = {'tinyllama': {'display_name': 'TinyLlama', 'zmq_address': 'tcp://localhost:5556'}}\n",
        "CONFIG = {'coordinator_url': 'http://localhost:5556'}\n",
        "x = Coordinator('http://localhost:5556')\n",
        "add(name='Coordinator', port=5556)\n",
        "requests.get('http://grafana:5556/metrics')\n",
        "x = os.getenv('COORDINATOR_URL', 'tcp://localhost:5556')\n",
        "WEB_AGENT_PORT = 5556\n",
        "HEALTH_CHECK_PORT = 5556\n",
        "class Coordinator:\n    def __init__(self, config):\n        self.port = config.get('port', 5556)\n",
    ],
)
def test_what_stands_around_a_number_says_whose_it_is(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"s.py": binds("MemoryAgent", 5556), "c.py": text})
    (one,) = [each for each in said(plan(tmp_path)) if each.path == "c.py"]
    assert (one.names, one.reason) == ((), Reason.OTHER_OWNER)
    write(tmp_path, {"s.py": binds("CoordinatorWebHealthTinyllamaGrafanaAgent", 5556)})
    (one,) = [each for each in said(plan(tmp_path)) if each.path == "c.py"]
    assert one.reason == ""


@pytest.mark.parametrize(
    "text",
    [
        "x = 'http://localhost:5556'\n",
        "requests.get('http://main_pc:5556/health')\n",
        "def check_memory(port=5556): ...\n",
        "check(['http://localhost:5556'])\n",
    ],
)
def test_what_says_nothing_follows_who_binds(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"main_pc_code/s.py": binds("MemoryAgent", 5556), "main_pc_code/c.py": text})
    (one,) = [each for each in said(plan(tmp_path)) if each.path == "main_pc_code/c.py"]
    assert one.names == ("MEMORY_AGENT=5556",)


def test_a_port_that_the_tree_calls_otherwise_is_given_to_nobody_by_what_says_nothing(tmp_path: Path) -> None:
    others = {f"c{one}.py": f"class Run{one}:\n    MODEL_PORT = 5556\n" for one in range(2)}
    write(tmp_path, {"s.py": binds("Template", 5556), "c.py": asks(5556), **others})
    told = {each.path: (each.names, each.reason, each.detail) for each in said(plan(tmp_path))}
    assert told["s.py"][0] == ("TEMPLATE=5556",)
    assert told["c.py"] == (
        (),
        Reason.OTHER_OWNER,
        (
            "2 places of the tree call 5556 otherwise than TEMPLATE, which Template binds (s.py:3), as `MODEL_PORT` "
            "(c0.py:2), and nothing here says which it is"
        ),
    )


def test_what_was_given_its_name_in_an_earlier_run_agrees(tmp_path: Path) -> None:
    memory = "version: 1\nports:\n  MEMORY: {port: 5556}\n  TWIN: {port: 7000}\n"
    write(tmp_path, {"config/ports.yaml": memory, "c.py": asks(5556), "d.py": asks(7000)})
    write(tmp_path, {"m.py": "class Model:\n    MODEL_PORT = 5556\n", "a.py": "x = get_port('TWIN')\n"})
    assert names(plan(tmp_path))["c.py"] == [Reason.OTHER_OWNER]
    assert names(plan(tmp_path))["d.py"] == [Reason.OTHER_OWNER]
    write(tmp_path, {"a.py": "x = get_port('MEMORY')\ny = get_port('MEMORY')\n", "b.py": "z = get_port('TWIN')\n"})
    write(tmp_path, {"e.py": "z = ports.get_port('TWIN')\nu = get_port('MEMORY')\n"})
    assert names(plan(tmp_path))["c.py"] == ["MEMORY=5556"]
    assert names(plan(tmp_path))["d.py"] == ["TWIN=7000"]


def test_a_port_that_nobody_binds_and_one_file_names_is_named_there(tmp_path: Path) -> None:
    write(tmp_path, {"c.py": "DIGITAL_TWIN_PORT = 7000\n", "fix.py": "def main():\n    port = 7000\n"})
    told = {each.path: (each.names, each.detail) for each in said(plan(tmp_path))}
    assert told["c.py"][0] == ("DIGITAL_TWIN=7000",)
    assert told["fix.py"] == ((), "only c.py calls 7000 DIGITAL_TWIN, and nothing here says that it is the same")
    write(tmp_path, {"d.py": "twin = {'digital_twin_port': 7000}\n"})
    assert names(plan(tmp_path))["fix.py"] == ["DIGITAL_TWIN=7000"]


def test_a_port_for_health_is_called_so(tmp_path: Path) -> None:
    agent = "{'name': 'CacheManager', 'port': 7102, 'health_port': 8102}"
    write(tmp_path, {"a.py": f"AGENTS = [{agent}]\n", "b.py": f"ALL = [{agent}]\n"})
    assert names(plan(tmp_path)) == {
        path: ["CACHE_MANAGER=7102", "CACHE_MANAGER_HEALTH=8102"] for path in ("a.py", "b.py")
    }


def test_a_machine_stands_in_front_of_a_name_that_another_machine_has(tmp_path: Path) -> None:
    write(tmp_path, {"main_pc_code/s.py": binds("One", 5556), "pc2_code/s.py": binds("One", 7100)})
    assert names(plan(tmp_path)) == {"main_pc_code/s.py": ["ONE=5556"], "pc2_code/s.py": ["PC2_ONE=7100"]}


def test_a_port_that_an_owner_was_moved_from_is_not_taken_for_that_of_who_stayed(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": binds("One", 5556), "two.py": binds("Two", 5557), "d.py": asks(5556)})
    registry(
        tmp_path,
        "ports:\n  ONE: {port: 5556, owner: One}\n  TWO: {port: 5557, owner: Two, purpose: x (was 5556)}\n",
    )
    found = {one.path: one for one in said(plan(tmp_path))}
    assert found["one.py"].names == ("ONE=5556",)
    assert found["two.py"].names == ("TWO=5557",)
    assert found["d.py"].detail == "5556 was that of TWO, too, before it was moved"


# Where the registry is found


def test_a_registry_that_is_nearer_is_another(tmp_path: Path) -> None:
    write(tmp_path, {"x.py": "PORT = 5556\n", "sub/x.py": "PORT = 5556\n"})
    write(tmp_path, {"sub/config/ports.yaml": "version: 1\nports:\n"})
    found = {one.path: one for one in said(plan(tmp_path))}
    assert found["x.py"].names
    assert found["sub/x.py"].reason == Reason.OTHER_REGISTRY
    assert str(tmp_path / "sub" / "config" / "ports.yaml") in found["sub/x.py"].detail


@pytest.mark.parametrize("there", [True, False])
def test_a_repository_inside_the_tree_has_no_registry(tmp_path: Path, there: bool) -> None:
    write(tmp_path, {"x.py": "PORT = 5556\n", "sub/x.py": "PORT = 5556\n", "sub/.git": "gitdir: elsewhere\n"})
    if there:
        registry(tmp_path, "ports:\n")
    found = {one.path: one for one in said(plan(tmp_path))}
    assert found["x.py"].names
    assert (found["sub/x.py"].reason, found["sub/x.py"].detail) == (
        Reason.OTHER_REGISTRY,
        "`get_port` looks no further than its repository",
    )


def test_a_stream_takes_the_names_that_are_there(tmp_path: Path) -> None:
    write(tmp_path, {"x.py": "A_PORT = 5556\nB_PORT = 5557\n"})
    registry(tmp_path, "ports:\n  A: {port: 5556}\n")
    assert names(plan(tmp_path, stream=True)) == {"x.py": ["A=5556", Reason.NO_NAME_YET]}


def test_text_over_several_lines_and_replacement_fields_are_declined(tmp_path: Path) -> None:
    write(tmp_path, {"x.py": 'A = """\ntcp://h:5556\n"""\nB = f"{os.getenv(\'PORT\', 5557)}"\n'})
    assert names(plan(tmp_path)) == {"x.py": [Reason.LONG_TEXT, Reason.INSIDE_FIELD]}
