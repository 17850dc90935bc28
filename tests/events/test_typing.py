"""What a type checker makes of it: the reply of a request, and what a handler takes and gives."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

SNIPPET = """
from typing import assert_type

from runtime.events import Event, Request, get_bus
from runtime.events.memory_events import GetMemory, Memory
from runtime.events.model_events import ListLoadedModels, LoadModel, ModelLoaded

bus = get_bus()


class Mine(Request[int], frozen=True):
    number: int


class Plain(Event, frozen=True):
    TOPIC = "plain"

    number: int


def loaded(event: ModelLoaded) -> None: ...
async def loaded_later(event: ModelLoaded) -> None: ...
def load(request: LoadModel) -> bool: return True
async def load_later(request: LoadModel) -> bool: return True
def load_text(request: LoadModel) -> str: return ""


async def ask() -> None:
    assert_type(await bus.request(ListLoadedModels()), list[ModelLoaded])


assert_type(bus.request_sync(LoadModel("x")), bool)
assert_type(bus.request_sync(GetMemory("x")), Memory | None)
assert_type(bus.request_sync(Mine(1)), int)
bus.subscribe(ModelLoaded, loaded)
bus.subscribe(ModelLoaded, loaded_later)
bus.subscribe(ModelLoaded, lambda event: print(event.model))
bus.subscribe(ModelLoaded, load)  # refused
bus.handle(LoadModel, load)
bus.handle(LoadModel, load_later)
bus.handle(LoadModel, load_text)  # refused
bus.handle(ModelLoaded, loaded)  # refused
bus.publish(Plain(1))
bus.publish(Plain("x"))  # refused
bus.publish("x")  # refused
bus.request_sync(Plain(1))  # refused
Plain(1).number = 2  # refused
"""


def test_types_are_as_asserted_and_misuse_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is installed with the linters, not with the suite")
    (tmp_path / "snippet.py").write_text(SNIPPET)
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nmypy_path = {ROOT}\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", "snippet.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = {int(number) for number in re.findall(r"^snippet\.py:(\d+): error:", done.stdout, re.MULTILINE)}
    refused = {number for number, line in enumerate(SNIPPET.splitlines(), 1) if line.endswith("# refused")}
    assert found == refused, done.stdout + done.stderr
