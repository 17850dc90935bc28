"""Many processes: a file that ends one of them does not end the run, and none of them outlives it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]

DEADLY = """
import json, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from analysis.project import load
from codemods import pool
from config.settings import Settings
from tests.codemods.support import KnownErrors

class Deadly(KnownErrors):
    def rewrite(self, file, prepared):
        if b"deadly" in file.source.data:
            os.kill(os.getpid(), signal.SIGKILL)
        if b"defect" in file.source.data:
            raise LookupError("what is this")
        yield from super().rewrite(file, prepared)

pool.load = lambda name: Deadly()
root = Path(sys.argv[2])
setup = pool.Setup("deadly", Settings(), {})
engine = pool._engine_of(setup)
project = load([root], root=root, collectors=engine.collectors, jobs=1, cache=False)
jobs = [pool.Job(str(project.path(name)), facts, None, None) for name, facts in project.files.items()]
found = {one.path: [one.fault, len(one.edits)] for one in pool.rewrite_all(setup, jobs, int(sys.argv[3]))}
print(json.dumps(found))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number in range(90):
        word = {40: "deadly", 41: "defect", 77: "deadly"}.get(number, "work")
        (tmp_path / f"m{number:02}.py").write_text(f"try:\n    {word}()\nexcept Exception:\n    pass\n", "utf-8")
    return tmp_path


def test_a_file_that_ends_its_process_is_named_and_the_others_are_done(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEADLY, ROOT, tree, "2"], capture_output=True, text=True, check=True, timeout=120
    )
    found = json.loads(done.stdout)
    assert len(found) == 90
    faults = {path: fault for path, (fault, _) in found.items() if fault}
    assert set(faults) == {"m40.py", "m41.py", "m77.py"}
    assert faults["m40.py"] == faults["m77.py"] == "the process that was rewriting it died"
    assert faults["m41.py"].startswith("the codemod failed: LookupError: what is this")
    assert all(edits == 2 for path, (_, edits) in found.items() if path not in faults)


@pytest.mark.parametrize("after", [0.3, 0.6, 0.9])
def test_no_process_outlives_a_run_that_is_killed(tmp_path: Path, after: float) -> None:
    body = "def f{n}():\n    try:\n        work()\n    except Exception as e:\n        print(e)\n"
    for number in range(120):
        text = "".join(body.format(n=n) for n in range(40))
        (tmp_path / f"m{number}.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "codemods.safe_executor", "--check", "--no-cache", "-j", "2", "."]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        family = psutil.Process(run.pid)
        seen: set[psutil.Process] = set()
        begun = None
        while run.poll() is None and (begun is None or time.monotonic() - begun < after):
            seen.update(family.children(recursive=True))
            if seen and begun is None:
                begun = time.monotonic()
            time.sleep(0.01)
        seen.update(family.children(recursive=True) if run.poll() is None else ())
        run.kill()
        run.wait()
    assert seen
    gone, alive = psutil.wait_procs(seen, timeout=20)
    assert not alive
    assert gone
