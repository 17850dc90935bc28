"""One pass over one file: which rewrites are made together, and by which law each other one is dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from analysis.facts import Span
from analysis.reading import analyse
from analysis.source import Source
from codemods.codemod import FileView
from codemods.edits import Declined, Indent, Reason, Rewrite, Skipped, SkipReason, Splice
from codemods.engine import Engine
from codemods.outcome import Refusal
from codemods.passes import FileRun
from codemods.solver import Solver, place
from config.settings import Settings
from linters.rule import Finding
from linters.runner import check
from tests.codemods.support import TARGET, KnownErrors

Change = Callable[[FileView, Finding], Rewrite | Declined | Skipped]


def header(file: FileView, finding: Finding, text: str = "except ValueError") -> Splice:
    """The edit that makes the handler of a finding a narrow one."""
    start = file.source.offset(finding.span.line, finding.span.col)
    return Splice(start, start + file.source.data[start:].index(b":"), text)


def rewrite(finding: Finding, *splices: Splice, **fields: Any) -> Rewrite:
    """A rewrite of the whole statement of a finding, which begins two lines above it."""
    span = finding.span
    statement = Span(span.line - 2, span.col, span.end_line, span.end_col)
    return Rewrite("E900", span, splices, **{"statement": statement, **fields})


def narrow(file: FileView, finding: Finding) -> Rewrite:
    """The rewrite that there is nothing against."""
    return rewrite(finding, header(file, finding))


class Scripted(KnownErrors):
    """Says what it is told to say of each finding, in the order of the source."""

    def __init__(self, *script: Change) -> None:
        self.script = script

    def rewrite(self, file: FileView, prepared: bytes | None) -> Iterator[Rewrite | Declined | Skipped]:
        """One answer for each step of the script."""
        for step, finding in zip(self.script, file.findings, strict=False):
            yield step(file, finding)


def solver(
    text: str,
    *script: Change,
    asked: slice = slice(None),
    unsafe: bool = False,
    settings: Settings | None = None,
    refusal: Refusal | None = None,
) -> Solver:
    """A solver for the findings of a text; of those only ``asked`` are asked about."""
    engine = Engine(Scripted(*script), settings or Settings(), {"unsafe": unsafe})
    source = Source.from_bytes(text.encode(), "sample.py")
    facts = analyse(Source.from_bytes(text.encode(), "sample.py"), engine.collectors, "sample.py")
    every = check(facts, engine.rules, engine.ignores).kept
    return Solver(FileRun(engine, source, facts, None, refusal), every, every[asked])


def told(one: Solver) -> list[str]:
    """The verdict of each finding, or the reason where it stays."""
    return [answer.reason or answer.verdict for _, answer in one.verdicts()]


def block(body: str = "pass") -> str:
    return f"try:\n    work()\nexcept Exception:\n    {body}\n"


NARROW = block().replace("Exception", "ValueError")


def test_what_nothing_speaks_against_is_made_together() -> None:
    one = solver(block() * 3, narrow, narrow, narrow)
    made = one.solve()
    assert made is not None
    assert made.data.decode() == NARROW * 3
    assert told(one) == ["rewritten"] * 3
    assert len(one.made) == 3
    assert one.reopened() == []


def test_nothing_to_make_is_no_result() -> None:
    one = solver(block(), lambda _, at: Declined("E900", at.span, Reason.CLASS_NAMES, "so"))
    assert one.solve() is None
    ((_, answer),) = one.verdicts()
    assert (answer.verdict, answer.reason, answer.detail) == ("declined", Reason.CLASS_NAMES.value, "so")


def test_what_gets_no_answer_is_told_so() -> None:
    one = solver(block() * 2, narrow)
    made = one.solve()
    assert made is not None
    assert made.data.decode() == NARROW + block()
    assert told(one) == ["rewritten", Reason.UNANSWERED.value]


def test_what_was_not_asked_about_is_not_made() -> None:
    def other(file: FileView, finding: Finding) -> Rewrite:
        start = file.source.data.index(b"except")
        return Rewrite("E900", Span(3, 0, 4, 8), (Splice(start, start + 16, "except ValueError"),))

    one = solver(block() * 2, other, asked=slice(1, 2))
    assert one.solve() is None
    assert told(one) == [Reason.UNANSWERED.value]
    assert solver(block() * 2, other).solve() is not None


def test_the_first_of_two_answers_counts() -> None:
    class Twice(Scripted):
        def rewrite(self, file: FileView, prepared: bytes | None) -> Iterator[Rewrite | Declined | Skipped]:
            yield narrow(file, file.findings[0])
            yield Declined("E900", file.findings[0].span, Reason.CLASS_NAMES)

    one = solver(block())
    one.engine.codemod = Twice()
    assert one.solve() is not None
    assert told(one) == ["rewritten"]


def test_kind_safety_and_detail_are_the_rewrites_own() -> None:
    one = solver(
        block(),
        lambda file, at: rewrite(at, header(file, at), kind="narrowed", safety="unsafe", detail="why"),
        unsafe=True,
    )
    assert one.solve() is not None
    ((finding, answer),) = one.verdicts()
    assert (answer.verdict, answer.safety, answer.detail) == ("narrowed", "unsafe", "why")
    assert place(finding) == (answer.code, answer.line, answer.column, answer.scope) == ("E900", 3, 1, "<module>")


def test_skipping_is_an_answer_too() -> None:
    one = solver(block(), lambda _, at: Skipped("E900", at.span, SkipReason.EXCLUDED, "theirs"))
    assert one.solve() is None
    ((_, answer),) = one.verdicts()
    assert (answer.verdict, answer.reason, answer.detail) == ("skipped", "excluded", "theirs")


def cut(file: FileView, finding: Finding) -> Rewrite:
    """Takes the comment of the header with it."""
    edit = header(file, finding)
    end = file.source.data.index(b"\n", edit.start)
    return rewrite(finding, Splice(edit.start, end, f"{edit.text}:"))


LAWS: list[tuple[Reason, Change]] = [
    (Reason.UNSAFE, lambda file, at: rewrite(at, header(file, at), safety="unsafe")),
    (Reason.COMPILE, lambda file, at: rewrite(at, header(file, at, "except ("))),
    (Reason.REMAINS, lambda file, at: rewrite(at, header(file, at, "except  Exception"))),
    (Reason.OUTSIDE, lambda file, at: rewrite(at, header(file, at), Splice(10_000, 10_000, "x"))),
    (Reason.CONFLICT, lambda file, at: rewrite(at, header(file, at), header(file, at, "except OSError"))),
    (Reason.COMMENT, cut),
]


@pytest.mark.parametrize(("reason", "wrong"), LAWS)
@pytest.mark.parametrize("first", [True, False])
def test_what_breaks_a_law_is_dropped_and_the_others_go_on(reason: Reason, wrong: Change, first: bool) -> None:
    text = block().replace("n:", "n:  # why")
    script = (wrong, narrow) if first else (narrow, wrong)
    one = solver(text * 2, *script)
    made = one.solve()
    assert made is not None
    fixed = text.replace("Exception", "ValueError")
    assert made.data.decode() == (text + fixed if first else fixed + text)
    assert told(one) == ([reason.value, "rewritten"] if first else ["rewritten", reason.value])
    assert one.composed is made


def test_edits_of_one_rewrite_that_overlap_are_its_own_fault() -> None:
    one = solver(block(), lambda file, at: rewrite(at, header(file, at), header(file, at, "except OSError")))
    assert one.solve() is None
    assert [answer.detail for _, answer in one.verdicts()] == ["its own edits overlap"]


def test_text_that_the_encoding_cannot_hold() -> None:
    text = "# coding: latin-1\n" + block()
    one = solver(text, lambda file, at: rewrite(at, header(file, at, "except 名")))
    assert one.solve() is None
    assert told(one) == [Reason.UNENCODABLE.value]


def test_of_two_that_overlap_the_later_waits_for_the_next_pass() -> None:
    def far(file: FileView, finding: Finding) -> Rewrite:
        return rewrite(finding, header(file, finding), Splice(0, 1, "#"))

    one = solver(f"# x\n{block() * 2}", far, far)
    made = one.solve()
    assert made is not None
    assert told(one) == ["rewritten", Reason.CONFLICT.value]
    (again,) = one.reopened()
    assert again.span.line == 8


def body(text: str) -> Change:
    """The rewrite that puts ``text`` into the handler as well."""

    def change(file: FileView, finding: Finding) -> Rewrite:
        edit = header(file, finding)
        at = file.source.data.index(b"pass", edit.end)
        return rewrite(finding, edit, Splice(at, at + 4, text))

    return change


def test_of_two_that_do_not_go_together_the_first_is_made() -> None:
    inner = "".join(f"    {line}\n" for line in (block() * 3).splitlines())
    one = solver(f"def f():\n{inner}", body("z = 1"), narrow, body("global z"))
    made = one.solve()
    assert made is not None
    assert told(one) == ["rewritten", "rewritten", Reason.COMPILE.value]
    assert b"z = 1" in made.data
    assert b"global" not in made.data
    assert [finding.span.line for finding in one.reopened()] == [12]


def test_a_file_that_did_not_compile_before_is_skipped_and_nothing_blamed() -> None:
    one = solver(f"await x\n{block() * 2}", narrow, narrow)
    assert one.solve() is None
    assert [(answer.verdict, answer.reason) for _, answer in one.verdicts()] == [
        ("skipped", SkipReason.NOT_COMPILING.value)
    ] * 2
    assert one.made == []


def test_an_import_that_is_refused_is_the_reason() -> None:
    def needing(file: FileView, finding: Finding) -> Rewrite:
        return rewrite(finding, header(file, finding), needs=(TARGET,))

    one = solver(block(), needing, refusal=(Reason.DEFINES_TARGET, "it is made here"))
    assert one.solve() is None
    ((_, answer),) = one.verdicts()
    assert (answer.reason, answer.detail) == (Reason.DEFINES_TARGET.value, "it is made here")


def test_an_import_comes_in_once_for_all() -> None:
    def needing(file: FileView, finding: Finding) -> Rewrite:
        return rewrite(finding, header(file, finding, f"except {file.imports.bind(TARGET, 1)}"), needs=(TARGET,))

    one = solver(block() * 2, needing, needing)
    made = one.solve()
    assert made is not None
    assert made.data.decode() == "from tools.failures import Known\n\n" + NARROW.replace("ValueError", "Known") * 2


def test_a_finding_that_stood_there_before_is_not_held_against_its_neighbour() -> None:
    nested = f"try:\n    work()\nexcept Exception:\n{''.join(f'    {line}' for line in block().splitlines(True))}"
    one = solver(nested, narrow)
    made = one.solve()
    assert made is not None
    assert made.data.decode() == nested.replace("Exception", "ValueError", 1)
    assert told(one) == ["rewritten", Reason.UNANSWERED.value]
    assert [finding.span.line for finding in one.reopened()] == [6], "it stands inside what was rewritten"


def test_a_new_finding_is_held_against_the_rewrite_that_brings_it() -> None:
    one = solver(block(), body("try: work()\n    except Exception: pass"))
    assert one.solve() is None
    assert told(one) == [Reason.REMAINS.value]


def test_lines_that_are_shared_with_other_code() -> None:
    text = "if x: y = (1 +\n  2); z = 0\n" + block()
    one = solver(text, lambda file, at: rewrite(at, header(file, at), statement=Span(2, 0, 6, 8)))
    made = one.solve()
    assert made is not None
    assert told(one) == ["rewritten"]


def test_lines_may_be_moved() -> None:
    def deeper(file: FileView, finding: Finding) -> Rewrite:
        edit = header(file, finding)
        return rewrite(finding, edit, Splice(5, 5, "\nif x:"), indents=(Indent(2, 5, "  "),))

    one = solver(f"x = 1\n{block()}", deeper)
    made = one.solve()
    assert made is not None
    assert made.data.decode() == "x = 1\nif x:\n" + "".join(f"  {line}" for line in NARROW.splitlines(True))


def test_what_is_declined_elsewhere_for_its_own_reason_is_not_asked_again() -> None:
    def declined(_: FileView, finding: Finding) -> Declined:
        return Declined("E900", finding.span, Reason.ACTIVE_ERROR)

    for script in ((narrow, declined), (declined, narrow)):
        one = solver(block() * 2, *script)
        assert one.solve() is not None
        assert one.reopened() == []
    one = solver(block() * 2, narrow, lambda file, at: rewrite(at, header(file, at, "except (")))
    assert one.solve() is not None
    assert [finding.span.line for finding in one.reopened()] == [7], "what another line does may have been its trouble"
