"""Trees of code that nobody wrote for us, and the laws that hold of each after the codemod went over it."""

from __future__ import annotations

import ast
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_BROAD = re.compile(rb"except(?: Exception\b.*| BaseException\b.*|):")


def library(*, installed: bool) -> list[Path]:
    """Every module of the running Python's standard library but its tests, and of what is installed beside it."""
    paths = sysconfig.get_paths()
    found = []
    folders = [(paths["stdlib"], {"test", "tests", "idle_test", "site-packages"})]
    if installed:
        folders.append((paths["purelib"], set[str]()))
    for folder, without in folders:
        inside = (file.relative_to(folder) for file in sorted(Path(folder).rglob("*.py")))
        found += [Path(folder) / file for file in inside if not without.intersection(file.parts)]
    return found


def sample(files: list[Path], number: int, seed: int) -> list[Path]:
    """The same ``number`` of files in every run with the same library; three in four have a broad handler."""
    choose = random.Random(seed)
    handling = [file for file in files if _BROAD.search(file.read_bytes())]
    others = sorted({*files} - {*handling})
    return choose.sample(handling, number * 3 // 4) + choose.sample(others, number - number * 3 // 4)


def copy(files: list[Path], tree: Path) -> None:
    """Put copies into ``tree``, each under a name of its own."""
    for number, file in enumerate(files):
        target = tree / f"part{number // 50:03}" / f"m{number:05}_{file.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def command(module: str, *arguments: str, cwd: Path) -> tuple[int, Any, str]:
    """Run one of our commands with ``--format json``: its exit code, its report, and what it said beside."""
    made = subprocess.run(
        [sys.executable, "-m", module, *arguments, "--format", "json"],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert made.stdout, made.stderr
    return made.returncode, json.loads(made.stdout), made.stderr


def codemod(tree: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Rewrite ``tree``: the exit code and the report."""
    code, report, _ = command("codemods.safe_executor", "--allow-dirty", *options, str(tree), cwd=tree)
    return code, report


def contents(tree: Path) -> dict[str, bytes]:
    """The bytes of every file of ``tree`` by name."""
    return {file.relative_to(tree).as_posix(): file.read_bytes() for file in sorted(tree.rglob("*.py"))}


def compiles(data: bytes) -> bool:
    """Whether this Python takes ``data`` for a module."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data, "module", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def comments(data: bytes) -> Counter[str]:
    """Every comment and how often it stands in ``data``."""
    tokens = tokenize.tokenize(io.BytesIO(data).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


def broken(before: dict[str, bytes], after: dict[str, bytes]) -> Iterator[str]:
    """What a run did to files that it must not do, in words."""
    if before.keys() != after.keys():
        yield f"files came or went: {sorted(before.keys() ^ after.keys())}"
    for name in before:
        old, new = before[name], after[name]
        if old == new:
            continue
        if not compiles(old):
            yield f"{name} did not compile, and was changed"
        elif not compiles(new):
            yield f"{name} compiled, and does not any more"
        elif comments(old) != comments(new):
            yield f"{name} has other comments: {comments(old) - comments(new)}, {comments(new) - comments(old)}"
        elif old.startswith(b"\xef\xbb\xbf") != new.startswith(b"\xef\xbb\xbf"):
            yield f"{name} gained or lost its byte-order mark"
        elif (b"\r\n" in old) != (b"\r\n" in new):
            yield f"{name} has other line ends"
        elif definitions(old) != definitions(new):
            yield f"{name} has other definitions"


def definitions(data: bytes) -> list[str]:
    """The functions and classes of a module, in the order of their lines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = [node for node in ast.walk(ast.parse(data)) if isinstance(node, kinds)]
    return [node.name for node in sorted(found, key=lambda node: (node.lineno, node.col_offset))]
