"""Who talks to whom: ``unsnarl ports --format dot`` and ``--format mermaid``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.ports import Row
from tests.cli.support import unsnarl, write
from unsnarl.output import port_picture


def agent(name: str, *calls: str) -> str:
    return f"class {name}:\n    def run(self):\n" + "".join(f"        self.sock.{call}\n" for call in calls)


def bind(port: int) -> str:
    return f'bind("tcp://*:{port}")'


def connect(port: int | str, host: str = "10.0.0.9") -> str:
    return f'connect(f"tcp://{host}:{port}")'


FILES: dict[str, str | bytes] = {
    "unsnarl.toml": "",
    "main_pc_code/memory.py": agent("Memory", bind(5556), bind(5557)),
    "main_pc_code/asr.py": agent("Listener", connect(5556), connect(5557), connect(6000), connect("{self.port}")),
    "pc2_code/tts.py": agent("Speaker", bind(5600), connect(5556), connect(7001), connect(7002)),
    "tool.py": agent("Tool", connect("{5600 if a else 5601}")),
    "tests/test_asr.py": agent("Fake", connect(5556)),
    "scripts/memory_migration.py": agent("Mover", connect(5556)),
    "scripts/ports.py": "import socket\n\n\ndef is_port_free():\n    s = socket.socket()\n    s.bind(('', 5556))\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, FILES)


def picture(tree: Path, style: str, *arguments: str) -> tuple[list[str], list[str]]:
    done = unsnarl("ports", "--format", style, *arguments, cwd=tree)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr.splitlines()


def edges(lines: list[str]) -> set[str]:
    """The arrows of a Mermaid picture, by name."""
    names = dict(re.findall(r'(n\d+)(?:\[|\(\[)"([^"]*)"', "\n".join(lines)))
    found = re.findall(r'(n\d+) (-->|-\.->)\|"([^"]*)"\| (n\d+)', "\n".join(lines))
    return {f"{names[client]} {arrow} {names[server]}: {ports}" for client, arrow, ports, server in found}


DRAWN = {
    "Listener --> Memory: 5556, 5557",
    "Listener --> nobody in the tree: 6000",
    "Speaker --> Memory: 5556",
    "Speaker --> nobody in the tree: 7001, 7002",
    "Tool -.-> Speaker: 5600",
    "Tool -.-> nobody in the tree: 5601",
}


def test_a_box_for_each_machine_and_one_arrow_for_all_ports(tree: Path) -> None:
    lines, said = picture(tree, "mermaid", ".")
    assert lines[:7] == [
        "flowchart LR",
        '  subgraph m0["main_pc"]',
        '    n0["Listener"]',
        '    n1["Memory"]',
        '    n2(["nobody in the tree"])',
        "  end",
        '  subgraph m1["pc2"]',
    ]
    assert '  subgraph m2["on any machine"]' in lines
    assert edges(lines) == DRAWN
    assert said == [
        "Left out: 3 rows, 1 of migrations, 1 of probes, 1 of tests; --all draws them",
        "Not drawn: 1 connection to a port whose number is not known",
        "7 nodes, 6 edges",
    ]


def test_dot_has_the_same(tree: Path) -> None:
    lines, said = picture(tree, "dot", ".")
    assert "  subgraph cluster_0 {" in lines
    assert '    label="main_pc";' in lines
    assert '    n2 [label="nobody in the tree", style=dashed];' in lines
    assert '  n0 -> n1 [label="5556, 5557"];' in lines
    assert sum("style=dashed" in line and "->" in line for line in lines) == 2
    assert said[-1] == "7 nodes, 6 edges"


def test_all_draws_tests_migrations_and_probes(tree: Path) -> None:
    lines, said = picture(tree, "mermaid", "--all", ".")
    assert {"Fake --> Memory: 5556", "Mover --> Memory: 5556", "Listener --> ports: 5556"} <= edges(lines)
    assert not any("Left out" in line for line in said)


def test_one_owner_and_its_neighbours(tree: Path) -> None:
    lines, said = picture(tree, "mermaid", "--owner", "tool", ".")
    assert edges(lines) == {one for one in DRAWN if one.startswith("Tool")}
    assert said[-1] == "3 nodes, 2 edges"
    lines, _ = picture(tree, "mermaid", "--owner", "Tool", "--depth", "2", ".")
    assert edges(lines) == {one for one in DRAWN if one.startswith(("Tool", "Speaker"))}
    lines, _ = picture(tree, "mermaid", "--owner", "Tool", "--depth", "3", ".")
    assert edges(lines) == DRAWN - {"Listener --> nobody in the tree: 6000"}


def test_one_port(tree: Path) -> None:
    assert edges(picture(tree, "mermaid", "--port", "5557", ".")[0]) == {"Listener --> Memory: 5557"}


def test_a_folder_is_drawn_with_servers_that_lie_elsewhere(tree: Path) -> None:
    lines, _ = picture(tree, "mermaid", "pc2_code")
    assert edges(lines) == {one for one in DRAWN if "Speaker" in one}
    (tree / "unsnarl.toml").unlink()
    lines, said = picture(tree, "mermaid", "pc2_code")
    assert edges(lines) == {"Speaker --> nobody in the tree: 5556, 7001, 7002"}
    assert said[0].startswith(f"Only {tree / 'pc2_code'} was looked at")


def test_a_client_of_its_own_machine(tree: Path) -> None:
    write(
        tree,
        {"pc2_code/copy.py": agent("Copy", bind(5556)), "pc2_code/user.py": agent("User", connect(5556, "localhost"))},
    )
    drawn = edges(picture(tree, "mermaid", ".")[0])
    assert {one for one in drawn if one.startswith("User")} == {"User --> Copy: 5556"}
    assert {"Listener --> Copy: 5556", "Listener --> Memory: 5556, 5557"} <= drawn


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format=dot", "--side=bind"), "--side bind is for tables: an arrow of --format dot has both sides"),
        (("--depth=2",), "--depth is for pictures: add --format dot, mermaid or html"),
        (("--all", "--format=csv"), "--all is for pictures"),
        (("--format=dot", "--depth=2"), "--depth counts the steps from one owner: add --owner NAME"),
        (("--format=dot", "--owner=Speker"), "--owner Speker: there is no such owner; did you mean `Speaker`?"),
        (("--format=dot", "--owner=zzz"), "`unsnarl ports` lists the owners"),
        (("--format=dot", "--owner=Fake"), "--owner Fake: no connection to or from it is known or drawn; --all"),
    ],
)
def test_what_does_not_go_together_is_said(tree: Path, arguments: tuple[str, ...], said: str) -> None:
    done = unsnarl("ports", *arguments, ".", cwd=tree)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_who_has_a_port_from_a_configuration_is_drawn_where_nobody_has_it_in_the_source(tmp_path: Path) -> None:
    start = "Speaker: {script: main_pc_code/tts.py, port: 7200, health_check_port: 5556}\n"
    tts = agent("Speaker", "bind(f\"tcp://*:{config['port']}\")", "bind(f\"tcp://*:{config['health_check_port']}\")")
    asr = agent("Listener", connect(7200), connect(5556))
    files = {"start.yaml": start, "main_pc_code/tts.py": tts, "main_pc_code/asr.py": asr}
    lines, _ = picture(write(tmp_path, {**files, "unsnarl.toml": ""}), "mermaid")
    assert edges(lines) == {"Listener -.-> Speaker: 5556, 7200"}
    write(tmp_path, {"main_pc_code/memory.py": agent("Memory", bind(5556))})
    lines, _ = picture(tmp_path, "mermaid")
    assert edges(lines) == {"Listener -.-> Speaker: 7200", "Listener --> Memory: 5556"}


def test_a_table_of_one_owner(tree: Path) -> None:
    done = unsnarl("ports", "--owner", "memory", ".", cwd=tree)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["port", "5556", "5557"]


def test_more_than_mermaid_draws(tmp_path: Path) -> None:
    write(tmp_path, {"server.py": "".join(agent(f"Server{at}", bind(6000 + at)) for at in range(23))})
    write(
        tmp_path, {f"c{at}.py": agent(f"Client{at}", *(connect(6000 + each) for each in range(23))) for at in range(22)}
    )
    lines, said = picture(tmp_path, "mermaid", ".")
    assert len(edges(lines)) == 506
    assert said[0].startswith("Warning: the picture has 506 edges, and Mermaid draws 500 unless")
    assert "--owner NAME" in said[0]
    quiet = unsnarl("ports", "--format=mermaid", "-q", ".", cwd=tmp_path).stderr
    assert quiet.startswith("Warning") and len(quiet.splitlines()) == 1
    assert not any("Warning" in line for line in picture(tmp_path, "dot", ".")[1])
    assert not any("Warning" in line for line in picture(tmp_path, "mermaid", "--owner", "Client3", ".")[1])


def row(owner: str, side: str, port: int) -> Row:
    text = dict.fromkeys(Row.__struct_fields__, "")
    values = {**text, "path": "a.py", "line": 1, "column": 1, "owner": owner, "side": side, "port": port}
    return Row(**values)  # type: ignore[arg-type]


def test_names_that_are_syntax() -> None:
    odd = 'a"b<c>#d\\e\nf'
    made = port_picture.draw([row(odd, "bind", 5556), row("x", "connect", 5556)], lambda _: False)
    assert '["a#34;b#60;c#62;#35;d#92;e#10;f"]' in port_picture.as_mermaid(made)
    assert '[label="a\\"b<c>#d\\\\e f"]' in port_picture.as_dot(made)


def test_many_ports_of_one_arrow_are_counted() -> None:
    rows = [row(owner, side, port) for port in range(6000, 6009) for owner, side in (("a", "bind"), ("b", "connect"))]
    assert '|"6000, 6001, 6002, 6003 and 5 more"|' in port_picture.as_mermaid(port_picture.draw(rows, lambda _: False))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("scripts/batch1_migration_simple.py", "migrations"),
        ("migrations/0001.py", "migrations"),
        ("scripts/migrate_ports.py", "migrations"),
        ("main_pc_code/agents/model_manager_agent_migrated.py", None),
        ("backups/week4_mma_migration/agent.py", None),
        ("main_pc_code/tests/memory.py", "tests"),
        ("immigration.py", None),
    ],
)
def test_what_is_left_out(path: str, why: str | None) -> None:
    from msgspec.structs import replace

    assert port_picture.aside(replace(row("A", "bind", 1), path=path), lambda _: False) == why
