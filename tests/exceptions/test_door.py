"""``python -m analysis.exceptions``, as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ASSUMED = "`record[]` is taken to be a container of a built-in type"
SUBJECT = """\
import json


def ask(text, client):
    try:
        return json.loads(text)
    except Exception:
        return None


def send(client):
    try:
        client.send()
    except Exception:
        return None


def pick(record):
    try:
        return record["a"]
    except Exception:
        return None
"""


def asked(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "analysis.exceptions", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "subject.py").write_text(SUBJECT)
    for name in ("config", "linters", "runtime", "unsnarl"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the tree stands in for us')\n")
    return tmp_path


def test_text(tree: Path) -> None:
    done = asked(tree, "subject.py", "--no-cache")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "subject.py:5:5: RecursionError, TypeError, ValueError",
        "subject.py:12:5: open: the call to `client.send` at line 13 is unknown",
        f"subject.py:19:5: IndexError, KeyError, TypeError, if {ASSUMED} (line 20)",
    ]
    assert done.stderr.splitlines() == [
        "3 try bodies: 1 proved, 1 assumed, 1 open",
        "      1  the call to `client.send`",
    ]


def test_json_and_the_index(tree: Path) -> None:
    first = asked(tree, ".", "--format", "json", "-j", "1")
    again = asked(tree, ".", "--format", "json", "-j", "1")
    assert first.returncode == again.returncode == 0, first.stderr
    assert first.stdout == again.stdout
    rows = json.loads(first.stdout)
    assert [(row["line"], row["types"], row["open"] is None) for row in rows] == [
        (5, ["RecursionError", "TypeError", "ValueError"], True),
        (12, [], False),
        (19, ["IndexError", "KeyError", "TypeError"], True),
    ]


def test_what_cannot_be_read_is_said(tree: Path) -> None:
    assert asked(tree, "missing").returncode == 2
    assert "missing" in asked(tree, "missing").stderr
    (tree / "broken.py").write_text("def f(:\n")
    done = asked(tree, ".")
    assert done.returncode == 2
    assert "broken.py:1: not analysed:" in done.stderr
    assert "subject.py:5:5: RecursionError, TypeError, ValueError" in done.stdout
