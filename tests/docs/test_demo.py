"""What ``make demo`` tells at its end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import demo


def test_every_step_ends_as_it_should_and_the_rest_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo.tempfile, "mkdtemp", lambda prefix: str(tmp_path))
    assert demo.main() == 0
    told, _, end = capfd.readouterr().out.partition("\n## And now?\n")
    assert told.count("\n## ") == len(demo.STEPS)
    assert end.startswith("E903 is ")
    assert "unsnarl explain E903" in end
    assert "  main_pc/agents/speech_queue.py:63: " in end
    assert "  pc2/agents/dialogue_memory.py:11: expected 'except' or 'finally' block\n" in end
    assert end.endswith(f"The rewritten copy is in {tmp_path / 'examples'}\n")


def test_a_step_that_ends_otherwise_ends_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo.tempfile, "mkdtemp", lambda prefix: str(tmp_path))
    monkeypatch.setattr(demo, "STEPS", (("No such path", ("unsnarl", "check", "nowhere"), (0, 1)),))
    assert demo.main() == 2
    assert capfd.readouterr().err.endswith("this ended with 2, which it must not\n")


def test_what_is_told_of_a_tree_is_of_that_tree(tmp_path: Path) -> None:
    shutil.copytree(demo.EXAMPLES / "pc2", tmp_path / "pc2")
    told = demo.conclusion(tmp_path)
    assert "main_pc" not in told
    assert "pc2/agents/health_watch.py:" in told
