"""The limits of the rewrite, each shown by the smallest program that has it. What is not here is a fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.behaviour import allowed
from tests.behaviour.allowed import CONTEXT, EARLIER, FAILED, JUMPED, PASSED, limit
from tests.behaviour.codemod import rewrite
from tests.behaviour.compare import Difference, differ
from tests.behaviour.drive import Loaded

HEAD = """\
import logging
from tests.behaviour.stage import Control, Held, boom, mark

logger = logging.getLogger(__name__)
kept = []

"""


def found(body: str, plan: dict[int, str]) -> tuple[Difference | None, str | None]:
    """How the rewritten program differs, and the limit that this falls under."""
    before = Loaded((HEAD + body).encode())
    made = rewrite(before.data)
    assert made.rewritten == 1
    after = Loaded(made.data)
    difference = differ(before.run(plan), after.run(plan), plan)
    return difference, limit(before, after, difference) if difference else None


FAILING = """\
def f(a):
    try:
        boom(1)
    except Exception:
        boom(2)

entries = [f]
"""


def test_an_error_of_a_handler_has_no_implicit_context_and_the_old_one_waits_for_the_collector() -> None:
    difference, known = found(FAILING, {0: "ValueError", 1: "KeyError"})
    assert difference is not None
    assert difference.channel == "lifetime"
    assert "+never freed ValueError boom 1" in difference.text
    assert known == FAILED


def test_a_handler_that_does_not_fail_leaves_nothing() -> None:
    assert found(FAILING, {0: "ValueError"}) == (None, None)


def test_the_error_of_a_handler_loses_its_implicit_context() -> None:
    body = "def fail():\n    boom(2)\n\n" + FAILING.replace("boom(2)", "return fail()")
    difference, known = found(body, {0: "ValueError", 1: "KeyError"})
    assert difference is not None
    assert known is not None


def test_an_error_ends_before_the_returned_value_is_computed() -> None:
    difference, known = found(FAILING.replace("boom(2)", "return boom(2)"), {0: "ValueError"})
    assert difference is not None
    assert difference.channel == "lifetime"
    assert known == EARLIER


MODULE = """\
try:
    try:
        boom(1)
    except Exception as e:
        mark("recovered", e)
except Control:
    mark("control")
entries = []
"""


def test_an_attempt_keeps_its_name_at_module_level_where_an_error_comes_by() -> None:
    difference, known = found(MODULE, {0: "Control"})
    assert difference is not None
    assert difference.text.count("\n+name attempt") == 1
    assert known == PASSED


JUMP = """\
for n in range(2):
    try:
        mark("tried", n)
        continue
    except Exception as e:
        mark("recovered", e)
entries = []
"""


def test_an_attempt_keeps_its_name_at_module_level_where_a_jump_leaves_the_block() -> None:
    difference, known = found(JUMP, {})
    assert difference is not None
    assert difference.text.count("\n+name attempt") == 1
    assert known == JUMPED
    assert found(JUMP.replace("        continue\n", ""), {}) == (None, None)


def test_an_attempt_keeps_no_name_where_none_comes_by() -> None:
    assert found(MODULE, {0: "ValueError"}) == (None, None)
    assert found(MODULE, {}) == (None, None)


ROOT = Path(__file__).parents[2]
TOLD = {
    CONTEXT: ("`__context__`", "`__context__`"),
    PASSED: ("keep its name where an error passes the block by", "when an error that is not recovered passes through"),
    JUMPED: ("`break` or `continue` leaves it", "`break` or `continue` leaves the block"),
    EARLIER: ("`return call()`", "`return call()`"),
    FAILED: ("is freed by the garbage collector only", "the old error is left to the garbage collector"),
}


def test_what_users_and_contributors_are_told() -> None:
    assert set(TOLD) == {value for name, value in vars(allowed).items() if name.isupper() and not name.startswith("_")}
    pages = ("docs/codemods/safe_executor.md", "docs/decisions/handlers-behind-the-block.md")
    for page, phrases in zip(pages, zip(*TOLD.values(), strict=True), strict=True):
        text = " ".join((ROOT / page).read_text("utf-8").split())
        assert [phrase for phrase in phrases if phrase not in text] == []


def ends(body: str) -> list[str]:
    """What ``run()`` gives, or the type of what it raises, in the program and in the rewritten one."""
    data = body.encode()
    made = rewrite(data)
    assert made.rewritten == 1
    told = []
    for text in (data, made.data):
        names: dict[str, Any] = {}
        exec(compile(text, "program.py", "exec", dont_inherit=True), names)
        try:
            told.append(names["run"]())
        except BaseException as error:
            told.append(type(error).__name__)
    return told


SIBLINGS = """\
class Liar(Exception):
    @property
    def __class__(self):
        return ValueError

def run():
    try:
        raise Liar
    except ValueError:
        return "told"
    except Exception:
        return "caught"
"""


def test_a_sibling_is_taken_by_an_error_that_lies_about_its_class() -> None:
    assert ends(SIBLINGS) == ["caught", "told"]
    assert ends(SIBLINGS.replace("return ValueError", "return KeyError")) == ["caught", "caught"]


BOTH = """\
class Both(SystemExit, ValueError):
    pass

def run():
    try:
        raise Both
    except Exception:
        return "caught"
"""


def test_an_error_that_is_an_exit_as_well_is_not_recovered() -> None:
    assert ends(BOTH) == ["caught", "Both"]
    assert ends(BOTH.replace("SystemExit, ", "")) == ["caught", "caught"]


DEEP = """\
import sys

def run():
    def down(left):
        if left:
            return down(left - 1)
        try:
            raise ValueError
        except Exception:
            return "caught"

    depth = 0
    frame = sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 100)
    try:
        for left in range(200):
            try:
                down(left)
            except RecursionError:
                return left
    finally:
        sys.setrecursionlimit(limit)
"""


def test_an_executor_needs_a_few_frames_of_the_stack() -> None:
    before, after = map(int, ends(DEEP))
    assert 0 < before - after <= 4
