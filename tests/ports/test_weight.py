"""What a look-up and the import cost."""

from __future__ import annotations

import statistics
import sys
import time
import timeit

from runtime.ports import get_port

from .conftest import Run, Tree

MOST_IMPORT = 0.015
MOST_LOOK_UP = 1e-6


def test_only_little_of_the_standard_library_is_loaded_before_the_first_look_up(run: Run) -> None:
    program = "import sys; before = set(sys.modules)\nfrom runtime.ports import *\nprint(*set(sys.modules) - before)"
    loaded = set(
        run("-c", program.replace("import *", "import get_port, claim, bind_socket, free_ports")).stdout.split()
    )
    assert {name for name in loaded if not name.startswith("runtime")} == {"__future__"}


def test_a_look_up_loads_neither_asyncio_nor_click_nor_sockets(tree: Tree, run: Run) -> None:
    script = tree.script(
        "main_pc_code/a.py", "import sys\nfrom runtime.ports import get_port\nget_port('HEALTH')\nprint(*sys.modules)"
    )
    loaded = set(run(script).stdout.split())
    assert not loaded & {"asyncio", "click", "json", "socket", "tempfile", "config", "unsnarl", "difflib", "hashlib"}
    assert "yaml" in loaded


def test_importing_it_takes_less_than_15_milliseconds(run: Run) -> None:
    program = "import time; began = time.perf_counter()\nimport runtime.ports\nprint(time.perf_counter() - began)"
    times = [float(run("-c", program, PYTHONDONTWRITEBYTECODE="").stdout) for _ in range(7)]
    # The first may have to compile it; the others show what a busy machine adds.
    assert min(times) < MOST_IMPORT, times


def test_a_look_up_takes_less_than_a_microsecond(here: Tree) -> None:
    get_port("MEMORY_AGENT")
    number = 20_000
    times = [one / number for one in timeit.repeat(lambda: get_port("MEMORY_AGENT"), number=number, repeat=9)]
    assert min(times) < MOST_LOOK_UP, times


def test_a_look_up_without_a_file_is_as_quick(here: Tree) -> None:
    # As in a notebook, or in an interactive interpreter.
    scope: dict[str, object] = {"get_port": get_port}
    timer = timeit.Timer("get_port('HEALTH', 'pc2')", globals=scope)
    assert "__file__" not in scope
    assert min(timer.repeat(number=20_000, repeat=9)) / 20_000 < MOST_LOOK_UP


def test_a_registry_of_five_hundred_names_is_read_in_a_moment(here: Tree) -> None:
    text = "version: 1\nports:\n" + "".join(
        f"  NAME_{i}: {{port: {1000 + i}, owner: Some Agent}}\n" for i in range(500)
    )
    here.write(text)
    began = time.perf_counter()
    assert get_port("NAME_499") == 1499
    assert time.perf_counter() - began < 1.0
    assert statistics.median(timeit.repeat(lambda: get_port("NAME_250"), number=5_000, repeat=9)) / 5_000 < MOST_LOOK_UP
    assert "yaml" in sys.modules
