"""While the interpreter goes down: in finalisers, with module globals cleared, in daemon threads, at exit."""

from __future__ import annotations

import pytest

from .conftest import RunPython


@pytest.mark.parametrize(
    "keep",
    [
        "kept = Last()",
        "kept = Last(); kept.cycle = kept",
        "sys.kept = Last()",
        "import builtins; builtins.kept = Last()",
        "import runtime._report; runtime._report._kept = Last()",
    ],
)
def test_in_a_finaliser_that_runs_at_the_end(run_python: RunPython, keep: str) -> None:
    done = run_python(f"""
import logging, os, sys
from runtime.safe_executor import SafeExecutor

class Last:
    def __init__(self):
        self.executor, self.write = SafeExecutor, os.write

    def __del__(self):
        with self.executor(recoverable=(ZeroDivisionError,)) as attempt:
            1 / 0
        self.write(1, type(attempt.error).__name__.encode())

logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))
{keep}
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ZeroDivisionError", "")


@pytest.mark.parametrize("listening", [False, True])
def test_with_the_globals_of_every_module_of_ours_gone(run_python: RunPython, listening: bool) -> None:
    done = run_python(f"""
import sys, logging
from runtime.safe_executor import SafeExecutor, add_hook
if {listening}:
    logging.basicConfig(level=logging.DEBUG)
    add_hook(print)
for name, module in list(sys.modules.items()):
    if name.partition(".")[0] == "runtime":
        for key in list(vars(module)):
            if key != "__builtins__":
                vars(module)[key] = None
with SafeExecutor(recoverable=(ZeroDivisionError,)) as attempt:
    1 / 0
print(repr(attempt.error))
try:
    with SafeExecutor(recoverable=(BaseException,)):
        raise KeyboardInterrupt
except KeyboardInterrupt:
    print("interrupted")
try:
    with SafeExecutor(recoverable="wrong"):
        raise KeyError
except TypeError as error:
    print(repr(error.__cause__))
""")
    assert done.stdout == "ZeroDivisionError('division by zero')\ninterrupted\nKeyError()\n"
    assert done.stderr == ""


def test_daemon_threads_at_exit(run_python: RunPython) -> None:
    done = run_python("""
import logging, threading, time
from runtime.safe_executor import SafeExecutor

class Sink(logging.Handler):
    def emit(self, record):
        record.getMessage()

logging.basicConfig(level=logging.DEBUG, handlers=[Sink()])

def work():
    while True:
        with SafeExecutor(recoverable=ZeroDivisionError):
            1 / 0

for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
print("ends")
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ends\n", "")


def test_in_an_exit_function(run_python: RunPython) -> None:
    done = run_python("""
import atexit

@atexit.register
def late():
    with SafeExecutor() as attempt:
        1 / 0
    print(repr(attempt.error))

from runtime.safe_executor import SafeExecutor
""")
    assert (done.stdout, done.stderr) == ("ZeroDivisionError('division by zero')\n", "")
