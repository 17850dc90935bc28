"""The harness itself: no false alarm, and every fault that is planted is noticed."""

from __future__ import annotations

from functools import cache

import pytest

from tests.behaviour.allowed import limit
from tests.behaviour.compare import explore
from tests.behaviour.drive import Loaded
from tests.behaviour.pick import Seeded
from tests.behaviour.program import Writer
from tests.behaviour.reference import FAULTS, SPOILED, Fault, rewrite, unparsed
from tests.behaviour.units import UNITS, program

PROGRAMS = 60


@cache
def programs() -> list[Loaded]:
    """Programs as they come."""
    return [Loaded(unparsed(program(Seeded(seed)).data)) for seed in range(PROGRAMS)]


@cache
def rewritable() -> list[Loaded]:
    """Those among many of which the rewrite made by hand changes something."""
    made = (unparsed(program(Seeded(seed)).data) for seed in range(1000, 1600))
    return [Loaded(data) for data in made if rewrite(data).rewritten]


def test_a_program_equals_itself() -> None:
    for one in programs():
        assert list(explore(one, Loaded(one.data))) == []


def test_a_right_rewrite_differs_in_nothing_but_its_limits() -> None:
    contexts = 0
    assert len(rewritable()) >= 60
    for one in rewritable()[:60]:
        after = Loaded(rewrite(one.data).data)
        for each in explore(one, after):
            assert limit(one, after, each) is not None, each.text
            contexts += each.channel == "context"
    assert contexts >= 5, "an error raised in a handler has lost its context: the harness must say so, apart"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_noticed(fault: Fault) -> None:
    for one in programs() if fault in SPOILED else rewritable():
        after = Loaded(rewrite(one.data, fault).data)
        if any(limit(one, after, each) is None for each in explore(one, after)):
            return
    pytest.fail(f"no program shows that the rewrite {fault}")


def test_generated_programs_compile_and_have_every_shape() -> None:
    shapes: set[str] = set()
    for seed in range(900):
        made = program(Seeded(seed))
        Loaded(made.data)
        shapes |= {name for name, number in made.shapes.items() if number}
    wanted = {f"unit {unit}" for unit in UNITS} | {
        "try", "try else", "try finally", "try finally only", "try star", "siblings", "one line", "for", "while",
        "with", "match", "def", "lambda", "break", "continue", "return", "raise", "async for", "async with", "from",
        "handler bare", "handler Exception", "handler BaseException", "handler Control", "handler chosen()",
        "handler (KeyboardInterrupt, SystemExit)", "handler asyncio.CancelledError", "handler GeneratorExit",
        "reaction exception", "reaction exc_info", "reaction format_exc", "reaction sys", "reaction helper",
        "reaction raise", "reaction raise error", "reaction raise from", "reaction raise new", "reaction raise none",
        "reaction keep", "reaction save", "reaction rebind", "reaction drop", "reaction yield", "reaction await",
        "reaction return error", "reaction break", "reaction continue", "reaction try", "value walrus",
        "value comprehension", "value await", "value yield", "look", "delete",
    }  # fmt: skip
    assert wanted - shapes == set()


def test_the_same_seed_writes_the_same_program() -> None:
    assert program(Seeded(7)) == program(Seeded(7))
    assert program(Seeded(7)) != program(Seeded(8))


def test_plans_reach_every_kind_of_tick() -> None:
    roles: set[str] = set()
    for one in programs():
        roles |= set(one.run().roles)
    assert roles == {"boom", "pause", "drive"}


def test_what_a_plan_throws_arrives_where_it_says() -> None:
    text = (
        "from tests.behaviour.stage import boom, mark\n"
        "kept = []\n"
        "def f(a):\n    boom(1)\n    try:\n        boom(2)\n    except ValueError as e:\n        mark('caught', e)\n"
        "entries = [f]\n"
    )
    seen = Loaded(text.encode()).run({1: "ValueError"})
    caught = [event for event in seen.events if event[:2] == ("mark", "caught")]
    assert [event[2]["args"] for event in caught] == [["tuple", "boom 2"]]
    assert [event[1] for event in seen.events if event[0] == "freed"][-2:] == ["ValueError boom 2", "frame of boom 2"]
    assert seen.leaks == []


def test_the_writer_counts_what_it_writes() -> None:
    writer = Writer(Seeded(3))
    assert writer.site() == 1
    assert writer.name() != writer.name()
