"""Who has a name and a port on this host: found out at once, and free when the owner is gone, however it went."""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.ports import Lease, PortTaken, RegistryError, UnknownPort, claim, reload
from runtime.ports._files import SHARED, Folder, Held, Record, unlock

from .conftest import Run, Start, Tree

CLAIM = """
import sys
from runtime.ports import claim
lease = claim(sys.argv[1], *sys.argv[2:])
print(lease.port, flush=True)
sys.stdin.readline()
"""


def claimed(start: Start, tree: Tree, *words: str, **variables: str) -> subprocess.Popen[str]:
    """A program of the tree that has claimed a name, and holds it until a line is written to it."""
    process = start(tree.script("main_pc_code/owner.py", CLAIM), *words, **variables)
    assert process.stdout is not None
    port = process.stdout.readline()
    assert port.strip().isdigit(), process.communicate()[1]
    return process


def refused(name: str = "MEMORY_AGENT", owner: str | None = None) -> PortTaken:
    with pytest.raises(PortTaken) as caught:
        claim(name, owner)
    return caught.value


def free_soon(name: str) -> Lease:
    """Claim as soon as the system has cleaned up after a process."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return claim(name)
        except PortTaken:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_second_process_is_told_who_has_the_name(here: Tree, start: Start) -> None:
    before = time.time()
    process = claimed(start, here, "MEMORY_AGENT")
    began = time.monotonic()
    error = refused()
    assert time.monotonic() - began < 0.4
    assert (error.name, error.port, error.owner, error.pid) == ("MEMORY_AGENT", 21556, "MemoryAgent", process.pid)
    assert before - 1 <= error.since <= time.time()
    assert error.errno == errno.EADDRINUSE
    program = here.root / "main_pc_code" / "owner.py"
    assert f"`MEMORY_AGENT` has been claimed by MemoryAgent (pid {process.pid}, {program}, since 20" in str(error)
    assert str(error).endswith("): stop that process, or this one")


def test_of_two_that_start_with_one_name_one_wins(here: Tree, start: Start) -> None:
    script = here.script("main_pc_code/owner.py", CLAIM)
    both = [start(script, "MEMORY_AGENT", f"owner {i}") for i in range(2)]
    deadline = time.monotonic() + 30
    while all(one.poll() is None for one in both):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    loser, winner = sorted(both, key=lambda one: one.poll() is None)
    assert loser.returncode == 1
    assert winner.poll() is None
    _, said = loser.communicate()
    assert f"claimed by owner {both.index(winner)} (pid {winner.pid}, " in said.splitlines()[-1]


def test_a_port_that_another_name_has_is_refused_too(here: Tree, start: Start) -> None:
    # A second registry, as of another tree, gives the same port to another name.
    other = Tree(here.root.parent / "other")
    other.write("version: 1\nports: {SOMETHING: {port: 21556, owner: Another}}")
    process = claimed(start, other, "SOMETHING", UNSNARL_PORTS=str(other.file))
    error = refused()
    assert (error.owner, error.pid, error.port) == ("Another", process.pid, 21556)
    assert f"port 21556 of `MEMORY_AGENT` has been claimed as `SOMETHING` by Another (pid {process.pid}, " in str(error)
    assert str(error).endswith(f"stop that process, or choose another port in {here.file}:10")
    # The name that was locked first has been given back.
    process.kill()
    process.wait()
    assert free_soon("MEMORY_AGENT").held


def test_the_lease_of_a_killed_owner_frees_itself(here: Tree, start: Start) -> None:
    process = claimed(start, here, "MEMORY_AGENT")
    refused()
    process.send_signal(signal.SIGKILL)
    process.wait()
    lease = free_soon("MEMORY_AGENT")
    assert (lease.port, lease.owner, lease.held) == (21556, "MemoryAgent", True)


def test_the_lease_of_a_process_that_ends_frees_itself(here: Tree, start: Start) -> None:
    process = claimed(start, here, "MEMORY_AGENT")
    process.communicate("\n")
    assert process.returncode == 0
    assert claim("MEMORY_AGENT").held


def test_who_is_gone_is_not_named(here: Tree, own_environment: Path) -> None:
    # The owner was killed, somebody else has locked the file and has not written yet.
    ended = subprocess.Popen(["true"])
    ended.wait()
    folder = Folder(own_environment)
    dead = Record(owner="the dead", pid=ended.pid, name="MEMORY_AGENT", port=21556)
    descriptor = folder.lock("port-21556", dead)

    def write() -> None:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(dead._replace(owner="new", pid=os.getpid())._asdict()).encode(), 0)

    threading.Timer(0.1, write).start()
    try:
        assert refused().owner == "new"
    finally:
        unlock(descriptor)
        folder.close()


def test_the_same_owner_has_the_same_lease_as_often_as_it_claims(here: Tree) -> None:
    first = claim("MEMORY_AGENT")
    with claim("MEMORY_AGENT", "MemoryAgent") as second:
        assert second is first
    assert first.held
    first.release()
    assert not first.held
    first.release()
    with claim("MEMORY_AGENT") as third:
        assert third is not first
        assert third.held
    assert repr(third) == "<Lease of MEMORY_AGENT, port 21556, by MemoryAgent, not in force>"


def test_another_owner_in_the_same_process_is_refused(here: Tree) -> None:
    with claim("MEMORY_AGENT", "one"):
        errors: list[PortTaken] = []
        thread = threading.Thread(target=lambda: errors.append(refused(owner="two")))
        thread.start()
        thread.join()
        assert (errors[0].owner, errors[0].pid) == ("one", os.getpid())
        assert f"has been claimed by one in this process (pid {os.getpid()}), and now by two" in str(errors[0])
    assert claim("MEMORY_AGENT", "two").owner == "two"


def test_threads_that_claim_one_name_share_one_lease(here: Tree) -> None:
    leases: list[Lease] = []
    threads = [threading.Thread(target=lambda: leases.append(claim("MEMORY_AGENT"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(leases) == 8
    assert len(set(map(id, leases))) == 1
    for lease in leases[1:]:
        lease.release()
    assert leases[0].held
    leases[0].release()
    assert not leases[0].held


def test_a_name_that_has_been_moved_is_not_claimed_under_both(here: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = claim("MEMORY_AGENT")
    monkeypatch.setenv("UNSNARL_PORT_MEMORY_AGENT", "21999")
    reload()
    assert "has been claimed here at port 21556, and it is 21999 now: release() that lease first" in str(refused())
    lease.release()
    assert claim("MEMORY_AGENT").port == 21999


def test_a_name_under_two_numbers_is_one_name(here: Tree, start: Start) -> None:
    process = claimed(start, here, "MEMORY_AGENT", UNSNARL_PORT_MEMORY_AGENT="21999")
    assert refused().pid == process.pid


def test_a_second_set_of_services_runs_beside_the_first_with_an_offset(here: Tree, start: Start) -> None:
    claimed(start, here, "MEMORY_AGENT", UNSNARL_PORT_OFFSET="500")
    assert claim("MEMORY_AGENT").port == 21556


def test_two_machines_of_one_registry_are_two_names(here: Tree, start: Start) -> None:
    claimed(start, here, "HEALTH", "x", "pc2")
    assert claim("HEALTH", "y", "main_pc").port == 21600


def test_a_port_of_another_machine_is_not_claimed_here(here: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSNARL_MACHINE", "main_pc")
    reload()
    with pytest.raises(
        UnknownPort, match=r"`TRANSLATOR` is a port of machine `pc2`, and this is `main_pc` \(UNSNARL_MAC"
    ):
        claim("TRANSLATOR")
    assert claim("MEMORY_AGENT").held


def test_a_port_of_the_machine_called_shared_is_claimed_on_any(here: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    text = here.file.read_text("utf-8").replace("machines:\n", "machines:\n  shared: {}\n")
    here.file.write_text(f"{text}  METRICS: {{port: 21900, machine: shared}}\n", "utf-8")
    monkeypatch.setenv("UNSNARL_MACHINE", "main_pc")
    reload()
    assert claim("METRICS").port == 21900


def test_a_forked_child_has_no_lease_and_does_not_hold_its_parents(tree: Tree, run: Run, own_environment: Path) -> None:
    done = run(
        tree.script(
            "main_pc_code/a.py",
            """
import os, signal, sys, time
from runtime.ports import PortTaken, claim
lease = claim("MEMORY_AGENT")
out, into = os.pipe()
parent = os.fork()
if not parent:  # which goes on when the first is killed
    print(lease.held, flush=True)
    try:
        claim("MEMORY_AGENT")
    except PortTaken as error:
        print(error.pid == os.getppid(), flush=True)
    os.kill(os.getppid(), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            print(claim("MEMORY_AGENT").held, flush=True)
            break
        except PortTaken:
            time.sleep(0.01)
    os._exit(0)
time.sleep(60)
""",
        )
    )
    assert (done.stdout, done.returncode) == ("False\nTrue\nTrue\n", -signal.SIGKILL), done.stderr


def test_a_program_that_is_started_does_not_hold_the_lease(here: Tree, start: Start) -> None:
    lease = claim("MEMORY_AGENT")
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    lease.release()
    try:
        process = claimed(start, here, "MEMORY_AGENT")
        assert process.poll() is None
    finally:
        child.kill()
        child.wait()


def test_the_error_survives_the_way_from_another_process(here: Tree, start: Start) -> None:
    process = claimed(start, here, "MEMORY_AGENT")
    error = refused()
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.owner, again.pid, again.errno) == (str(error), "MemoryAgent", process.pid, error.errno)


def test_the_folder_of_all_users_is_sticky_and_its_files_are_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    monkeypatch.setattr("runtime.ports._files.SHARED", str(shared))
    before = os.umask(0o077)
    try:
        folder = Folder(None)
        unlock(folder.lock("port-1", Record()))
    finally:
        os.umask(before)
    folder.close()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
    assert stat.S_IMODE((shared / "port-1").stat().st_mode) == 0o666
    assert SHARED == "/tmp/unsnarl-leases"


@pytest.mark.skipif(os.getuid() != 0, reason="only the super-user can become two others")
def test_two_users_see_each_other(tree: Tree, start: Start, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    # With several workers each has a folder of its own in that of the run, which is in that of the user.
    for folder in [one for one in tmp_path.parents[:3] if one.parent != one and one != Path("/tmp")]:
        folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o1777)
    program = f"""
import os, sys
from runtime.ports import PortTaken, _files, _leases, claim, get_port
get_port("MEMORY_AGENT")  # loads what another user may not be able to
_files.SHARED = {str(shared)!r}
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
try:
    print(claim("MEMORY_AGENT", sys.argv[1]).port, flush=True)
    sys.stdin.readline()
except PortTaken as error:
    print(error.owner, error.pid, flush=True)
"""

    def begin(user: int) -> tuple[subprocess.Popen[str], str]:
        process = start("-c", program, str(user), UNSNARL_PORTS=str(tree.file), UNSNARL_LEASES="")
        assert process.stdout is not None
        return process, process.stdout.readline()

    first, said = begin(65534)
    assert said == "21556\n", first.communicate()
    _, told = begin(65533)
    assert told == f"65534 {first.pid}\n"
    first.kill()
    first.wait()
    # The file is another user's, and is locked all the same.
    third, said = begin(65533)
    assert said == "21556\n", third.communicate()


def planted_link(folder: Path, victim: Path) -> None:
    (folder / "port-21556").symlink_to(victim)


def planted_name(folder: Path, victim: Path) -> None:
    (folder / "port-21556").hardlink_to(victim)


def planted_pipe(folder: Path, victim: Path) -> None:
    os.mkfifo(folder / "port-21556")


@pytest.mark.parametrize("plant", [planted_link, planted_name, planted_pipe])
def test_what_somebody_has_put_into_the_folder_is_not_written_to(
    here: Tree, own_environment: Path, tmp_path: Path, plant: Callable[[Path, Path], None]
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    own_environment.mkdir()
    plant(own_environment, victim)
    with pytest.raises(OSError, match="remove it, or name another folder in UNSNARL_LEASES") as caught:
        claim("MEMORY_AGENT")
    assert not isinstance(caught.value, PortTaken)
    assert caught.value.filename == str(own_environment / "port-21556")
    assert victim.read_text() == "precious"


def test_a_link_in_place_of_the_shared_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "shared").symlink_to("mine")
    monkeypatch.setattr("runtime.ports._files.SHARED", str(tmp_path / "shared"))
    with pytest.raises(OSError, match="leases need a folder; name another folder in UNSNARL_LEASES"):
        Folder(None)
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_folder_in_which_everybody_can_remove_files_is_refused(here: Tree, own_environment: Path) -> None:
    own_environment.mkdir()
    own_environment.chmod(0o777)
    with pytest.raises(PermissionError, match=r"everybody can remove files there: set its sticky bit \(chmod \+t\)"):
        claim("MEMORY_AGENT")


@pytest.mark.parametrize(
    "junk", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"pid": "1"}', b'{"owner": 5}', b"[" * 5000, b'{"pid": true}']
)
def test_what_a_file_says_is_not_trusted(here: Tree, own_environment: Path, junk: bytes) -> None:
    folder = Folder(own_environment)
    descriptor = folder.lock("port-21556", Record())
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, junk, 0)
    error = refused()
    assert (error.owner, error.pid) == ("", 0)
    assert "port 21556 of `MEMORY_AGENT` has been claimed by somebody (it has not said who it is): stop" in str(error)
    unlock(descriptor)
    folder.close()


def test_what_a_file_says_cannot_write_on_the_terminal(own_environment: Path) -> None:
    folder = Folder(own_environment)
    descriptor = folder.lock("port-1", Record(owner="\x1b[2Jme", pid=os.getpid()))
    with pytest.raises(Held) as caught:
        folder.lock("port-1", Record())
    assert caught.value.record.owner == "?[2Jme"
    unlock(descriptor)
    folder.close()


def test_a_file_that_was_removed_by_hand_is_no_lease_for_the_next(own_environment: Path) -> None:
    folder = Folder(own_environment)
    first = folder.lock("port-1", Record(owner="first", pid=os.getpid()))
    (own_environment / "port-1").unlink()
    second = folder.lock("port-1", Record(owner="second", pid=os.getpid()))
    # What both believe is settled by the file that is there: the second's.
    found = folder.peek("port-1")
    assert found is not None
    assert found.owner == "second"
    unlock(first)
    unlock(second)
    assert folder.peek("port-1") is None
    folder.close()


def test_a_folder_that_is_another_one_for_each_program_is_refused(here: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSNARL_LEASES", "leases")
    reload()
    with pytest.raises(
        RegistryError, match="environment: `UNSNARL_LEASES`: `leases` is another folder for each program"
    ):
        claim("MEMORY_AGENT")


def test_a_long_owner_is_told_in_full(here: Tree, start: Start) -> None:
    claimed(start, here, "MEMORY_AGENT", "ö" * 5000)
    assert refused().owner == "ö" * 5000


class Replaced(Folder):
    """A folder in which somebody puts another file in place of the first that is opened, before it is locked."""

    opened = 0

    def _open(self, file: str) -> int:
        descriptor = super()._open(file)
        self.opened += 1
        if self.opened == 1:
            there = Path(self.path, file)
            there.unlink()
            there.touch()
        return descriptor


def test_a_file_that_was_replaced_before_it_was_locked_is_left_alone(own_environment: Path) -> None:
    folder = Replaced(own_environment)
    descriptor = folder.lock("port-1", Record(owner="me", pid=os.getpid()))
    assert folder.opened == 2
    assert os.fstat(descriptor).st_ino == (own_environment / "port-1").stat().st_ino
    found = folder.peek("port-1")
    assert found is not None
    assert found.owner == "me"
    unlock(descriptor)
    folder.close()


def test_many_processes_that_race_for_one_name_have_one_winner(here: Tree, run: Run, own_environment: Path) -> None:
    script = here.script(
        "main_pc_code/race.py",
        """
import multiprocessing, sys
from runtime.ports import PortTaken, claim
def go(barrier, done, results):
    barrier.wait()
    try:
        claim("MEMORY_AGENT")
        results.put("won")
    except PortTaken as error:
        results.put(error.pid)
    done.wait()
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    barrier, done, results = context.Barrier(8), context.Event(), context.Queue()
    all = [context.Process(target=go, args=(barrier, done, results)) for _ in range(8)]
    [one.start() for one in all]
    got = [results.get(timeout=30) for _ in all]
    done.set()
    [one.join() for one in all]
    pids = {one.pid for one in all}
    told = {one for one in got if one != "won"}
    print(got.count("won"), len(told), told <= pids)
""",
    )
    assert run(script).stdout == "1 1 True\n"
