"""Files that a transaction makes: there with all the others, or not at all, and the folders on the way to them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from analysis.index import digest_of
from codemods.cli import _told
from codemods.journal import NAME, JournalError
from codemods.transaction import Changed, Replacement, Terminated, recover
from tests.codemods.test_transaction import HERE, ROOT, at_call, replacement, write

TEXT = b"version: 1\nports: {}\n"


def made(path: Path, text: bytes = TEXT) -> Replacement:
    return Replacement(str(path), b"", digest_of(text), ((0, 0, text),))


def tree(root: Path) -> list[str]:
    """All files and folders below ``root``."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.py"
    path.write_bytes(b"old")
    return path


def test_a_file_is_made_with_its_folders(tmp_path: Path, file: Path) -> None:
    write(tmp_path, replacement(file, b"new"), made(tmp_path / "config" / "deep" / "ports.yaml"))
    assert tree(tmp_path) == ["a.py", "config", "config/deep", "config/deep/ports.yaml"]
    assert (file.read_bytes(), (tmp_path / "config/deep/ports.yaml").read_bytes()) == (b"new", TEXT)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_its_mode_is_that_of_any_new_file(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write(tmp_path, made(tmp_path / "ports.yaml"))
        now = os.umask(mask)
    finally:
        os.umask(before)
    assert now == mask
    assert stat.S_IMODE((tmp_path / "ports.yaml").stat().st_mode) == mode


def test_several_in_one_new_folder(tmp_path: Path) -> None:
    write(tmp_path, made(tmp_path / "c" / "one"), made(tmp_path / "c" / "two"))
    assert tree(tmp_path) == ["c", "c/one", "c/two"]


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_there_is_not_overwritten(tmp_path: Path, file: Path, kind: str) -> None:
    path = tmp_path / "config" / "ports.yaml"
    path.parent.mkdir()
    if kind == "file":
        path.write_bytes(b"mine")
    elif kind == "link":
        path.symlink_to("ports.yaml")
    else:
        path.mkdir()
    before = tree(tmp_path)
    with pytest.raises((Changed, JournalError), match="nothing was written"):
        write(tmp_path, replacement(file, b"new"), made(path))
    assert tree(tmp_path) == before
    assert file.read_bytes() == b"old"


def test_what_appears_while_others_are_replaced_is_not_overwritten(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "config" / "ports.yaml"
    with at_call("replace", 1, partial(path.write_bytes, b"mine")):
        with pytest.raises(Changed, match=r"ports\.yaml: it was made while this run was at work"):
            write(tmp_path, replacement(file, b"new"), made(path))
    assert (file.read_bytes(), path.read_bytes()) == (b"old", b"mine")
    assert tree(tmp_path) == ["a.py", "config", "config/ports.yaml"]


def test_what_appears_with_the_same_text_is_not_taken_away(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "ports.yaml"
    with at_call("replace", 1, partial(path.write_bytes, TEXT)), pytest.raises(Changed):
        write(tmp_path, replacement(file, b"new"), made(path))
    assert (file.read_bytes(), path.read_bytes()) == (b"old", TEXT)


def test_a_text_that_is_not_the_one_that_was_checked_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="not the one that was checked"):
        write(tmp_path, Replacement(str(tmp_path / "config" / "x"), b"", digest_of(b"else"), ((0, 0, TEXT),)))
    assert tree(tmp_path) == []


def fail() -> None:
    raise OSError(5, "Input/output error", "disk")


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("act", [fail, interrupt])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_an_error_takes_the_file_and_its_folders_away(
    tmp_path: Path, file: Path, call: int, act: Callable[[], None]
) -> None:
    last = tmp_path / "z.py"
    last.write_bytes(b"last")
    wanted = [made(tmp_path / "config" / "deep" / "ports.yaml"), replacement(file, b"new"), replacement(last, b"new")]
    with at_call("replace", call, act), pytest.raises((JournalError, Terminated)):
        write(tmp_path, *wanted)
    assert (file.read_bytes(), last.read_bytes()) == (b"old", b"last")
    assert tree(tmp_path) == ["a.py", "z.py"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, file: Path) -> None:
    (tmp_path / "config").write_bytes(b"a file")
    with pytest.raises(JournalError, match=r"config.*nothing was written"):
        write(tmp_path, replacement(file, b"new"), made(tmp_path / "config" / "ports.yaml"))
    assert tree(tmp_path) == ["a.py", "config"]
    assert file.read_bytes() == b"old"


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.codemods.test_making import made, write
from tests.codemods.test_transaction import at_call, replacement
root = Path(sys.argv[2])
wanted = [made(root / "config" / "ports.yaml"), replacement(root / "a.py", b"new")]
with at_call("replace", 2, lambda: os.kill(os.getpid(), signal.SIGKILL)):
    write(root, *wanted)
"""


@pytest.fixture
def killed(tmp_path: Path, file: Path) -> Path:
    """A tree in which a run was killed behind the file that it made."""
    done = subprocess.run([sys.executable, "-c", KILLED, ROOT, tmp_path], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert (tmp_path / "config" / "ports.yaml").read_bytes() == TEXT
    return tmp_path


def test_a_recovery_takes_it_away(killed: Path) -> None:
    done = recover(killed)
    assert done is not None
    assert (done.files, done.changed) == (("config/ports.yaml",), ())
    assert tree(killed) == ["a.py"]


def test_a_recovery_leaves_what_was_put_beside_it(killed: Path) -> None:
    (killed / "config" / "mine").write_bytes(b"")
    assert recover(killed) is not None
    assert tree(killed) == ["a.py", "config", "config/mine"]


def test_a_recovery_leaves_what_was_changed_since(killed: Path) -> None:
    (killed / "config" / "ports.yaml").write_bytes(b"mine")
    done = recover(killed)
    assert done is not None
    assert (done.files, done.changed) == ((), (("config/ports.yaml", ""),))
    assert _told(killed, done).splitlines()[1] == (
        "config/ports.yaml: changed by someone else since then, so left alone; that run made it"
    )
    assert (killed / "config" / "ports.yaml").read_bytes() == b"mine"
    assert not (killed / NAME).exists()


def test_a_recovery_does_not_mind_that_it_is_gone(killed: Path) -> None:
    (killed / "config" / "ports.yaml").unlink()
    (killed / "config").rmdir()
    assert recover(killed) is not None
    assert tree(killed) == ["a.py"]


def test_killed_at_every_step(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, HERE / "killing.py", tmp_path / "tree", "making"], capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert not [line for line in lines if not line.startswith("ok ")]
    assert done.returncode == 0, done.stderr
    # It came that far: some were killed before the first file was replaced, some in between, some behind the last.
    assert len(lines) > 40
