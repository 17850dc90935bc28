"""Imports modules cold: each in a process of its own, from the files as they would be."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from codemods.codemod import Telling
    from codemods.cutting.workspace import Workspace

SECONDS = 60
"""How long one import may take."""
_PROGRAM = r"""
import base64, importlib, importlib.machinery, importlib.util, json, os, sys
job = json.load(sys.stdin)
files = {path: base64.b64decode(text) for path, text in job["files"].items()}
sys.path[:0] = job["folders"]
Loader = importlib.machinery.SourceFileLoader
get_data, path_stats = Loader.get_data, Loader.path_stats
def read(self, path):
    return files[path] if path in files else get_data(self, path)
def stats(self, path):
    if path in files:
        raise OSError  # no compiled file belongs to this text
    return path_stats(self, path)
Loader.get_data, Loader.path_stats = read, stats
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        for folder in sys.path if path is None else path:
            file = os.path.join(folder or os.getcwd(), name.rpartition(".")[2] + ".py")
            if file in files and not os.path.exists(file):
                return importlib.util.spec_from_file_location(name, file)
sys.meta_path.insert(0, Finder)
try:
    importlib.import_module(job["name"])
except BaseException as error:
    sys.stderr.write(f"\n{type(error).__name__}: {error}".replace("\0", ""))
    sys.stderr.flush()
    os._exit(1)
sys.stdout.flush()
os._exit(0)
"""
# os._exit: what a module leaves running must not keep its process alive.


class Cold(msgspec.Struct, frozen=True):
    """What came of importing modules cold.

    ``worked`` are the files that could be imported, ``broken`` those that could be before and cannot be now, with the
    last line of the error; ``neither`` those that could not be imported before, with that error.
    """

    worked: tuple[str, ...]
    broken: dict[str, str]
    neither: dict[str, str]


def cold(workspace: Workspace, paths: Sequence[str], jobs: int = 1, progress: Telling | None = None) -> Cold:
    """Import the modules of ``paths`` as they would be; those that fail, as they are on the disk, too.

    This runs code of the tree. What a module writes when it is imported goes nowhere.
    """
    files = {
        str(workspace.project.path(path)): base64.b64encode(workspace.source(path).data).decode()
        for path in workspace.changed
    }
    worked: list[str] = []
    broken: dict[str, str] = {}
    neither: dict[str, str] = {}
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for number, (path, error) in enumerate(pool.map(lambda path: (path, _run(workspace, path, files)), paths), 1):
            if progress is not None:
                progress(number, len(paths), "modules imported cold")
            if not error:
                worked.append(path)
            elif before := _before(workspace, path):
                if not workspace.made(path):
                    neither[path] = before
            else:
                broken[path] = error
    return Cold(tuple(worked), broken, neither)


def _before(workspace: Workspace, path: str) -> str:
    """Why a module could not be imported before; of one that is made, why none could that has it now."""
    if not workspace.made(path):
        return _run(workspace, path, {})
    errors = ""
    for one in sorted({edge.importer for edge in workspace.graph.edges if edge.imported == path}):
        errors = _run(workspace, one, {})
        if not errors:
            break
    return errors


def _run(workspace: Workspace, path: str, files: dict[str, str]) -> str:
    """Import the module of one file; returns the last line of the error, empty when it worked."""
    root = workspace.project.root
    name = workspace.graph.name(path)
    inner = f"/{name.replace('.', '/')}"
    whole = f"/{path.removesuffix('.py').removesuffix('/__init__')}"
    if not whole.endswith(inner):
        name = workspace.graph.modules.from_root(path)
        inner = f"/{name.replace('.', '/')}"
    own = whole.removesuffix(inner).removeprefix("/")
    folders = list(dict.fromkeys([str(root / own), str(root)]))
    job = json.dumps({"files": files, "folders": folders, "name": name})
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-c", _PROGRAM],
            input=job,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=root,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"not imported within {SECONDS} s"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
