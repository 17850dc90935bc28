"""The file: what it may say, what it may not, and what is said about that."""

from __future__ import annotations

import os
import pickle
import threading
import time
from pathlib import Path

import pytest

from config.registry import FILE, Machine, Port, Registry, RegistryError, find, load, parse

from .conftest import REGISTRY, Run, Tree

ONE = "version: 1\nports:\n  A: {port: 5556}\n"


def entry(text: str, name: str = "A") -> str:
    return f"version: 1\nports:\n  {name}: {text}\n"


def refused(text: str | bytes) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        parse(text, Path("ports.yaml"))
    return caught.value


def test_a_registry_with_two_machines() -> None:
    registry = parse(REGISTRY)
    assert registry.machines == (
        Machine("main_pc", ("main_pc_code",), (21000, 21999), line=3),
        Machine("pc2", ("pc2_code",), (21000, 21999), line=6),
    )
    assert registry.ports == (
        Port("MEMORY_AGENT", 21556, "main_pc", "MemoryAgent", "requests", line=10),
        Port("TASK_ROUTER", 21557, "main_pc", line=15),
        Port("TRANSLATOR", 21556, "pc2", line=16),
        Port("HEALTH", 21600, "main_pc", line=18),
        Port("HEALTH", 21700, "pc2", line=19),
    )
    assert [one.port for one in registry.entries("HEALTH")] == [21600, 21700]


def test_without_machines_there_is_one() -> None:
    registry = parse(ONE)
    assert (registry.machines, registry.machine_names) == ((), ("default",))
    assert registry.ports == (Port("A", 5556, "default", line=3),)


def test_a_single_machine_need_not_be_named() -> None:
    assert parse("version: 1\nmachines: {gpu: }\nports: {A: {port: 1}}").ports[0].machine == "gpu"


@pytest.mark.parametrize("text", ["version: 1\nports: {}", "version: 1\nports:\n"])
def test_no_ports_yet(text: str) -> None:
    assert parse(text) == Registry()


@pytest.mark.parametrize("name", ["on", "NO", "y", "null", "e1", "_1", "True"])
def test_names_are_what_is_written_and_not_what_yaml_makes_of_them(name: str) -> None:
    assert parse(entry("{port: 7, owner: off, purpose: 1:30}", name)).ports == (
        Port(name, 7, owner="off", purpose="1:30", line=3),
    )


@pytest.mark.parametrize(
    "port", ["08", "010", "0x15B4", "5_556", "1:30", "5556.0", "+5556", "-1", "5e3", "'5556'", "on", "[5556]", "{a: 1}"]
)
def test_ports_are_decimal_numbers(port: str) -> None:
    error = refused(f"version: 1\nports:\n  A:\n    port: {port}\n")
    assert (error.key, error.line) == ("ports.A.port", 4)
    assert error.problem.startswith("expected a whole number, got ")
    assert error.problem.endswith("; write it in decimal, without quotes, signs, `_` or leading zeros")


@pytest.mark.parametrize("port", ["0", "65536", "70000", "99999999"])
def test_ports_are_in_range(port: str) -> None:
    error = refused(entry(f"{{port: {port}}}"))
    assert str(error) == f"ports.yaml:3: `ports.A.port`: {port} is not a port; write a number from 1 to 65535"


def test_a_folder_may_start_with_dots() -> None:
    (machine,) = parse("version: 1\nmachines: {a: {paths: [..x, .y, ...]}}\nports: {}").machines
    assert machine.paths == ("..x", ".y", "...")


def test_nothing_is_filled_in() -> None:
    error = refused(entry('{port: "${PORT_OFFSET}+7200"}'))
    assert "use UNSNARL_PORT_OFFSET to move all ports" in error.problem


WRONG = {
    "empty": ("", "", 1, "is empty; start it with `version: 1` and `ports:`"),
    "only a comment": ("# ports\n", "", 1, "is empty; start it"),
    "a list": (
        "- A: 5\n",
        "",
        1,
        "expected a mapping for the registry, which has `version`, `machines`, `ports`, got a",
    ),
    "text": ("hello", "", 1, "expected a mapping for the registry"),
    "no version": ("ports: {}", "version", 1, "is missing: write `version: 1`"),
    "later version": (
        "version: 2\nports: {}",
        "version",
        1,
        "2 is not a version that is known here; write 1, or update",
    ),
    "no ports": ("version: 1", "ports", 1, "is missing: write `ports:`"),
    "unknown key": ("version: 1\nport: {}", "port", 2, "unknown key; did you mean `ports`?"),
    "unknown key of a port": (entry("{port: 7, ower: x}"), "ports.A.ower", 3, "unknown key; did you mean `owner`?"),
    "short form": (entry("5556"), "ports.A", 3, "got `5556`; write `port: 5556` below it"),
    "no port": (entry("{owner: x}"), "ports.A", 3, "has no `port`; write `port:` and a number from 1 to 65535"),
    "nothing": (entry(""), "ports.A", 3, "expected a mapping for a port"),
    "twice": (ONE + "  A: {port: 5}\n", "ports.A", 4, "is written twice, first in line 3; keep one of them"),
    "key twice": (entry("{port: 7, port: 7}"), "ports.A.port", 3, "is written twice, first in line 3"),
    "ports twice": (ONE + "ports: {}\n", "ports", 4, "is written twice, first in line 2"),
    "in case only": (ONE + "  a: {port: 5}\n", "ports.a", 4, "differs from `A` (line 3) in case only; rename one"),
    "one port": (
        ONE + "  B: {port: 5556}\n",
        "ports.B",
        4,
        "port 5556 of machine `default` is that of `A` (line 3); give one of them another, 1024 is free",
    ),
    "dashes": (entry("{port: 7}", "memory-agent"), "ports.memory-agent", 3, "; write `memory_agent`"),
    "a digit first": (entry("{port: 7}", "22:22"), "ports.22:22", 3, "does not begin with a digit"),
    "long": (entry("{port: 7}", "A" * 101), f"ports.{'A' * 101}", 3, "is longer than 100 characters"),
    "offset": (entry("{port: 7}", "OFFSET"), "ports.OFFSET", 3, "UNSNARL_PORT_OFFSET is a variable of its own"),
    "merge": ("version: 1\nx: &x {}\n", "x", 2, "unknown key; valid are `machines`, `ports`, `version`"),
    "merge key": (entry("{<<: {port: 7}}"), "ports.A.<<", 3, "merge keys are not read here; write the keys out"),
    "itself": ("version: 1\nports: &p {A: *p}", "ports.A.A", 2, "unknown key"),
    "complex key": ("version: 1\nports:\n  ? [A]\n  : {port: 7}", "ports", 3, "expected a name as key, got a list"),
    "undefined machine": (
        "version: 1\nmachines: {main_pc: {}, pc2: {}}\nports:\n  A: {port: 7, machine: main_cp}",
        "ports.A.machine",
        4,
        "machine `main_cp` is not under `machines`; did you mean `main_pc`?",
    ),
    "which machine": (
        "version: 1\nmachines: {a: {}, b: {}}\nports:\n  A: {port: 7}",
        "ports.A",
        4,
        "has no `machine`, and there are several; write one of `a`, `b`",
    ),
    "machine twice": (
        entry("[{port: 7}, {port: 8}]"),
        "ports.A[1]",
        3,
        "is on machine `default` twice, first in line 3",
    ),
    "empty list": (entry("[]"), "ports.A", 3, "is an empty list; write one entry for each machine"),
    "no machines": (
        "version: 1\nmachines:\nports: {}",
        "machines",
        2,
        "has no machines; name one, or leave the key out",
    ),
    "backwards": (
        "version: 1\nmachines: {a: {range: 7999-5000}}\nports: {}",
        "machines.a.range",
        2,
        "7999-5000 is no range of ports",
    ),
    "too far": ("version: 1\nmachines: {a: {range: 1-65536}}\nports: {}", "machines.a.range", 2, "1-65536 is no range"),
    "no range": ("version: 1\nmachines: {a: {range: [1, 2]}}\nports: {}", "machines.a.range", 2, "as in `5000-7999`"),
    "path text": (
        "version: 1\nmachines: {a: {paths: x}}\nports: {}",
        "machines.a.paths",
        2,
        "expected a list of folders",
    ),
    "path up": (
        "version: 1\nmachines: {a: {paths: [../x]}}\nports: {}",
        "machines.a.paths",
        2,
        "is not below the root",
    ),
    "path root": (
        "version: 1\nmachines: {a: {paths: [/x]}}\nports: {}",
        "machines.a.paths",
        2,
        "is not below the root",
    ),
    "path of two": (
        "version: 1\nmachines: {a: {paths: [x]}, b: {paths: [./x/]}}\nports: {}",
        "machines.b.paths",
        2,
        "`x` belongs to machine `a` too",
    ),
    "text of a list": (entry("{port: 7, owner: [x]}"), "ports.A.owner", 3, "expected text, got a list"),
    "not printable": (entry('{port: 7, owner: "a\\e"}'), "ports.A.owner", 3, "holds a character that cannot be shown"),
    "half": ("version: 1\nports:\n  A: {port: 5", "", 4, "is not valid YAML: while parsing a flow mapping"),
    "two documents": (ONE + "---\n" + ONE, "", 4, "but found another document"),
    "control": ("version: 1\nports: \x01", "", 2, "holds a character that YAML does not allow"),
    "latin": ("version: 1\nports: {A: {port: 7, owner: ü}}".encode("latin-1"), "", 2, "is not UTF-8; save it as UTF-8"),
    "deep": ("version: 1\nports: " + "[" * 300_000, "", 2, "is nested deeper than a registry is; mend the brackets"),
}


@pytest.mark.parametrize(("text", "key", "line", "problem"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_file_key_and_line(text: str | bytes, key: str, line: int, problem: str) -> None:
    error = refused(text)
    assert (error.key, error.line) == (key, line)
    assert problem in error.problem
    assert str(error).startswith(f"ports.yaml:{line}: " + (f"`{key}`: " if key else ""))


def test_a_free_port_is_taken_from_the_range() -> None:
    error = refused("version: 1\nmachines: {m: {range: 5000-5002}}\nports: {A: {port: 5000}, B: {port: 5000}}")
    assert error.problem.endswith("give one of them another, 5001 is free")
    full = refused("version: 1\nmachines: {m: {range: 5000-5000}}\nports: {A: {port: 5000}, B: {port: 5000}}")
    assert full.problem.endswith("give one of them another")


def test_an_error_survives_the_way_from_another_process() -> None:
    error = refused("")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.file, again.line) == (str(error), error.file, 1)


def test_a_byte_order_mark_and_windows_lines(tree: Tree) -> None:
    tree.file.write_bytes(b"\xef\xbb\xbf" + ONE.replace("\n", "\r\n").encode())
    assert load(tree.file).ports == (Port("A", 5556, line=3),)


def test_the_nearest_file_is_found_within_the_repository(tmp_path: Path) -> None:
    for folder in ("top/config", "top/inner/config", "top/inner/deep", "top/other/.git", "top/other/deep"):
        (tmp_path / folder).mkdir(parents=True)
    outer, inner = tmp_path / "top" / FILE, tmp_path / "top/inner" / FILE
    outer.write_text(ONE)
    inner.write_text(ONE)
    assert find(tmp_path / "top/inner/deep") == inner
    assert find(tmp_path / "top/inner/deep/x.py") == inner
    assert find(tmp_path / "top") == outer
    assert find(tmp_path / "top/other/deep") is None
    inner.unlink()
    inner.symlink_to("gone")
    assert find(tmp_path / "top/inner/deep") == inner, "what is there and cannot be read is not passed over"


def test_the_machine_of_a_file_is_the_deepest_folder(tree: Tree) -> None:
    text = "version: 1\nmachines: {all: {paths: [.]}, gpu: {paths: [src/gpu]}, cpu: {paths: [src]}}\nports: {}"
    registry = load(tree.write(text))
    assert registry.root == tree.root
    wanted = {"a.py": "all", "src/a.py": "cpu", "src/gpu/deep/a.py": "gpu", "src/gpu2/a.py": "cpu", "../a.py": None}
    assert {path: registry.machine_of(os.path.normpath(tree.root / path)) for path in wanted} == wanted


def test_a_file_that_cannot_be_read(tree: Tree, run: Run) -> None:
    tree.file.chmod(0)
    # The super-user may read everything, so it becomes somebody else.
    done = run(
        "-c",
        "import config.registry_file, os, sys, pathlib\n"
        "os.getuid() or os.seteuid(65534)\n"
        "config.registry.load(pathlib.Path(sys.argv[1]))",
        tree.file,
    )
    assert done.stderr.splitlines()[-1] == (
        f"config.registry.RegistryError: {tree.file}: cannot be read: Permission denied; give this user the right to"
    )


def test_files_that_are_none(tmp_path: Path) -> None:
    gone, folder, pipe, large = (tmp_path / name for name in ("gone", "folder", "pipe", "large"))
    folder.mkdir()
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(5_000_000)
    for path, problem in (
        (gone, "cannot be read: No such file or directory; write it, or name another"),
        (folder, "cannot be read: it is not a regular file; put one there"),
        (pipe, "cannot be read: it is not a regular file; put one there"),
        (large, "is larger than 4194304 bytes, which no port registry is"),
    ):
        with pytest.raises(RegistryError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: {problem}"


def test_a_file_that_is_edited_while_it_is_read_is_never_seen_in_half(tree: Tree) -> None:
    text = "version: 1\nports:\n" + "".join(f"  NAME_{i}: {{port: {1000 + i}}}\n" for i in range(200))
    tree.file.write_text(text)
    stop = threading.Event()
    halves = 0

    def edit() -> None:
        # In place, as some editors do, and with pauses in which half a file lies there.
        while not stop.is_set():
            with tree.file.open("w") as file:
                for part in (text[:1000], text[1000:3000], text[3000:]):
                    file.write(part)
                    file.flush()
                    time.sleep(0.002)
            time.sleep(0.12)

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        for _ in range(20):
            halves += tree.file.read_text() != text
            assert len(load(tree.file).ports) == 200
            time.sleep(0.007)
    finally:
        stop.set()
        editor.join()


def test_a_file_that_is_written_all_the_time_is_given_up(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.document_reader._PATIENCE", 0.3)
    stop = threading.Event()

    def edit() -> None:
        while not stop.is_set():
            tree.file.write_text(REGISTRY)
            time.sleep(0.005)

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        while tree.file.stat().st_mtime < 2:
            time.sleep(0.001)
        with pytest.raises(RegistryError, match=r"was being written for 0\.3 s: write a new file and move it here"):
            load(tree.file)
    finally:
        stop.set()
        editor.join()


def test_a_file_that_is_replaced_is_read_as_the_old_or_the_new(tree: Tree) -> None:
    tree.file.unlink()

    def replace() -> None:
        time.sleep(0.02)
        new = tree.file.with_suffix(".new")
        new.write_text(REGISTRY)
        new.replace(tree.file)

    # An editor that moves the old file away first leaves a moment without any.
    editor = threading.Thread(target=replace)
    editor.start()
    assert len(load(tree.file).ports) == 5
    editor.join()
