"""All files or none, whatever comes in between."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from analysis.index import digest_of
from codemods.journal import NAME, Busy, Entry, Journal, JournalError, Pending
from codemods.transaction import Changed, Replacement, Terminated, Transaction, recover

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def replacement(path: Path, new: bytes) -> Replacement:
    old = path.read_bytes()
    return Replacement(str(path), digest_of(old), digest_of(new), ((0, len(old), new),))


def write(root: Path, *wanted: Replacement) -> Transaction:
    with Transaction(root) as transaction:
        transaction.write(wanted)
    return transaction


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = [tmp_path / name for name in ("a.py", "b.py", "c.py")]
    for path in found:
        path.write_bytes(path.name.encode() * 100)
    return found


def contents(files: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in files]


@contextmanager
def at_call(name: str, number: int, act: Callable[[], object]) -> Iterator[None]:
    """Have ``act`` happen just before call number ``number`` of the system's function ``name``."""
    real = getattr(os, name)
    count = 0

    def called(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            act()
        return real(*arguments, **options)

    setattr(os, name, called)
    try:
        yield
    finally:
        setattr(os, name, real)


def test_files_are_replaced_and_nothing_is_left_behind(tmp_path: Path, files: list[Path]) -> None:
    write(tmp_path, *(replacement(path, b"new") for path in files))
    assert contents(files) == [b"new"] * 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "b.py", "c.py"]


def test_edits_are_applied(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"0123456789")
    edits = ((1, 3, b"X"), (9, 9, b"Y"))
    write(tmp_path, Replacement(str(path), digest_of(b"0123456789"), digest_of(b"0X345678Y9"), edits))
    assert path.read_bytes() == b"0X345678Y9"


@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o664])
def test_the_mode_is_kept(tmp_path: Path, files: list[Path], mode: int) -> None:
    files[0].chmod(mode)
    before = os.umask(0o077)
    try:
        write(tmp_path, replacement(files[0], b"new"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(files[0].stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_is_kept(tmp_path: Path, files: list[Path]) -> None:
    os.chown(files[0], 1234, 2345)
    files[0].chmod(0o750)
    write(tmp_path, replacement(files[0], b"new"))
    status = files[0].stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o750)


def test_a_link_is_followed_to_the_file(tmp_path: Path, files: list[Path]) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    target = folder / "t.py"
    target.write_bytes(b"old")
    link = tmp_path / "link.py"
    link.symlink_to("real/t.py")
    write(tmp_path, replacement(link, b"new"), replacement(target, b"new"))
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_one_file_by_two_names_in_two_ways_is_refused(tmp_path: Path, files: list[Path]) -> None:
    link = tmp_path / "link.py"
    link.symlink_to("a.py")
    with pytest.raises(JournalError, match="two names"):
        write(tmp_path, replacement(files[0], b"one"), replacement(link, b"two"))
    assert files[0].read_bytes() == b"a.py" * 100


def test_hard_links_are_told_of(tmp_path: Path, files: list[Path]) -> None:
    os.link(files[0], tmp_path / "other name")
    assert write(tmp_path, *(replacement(path, b"new") for path in files)).links == ["a.py"]
    assert files[0].read_bytes() == b"new"
    assert (tmp_path / "other name").read_bytes() == b"a.py" * 100


def test_hard_links_that_are_all_rewritten_are_no_matter(tmp_path: Path, files: list[Path]) -> None:
    files[1].unlink()
    os.link(files[0], files[1])
    assert write(tmp_path, *(replacement(path, b"new") for path in files)).links == []
    assert contents(files) == [b"new"] * 3
    os.link(files[0], tmp_path / "other name")
    files[1].unlink()
    os.link(files[0], files[1])
    assert write(tmp_path, *(replacement(path, b"newer") for path in files)).links == ["a.py", "b.py"]


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.py"))
    path.write_bytes(b"old")
    interrupted(tmp_path, [path], call=1)
    assert recover(tmp_path) is not None
    assert path.read_bytes() == b"old"
    write(tmp_path, replacement(path, b"new"))
    assert path.read_bytes() == b"new"


def test_a_file_that_was_changed_since_it_was_read_stops_all(tmp_path: Path, files: list[Path]) -> None:
    wanted = [replacement(path, b"new") for path in files]
    files[2].write_bytes(b"mine")
    with pytest.raises(Changed, match=r"c\.py: it was changed by someone else"):
        write(tmp_path, *wanted)
    assert contents(files) == [b"a.py" * 100, b"b.py" * 100, b"mine"]
    assert not (tmp_path / NAME).exists()


def test_a_file_that_was_removed_stops_all(tmp_path: Path, files: list[Path]) -> None:
    wanted = [replacement(path, b"new") for path in files]
    files[2].unlink()
    with pytest.raises(Changed, match=r"c\.py: it was removed"):
        write(tmp_path, *wanted)
    assert contents(files[:2]) == [b"a.py" * 100, b"b.py" * 100]


@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_file_that_is_changed_while_others_are_replaced_stops_all(
    tmp_path: Path, files: list[Path], call: int
) -> None:
    wanted = [replacement(path, b"new") for path in files]
    with at_call("replace", call, lambda: files[2].write_bytes(b"mine")):
        if call == 3:
            # After the last look, an editor that writes at the same moment cannot be seen any more.
            write(tmp_path, *wanted)
            return
        with pytest.raises(Changed, match=r"c\.py: it was changed by someone else"):
            write(tmp_path, *wanted)
    assert contents(files) == [b"a.py" * 100, b"b.py" * 100, b"mine"]
    assert not (tmp_path / NAME).exists()


def test_a_text_that_is_not_the_one_that_was_checked_is_refused(tmp_path: Path, files: list[Path]) -> None:
    old = files[0].read_bytes()
    with pytest.raises(JournalError, match="not the one that was checked"):
        write(tmp_path, Replacement(str(files[0]), digest_of(old), digest_of(b"new"), ((0, len(old), b"else"),)))
    assert files[0].read_bytes() == old


def test_a_read_only_file_is_named_before_anything_is_written(tmp_path: Path, files: list[Path]) -> None:
    files[2].chmod(0o444)
    with pytest.raises(JournalError, match=r"read-only: .*c\.py; nothing was written"):
        write(tmp_path, *(replacement(path, b"new") for path in files))
    assert contents(files) == [b"a.py" * 100, b"b.py" * 100, b"c.py" * 100]
    assert not (tmp_path / NAME).exists()


def test_many_read_only_files_are_named_in_part(tmp_path: Path) -> None:
    paths = [tmp_path / f"f{number:02}.py" for number in range(15)]
    for path in paths:
        path.write_bytes(b"old")
        path.chmod(0o444)
    with pytest.raises(JournalError, match=r"f00\.py, .*f09\.py and 5 more"):
        write(tmp_path, *(replacement(path, b"new") for path in paths))


@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_is_rolled_back(tmp_path: Path, files: list[Path], number: int, call: int) -> None:
    before = [(path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) for path in files]
    with at_call("replace", call, lambda: os.kill(os.getpid(), number)):
        with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else Terminated):
            write(tmp_path, *(replacement(path, b"new") for path in files))
    assert [(path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) for path in files] == before
    assert not (tmp_path / NAME).exists()


def test_an_interrupt_after_the_last_file_leaves_all_of_them(tmp_path: Path, files: list[Path]) -> None:
    wanted = [replacement(path, b"new") for path in files]
    # The fourth is the plan, which makes the new tree the right one.
    with at_call("replace", 4, lambda: os.kill(os.getpid(), signal.SIGINT)), Transaction(tmp_path) as transaction:
        with pytest.raises(KeyboardInterrupt):
            transaction.write(wanted)
        assert transaction.written
    assert contents(files) == [b"new"] * 3
    assert not (tmp_path / NAME).exists()


FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.codemods.test_transaction import replacement, write
root = Path(sys.argv[2])
files = sorted(root.glob("*.py"))
wanted = [replacement(path, b"n" * size) for path, size in zip(files, (10, 10, 200_000), strict=True)]
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write(root, *wanted)
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_is_rolled_back(tmp_path: Path, files: list[Path]) -> None:
    before = contents(files)
    done = subprocess.run([sys.executable, "-c", FULL, ROOT, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("JournalError")
    assert "nothing was written" in done.stdout
    assert contents(files) == before
    assert not (tmp_path / NAME).exists()


HOLD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from codemods.transaction import Transaction
with Transaction(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_names_the_first(tmp_path: Path, files: list[Path]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, ROOT, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=rf"another run is writing here \(process {first.pid}\)"):
            write(tmp_path, replacement(files[0], b"new"))
        with pytest.raises(Busy, match=str(first.pid)):
            recover(tmp_path)
        assert files[0].read_bytes() == b"a.py" * 100
        first.communicate("")
    write(tmp_path, replacement(files[0], b"new"))
    assert files[0].read_bytes() == b"new"


def test_killed_at_every_step_the_tree_can_be_put_back(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, HERE / "killing.py", tmp_path / "tree"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) > 50
    # It was killed before, between and after the files, and during the recovery as well.
    for changed in range(4):
        assert any(f"killed=True changed={changed} " in line for line in lines)
    assert max(int(line.partition("recovery steps=")[2].split()[0]) for line in lines) > 10


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.codemods.test_transaction import at_call, replacement, write
if sys.argv[4]:
    def refused(*_, **__):
        raise PermissionError(1, "Operation not permitted")
    os.link = refused
with at_call("replace", int(sys.argv[3]), lambda: os.kill(os.getpid(), signal.SIGKILL)):
    write(Path(sys.argv[2]), *(replacement(Path(path), b"new") for path in sys.argv[5:]))
"""


def interrupted(root: Path, files: list[Path], call: int = 2, *, links: bool = True) -> None:
    """Leave the tree as a run does that is killed after the first file."""
    arguments = [ROOT, root, str(call), "" if links else "none", *files]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


class TestPending:
    def test_it_is_told_of_and_can_be_put_back(self, tmp_path: Path, files: list[Path]) -> None:
        interrupted(tmp_path, files)
        assert sorted(contents(files)).count(b"new") == 1
        for _ in range(2):
            with pytest.raises(Pending, match="--recover"):
                write(tmp_path, replacement(files[0], b"newer"))
            with pytest.raises(Pending):
                Journal(tmp_path).look()
        done = recover(tmp_path)
        assert done is not None
        assert (done.files, done.changed) == (("a.py",), ())
        assert contents(files) == [b"a.py" * 100, b"b.py" * 100, b"c.py" * 100]
        assert recover(tmp_path) is None
        Journal(tmp_path).look()
        assert not (tmp_path / NAME).exists()

    def test_nothing_of_it_shows_in_git(self, tmp_path: Path, files: list[Path]) -> None:
        from tests.codemods.support import git

        git(tmp_path, "init", "-q")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-qm", "start")
        interrupted(tmp_path, files)
        assert git(tmp_path, "status", "--porcelain").splitlines() == [" M a.py"]

    def test_what_someone_else_changed_since_is_left_alone_and_the_old_text_kept(
        self, tmp_path: Path, files: list[Path]
    ) -> None:
        interrupted(tmp_path, files)
        files[0].write_bytes(b"mine")
        files[2].write_bytes(b"mine too")
        done = recover(tmp_path)
        assert done is not None
        assert done.files == ()
        ((path, kept),) = done.changed
        assert path == "a.py"
        assert Path(kept).read_bytes() == b"a.py" * 100
        assert contents(files) == [b"mine", b"b.py" * 100, b"mine too"]
        # The next run is not in the way of what was kept.
        write(tmp_path, replacement(files[1], b"new"))
        assert Path(kept).exists()

    def test_a_tree_that_was_moved_is_put_back_where_it_is_now(self, tmp_path: Path) -> None:
        here, there = tmp_path / "here", tmp_path / "there"
        here.mkdir()
        names = ["a.py", "b.py", "c.py"]
        for name in names:
            (here / name).write_bytes(name.encode() * 100)
        interrupted(here, [here / name for name in names])
        here.rename(there)
        assert recover(there) is not None
        assert contents([there / name for name in names]) == [name.encode() * 100 for name in names]

    def test_a_plan_of_another_version_is_not_guessed_at(self, tmp_path: Path, files: list[Path]) -> None:
        interrupted(tmp_path, files)
        plan = tmp_path / NAME / "plan"
        plan.write_bytes(plan.read_bytes().replace(b'"format": 1', b'"format": 9'))
        with pytest.raises(JournalError, match="format 9"):
            recover(tmp_path)
        assert plan.exists()

    def test_a_plan_that_makes_no_sense_is_said_to(self, tmp_path: Path, files: list[Path]) -> None:
        interrupted(tmp_path, files)
        plan = tmp_path / NAME / "plan"
        plan.write_bytes(plan.read_bytes() + b"[1, 2]\n")
        with pytest.raises(JournalError, match="cannot be read"):
            recover(tmp_path)

    def test_a_last_line_that_was_not_finished_does_not_count(self, tmp_path: Path, files: list[Path]) -> None:
        interrupted(tmp_path, files)
        plan = tmp_path / NAME / "plan"
        plan.write_bytes(plan.read_bytes() + b'{"number": 9')
        assert recover(tmp_path) is not None
        assert contents(files)[0] == b"a.py" * 100


def test_without_hard_links_the_old_text_is_copied(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(files)
    interrupted(tmp_path, files, links=False)
    assert not files[0].samefile(tmp_path / NAME / "0.old")
    assert recover(tmp_path) is not None
    assert contents(files) == before

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    write(tmp_path, *(replacement(path, b"new") for path in files))
    assert contents(files) == [b"new"] * 3
    assert not (tmp_path / NAME).exists()


def test_a_journal_on_another_file_system(tmp_path: Path, files: list[Path]) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to write to")
    folder = Path(tempfile.mkdtemp(dir=other))
    try:
        far = [folder / path.name for path in files]
        for path in far:
            path.write_bytes(path.name.encode() * 100)
        before = contents(far)
        interrupted(tmp_path, far)
        assert recover(tmp_path) is not None
        assert contents(far) == before
        assert sorted(path.name for path in folder.iterdir()) == ["a.py", "b.py", "c.py"]
        write(tmp_path, *(replacement(path, b"new") for path in far))
        assert contents(far) == [b"new"] * 3
        assert sorted(path.name for path in folder.iterdir()) == ["a.py", "b.py", "c.py"]
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_root_that_cannot_be_written_to(tmp_path: Path, files: list[Path]) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(JournalError, match="the journal cannot be made"):
            write(tmp_path, replacement(files[0], b"new"))
    finally:
        tmp_path.chmod(0o755)


def test_entries_hold_no_paths_of_this_machine(tmp_path: Path, files: list[Path]) -> None:
    interrupted(tmp_path, files)
    assert str(tmp_path).encode() not in (tmp_path / NAME / "plan").read_bytes()
    assert [one.path for one in Journal(tmp_path).entries()] == ["a.py", "b.py", "c.py"]
    assert isinstance(Journal(tmp_path).entries()[0], Entry)


def test_the_signals_mean_afterwards_what_they_did_before(tmp_path: Path, files: list[Path]) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    write(tmp_path, replacement(files[0], b"new"))
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_disk_without_a_free_block_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(JournalError, match=r"the journal cannot be written: no space left on device"):
        Journal(tmp_path).lock()
    assert list(tmp_path.iterdir()) == []
