"""The limits of the rewrite, each shown by the smallest program that has it. What is not here is a fault."""

from __future__ import annotations

from tests.behaviour.allowed import limit
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
    assert known == "a handler failed, and what it held is left to the collector"


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
    assert known == "an error ended before the value that its handler returns was computed"


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
    assert known == "an error came by at module level or in a class body, and the attempt kept its name"


def test_an_attempt_keeps_no_name_where_none_comes_by() -> None:
    assert found(MODULE, {0: "ValueError"}) == (None, None)
    assert found(MODULE, {}) == (None, None)
