"""The law of the codemod: with ``--policy preserve`` a rewritten program does what it did.

Each part has a fixed seed and so writes the same programs in every run. ``UNSNARL_FUZZ`` is the number of programs per
part for a longer run (``make fuzz``), which has another seed each time and makes what it finds smaller.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, event, given, seed, settings, target
from hypothesis import strategies as st

from tests.behaviour.allowed import limit
from tests.behaviour.codemod import rewrite
from tests.behaviour.compare import Difference, explore
from tests.behaviour.drive import Loaded
from tests.behaviour.pick import Drawn, Seeded
from tests.behaviour.units import Program, program

LONG = int(os.environ.get("UNSNARL_FUZZ", "0"))
PARTS = 4
PROGRAMS = LONG or 110


@st.composite
def programs(draw: st.DrawFn) -> Program:
    return program(Drawn(draw))


def check(made: Program) -> None:
    before = made.data
    result = rewrite(before)
    event("some handler was rewritten" if result.rewritten else "every handler was declined, or there was none")
    for reason in result.declined:
        event(f"declined: {reason}")
    target(float(result.rewritten), label="rewritten handlers")
    if result.data == before:
        return
    old, new = Loaded(before), Loaded(result.data)
    for found in explore(old, new):
        known = limit(old, new, found)
        if known is None:
            pytest.fail(report(before, result.data, found))
        event(known)


def report(before: bytes, after: bytes, found: Difference) -> str:
    """All that is needed to see what went wrong."""
    return (
        f"the rewritten program differs in {found.channel} under the plan {found.plan}\n"
        f"{found.text}\n--- the program\n{before.decode()}\n--- rewritten\n{after.decode()}"
    )


@pytest.mark.hypothesis
@pytest.mark.parametrize("part", range(PARTS))
def test_rewritten_programs_do_the_same(part: int) -> None:
    law = given(programs())(check)
    law = settings(
        max_examples=PROGRAMS,
        deadline=None,
        database=None,
        print_blob=True,
        # Making a failing program smaller takes minutes.
        phases=[Phase.generate, Phase.target, *([Phase.shrink] if LONG else [])],
        suppress_health_check=list(HealthCheck),
    )(law)
    (law if LONG else seed(part)(law))()


def test_enough_handlers_are_rewritten_for_the_law_to_mean_something() -> None:
    """Were most of them declined, or certain shapes always, the test above would hold of nothing."""
    rewritten: Counter[str] = Counter()
    declined: Counter[str] = Counter()
    for number in range(400):
        made = program(Seeded(number))
        result = rewrite(made.data)
        declined += result.declined
        rewritten["handlers"] += result.rewritten
        if result.rewritten:
            rewritten.update(name for name, times in made.shapes.items() if times)
    # Generated programs are far meaner than real ones: in those, less than a tenth is declined.
    share = rewritten["handlers"] / (rewritten["handlers"] + sum(declined.values()))
    assert share >= 0.5, declined
    assert rewritten["handlers"] >= 250
    for shape in (
        "unit function", "unit coroutine", "unit generator", "unit async generator", "unit method", "unit class body",
        "unit module level", "unit context manager", "unit nonlocal", "unit recursive", "unit shadowed", "try else",
        "try finally", "siblings", "one line", "match", "reaction exception", "reaction exc_info",
        "reaction format_exc", "reaction return", "reaction return error", "reaction yield", "reaction await",
        "reaction break", "reaction continue", "reaction try", "reaction keep",
    ):  # fmt: skip
        assert rewritten[shape] >= 3, shape
