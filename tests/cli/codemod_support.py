"""Running a codemod in a process of its own, as users do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.support import write
from tests.codemods.support import git

ROOT = Path(__file__).parents[2]
GOOD = "import os\n\n\ndef f(x):\n    try:\n        return os.stat(x)\n    except Exception as e:\n        print(e)\n"
STAYS = "try:\n    work()\nexcept* Exception as e:\n    print(e)\n"
CLEAN = "x = 1\n"


def fix(
    *arguments: str | Path, cwd: Path, stdin: bytes | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """``python -m codemods.safe_executor --policy preserve`` in the folder ``cwd``."""
    done = subprocess.run(
        [sys.executable, "-m", "codemods.safe_executor", "--policy", "preserve", *arguments],
        cwd=cwd,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, **(env or {})},
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    )


def contents(tree: Path) -> dict[str, bytes]:
    """Everything in the tree but what git and the index keep there."""
    return {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in sorted(tree.rglob("*"))
        if path.is_file() and not {".git", ".unsnarl_cache"}.intersection(path.relative_to(tree).parts)
    }


def committed(root: Path) -> Path:
    """A committed tree with findings that can be rewritten, one that cannot, and a clean file."""
    write(root, {"a.py": GOOD, "sub/b.py": STAYS, "sub/c.py": CLEAN, "sub/d.py": GOOD})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "start")
    return root
