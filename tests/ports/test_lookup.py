"""From a name to a number: which registry, which machine, what the environment changes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from runtime import ports
from runtime.ports import RegistryError, UnknownPort, get_port, reload

from .conftest import Run, Tree

ASK = "import sys\nfrom runtime.ports import get_port\nprint(*[get_port(*one.split('@')) for one in sys.argv[1:]])\n"


def set_and_reload(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    reload()


def refused(name: str = "MEMORY_AGENT", machine: str | None = None) -> str:
    with pytest.raises((UnknownPort, RegistryError)) as caught:
        get_port(name, machine)
    return str(caught.value)


def test_a_name_that_one_machine_has_needs_no_machine(here: Tree) -> None:
    assert (get_port("MEMORY_AGENT"), get_port("TRANSLATOR"), get_port("TRANSLATOR", "pc2")) == (21556, 21556, 21556)
    assert (get_port("HEALTH", "main_pc"), get_port("HEALTH", machine="pc2")) == (21600, 21700)


def test_a_program_finds_the_registry_of_its_tree_wherever_it_is_started(tree: Tree, tmp_path: Path, run: Run) -> None:
    (tmp_path / "elsewhere" / "config").mkdir(parents=True)
    other = tmp_path / "elsewhere" / "config" / "ports.yaml"
    other.write_text("version: 1\nports: {MEMORY_AGENT: {port: 9}}")
    script = tree.script("main_pc_code/agents/memory.py", ASK)
    assert run(script, "MEMORY_AGENT", cwd=tmp_path / "elsewhere").stdout == "21556\n"
    # A program that has no file is where it stands; the variable is before both.
    assert run("-c", ASK, "MEMORY_AGENT", cwd=tmp_path / "elsewhere").stdout == "9\n"
    assert run(script, "MEMORY_AGENT", cwd=tmp_path, UNSNARL_PORTS=str(other)).stdout == "9\n"


def test_a_program_outside_any_tree_uses_the_registry_of_the_current_folder(
    tree: Tree, tmp_path: Path, run: Run
) -> None:
    script = tmp_path / "tool" / "ask.py"
    script.parent.mkdir()
    script.write_text(ASK)
    assert run(script, "MEMORY_AGENT", cwd=tree.root / "config").stdout == "21556\n"
    done = run(script, "MEMORY_AGENT", cwd=tmp_path)
    assert done.stderr.splitlines()[-1] == (
        f"runtime.ports.RegistryError: port registry: there is no config/ports.yaml in or above {script.parent} or "
        f"{tmp_path}; write one, or name it in UNSNARL_PORTS"
    )


BUS = "from runtime.events import Address\nprint(Address.from_ports())\n"
HUB = "EVENT_BUS: {port: 21801}, EVENT_BUS_PUBLISH: {port: 21802}, EVENT_BUS_REQUESTS: {port: 21803}"


def test_the_bus_asks_on_behalf_of_the_program(tree: Tree, tmp_path: Path, run: Run) -> None:
    script = tree.script("agents/memory.py", BUS)
    (tmp_path / "elsewhere").mkdir()
    done = run(script, cwd=tmp_path / "elsewhere")
    assert done.stderr.splitlines()[-1].startswith("runtime.ports.UnknownPort: ")
    tree.write(f"version: 1\nports: {{{HUB}}}\n")
    told = "tcp://127.0.0.1:21801,tcp://127.0.0.1:21802,tcp://127.0.0.1:21803\n"
    assert run(script, cwd=tmp_path / "elsewhere").stdout == told
    assert run("-c", BUS, cwd=tree.root).stdout == told


@pytest.mark.parametrize(("words", "code"), [(("-c", BUS), 1), (("-m", "runtime.events.proxy"), 2)])
def test_where_no_registry_is_the_folders_are_those_of_the_program(
    tmp_path: Path, run: Run, words: tuple[str, str], code: int
) -> None:
    done = run(*words, cwd=tmp_path)
    assert done.returncode == code
    assert done.stderr.splitlines()[-1].endswith(
        f"there is no config/ports.yaml in or above {tmp_path}; write one, or name it in UNSNARL_PORTS"
    )


def test_what_stands_between_a_program_and_the_look_up_does_not_matter(tree: Tree, tmp_path: Path, run: Run) -> None:
    # In a pool the file that calls is one of the standard library.
    pool = "from concurrent.futures import ThreadPoolExecutor\nfrom runtime.ports import get_port\n"
    pool += "with ThreadPoolExecutor() as pool:\n    print(*pool.map(get_port, ['MEMORY_AGENT', 'HEALTH']))\n"
    assert run(tree.script("pc2_code/a.py", pool), cwd=tmp_path).stdout == "21556 21700\n"


def test_code_that_machines_share_is_on_the_machine_of_the_program(tree: Tree, tmp_path: Path, run: Run) -> None:
    tree.script(
        "common_utils/port_registry.py", "from runtime.ports import get_port\ndef port(n): return get_port(n)\n"
    )
    program = f"import sys\nsys.path.append({str(tree.root)!r})\n"
    program += "from common_utils.port_registry import port\nprint(port('HEALTH'))\n"
    for folder, number in (("main_pc_code", 21600), ("pc2_code", 21700)):
        assert run(tree.script(f"{folder}/a.py", program), cwd=tmp_path).stdout == f"{number}\n"


def test_each_file_asks_the_registry_of_its_own_tree(tmp_path: Path, run: Run) -> None:
    for name, number in (("one", 11), ("two", 22)):
        Tree(tmp_path / name).write(f"version: 1\nports: {{A: {{port: {number}}}}}")
        (tmp_path / name / f"{name}.py").write_text(
            "from runtime.ports import get_port\ndef ask(): return get_port('A')\n"
        )
    program = f"import sys; sys.path += [{str(tmp_path / 'one')!r}, {str(tmp_path / 'two')!r}]\nimport one, two\n"
    program += "print(one.ask(), two.ask(), one.ask(), two.ask())"
    assert run("-c", program, cwd=tmp_path).stdout == "11 22 11 22\n"


@pytest.mark.parametrize(
    ("script", "variables", "wanted"),
    [
        ("main_pc_code/a.py", {}, "21600"),
        ("pc2_code/deep/a.py", {}, "21700"),
        ("pc2_code/deep/a.py", {"UNSNARL_MACHINE": "main_pc"}, "21600"),
        ("tools/a.py", {"UNSNARL_MACHINE": "pc2"}, "21700"),
    ],
)
def test_of_several_machines_it_is_the_one_that_this_is(
    tree: Tree, run: Run, script: str, variables: dict[str, str], wanted: str
) -> None:
    assert run(tree.script(script, ASK), "HEALTH", **variables).stdout == f"{wanted}\n"


def test_nothing_is_guessed_when_no_machine_is_told(tree: Tree, run: Run) -> None:
    script = tree.script("tools/a.py", ASK)
    assert run(script, "HEALTH").stderr.splitlines()[-1] == (
        f"runtime.ports.UnknownPort: {tree.file}: `HEALTH` is on machines `main_pc`, `pc2`, and nothing tells "
        f"which this is: pass machine=, set UNSNARL_MACHINE, or list the folder of {script} under `paths`"
    )


def test_unknown_names_are_answered_with_the_nearest(here: Tree) -> None:
    assert refused("MEMORY_AGNET") == f"{here.file} has no port `MEMORY_AGNET`; did you mean `MEMORY_AGENT`?"
    assert refused("memory_agent").endswith("did you mean `MEMORY_AGENT`?")
    assert refused("XYZ").endswith("valid are `HEALTH`, `MEMORY_AGENT`, `TASK_ROUTER`, `TRANSLATOR`")
    assert refused("HEALTH", "pc3") == f"{here.file} has no machine `pc3`; did you mean `pc2`?"
    assert refused("MEMORY_AGENT", "pc2") == "`MEMORY_AGENT` is on `main_pc`, not on machine `pc2`; pass machine="
    with pytest.raises(UnknownPort) as caught:
        get_port("NOPE")
    assert (caught.value.name, isinstance(caught.value, LookupError)) == ("NOPE", True)


def test_a_number_is_not_a_name(here: Tree) -> None:
    with pytest.raises(TypeError, match="a port has a name such as 'MEMORY_AGENT', not 5556"):
        get_port(5556)  # type: ignore[arg-type]


def test_one_port_is_set_by_its_variable_and_the_offset_moves_the_others(
    here: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_and_reload(
        monkeypatch, UNSNARL_PORT_MEMORY_AGENT=" 4000 ", UNSNARL_PORT_OFFSET="+1000", UNSNARL_PORT_TRANSLATOR=""
    )
    assert (get_port("MEMORY_AGENT"), get_port("TASK_ROUTER"), get_port("TRANSLATOR")) == (4000, 22557, 22556)
    set_and_reload(monkeypatch, UNSNARL_PORT_OFFSET="-1000", UNSNARL_PORT_HEALTH="pc2:7, main_pc:8")
    assert (get_port("TASK_ROUTER"), get_port("HEALTH", "pc2"), get_port("HEALTH", "main_pc")) == (20557, 7, 8)


def test_variables_of_other_programs_change_nothing(here: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    set_and_reload(monkeypatch, PORT_OFFSET="100", MEMORY_AGENT_PORT="1", MEMORY_AGENT="2", PORT="3")
    assert get_port("MEMORY_AGENT") == 21556


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("UNSNARL_PORT_MEMORY_AGENT", "70000", "`70000` is not a port from 1 to 65535"),
        ("UNSNARL_PORT_MEMORY_AGENT", "0", "`0` is not a port from 1 to 65535"),
        ("UNSNARL_PORT_MEMORY_AGENT", "5_556", "`5_556` is not a port from 1 to 65535"),
        ("UNSNARL_PORT_MEMORY_AGENT", "٣", "`٣` is not a port from 1 to 65535"),
        (
            "UNSNARL_PORT_MEMORY_AGENT",
            "21557",
            "port 21557 of machine `main_pc` is that of `TASK_ROUTER`; choose another",
        ),
        ("UNSNARL_PORT_HEALTH", "9", "`9` is not `main_pc:PORT,pc2:PORT`, as several machines have it"),
        ("UNSNARL_PORT_HEALTH", "pc2:9", "`pc2:9` is not `main_pc:PORT,pc2:PORT`, as several machines have it"),
        ("UNSNARL_PORT_HEALTH", "pc2:9,pc2:8,main_pc:7", "`pc2:9,pc2:8,main_pc:7` is not `main_pc:PORT,pc2:PORT`"),
        ("UNSNARL_PORT_OFFSET", "much", "`much` is not a whole number such as 1000"),
        ("UNSNARL_PORT_OFFSET", "44000", "moves `MEMORY_AGENT` from 21556 to 65556, and ports are 1 to 65535; choose"),
        ("UNSNARL_PORT_OFFSET", "-21556", "moves `MEMORY_AGENT` from 21556 to 0, and ports are 1 to 65535; choose"),
        ("UNSNARL_MACHINE", "pc1", "`pc1` is not a machine of "),
    ],
)
def test_a_wrong_variable_is_named(
    here: Tree, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, problem: str
) -> None:
    set_and_reload(monkeypatch, **{variable: text})
    assert refused().startswith(f"environment: `{variable}`: {problem}")


def test_two_names_may_be_exchanged(here: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    set_and_reload(monkeypatch, UNSNARL_PORT_MEMORY_AGENT="21557", UNSNARL_PORT_TASK_ROUTER="21556")
    assert (get_port("MEMORY_AGENT"), get_port("TASK_ROUTER")) == (21557, 21556)


def test_a_machine_is_not_asked_of_a_registry_without_any(here: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    here.write("version: 1\nports: {A: {port: 9}}")
    set_and_reload(monkeypatch, UNSNARL_MACHINE="pc7")
    assert (get_port("A"), get_port("A", "default")) == (9, 9)


def test_the_file_and_the_environment_are_read_once_and_again_by_reload(
    here: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert get_port("MEMORY_AGENT") == 21556
    monkeypatch.setenv("UNSNARL_PORT_MEMORY_AGENT", "4000")
    here.write("version: 1\nports: {OTHER: {port: 9}}")
    assert (get_port("MEMORY_AGENT"), get_port("TASK_ROUTER")) == (21556, 21557)
    reload()
    assert get_port("OTHER") == 9
    assert "has no port `MEMORY_AGENT`" in refused()


def test_a_registry_that_was_wrong_is_read_again(here: Tree) -> None:
    here.write("")
    assert refused() == f"{here.file}:1: is empty; start it with `version: 1` and `ports:`"
    here.write("version: 1\nports: {MEMORY_AGENT: {port: 9}}")
    assert get_port("MEMORY_AGENT") == 9


def test_the_clash_of_two_names_is_told_at_the_first_look_up(here: Tree) -> None:
    here.write("version: 1\nports:\n  MEMORY_AGENT: {port: 9}\n  B: {port: 9}\n")
    assert refused() == (
        f"{here.file}:4: `ports.B`: port 9 of machine `default` is that of `MEMORY_AGENT` (line 3); "
        "give one of them another, 1024 is free"
    )


def test_threads_look_up_while_others_reload(here: Tree) -> None:
    wrong: list[object] = []

    def look() -> None:
        for _ in range(300):
            try:
                if get_port("MEMORY_AGENT") != 21556:
                    wrong.append("number")
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        reload()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_forked_child_can_look_up_while_another_thread_of_its_parent_did(tree: Tree, run: Run) -> None:
    done = run(
        tree.script(
            "main_pc_code/a.py",
            """
import os, threading
from runtime import ports
from runtime.ports import _lookup
held, go = threading.Event(), threading.Event()
def hold():
    with _lookup._lock:
        held.set()
        go.wait(30)
threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if not child:
    os._exit(0 if ports.get_port("MEMORY_AGENT") == 21556 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
go.set()
""",
        )
    )
    assert (done.stdout, done.returncode) == ("0\n", 0)


def test_a_program_that_stands_in_a_folder_that_is_gone(tree: Tree, run: Run) -> None:
    script = tree.script(
        "main_pc_code/a.py", f"import os\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')\n{ASK}"
    )
    assert run(script, "MEMORY_AGENT", cwd=tree.root).stdout == "21556\n"


def test_a_folder_that_is_linked_into_a_tree_belongs_to_that_tree(tree: Tree, tmp_path: Path, run: Run) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a.py").write_text(ASK)
    (tree.root / "pc2_code").symlink_to(tmp_path / "shared")
    assert run(tree.root / "pc2_code" / "a.py", "HEALTH").stdout == "21700\n"


def test_a_program_that_is_linked_from_elsewhere_has_the_registry_of_its_tree(
    tree: Tree, tmp_path: Path, run: Run
) -> None:
    script = tree.script("pc2_code/a.py", ASK)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "agent").symlink_to(script)
    assert run(tmp_path / "bin" / "agent", "HEALTH", cwd=tmp_path).stdout == "21700\n"


def test_a_tree_with_a_config_package_of_its_own_keeps_it(tree: Tree, run: Run) -> None:
    (tree.root / "config" / "__init__.py").write_text("OURS = 'the tree'\n")
    script = tree.script(
        "agent.py",
        "from runtime.ports import RegistryError, get_port\nprint(get_port('MEMORY_AGENT'), RegistryError)\n"
        "import config, pickle\nprint(config.OURS)\n"
        "again = pickle.loads(pickle.dumps(RegistryError(None, 'K', 0, 'p')))\nprint(type(again) is RegistryError)\n",
    )
    done = run(script, cwd=tree.root)
    assert done.stdout == "21556 <class 'runtime.ports.RegistryError'>\nthe tree\nTrue\n", done.stderr


def test_our_config_does_not_stand_in_for_one_that_is_found_later(tree: Tree, run: Run) -> None:
    # Scripts put folders on sys.path after their first imports.
    tree.script("lib/config.py", "OURS = 'the tree'\n")
    script = tree.script(
        "agent.py",
        "from runtime.ports import get_port\nprint(get_port('MEMORY_AGENT'))\n"
        f"import sys\nsys.path.insert(0, {str(tree.root / 'lib')!r})\nimport config\nprint(config.OURS)\n",
    )
    assert run(script).stdout == "21556\nthe tree\n"


def test_the_errors_are_those_of_config_where_that_was_loaded_first(run: Run) -> None:
    program = (
        "from config.registry import RegistryError as a\nfrom runtime.ports import RegistryError as b\nprint(a is b)"
    )
    assert run("-c", program).stdout == "True\n"


def test_a_copy_of_the_package_works_with_a_copy_of_config_in_it(tree: Tree, run: Run) -> None:
    program = f"""
import pathlib, shutil, sys
import runtime
home = pathlib.Path(runtime.__file__).parents[1]
shutil.copytree(home / "runtime", "vendored")
shutil.copytree(home / "config", "vendored/config")
kept = [entry for entry in sys.path if not (pathlib.Path(entry or ".") / "runtime").is_dir()]
sys.path[:] = [{str(tree.root)!r}, *kept]
for name in [name for name in sys.modules if name.partition(".")[0] == "runtime"]:
    del sys.modules[name]
from vendored.ports import get_port
print(get_port("MEMORY_AGENT"), "runtime" in sys.modules, "config" in sys.modules)
"""
    done = run("-c", program, cwd=tree.root)
    assert done.stdout == "21556 False False\n", done.stderr


def test_names_that_are_not_there() -> None:
    assert not hasattr(ports, "get_prot")
    assert set(ports.__all__) >= {"get_port", "claim", "bind_socket", "free_ports", "reload"}
    assert all(getattr(ports, name).__doc__ for name in ports.__all__)
