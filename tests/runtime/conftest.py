"""What every test of the runtime package starts from: the switches as they are after import."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime import _report, evidence
from runtime._settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def switches() -> Iterator[None]:
    before = SETTINGS.active, SETTINGS.level, SETTINGS.testing, SETTINGS.hooks
    yield
    SETTINGS.active, SETTINGS.level, SETTINGS.testing, SETTINGS.hooks = before
    evidence.record_to(None)
    _report._complained.clear()


@pytest.fixture
def run_python(tmp_path: Path) -> RunPython:
    """Run source text in an interpreter of its own; its working directory is the test's."""

    def run(source: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", source, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[list[logging.LogRecord]]:
    caplog.set_level(1)
    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield handler.records
    logging.getLogger().removeHandler(handler)
