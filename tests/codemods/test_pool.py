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


def test_no_process_outlives_a_run_that_is_killed(tree: Path) -> None:
    slow = DEADLY.replace("            os.kill(os.getpid(), signal.SIGKILL)", "            pass").replace(
        "        yield from", "        import time; time.sleep(0.05)\n        yield from"
    )
    with subprocess.Popen([sys.executable, "-c", slow, ROOT, tree, "2"], stdout=subprocess.DEVNULL) as run:
        family = psutil.Process(run.pid)
        while len(workers := family.children(recursive=True)) < 2 and run.poll() is None:
            time.sleep(0.01)
        time.sleep(0.3)
        assert run.poll() is None
        run.kill()
        run.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    for one in alive:
        one.kill()
    assert not alive
