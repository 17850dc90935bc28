"""Handlers of ``Exception`` never held back exits: neither may what takes their place, whatever the set names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import write

PROGRAMS = {
    "an exit, narrowed in place": (
        """\
import os
import sys


def port():
    try:
        number = int(os.environ["PORT"])
        if number < 1024:
            sys.exit("privileged port")
    except Exception:
        assert "PORT" in os.environ, "no PORT"
        number = 5000
    return number


for text in ("80", "x"):
    os.environ["PORT"] = text
    try:
        print(port())
    except SystemExit as e:
        print("left by", e)
""",
        "except (KeyError, ValueError):",
    ),
    "an interrupt, in a block": (
        """\
import logging
import os

logger = logging.getLogger("subject")


def work():
    try:
        int(os.environ["NUMBER"])
        raise KeyboardInterrupt
    except Exception as e:
        logger.info("failed: %s", e)
        return "no"


for text in ("1", "x"):
    os.environ["NUMBER"] = text
    try:
        print(work())
    except KeyboardInterrupt:
        print("interrupted")
""",
        "recoverable=(KeyError, ValueError)",
    ),
    "nothing but an exit": (
        """\
import sys


class Closing:
    def __del__(self):
        try:
            sys.exit(3)
        except Exception:
            print("no")


def leave():
    try:
        sys.exit(3)
    except Exception as e:
        print("no", e)


try:
    leave()
except SystemExit as e:
    print("left by", e)
""",
        "recoverable=(Exception,)",
    ),
    "a group that may hold exits": (
        """\
class Stop(BaseException):
    pass


def group(errors):
    try:
        raise BaseExceptionGroup("several", errors)
    except Exception as e:
        print("recovered", repr(e))


for errors in ([Stop()], [ValueError(1)]):
    try:
        group(errors)
    except BaseException as e:
        print("went through", repr(e))
""",
        "recoverable=(Exception,)",
    ),
    "a base exception itself": (
        """\
def fail():
    try:
        raise BaseException("all")
    except Exception as e:
        print("recovered", e)


try:
    fail()
except BaseException as e:
    print("went through", e)
""",
        "recoverable=(Exception,)",
    ),
}


@pytest.mark.parametrize(("program", "written"), PROGRAMS.values(), ids=PROGRAMS)
def test_exits_go_on_as_they_did(tmp_path: Path, program: str, written: str) -> None:
    tree = write(tmp_path, {"subject.py": program})

    def run() -> str:
        done = subprocess.run([sys.executable, "subject.py"], cwd=tree, capture_output=True, text=True, check=True)
        return done.stdout

    before = run()
    done = subprocess.run(
        [sys.executable, "-m", "codemods.safe_executor", "--allow-dirty", "--policy", "infer", "-q", "."],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    text = (tree / "subject.py").read_text()
    assert written in text, (done.stdout, text)
    assert run() == before
