"""``python -m runtime.ports``: real processes, exit codes, stdout and stderr apart."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from runtime.ports import bind_socket, claim, free_ports

from .conftest import Run, Start, Tree
from .test_leases import claimed

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def free(here: Tree) -> Iterator[dict[str, int]]:
    """The registry's names at free ports, here and in programs that are started."""
    with free_ports() as ports:
        yield ports


def ask(run: Run, tree: Tree, *words: str, **variables: str) -> Done:
    return run("-m", "runtime.ports", *words, cwd=tree.root, **variables)


def test_list_shows_the_ports_in_force(tree: Tree, run: Run) -> None:
    done = ask(run, tree, "list", UNSNARL_PORT_MEMORY_AGENT="4000")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["name", "port", "machine", "owner", "purpose", "changed", "by"],
        ["MEMORY_AGENT", "4000", "main_pc", "MemoryAgent", "requests", "UNSNARL_PORT_MEMORY_AGENT"],
        ["TASK_ROUTER", "21557", "main_pc"],
        ["TRANSLATOR", "21556", "pc2"],
        ["HEALTH", "21600", "main_pc"],
        ["HEALTH", "21700", "pc2"],
    ]
    rows = json.loads(ask(run, tree, "list", "--format", "json", "--machine", "pc2").stdout)
    assert [(row["name"], row["port"]) for row in rows] == [("TRANSLATOR", 21556), ("HEALTH", 21700)]
    assert rows[0]["written"] == f"{tree.file}:16"


def test_a_registry_is_named_or_the_nearest(tree: Tree, run: Run) -> None:
    done = run("-m", "runtime.ports", "list", "--registry", tree.file, cwd=tree.root.parent)
    assert "MEMORY_AGENT" in done.stdout
    done = run("-m", "runtime.ports", "list", cwd=tree.root.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: port registry: there is no config/ports.yaml in or above ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ports.yaml:1: is empty; start it with `version: 1` and `ports:`"),
        ("- a", "got a list"),
        ("version: 1\nports: {A: {port: 70000}}", "70000 is not a port; write a number from 1 to 65535"),
        ("version: 1\nports:\n  A: {port: 7}\n  A: {port: 8}", ":4: `ports.A`: is written twice, first in line 3"),
        ("version: 1\nports:\n  A: {port: 7}\n  B: {port: 7}", ":4: `ports.B`: port 7 of machine `default` is that of"),
    ],
)
@pytest.mark.parametrize("command", [["list"], ["check"], ["export", "--format", "env"]], ids=lambda words: words[0])
def test_a_registry_that_cannot_be_used(tree: Tree, run: Run, text: str, said: str, command: list[str]) -> None:
    tree.write(text)
    done = ask(run, tree, *command)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_calls(tree: Tree, run: Run) -> None:
    assert "has no machine `pc3`; did you mean `pc2`?" in ask(run, tree, "list", "--machine", "pc3").stderr
    for words in (["lst"], ["export"], ["list", "--machine", "pc3"], ["export", "--format", "xml"], ["--nope"]):
        assert ask(run, tree, *words).returncode == 2
    assert ask(run, tree, "--help").returncode == 0
    wrong = ask(run, tree, "check", UNSNARL_PORT_OFFSET="x")
    assert (wrong.returncode, "`UNSNARL_PORT_OFFSET`: `x` is not a whole number" in wrong.stderr) == (2, True)


def test_check_finds_nothing(here: Tree, free: dict[str, int], run: Run) -> None:
    with bind_socket("MEMORY_AGENT"):
        done = ask(run, here, "check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Nothing is wrong.\n")


def test_check_finds_who_listens_without_a_lease(here: Tree, free: dict[str, int], run: Run, start: Start) -> None:
    program = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print(1, flush=True); input()"
    )
    process = start("-c", program, str(free["TASK_ROUTER"]))
    assert process.stdout is not None
    process.stdout.readline()
    done = ask(run, here, "check")
    assert (done.returncode, done.stderr) == (1, "Findings: 1.\n")
    assert done.stdout.startswith(
        f"{here.file}:15: `TASK_ROUTER`: port {free['TASK_ROUTER']} is listened on without a lease by "
    )
    assert done.stdout.endswith(f"(pid {process.pid}); stop that, or have it call claim() or bind_socket()\n")
    assert ask(run, here, "check", "--machine", "pc2").returncode == 0


def test_check_finds_a_port_that_another_registry_has_claimed(
    here: Tree, free: dict[str, int], run: Run, start: Start
) -> None:
    other = Tree(here.root.parent / "other")
    other.write(f"version: 1\nports: {{SOMETHING: {{port: {free['HEALTH@pc2']}, owner: Another}}}}")
    process = claimed(start, other, "SOMETHING", UNSNARL_PORTS=str(other.file))
    done = ask(run, here, "check", "--format", "json")
    assert done.returncode == 1
    (finding,) = json.loads(done.stdout)
    assert (finding["file"], finding["line"], finding["name"]) == (str(here.file), 19, "HEALTH")
    assert f"has been claimed as `SOMETHING` by Another (pid {process.pid}, " in finding["message"]


def test_check_finds_who_runs_at_a_port_that_is_not_the_name_s_any_more(
    here: Tree, free: dict[str, int], run: Run, start: Start
) -> None:
    process = claimed(start, here, "MEMORY_AGENT")
    done = ask(run, here, "check", UNSNARL_PORT_MEMORY_AGENT=str(free["MEMORY_AGENT"] - 1))
    assert done.returncode == 1
    assert f"(pid {process.pid}, " in done.stdout
    assert f"has it at port {free['MEMORY_AGENT']}, and it is {free['MEMORY_AGENT'] - 1} now; start that" in done.stdout


def test_check_finds_ports_out_of_range_and_stray_variables(tree: Tree, run: Run) -> None:
    tree.write(
        "version: 1\nmachines: {m: {range: 21000-21999}}\nports:\n  A: {port: 21000}\n  B: {port: 22000}\n",
    )
    done = ask(run, tree, "check", UNSNARL_PORT_AA="1")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{tree.file}:5: `B`: port 22000 is not in the range 21000-21999 of machine `m`; 21001 is free",
        "environment: `UNSNARL_PORT_AA`: names no port; did you mean `A`?",
    ]


def test_who_tells_owner_process_and_time(here: Tree, free: dict[str, int], run: Run) -> None:
    assert ask(run, here, "who").stderr == "There are none.\n"
    claim("MEMORY_AGENT")
    claim("HEALTH", "the second", machine="pc2")
    done = ask(run, here, "who")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split()[:6] == ["port", "name", "machine", "owner", "pid", "since"]
    assert len(lines) == 3
    rows = {row["name"]: row for row in json.loads(ask(run, here, "who", "--format", "json").stdout)}
    assert rows["HEALTH"]["owner"] == "the second"
    assert rows["MEMORY_AGENT"]["pid"] == os.getpid()
    assert rows["MEMORY_AGENT"]["port"] == free["MEMORY_AGENT"]
    assert rows["MEMORY_AGENT"]["registry"] == str(here.file)
    assert rows["MEMORY_AGENT"]["since"].startswith("20")


def test_who_makes_no_folder_and_needs_no_registry(here: Tree, run: Run, tmp_path: Path) -> None:
    done = run("-m", "runtime.ports", "who", UNSNARL_LEASES=f"{tmp_path}/none", UNSNARL_PORTS="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "There are none.\n")
    assert not (tmp_path / "none").exists()


def test_a_tree_that_has_modules_of_our_names_is_listed_all_the_same(tree: Tree, run: Run) -> None:
    for name in ("analysis", "config", "linters", "unsnarl", "click", "yaml", "json"):
        tree.script(f"{name}/__init__.py", "raise SystemExit('the wrong one')\n")
    done = ask(run, tree, "list")
    assert (done.returncode, "MEMORY_AGENT" in done.stdout) == (0, True), done.stderr


def exported(run: Run, tree: Tree, kind: str, *words: str, **variables: str) -> str:
    done = ask(run, tree, "export", "--format", kind, *words, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


OWN = {
    "UNSNARL_PORT_MEMORY_AGENT": "21556",
    "UNSNARL_PORT_TASK_ROUTER": "21557",
    "UNSNARL_PORT_TRANSLATOR": "21556",
    "UNSNARL_PORT_HEALTH": "main_pc:21600,pc2:21700",
}


def test_env_is_what_a_shell_reads(tree: Tree, run: Run) -> None:
    text = exported(run, tree, "env")
    assert text.startswith("# MemoryAgent: requests\nUNSNARL_PORT_MEMORY_AGENT=21556\nUNSNARL_PORT_TASK_ROUTER=21557\n")
    shell = subprocess.run(
        ["sh", "-c", "set -a; . /dev/stdin; env"], input=text, capture_output=True, text=True, check=True, env={}
    )
    assert dict(line.split("=", 1) for line in shell.stdout.splitlines()).items() >= OWN.items()


def test_what_is_exported_gives_the_same_ports_back(tree: Tree, run: Run) -> None:
    moved = {"UNSNARL_PORT_OFFSET": "-1000", "UNSNARL_PORT_TASK_ROUTER": "7"}
    lines = exported(run, tree, "env", **moved).splitlines()
    again = dict(line.split("=", 1) for line in lines if not line.startswith("#"))

    def numbers(**variables: str) -> list[int]:
        return [row["port"] for row in json.loads(ask(run, tree, "list", "--format", "json", **variables).stdout)]

    assert numbers(**again) == numbers(**moved) == [20556, 7, 20556, 20600, 20700]


def test_compose_has_a_service_for_each_owner(tree: Tree, run: Run) -> None:
    tree.write(tree.file.read_text().replace("owner: MemoryAgent", "owner: \"on: 'x'\""))
    two = ask(run, tree, "export", "--format", "compose")
    assert (two.returncode, two.stdout) == (2, "")
    assert "port 21556 is one of `main_pc` and `pc2`, and compose runs on one machine: choose it" in two.stderr
    tree.write(tree.file.read_text().replace("TRANSLATOR: {port: 21556", "TRANSLATOR: {port: 21558"))
    own = {**OWN, "UNSNARL_PORT_TRANSLATOR": "21558"}
    document = yaml.safe_load(exported(run, tree, "compose", "--host", "::1"))
    assert document["services"].keys() == {"on-x", "task_router", "translator", "health"}
    assert document["services"]["on-x"] == {"environment": own, "ports": ["[::1]:21556:21556"]}
    assert document["services"]["health"]["ports"] == ["[::1]:21600:21600", "[::1]:21700:21700"]
    default = yaml.safe_load(exported(run, tree, "compose"))
    assert default["services"]["task_router"]["ports"] == ["127.0.0.1:21557:21557"]


def test_a_config_map_holds_text(tree: Tree, run: Run) -> None:
    document = yaml.safe_load(exported(run, tree, "configmap", "--name", "agent-ports"))
    assert document == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "agent-ports"}, "data": OWN}
    assert "UNSNARL_PORT_MEMORY_AGENT: '21556'" in exported(run, tree, "configmap")


def test_variables_of_another_form(tree: Tree, run: Run) -> None:
    text = exported(run, tree, "env", "--variable", "{name}_PORT", "--machine", "pc2")
    assert text == "TRANSLATOR_PORT=21556\nHEALTH_PORT=21700\n"
    for words, said in (
        (["--variable", "{name}_PORT"], "`HEALTH` is on machines `main_pc`, `pc2`: choose one of them"),
        (["--variable", "PORT"], "`PORT` would be the variable of `MEMORY_AGENT` and `TASK_ROUTER`"),
        (["--variable", "{name}-PORT"], "`MEMORY_AGENT-PORT` is not a variable"),
    ):
        done = ask(run, tree, "export", "--format", "env", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
    done = ask(run, tree, "export", "--format", "configmap", "--name", "A_B")
    assert (done.returncode, "`A_B` cannot be the name of a ConfigMap" in done.stderr) == (2, True)
