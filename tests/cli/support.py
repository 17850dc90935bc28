"""Running the command in a process of its own, as users do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BROAD = "try:\n    work()\nexcept Exception as e:\n    print(e)\n"
SAID = "E900 `except Exception as e` catches every error: name the ones to recover from"
BROKEN = "def f(:\n    pass\n"


def unsnarl(
    *arguments: str, cwd: Path, stdin: str | bytes | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """``python -m unsnarl`` with ``arguments`` in the folder ``cwd``."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "unsnarl", *arguments],
        cwd=cwd,
        input=data,
        stdin=subprocess.DEVNULL if data is None else None,
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, **(env or {})},
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    )


def write(tree: Path, files: dict[str, str | bytes]) -> Path:
    """Write ``files`` below ``tree`` and return it."""
    for name, content in files.items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return tree
