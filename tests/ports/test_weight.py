"""What a look-up and the import load, and that a second look-up has nothing left to do."""

from __future__ import annotations

from typing import Any

import pytest

import runtime.ports
from runtime.ports import get_port

from .conftest import Run, Tree


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


def test_what_was_looked_up_once_is_not_looked_up_again(here: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    # How long it takes is measured in `make bench`.
    assert get_port("MEMORY_AGENT") == get_port("MEMORY_AGENT", "main_pc")
    monkeypatch.setattr(runtime.ports, "look_up", unwanted)
    assert get_port("MEMORY_AGENT") == get_port("MEMORY_AGENT", "main_pc")


def test_neither_is_it_without_a_file(here: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    # As in a notebook, or in an interactive interpreter.
    scope: dict[str, Any] = {"get_port": get_port}
    first = eval("get_port('HEALTH', 'pc2')", scope)
    assert "__file__" not in scope
    monkeypatch.setattr(runtime.ports, "look_up", unwanted)
    assert eval("get_port('HEALTH', 'pc2')", scope) == first


def test_a_registry_of_five_hundred_names(here: Tree) -> None:
    entries = (f"  NAME_{i}: {{port: {1000 + i}, owner: Some Agent}}\n" for i in range(500))
    here.write("version: 1\nports:\n" + "".join(entries))
    assert (get_port("NAME_0"), get_port("NAME_499")) == (1000, 1499)


def unwanted(*_: object) -> None:
    raise AssertionError("it was known")
