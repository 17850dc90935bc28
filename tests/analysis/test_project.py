"""Loading a tree: the same answer from any number of processes, whatever becomes of one of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from analysis.collectors.imports import Imports
from analysis.collectors.port_literals import PortLiteralCollector
from analysis.collectors.ports import PortCollector
from analysis.discovery import NoSuchPath
from analysis.facts import Fault
from analysis.ports import table
from analysis.project import Project, load

PADDING = "# padding to make the file worth a process\n" * 400


def grow(root: Path, count: int = 40) -> Path:
    root.mkdir(exist_ok=True)
    for at in range(count):
        (root / f"m{at:02}.py").write_text(f"import a{at}\n{PADDING}")
    (root / "bad.py").write_text("x = (\n")
    (root / "latin.py").write_bytes(b"x = '\xff'\n")
    (root / "made.py").write_text("# DO NOT EDIT\nimport z\n")
    (root / "link.py").symlink_to("gone.py")
    return root


def answer(project: Project) -> dict[str, tuple[bytes, Fault | None, list[object]]]:
    return {name: (one.digest, one.fault, one.records(Imports)) for name, one in project.files.items()}


SCRIPT = """
import multiprocessing, os, sys, threading
from pathlib import Path
from analysis.collectors.imports import Imports
from analysis.collectors.port_literals import PortLiteralCollector
from analysis.collectors.ports import PortCollector
from analysis.project import load
from analysis.walk import Collector

class Trap(Imports):
    topic = "trap"
    def begin(self, walk, tree):
        super().begin(walk, tree)
        if b"segfault" in self.source.data:
            import ctypes
            ctypes.string_at(0)
        if b"quit" in self.source.data:
            os._exit(3)
        if b"kill" in self.source.data:
            os.kill(os.getpid(), 9)
        if b"memory" in self.source.data:
            raise MemoryError
        if b"defect" in self.source.data:
            raise KeyError("x")
        if b"slow" in self.source.data:
            import time
            print("slow", flush=True)
            time.sleep(60)

def main():
    {body}

if __name__ == "__main__":
    main()
"""


def script(path: Path, body: str) -> list[str]:
    path.write_text(SCRIPT.replace("{body}", textwrap.indent(textwrap.dedent(body), "    ").strip()))
    return [sys.executable, str(path)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def run(path: Path, body: str) -> str:
    done = subprocess.run(script(path, body), capture_output=True, text=True, timeout=120, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_any_number_of_jobs_gives_the_same(tmp_path: Path) -> None:
    root = grow(tmp_path / "tree")
    one = load([root], root=root, collectors=(Imports,), jobs=1, cache=False)
    for jobs in (2, 3, None):
        other = load([root], root=root, collectors=(Imports,), jobs=jobs, cache=False)
        assert answer(other) == answer(one)
        assert list(other.files) == list(one.files) == sorted(one.files)
        assert other.ledger == one.ledger
    cached = load([root], root=root, collectors=(Imports,), jobs=2)
    assert answer(cached) == answer(one)
    assert answer(load([root], root=root, collectors=(Imports,), jobs=2)) == answer(one)


def test_no_such_path(tmp_path: Path) -> None:
    with pytest.raises(NoSuchPath):
        load([tmp_path / "gone"], root=tmp_path, collectors=())


def test_what_was_not_asked_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import b\n")
    project = load([tmp_path], root=tmp_path, collectors=(), cache=False)
    with pytest.raises(KeyError):
        project.files["a.py"].records(Imports)
    project.ask((Imports,))
    assert len(project.files["a.py"].records(Imports)) == 1


def test_an_empty_tree(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    project = load([tmp_path], root=tmp_path, collectors=(Imports,), progress=lambda *call: calls.append(call))
    assert project.files == {}
    assert calls == [(0, 0)]


@pytest.mark.parametrize("cache", [False, True])
def test_progress(tmp_path: Path, cache: bool) -> None:
    root = grow(tmp_path / "tree")
    calls: list[tuple[int, int]] = []
    for jobs in (1, 2):
        calls.clear()
        load(
            [root], root=root, collectors=(Imports,), jobs=jobs, cache=cache, progress=lambda *call: calls.append(call)
        )
        assert calls[-1] == (43, 43)
        assert calls == [(done, 43) for done in range(calls[0][0], 44)]


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import a\n")
    (tmp_path / "b.py").write_text("import b\n")
    load([tmp_path], root=tmp_path, collectors=(), jobs=1)

    def meddle(done: int, total: int) -> None:
        (tmp_path / "b.py").write_text("import changed\n")

    project = load([tmp_path], root=tmp_path, collectors=(Imports,), jobs=1, progress=meddle)
    assert project.files["b.py"].records(Imports)[0].names == (("changed", None),)
    assert answer(project) == answer(load([tmp_path], root=tmp_path, collectors=(Imports,), jobs=1))


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver", "threads"])
def test_each_way_to_start_a_process(tmp_path: Path, way: str) -> None:
    root = grow(tmp_path / "tree")
    expected = repr(answer(load([root], root=root, collectors=(Imports,), jobs=1, cache=False)))
    body = f"""
    if {way!r} == "threads":
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    else:
        multiprocessing.set_start_method({way!r})
    p = load([sys.argv[1]], root=Path(sys.argv[1]), collectors=(Imports,), jobs=2, cache=False)
    print({{name: (one.digest, one.fault, one.records(Imports)) for name, one in p.files.items()}})
    assert multiprocessing.active_children() == []
    """
    done = subprocess.run(
        [*script(tmp_path / "script.py", body), str(root)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**environment(), "PYTHONWARNINGS": "error"},
    )
    assert done.stderr == ""
    assert done.stdout == expected + "\n"


@pytest.mark.parametrize("way", ["spawn", "forkserver"])
def test_a_program_that_was_typed_in(tmp_path: Path, way: str) -> None:
    root = grow(tmp_path / "tree")
    code = f"""
import multiprocessing, sys
from pathlib import Path
from analysis.project import load
multiprocessing.set_start_method({way!r})
p = load([sys.argv[1]], root=Path(sys.argv[1]), collectors=(), jobs=2, cache=False)
print(p.ledger.counts()["analysed"], p.ledger.crashed)
"""
    done = subprocess.run(
        [sys.executable, "-", str(root)], input=code, capture_output=True, text=True, timeout=120, env=environment()
    )
    assert done.stdout == "40 {}\n", done.stderr


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_a_worker_that_dies_loses_one_file(tmp_path: Path, way: str) -> None:
    root = grow(tmp_path / "tree")
    for name, word in {"m07": "segfault", "m08": "quit", "m20": "kill", "m21": "memory", "m22": "defect"}.items():
        (root / f"{name}.py").write_text(f"import {word}\n{PADDING}")
    body = f"""
    multiprocessing.set_start_method({way!r})
    for cache in (True, True):
        p = load([{str(root)!r}], root=Path({str(root)!r}), collectors=(Trap,), jobs=2, cache=cache)
        for name, fault in p.ledger.faults.items():
            print(name, fault.kind, fault.message)
        print(len(p.ledger.analysed), sum(len(one.records(Trap)) for one in p.files.values()))
    """
    lines = run(tmp_path / "script.py", body).splitlines()
    first, second = lines[: len(lines) // 2], lines[len(lines) // 2 :]
    assert first == second
    assert "m07.py crashed the process that read it died (SIGSEGV)" in first
    assert "m08.py crashed the process that read it died (exit code 3)" in first
    assert "m20.py crashed the process that read it died (SIGKILL)" in first
    assert any(line.startswith("m21.py too-deep") for line in first)
    assert any(line.startswith("m22.py crashed KeyError: 'x' in script.py:") for line in first)
    assert first[-1] == "35 35"


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt(tmp_path: Path, jobs: int) -> None:
    root = grow(tmp_path / "tree")
    (root / "m30.py").write_text(f"import slow\n{PADDING}")
    body = f"""
    try:
        load([{str(root)!r}], root=Path({str(root)!r}), collectors=(Trap,), jobs={jobs})
    except KeyboardInterrupt:
        print("interrupted", multiprocessing.active_children(), flush=True)
    """
    process = subprocess.Popen(
        script(tmp_path / "script.py", body),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "slow\n"
    time.sleep(0.1)
    began = time.monotonic()
    # As a terminal does: to every process of the group.
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 5
    assert (process.returncode, output, errors) == (0, "interrupted []\n", "")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    # What was read before the interrupt is known, and right.
    (root / "m30.py").write_text(f"import quick\n{PADDING}")
    expected = answer(load([root], root=root, collectors=(Imports,), jobs=1, cache=False))
    assert answer(load([root], root=root, collectors=(Imports,), jobs=1)) == expected


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    root = grow(tmp_path / "tree")
    (root / "m30.py").write_text(f"import slow\n{PADDING}")
    body = f"load([{str(root)!r}], root=Path({str(root)!r}), collectors=(Trap,), jobs=2)"
    process = subprocess.Popen(
        script(tmp_path / "script.py", body),
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "slow\n"
    process.kill()
    process.wait()
    psutil = pytest.importorskip("psutil")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        # The worker that sleeps may do so; the others see the end of their pipe.
        left = [one for one in psutil.process_iter() if _group(one.pid) == process.pid]
        if len(left) <= 1:
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert len(left) == 1
    process.stdout.close()


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def test_a_name_that_is_not_utf8_comes_through(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    name = os.fsdecode(b"caf\xe9.py")
    try:
        grow(root)
        (root / name).write_text(f"import a\n{PADDING}")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    for _ in range(2):
        project = load([root], root=root, collectors=(Imports,), jobs=2)
        assert len(project.files[name].records(Imports)) == 1
        assert name in project.ledger.analysed


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_tree(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    # The tree of one such file takes more than 3 MB.
    body = "def f(a, b):\n    return [a + b for a, b in zip(a, b)] if a else {a: b}\n" * 400
    for at in range(90):
        (root / f"m{at}.py").write_text(f"import a{at}\n{body}")
    peak = """
    load([sys.argv[1]], root=Path(sys.argv[1]), collectors=(Imports,), jobs=%d, cache=False)
    import re, resource
    # Not RUSAGE_SELF: that counts what this process was before it became Python, a copy of the test runner.
    own = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
    print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
    """
    for jobs in (1, 2):
        done = subprocess.run(
            [*script(tmp_path / "script.py", peak % jobs), str(root)],
            capture_output=True,
            text=True,
            env=environment(),
        )
        assert done.stderr == ""
        assert int(done.stdout) < 120 * 1024


@pytest.mark.parametrize(
    "text",
    [
        (
            "class E:\n    e_port = 5560\n    def f(self, port=99999999999999999999999):\n"
            "        s.bind(f'tcp://*:{port}')\n"
        ),
        "port = 99999999999999999999 + 99999999999999999999\n\n\ndef f():\n    s.bind(('', port))\n",
        "u = 'http://\\ud800:6208'\ns.connect(u)\n",
        "x = {'\\udc80_port': 5556, 'name': '\\udc80'}\n",
        "import os\nPORT = os.getenv('\\udc80_PORT', 5556)\n",
    ],
)
def test_numbers_and_texts_that_no_index_holds_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.py").write_text(text, "utf-8")
    for cache in (True, True, False):
        project = load([tmp_path], root=tmp_path, collectors=[PortCollector, PortLiteralCollector], jobs=1, cache=cache)
        assert project.files["a.py"].fault is None
        table(project)
        project.files["a.py"].records(PortLiteralCollector)


def test_what_is_below_the_root_is_looked_for_once(tmp_path: Path) -> None:
    for name in ("a.py", "old/b.py", "new/c.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")

    def loaded(*paths: Path, exclude: tuple[str, ...] = ()) -> Project:
        return load(paths, root=tmp_path, collectors=(Imports,), exclude=exclude, cache=False)

    whole = loaded(tmp_path)
    assert whole.below_root() is whole.discovery is whole.below_root(ignored=True)
    assert list(whole.below_root(("old",)).files) == ["a.py", "new/c.py"]
    # What was left out, or not asked for, is below the root all the same.
    assert list(loaded(tmp_path, exclude=("old",)).below_root().files) == ["a.py", "new/c.py", "old/b.py"]
    assert list(loaded(tmp_path / "old").below_root().files) == ["a.py", "new/c.py", "old/b.py"]
    both = loaded(tmp_path, tmp_path / "old" / "b.py")
    assert both.below_root() is not both.discovery
    assert list(both.below_root().files) == ["a.py", "new/c.py", "old/b.py"]


def test_git_is_asked_again_for_what_it_ignores(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("made.py\n")
    for name in ("a.py", "made.py"):
        (tmp_path / name).write_text("x = 1\n")
    project = load([tmp_path], root=tmp_path, collectors=(Imports,), cache=False)
    assert project.below_root() is project.discovery
    assert "made.py" not in project.below_root().excluded
    assert "made.py" in project.below_root(ignored=True).excluded
    asked = load([tmp_path], root=tmp_path, collectors=(Imports,), cache=False, ignored=True)
    assert asked.below_root(ignored=True) is asked.discovery
