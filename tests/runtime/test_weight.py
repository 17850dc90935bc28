"""What the module costs a program that imports it and in which nothing goes wrong."""

from __future__ import annotations

import sys

from .conftest import RunPython


def test_only_the_standard_library_is_loaded_and_little_of_it(run_python: RunPython) -> None:
    done = run_python("""
import sys
import os, typing
before = set(sys.modules)
from runtime.safe_executor import SafeExecutor
with SafeExecutor(recoverable=ValueError) as attempt:
    pass
print(" ".join(sorted(set(sys.modules) - before)))
""")
    loaded = {name for name in done.stdout.split() if name.partition(".")[0] != "runtime"}
    assert loaded <= sys.stdlib_module_names
    assert not loaded & {"asyncio", "logging", "inspect", "dataclasses", "json", "threading", "traceback", "contextlib"}


def test_recovering_does_not_load_asyncio(run_python: RunPython) -> None:
    done = run_python("""
import logging, sys
from runtime.safe_executor import SafeExecutor, add_hook
add_hook(lambda recovery: print(recovery.error_type, recovery.task))
logging.basicConfig(level=logging.DEBUG)
with SafeExecutor(recoverable=BaseException):
    raise ValueError
print("asyncio" in sys.modules)
""")
    assert done.stdout == "ValueError None\nFalse\n"


def test_the_package_can_live_under_another_name(run_python: RunPython) -> None:
    # As a copy inside a tree that has a runtime package of its own.
    done = run_python("""
import pathlib, shutil, sys
import runtime
shutil.copytree(pathlib.Path(runtime.__file__).parent, "vendored")
sys.path[:] = ["", *[entry for entry in sys.path if not (pathlib.Path(entry) / "runtime").is_dir()]]
for name in [name for name in sys.modules if name.partition(".")[0] == "runtime"]:
    del sys.modules[name]
from vendored.safe_executor import SafeExecutor
with SafeExecutor() as attempt:
    1 / 0
print(repr(attempt.error), SafeExecutor(default=0).call(int, "x"), "runtime" in sys.modules)
""")
    assert done.stdout == "ZeroDivisionError('division by zero') 0 False\n", done.stderr
