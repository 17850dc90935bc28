"""The executor that docs/executor.md shows can stand in for ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "executor.md").read_text(encoding="utf-8")
WORK = """\
import asyncio
import logging
import traceback

logger = logging.getLogger(__name__)


def plain(work):
    try:
        return work()
    except (KeyError, OSError) as e:
        return "first", repr(e)
    except Exception as e:
        return "second", repr(e), [one.name for one in traceback.extract_tb(e.__traceback__)][-1]
    finally:
        logger.debug("over")


def quiet(work):
    try:
        work()
    except Exception:
        pass
    return "done"


def each(work):
    try:
        yield 1
        yield work()
    except Exception as e:
        yield repr(e)


async def later(work):
    try:
        await asyncio.sleep(0)
        return work()
    except Exception as e:
        logger.debug("no: %s", e)
        return repr(e)
"""
DRIVE = """
def fails(error):
    def work():
        raise error
    return work


def told(call):
    try:
        return call()
    except BaseException as e:
        return "left", repr(e)


for error in (KeyError(1), ValueError(2), OSError(3), KeyboardInterrupt(), SystemExit(4), asyncio.CancelledError()):
    work = fails(error)
    for call in (plain, quiet, lambda work: list(each(work)), lambda work: asyncio.run(later(work))):
        print(told(lambda: call(work)))
opened = each(fails(ValueError(5)))
next(opened)
opened.close()
for call in (plain, quiet, lambda work: list(each(work)), lambda work: asyncio.run(later(work))):
    print(call(lambda: "well"))
"""


def ran(tree: Path) -> str:
    return subprocess.run(
        [sys.executable, "work.py"], cwd=tree, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_it_means_the_same_as_the_handlers(tmp_path: Path) -> None:
    (guard,) = (one for one in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "class Guard" in one)
    (settings,) = re.findall(r"^    (\[tool.unsnarl\])\n    (safe-executor = .*)$", PAGE, re.MULTILINE)
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "__init__.py").touch()
    (tmp_path / "common" / "errors.py").write_text(guard, "utf-8")
    (tmp_path / "pyproject.toml").write_text("\n".join(settings), "utf-8")
    (tmp_path / "work.py").write_text(WORK + DRIVE, "utf-8")
    before = ran(tmp_path)
    assert "('second', 'ValueError(2)', 'work')" in before
    command = [
        sys.executable,
        "-m",
        "codemods.safe_executor",
        "--policy=preserve",
        "--allow-dirty",
        ".",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    after = (tmp_path / "work.py").read_text("utf-8")
    assert after.count("with Guard(") == 4, done.stdout + done.stderr + after
    assert "from common.errors import Guard\n" in after
    assert ran(tmp_path) == before
