"""Kills a transaction, for real and at every step in turn, and looks at what a recovery makes of the tree.

Run as ``python killing.py FOLDER``: it prints one line for each step, and exits with 1 when a tree was then neither as
it had been nor as it was meant to become. With a further word ``making`` files are made, too, and folders for them.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from analysis.index import digest_of
from codemods.journal import NAME
from codemods.transaction import Replacement, Transaction, recover

STEPS = ("open", "write", "link", "replace", "unlink", "rename", "fsync", "mkdir", "rmdir", "chmod")
FILES = 3
MADE = ("package/made.yaml", "config/deep/deeper/ports.yaml", "config/deep/other.yaml")


def make(root: Path, *, making: bool) -> list[Replacement]:
    """A tree, and what is to become of it."""
    shutil.rmtree(root, ignore_errors=True)
    wanted = []
    for number in range(FILES):
        path = root / "package" / f"part{number % 2}" / f"m{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        old, new = f"x = {number}\n".encode() * 50, f"y = {number}\n".encode() * 60
        path.write_bytes(old)
        path.chmod(0o640 + number)
        os.utime(path, ns=(10**18 + number, 10**18 + number))
        wanted.append(Replacement(str(path), digest_of(old), digest_of(new), ((0, len(old), new),)))
    for number, name in enumerate(MADE if making else ()):
        new = f"made: {number}\n".encode() * 40
        wanted.insert(2 * number, Replacement(str(root / name), b"", digest_of(new), ((0, 0, new),)))
    return wanted


def look(root: Path) -> dict[str, tuple[bytes, int, int, int]]:
    """All there is in the tree: bytes, mode, time and inode."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and NAME not in path.parts:
            status = path.stat()
            found[str(path.relative_to(root))] = (path.read_bytes(), status.st_mode, status.st_mtime_ns, status.st_ino)
    return found


def folders(root: Path) -> list[str]:
    """All folders of the tree."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_dir() and NAME not in path.parts)


def killed_after(steps: int, job: Callable[[], Any]) -> bool:
    """Run ``job`` in a process that is killed before its step number ``steps``; whether it came to that."""
    child = os.fork()
    if not child:
        count = 0

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def step(*arguments: Any, **options: Any) -> Any:
                nonlocal count
                if count == steps:
                    os.kill(os.getpid(), signal.SIGKILL)
                count += 1
                return real(*arguments, **options)

            return step

        for name in STEPS:
            setattr(os, name, counted(getattr(os, name)))
        try:
            job()
        except BaseException as error:
            print(f"step {steps}: {type(error).__name__}: {error}", flush=True)
            os._exit(3)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        sys.exit(1)
    return False


def write(root: Path, wanted: list[Replacement]) -> None:
    with Transaction(root) as transaction:
        transaction.write(wanted)


def main(root: Path, *, making: bool = False) -> int:
    bad = 0
    steps = 0
    while True:
        wanted = make(root, making=making)
        before, around = look(root), folders(root)
        killed = killed_after(steps, partial(write, root, wanted))
        middle = look(root)
        new = [one.edits[0][2] for one in wanted]
        pending = (root / NAME / "plan").exists()
        tries = 0
        if killed:
            # The recovery is killed as well, at each of its own steps, until it comes to its end.
            while killed_after(tries, partial(recover, root)):
                tries += 1
        after = look(root)
        whole = sorted(one[0] for one in after.values()) == sorted(new)
        same = after == before and folders(root) == around
        changed = sum(middle[name] != before[name] for name in before if name in middle)
        clean = not (root / NAME).exists()
        ok = clean and (same or (whole and not pending)) and before.keys() <= middle.keys()
        ok = ok and after.keys() == before.keys() | ({str(Path(one)) for one in MADE} if making and whole else set())
        bad += not ok
        print(
            f"{'ok ' if ok else 'BAD'} step {steps}: killed={killed} changed={changed} pending={pending} "
            f"recovery steps={tries} same={same} whole={whole} clean={clean}",
            flush=True,
        )
        if not killed:
            return 1 if bad or not whole else 0
        steps += 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), making=sys.argv[2:] == ["making"]))
