"""The index answers right or not at all, whatever happens to its file and whoever else uses it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.collectors.imports import Imports
from analysis.index import KEEP_DAYS, RACY_NS, SCHEMA, Index, Stamp, digest_of
from analysis.project import Project, load
from analysis.walk import Collector

AGO = 10 * RACY_NS


def ask(root: Path, cache: bool = True, collectors: tuple[type[Collector], ...] = (Imports,)) -> Project:
    return load([root], root=root, collectors=collectors, jobs=1, cache=cache)


def answer(project: Project) -> dict[str, object]:
    return {name: (facts.digest, facts.fault, facts.records(Imports)) for name, facts in project.files.items()}


def grow(root: Path, count: int = 12) -> Path:
    for at in range(count):
        (root / f"m{at}.py").write_text(f"import a{at}\nif x:\n    from b import c{at}\n")
    (root / "bad.py").write_text("x = (\n")
    (root / "made.py").write_text("# @generated\nimport z\n")
    return root


def age(root: Path) -> None:
    """Wait until the files are old enough for their status to be trusted."""
    Index(root).now()
    newest = max(max(path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in root.glob("*.py"))
    while (Index(root).now() or 0) <= newest + RACY_NS:
        time.sleep(0.05)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that was left alone for long enough."""
    root = grow(tmp_path_factory.mktemp("old"))
    age(root)
    return root


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose bytes were read, as they are."""
    import analysis.reading
    import analysis.recognition

    seen: list[str] = []
    read = analysis.reading.read_regular

    def noted(path: str) -> tuple[bytes, os.stat_result]:
        seen.append(Path(path).name)
        return read(path)

    monkeypatch.setattr(analysis.recognition, "read_regular", noted)
    monkeypatch.setattr(analysis.reading, "read_regular", noted)
    return seen


def test_a_second_run_reads_nothing(old: Path, reads: list[str]) -> None:
    first = ask(old)
    reads.clear()
    second = ask(old)
    assert reads == []
    assert answer(second) == answer(first) == answer(ask(old, cache=False))
    assert second.ledger == first.ledger
    assert list(second.ledger.unparseable) == ["bad.py"]
    assert second.ledger.excluded == {"made.py": "generated: it says @generated"}


def test_a_generated_file_that_is_named(old: Path) -> None:
    ask(old)
    named = load([old / "made.py"], root=old, collectors=(Imports,))
    assert len(named.files["made.py"].records(Imports)) == 1
    assert ask(old).ledger.excluded == {"made.py": "generated: it says @generated"}
    again = load([old / "made.py"], root=old, collectors=(Imports,))
    assert answer(again) == answer(named)


def test_the_folder_ignores_itself(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    ask(grow(tmp_path))
    done = subprocess.run(["git", "-C", tmp_path, "status", "--short"], capture_output=True, text=True, check=True)
    assert ".unsnarl_cache" not in done.stdout
    assert "m0.py" in done.stdout


def test_without_cache_nothing_is_written(tmp_path: Path) -> None:
    ask(grow(tmp_path), cache=False)
    assert not (tmp_path / ".unsnarl_cache").exists()


def test_same_size_and_time_in_the_racy_window(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    for letter in "bcdefghijklm":
        path.write_text(f"import {letter}\n")
        # As if the clock had not moved on between the two writes.
        os.utime(path, ns=(1, 1))
        (found,) = ask(tmp_path).files["a.py"].records(Imports)
        assert found.names == ((letter, None),)


def test_same_size_and_time_later(old: Path, tmp_path: Path) -> None:
    path = old / "m0.py"
    kept, status = path.read_text(), path.stat()
    ask(old)
    try:
        path.write_text(kept.replace("a0", "zz"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert path.stat().st_size == status.st_size
        assert path.stat().st_mtime_ns == status.st_mtime_ns
        assert ask(old).files["m0.py"].records(Imports)[0].names == (("zz", None),)
    finally:
        path.write_text(kept)
        age(old)


def test_a_swap_of_two_files(old: Path) -> None:
    before = answer(ask(old))
    for pair in (("m1.py", "m2.py"), ("m1.py", "m2.py")):
        (old / pair[0]).rename(old / "x.tmp")
        (old / pair[1]).rename(old / pair[0])
        (old / "x.tmp").rename(old / pair[1])
        assert answer(ask(old)) == answer(ask(old, cache=False))
    assert answer(ask(old)) == before
    age(old)


class Other(Imports):
    """The same topic in a later version."""

    version = 2
    needles = (b"nothing has this",)


def test_another_version_of_a_collector_is_another_question(old: Path) -> None:
    ask(old)
    assert ask(old, collectors=(Other,)).files["m0.py"].records(Other) == []
    assert len(ask(old).files["m0.py"].records(Imports)) == 2


def test_a_new_question_to_known_files(old: Path) -> None:
    from analysis.collectors.compiles import Compiles

    ask(old)
    both = ask(old, collectors=(Compiles, Imports))
    assert both.files["m0.py"].records(Compiles) == []
    assert len(both.files["m0.py"].records(Imports)) == 2


def damage_nothing_of_ours(path: Path) -> None:
    path.write_bytes(b"this is not a database, and longer than a header of one\n" * 40)


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_older_schema(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE fact (a, b)")
        base.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    base.close()


def damage_foreign_tables(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE fact (a, b)")
    base.close()


def damage_lost_table(path: Path) -> None:
    with sqlite3.connect(path) as base:
        base.execute("DROP TABLE fact")
    base.close()


def damage_wrong_types(path: Path) -> None:
    with sqlite3.connect(path) as base:
        base.execute("UPDATE fact SET blob = 'text'")
        base.execute("UPDATE file SET digest = 7, path = 'text' WHERE path = CAST('m1.py' AS BLOB)")
    base.close()


DAMAGE = [one for name, one in sorted(globals().items()) if name.startswith("damage_")]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda one: one.__name__.removeprefix("damage_"))
def test_a_damaged_file_is_made_anew(old: Path, damage: object, reads: list[str]) -> None:
    expected = answer(ask(old))
    damage(old / ".unsnarl_cache" / "index.sqlite")  # type: ignore[operator]
    assert answer(ask(old)) == expected
    assert answer(ask(old)) == expected
    reads.clear()
    assert answer(ask(old)) == expected
    assert reads == []


def test_bytes_overwritten_at_random(old: Path) -> None:
    expected = answer(ask(old))
    path = old / ".unsnarl_cache" / "index.sqlite"
    dice = random.Random(2)
    for _ in range(60):
        data = bytearray(path.read_bytes())
        for _ in range(dice.choice((1, 3, 200))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data)
        assert answer(ask(old)) == expected


def test_something_else_in_its_place(tmp_path: Path) -> None:
    grow(tmp_path)
    expected = answer(ask(tmp_path, cache=False))
    cache = tmp_path / ".unsnarl_cache"
    cache.write_text("a file")
    assert answer(ask(tmp_path)) == expected
    cache.unlink()
    (cache / "index.sqlite").mkdir(parents=True)
    assert answer(ask(tmp_path)) == expected
    (cache / "index.sqlite").rmdir()
    os.mkfifo(cache / "index.sqlite")
    assert answer(ask(tmp_path)) == expected
    (cache / "index.sqlite").unlink()
    (cache / "lock").unlink()
    (cache / "lock").mkdir()
    assert answer(ask(tmp_path)) == expected


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of root's that this process, being nobody for now, can read and cannot write."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("indexed", [False, True])
def test_a_folder_that_cannot_be_written(unprivileged: Path, indexed: bool) -> None:
    expected = answer(ask(grow(unprivileged), cache=indexed))
    os.seteuid(65534)
    try:
        with pytest.raises(PermissionError):
            (unprivileged / "x").touch()
        assert answer(ask(unprivileged)) == expected
    finally:
        os.seteuid(0)
    assert (unprivileged / ".unsnarl_cache").exists() == indexed


def test_a_locked_index_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.index._BUSY_SECONDS", 0.05)
    expected = answer(ask(grow(tmp_path)))
    other = sqlite3.connect(tmp_path / ".unsnarl_cache" / "index.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        (tmp_path / "new.py").write_text("import new\n")
        assert answer(ask(tmp_path)).keys() == {*expected, "new.py"}
    finally:
        other.close()


def test_old_rows_are_pruned(tmp_path: Path) -> None:
    index = Index(tmp_path)
    stamp = Stamp(1, 2, 3, 4)
    first, second = digest_of(b"1"), digest_of(b"2")
    index.write({b"a.py": (stamp, first), b"b.py": (stamp, second)}, {"t": {first: b"A", second: b"B"}}, day=100)
    index.write({}, {"gone": {first: b"G"}}, day=100)
    later = 100 + KEEP_DAYS
    index.write({}, {"t": {}}, used=[b"a.py"], day=later)
    assert index.files([b"a.py", b"b.py"], day=later).files.keys() == {b"a.py", b"b.py"}
    assert index.files([b"a.py"], day=later).due is False
    assert index.files([b"a.py"], day=later + 1).due is True
    index.write({}, {"t": {}}, used=[b"a.py"], day=later + 1)
    known = index.files([b"a.py", b"b.py"], day=later + 1)
    assert known.files == {b"a.py": (stamp, first)}
    assert index.blobs(["t", "gone"], [first, second]) == {"t": {first: b"A"}, "gone": {}}
    with sqlite3.connect(index.path) as base:
        assert base.execute("SELECT key FROM topic").fetchall() == [("t",)]
        assert base.execute("SELECT count(*) FROM fact").fetchone() == (1,)
    base.close()


def test_what_an_edit_leaves_behind_is_pruned(old: Path) -> None:
    ask(old)
    path = Index(old).path
    with sqlite3.connect(path) as base:
        (topic,) = base.execute("SELECT id FROM topic WHERE key LIKE 'imports%'").fetchone()
        base.execute("INSERT INTO fact VALUES (?, x'00', 0, x'00')", (topic,))
        base.execute("UPDATE pruned SET day = 0")
    base.close()
    ask(old)
    with sqlite3.connect(path) as base:
        assert base.execute("SELECT count(*) FROM fact WHERE digest = x'00'").fetchone() == (0,)
        assert base.execute("SELECT count(*) FROM fact").fetchone()[0] > 0
    base.close()


_WRITER = """
import sys
from pathlib import Path
from tests.analysis.test_index import ask, answer
root = Path(sys.argv[1])
print("up", flush=True)
for turn in range(int(sys.argv[2])):
    (root / f"w{turn % 3}.py").write_text(f"import t{turn % 10}\\n")
    answer(ask(root))
"""


def writer(root: Path, turns: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(root), str(turns)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_several_processes_at_once(tmp_path: Path) -> None:
    grow(tmp_path)
    others = [writer(tmp_path, 25) for _ in range(3)]
    fixed = {name: found for name, found in answer(ask(tmp_path, cache=False)).items() if name.startswith("m")}
    while any(other.poll() is None for other in others):
        found = answer(ask(tmp_path))
        assert {name: one for name, one in found.items() if name.startswith("m")} == fixed
    for other in others:
        _, errors = other.communicate()
        assert (other.returncode, errors) == (0, "")
    assert answer(ask(tmp_path)) == answer(ask(tmp_path, cache=False))


def test_a_writer_that_is_killed(tmp_path: Path) -> None:
    grow(tmp_path)
    dice = random.Random(1)
    for _ in range(8):
        other = writer(tmp_path, 10_000)
        assert other.stdout is not None
        assert other.stdout.readline() == "up\n"
        time.sleep(dice.uniform(0, 0.15))
        other.send_signal(signal.SIGKILL)
        other.communicate()
        assert answer(ask(tmp_path)) == answer(ask(tmp_path, cache=False))
    base = sqlite3.connect(Index(tmp_path).path)
    assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    base.close()


def test_killed_in_the_middle_of_a_transaction(tmp_path: Path) -> None:
    expected = answer(ask(grow(tmp_path)))
    code = """
import os, signal, sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute("PRAGMA cache_size = 1")
base.execute("BEGIN IMMEDIATE")
for table in ("fact", "file", "topic"):
    base.execute(f"DELETE FROM {table}")
base.execute("CREATE TABLE junk (a)")
base.executemany("INSERT INTO junk VALUES (?)", [("x" * 4000,)] * 2000)
assert os.path.exists(sys.argv[1] + "-journal")
os.kill(os.getpid(), signal.SIGKILL)
"""
    path = Index(tmp_path).path
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert path.with_name("index.sqlite-journal").exists()
    assert answer(ask(tmp_path)) == expected
    base = sqlite3.connect(path)
    assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert base.execute("SELECT count(*) FROM fact").fetchone()[0] > 0
    base.close()
