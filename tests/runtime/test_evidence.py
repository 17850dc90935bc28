"""Evidence: what is written, by how many at once, what is left after a kill, and how it reads."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runtime import evidence
from runtime.evidence import Evidence, Seen, read, record_to
from runtime.safe_executor import SafeExecutor, Site

from .conftest import ROOT, RunPython

# Each worker recovers two types at two sites, as often as told.
WORKER = """
import sys
from runtime.safe_executor import SafeExecutor

def narrow(text):
    with SafeExecutor(recoverable=ValueError):
        int(text)

def broad(table, key):
    with SafeExecutor():
        table[key]

for _ in range(int(sys.argv[1])):
    narrow("x")
    broad({}, "missing")
    broad([], 3)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "evidence.jsonl"


def recover(error: BaseException, times: int = 1) -> None:
    for _ in range(times):
        with SafeExecutor(recoverable=type(error)):
            raise error


def counts(found: Evidence) -> dict[tuple[str, str], int]:
    return {
        (site.function, error_type): seen.count
        for site, types in found.sites.items()
        for error_type, seen in types.items()
    }


def test_nothing_is_written_unless_asked(run_python: RunPython, tmp_path: Path) -> None:
    assert run_python(WORKER, "3").returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_environment_asks(run_python: RunPython, file: Path) -> None:
    done = run_python(WORKER, "5", UNSNARL_EVIDENCE=str(file))
    assert (done.returncode, done.stderr) == (0, "")
    found = read(file)
    assert counts(found) == {("narrow", "ValueError"): 5, ("broad", "KeyError"): 5, ("broad", "IndexError"): 5}
    assert found.damaged == 0


def test_a_good_run_makes_no_file(run_python: RunPython, file: Path) -> None:
    run_python(WORKER, "0", UNSNARL_EVIDENCE=str(file))
    assert not file.exists()


def test_an_entry_names_file_module_function_and_with_line(file: Path) -> None:
    record_to(file)
    before = time.time()
    with SafeExecutor(recoverable=(json.JSONDecodeError,)):  # the block
        json.loads("{")
    after = time.time()
    found = read(file)
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    ((site, types),) = found.sites.items()
    assert lines[site.line - 1].endswith("# the block")
    assert site == (__file__, __name__, "test_an_entry_names_file_module_function_and_with_line", site.line)
    ((error_type, seen),) = types.items()
    assert error_type == "json.decoder.JSONDecodeError"
    assert seen.count == 1
    assert before - 0.001 <= seen.first <= seen.last <= after + 0.001


def test_a_decorated_function_is_its_own_site(file: Path) -> None:
    record_to(file)
    SafeExecutor()(recover_nothing)()
    ((site, _),) = read(file).sites.items()
    assert (site.function, site.line) == ("recover_nothing", recover_nothing.__code__.co_firstlineno)


def recover_nothing() -> None:
    raise KeyError


def test_neither_messages_nor_values_are_written(file: Path) -> None:
    record_to(file)
    recover(ValueError("secret"))
    record_to(None)
    assert "secret" not in file.read_text(encoding="utf-8")


def test_the_file_grows_with_the_logarithm_of_the_count(file: Path) -> None:
    record_to(file)
    recover(ValueError(), times=10_000)
    record_to(None)
    assert counts(read(file)) == {("recover", "ValueError"): 10_000}
    assert len(file.read_text(encoding="utf-8").split()) <= 16


def test_a_path_is_fixed_when_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    record_to("evidence.jsonl")
    monkeypatch.chdir(tmp_path / "elsewhere")
    recover(ValueError())
    assert counts(read(tmp_path / "evidence.jsonl")) == {("recover", "ValueError"): 1}


def test_a_file_that_is_moved_away_is_made_anew(file: Path, tmp_path: Path) -> None:
    record_to(file)
    recover(ValueError())
    file.rename(tmp_path / "old.jsonl")
    recover(KeyError())
    assert counts(read(file)) == {("recover", "KeyError"): 1}
    assert counts(read(file, tmp_path / "old.jsonl")) == {("recover", "KeyError"): 1, ("recover", "ValueError"): 1}


def test_many_processes_write_to_one_file(file: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "UNSNARL_EVIDENCE": str(file)}
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(300 + number)], env=environment) for number in range(6)
    ]
    assert [worker.wait(60) for worker in workers] == [0] * 6
    found = read(file)
    total = sum(300 + number for number in range(6))
    assert counts(found) == {
        ("narrow", "ValueError"): total,
        ("broad", "KeyError"): total,
        ("broad", "IndexError"): total,
    }
    assert found.damaged == 0


def test_many_threads_write_to_one_file(file: Path) -> None:
    record_to(file)
    threads = [threading.Thread(target=recover, args=(ValueError(), 500)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record_to(None)
    found = read(file)
    assert counts(found) == {("recover", "ValueError"): 4000}
    assert found.damaged == 0


def test_after_a_kill_every_pair_is_there_and_half_of_each_count(run_python: RunPython, file: Path) -> None:
    done = run_python(
        WORKER + "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "100", UNSNARL_EVIDENCE=str(file)
    )
    assert done.returncode == -signal.SIGKILL
    found = counts(read(file))
    assert set(found) == {("narrow", "ValueError"), ("broad", "KeyError"), ("broad", "IndexError")}
    assert all(50 <= count <= 100 for count in found.values())


def test_processes_that_are_killed_at_any_time_harm_nothing(file: Path) -> None:
    source = WORKER.replace("range(int(sys.argv[1]))", "iter(int, 1)")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "UNSNARL_EVIDENCE": str(file)}
    file.touch()
    for wait in (0.0, 0.02, 0.05):
        # Each worker is killed only after it has written: one that is still starting would prove nothing.
        written = file.stat().st_size
        worker = subprocess.Popen([sys.executable, "-c", source], env=environment)
        while file.stat().st_size == written:
            assert worker.poll() is None, "the worker ended by itself"
            time.sleep(0.005)
        time.sleep(wait)
        worker.kill()
        worker.wait(60)
    found = read(file)
    assert found.damaged == 0
    assert ("narrow", "ValueError") in counts(found)


def test_a_forked_child_tells_its_own_counts_only(run_python: RunPython, file: Path) -> None:
    done = run_python(
        WORKER
        + """
import os
child = os.fork()
narrow("y")
if child:
    assert os.waitpid(child, 0)[1] == 0
""",
        "5",
        UNSNARL_EVIDENCE=str(file),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert counts(read(file)) == {("narrow", "ValueError"): 7, ("broad", "KeyError"): 5, ("broad", "IndexError"): 5}


def test_a_child_that_is_forked_while_another_thread_writes_is_not_stuck(run_python: RunPython, file: Path) -> None:
    done = run_python(
        """
import os, sys, threading
from runtime import evidence
from runtime.safe_executor import SafeExecutor
held, release = threading.Event(), threading.Event()

def hold():
    with evidence._recorder._lock:
        held.set()
        release.wait()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
if child == 0:
    with SafeExecutor():
        1 / 0
    os._exit(7)
status = os.waitpid(child, 0)[1]
release.set()
thread.join()
print(os.waitstatus_to_exitcode(status))
""",
        UNSNARL_EVIDENCE=str(file),
        PYTHONWARNINGS="ignore",
    )
    assert done.stdout == "7\n", done.stderr
    assert counts(read(file)) == {("<module>", "ZeroDivisionError"): 1}


def test_a_signal_handler_that_recovers_while_evidence_is_written_is_not_stuck(file: Path) -> None:
    record_to(file)
    recorder = evidence._recorder
    assert recorder is not None

    def handler(number: int, frame: object) -> None:
        recover(KeyError())

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with recorder._lock:
            os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert counts(read(file)) == {("recover", "KeyError"): 1}


class TestDamage:
    def test_a_line_that_was_cut_off_is_counted_and_harms_no_other(self, file: Path) -> None:
        record_to(file)
        recover(ValueError())
        whole = file.read_bytes()
        file.write_bytes(whole + whole[: len(whole) // 2])
        recover(KeyError())
        found = read(file)
        assert counts(found) == {("recover", "ValueError"): 1, ("recover", "KeyError"): 1}
        assert found.damaged == 1

    @pytest.mark.parametrize("cut", range(1, 60, 7))
    def test_wherever_it_was_cut(self, file: Path, cut: int) -> None:
        record_to(file)
        recover(ValueError())
        record_to(None)
        file.write_bytes(file.read_bytes()[:-cut])
        found = read(file)
        # Without its line end it is whole all the same.
        assert (len(found.sites), found.damaged) == ((1, 0) if cut == 1 else (0, 1))

    @pytest.mark.parametrize(
        "line",
        [
            b"\x00\x00\x00\x00",
            b"\xff\xfe not text",
            b"[]",
            b"3",
            b"{}",
            b'{"v":1,"file":3}',
            b'{"v":1,"file":"f","module":"m","function":"f","line":1,"type":"T","count":"many","first":0,"last":0}',
            b"[" * 100_000,
        ],
        ids=repr,
    )
    def test_anything_else_is_counted_too(self, file: Path, line: bytes) -> None:
        record_to(file)
        recover(ValueError())
        with file.open("ab") as end:
            end.write(line + b"\n")
        found = read(file)
        assert counts(found) == {("recover", "ValueError"): 1}
        assert found.damaged == 1

    def test_a_later_format_is_told(self, file: Path) -> None:
        record_to(file)
        recover(ValueError())
        file.write_bytes(file.read_bytes().replace(b'"v":1', b'"v":2'))
        with pytest.raises(ValueError, match=r"evidence\.jsonl was written by a later version"):
            read(file)

    def test_a_missing_file_is_told(self, file: Path) -> None:
        with pytest.raises(FileNotFoundError):
            read(file)


class TestLimits:
    @pytest.mark.parametrize("target", ["a directory", "no such directory"])
    def test_a_file_that_cannot_be_written_is_told_once(
        self, target: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        record_to(tmp_path if target == "a directory" else tmp_path / "none" / "evidence")
        recover(ValueError())
        recover(KeyError())
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("runtime.evidence", "WARNING")
        assert "no more evidence is recorded in this process" in record.getMessage()
        assert str(tmp_path) in record.getMessage()

    def test_a_full_file_grows_no_further(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(evidence, "_LARGEST_FILE", 100)
        record_to(file)
        recover(ValueError())
        size = file.stat().st_size
        recover(KeyError())
        recover(IndexError())
        assert file.stat().st_size == size
        assert [record.levelname for record in caplog.records] == ["WARNING"]

    def test_the_number_of_pairs_in_memory_is_limited(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(evidence, "_MOST_PAIRS", 3)
        record_to(file)
        for number in range(9):
            recover(type(f"Made{number}", (Exception,), {})())
        recover(KeyError())
        assert len(counts(read(file))) == 3

    def test_a_flush_of_many_pairs_is_written_in_pieces_of_whole_lines(self, file: Path) -> None:
        record_to(file)
        kinds = [type(f"Made{number}", (Exception,), {}) for number in range(200)]
        for kind in kinds:
            recover(kind(), times=3)
        evidence.flush()
        found = read(file)
        assert found.damaged == 0
        assert set(counts(found).values()) == {3}
        assert len(counts(found)) == 200


def test_reading_sorts_sites_and_types(file: Path) -> None:
    entry = {"v": 1, "file": "f", "module": "m", "function": "g", "line": 3, "count": 2, "first": 5.0, "last": 6.0}
    lines = [
        {**entry, "file": "z", "type": "KeyError"},
        {**entry, "type": "ValueError"},
        {**entry, "type": "KeyError"},
        {**entry, "type": "ValueError", "count": 3, "first": 1.0, "last": 5.5},
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    found = read(file)
    assert list(found.sites) == [Site("f", "m", "g", 3), Site("z", "m", "g", 3)]
    assert list(found.sites["f", "m", "g", 3].items()) == [  # type: ignore[index]
        ("KeyError", Seen(2, 5.0, 6.0)),
        ("ValueError", Seen(5, 1.0, 6.0)),
    ]


def test_no_logger_need_listen(file: Path) -> None:
    record_to(file)
    logging.disable(logging.CRITICAL)
    try:
        recover(ValueError())
    finally:
        logging.disable(logging.NOTSET)
    assert counts(read(file)) == {("recover", "ValueError"): 1}
