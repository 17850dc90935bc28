"""The examples of ``codemods.safe_executor`` stand where they belong, and show all that it does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from codemods.edits import Example, Reason
from codemods.safe_executor import SafeExecutorCodemod
from codemods.safe_executor_clauses import CLAUSES
from codemods.safe_executor_declined import DECLINED
from codemods.safe_executor_examples import HANDLERS
from tests.codemods.test_examples import run

# What is said by the rewrites of handlers, and of the planner of imports what one file can be declined for.
REASONS = [
    *[*Reason][[*Reason].index(Reason.EXCEPT_STAR) : [*Reason].index(Reason.STANDALONE) + 1],
    Reason.BEFORE_IMPORT,
]
PROGRAMS = {
    Reason.CATCHES_EXITS: (
        "job.py",
        """\
def work(job):
    try:
        job()
    except Exception as e:
        print(e)
    except BaseException:
        print("bye")
""",
    ),
    Reason.ONE_LINE: (
        "job.py",
        """\
def work(job):
    try: job()
    except Exception as e: print(e); return e
""",
    ),
    Reason.STANDALONE: (
        "setup.py",
        """\
try:
    VERSION = open("version").read()
except Exception as e:
    print(e)
""",
    ),
}
"""Programs for the reasons that the examples do not show."""


def tries(example: Example) -> list[ast.Try | ast.TryStar]:
    return [node for node in ast.walk(ast.parse(example.before)) if isinstance(node, ast.Try | ast.TryStar)]


@pytest.mark.parametrize("example", HANDLERS, ids=lambda example: example.title)
def test_what_is_shown_of_handlers_has_no_other_clause(example: Example) -> None:
    (statement,) = tries(example)
    assert len(statement.handlers) == 1 and not statement.orelse and not statement.finalbody
    assert example.after is not None


def test_each_other_clause_and_each_kind_of_code_around_is_shown() -> None:
    whole = [node for example in CLAUSES for node in ast.walk(ast.parse(example.before))]
    statements = [node for node in whole if isinstance(node, ast.Try)]
    assert any(one.orelse for one in statements)
    assert any(one.finalbody for one in statements)
    assert any(len(one.handlers) > 1 for one in statements)
    assert any(isinstance(inner, ast.Try) for one in statements for inner in one.body)
    for kind in (ast.While, ast.AsyncFunctionDef, ast.YieldFrom, ast.Match, ast.NamedExpr):
        assert any(isinstance(node, kind) for node in whole), kind
    assert all(example.after is not None for example in CLAUSES)


def test_all_examples_are_those_of_the_codemod() -> None:
    assert SafeExecutorCodemod.examples == (*HANDLERS, *CLAUSES, *DECLINED)
    assert all(example.declined is not None and example.after is None for example in DECLINED)


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_shown_by_an_example_or_here(reason: Reason, tmp_path: Path) -> None:
    shown = any(example.declined is reason for example in DECLINED)
    assert shown is (reason not in PROGRAMS)
    if shown:
        return
    name, text = PROGRAMS[reason]
    new, answers = run(SafeExecutorCodemod(), text, {"policy": "preserve"}, tmp_path, name)
    assert reason.value in {one.reason for one in answers if one.verdict == "declined"}
    if reason is not Reason.CATCHES_EXITS:
        assert new.decode() == text
