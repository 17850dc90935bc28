"""A file on its way through the passes: what is asked again, and by what a finding is known from one to the next."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from analysis.facts import Fault, FileFacts
from analysis.reading import analyse
from analysis.source import Source
from codemods import passes
from codemods.edits import Reason, SkipReason
from codemods.engine import Engine
from codemods.outcome import Answer, Refusal
from codemods.passes import PASSES, FileRun
from config.settings import Settings
from tests.codemods.support import TARGET, KnownErrors

IMPORT = "from tools.failures import Known\n"
BLOCK = "try:\n    work()\nexcept Exception as e:\n    pass\n"


def nested(depth: int, name: str = "around") -> str:
    """Handlers one inside the other; each but the first is declined while the one around it is broad."""
    text = "last()\n"
    for _ in range(depth):
        text = f"try:\n    work()\nexcept Exception as {name}:\n{textwrap.indent(text, '    ')}"
    return text


def run_of(
    text: str,
    *,
    codemod: KnownErrors | None = None,
    settings: Settings | None = None,
    prepared: bytes | None = None,
    refusal: Refusal | None = None,
) -> FileRun:
    """A run over ``text`` that has not begun."""
    engine = Engine(codemod or KnownErrors(), settings or Settings(), {})
    source = Source.from_bytes(text.encode(), "sample.py")
    facts = analyse(Source.from_bytes(text.encode(), "sample.py"), engine.collectors, "sample.py")
    assert facts.fault is None, facts.fault
    return FileRun(engine, source, facts, prepared, refusal)


def told(run: FileRun) -> list[tuple[str, int, str]]:
    return [(one.verdict, one.line, one.reason) for _, one in sorted(run.answers.items())]


def test_a_file_without_findings_is_done_before_it_begins() -> None:
    run = run_of("x = 1\n")
    assert run.once(None) == set()
    run.go()
    assert (run.answers, run.trail, run.imported) == ({}, [], {})


def test_one_pass_answers_and_leaves_nothing_to_ask() -> None:
    run = run_of(f"import os\n\n{BLOCK}")
    assert run.once(None) == set()
    assert run.source.data.decode() == f"import os\n\n{IMPORT}\n{BLOCK}".replace("Exception", "Known")
    assert told(run) == [("rewritten", 5, "")]
    assert run.imported == {TARGET: "Known"}
    assert len(run.trail) == 1


def test_what_a_rewrite_opened_the_way_for_is_asked_again() -> None:
    run = run_of(nested(2))
    (again,) = run.once(None)
    assert told(run) == [("rewritten", 3, ""), ("declined", 6, Reason.ACTIVE_ERROR.value)]
    assert again == sorted(run.answers)[1]
    assert run.once({again}) == set()
    assert told(run) == [("rewritten", 3, ""), ("rewritten", 6, "")], "people know it by where it was"
    assert len(run.trail) == 2
    assert run.source.data.decode().count(IMPORT) == 1


def test_only_what_is_wanted_is_asked() -> None:
    run = run_of(BLOCK * 2)
    first = run_of(BLOCK)
    first.once(None)
    assert run.once(set(first.answers)) == set()
    assert told(run) == [("rewritten", 3, "")]
    assert run.source.data.decode().endswith(BLOCK)
    assert run.once(set()) == set()


def test_a_finding_has_one_key_through_all_passes() -> None:
    # What comes in at the top is longer than the way from one handler to the next.
    text = "s = 'é'\n" + re.sub(r"try:\n +", "try: ", nested(4).replace("    ", " "))
    run = run_of(text)
    run.go()
    assert len(run.trail) == 4
    places = [len(text[: found.start()].encode()) for found in re.finditer("except", text)]
    assert [key for key, _ in sorted(run.answers)] == places
    assert {code for _, code in run.answers} == {"E900"}


def test_as_many_passes_as_allowed_are_enough() -> None:
    run = run_of(nested(PASSES))
    run.go()
    assert {verdict for verdict, _, _ in told(run)} == {"rewritten"}
    assert len(run.trail) == PASSES


def test_what_is_not_settled_by_then_is_told_to_be_unstable() -> None:
    run = run_of(nested(PASSES + 2))
    run.go()
    verdicts = told(run)
    assert [one[0] for one in verdicts] == ["rewritten"] * PASSES + ["declined"] * 2
    assert {one[2] for one in verdicts[PASSES:]} == {Reason.UNSTABLE.value}
    assert len(run.trail) == PASSES


def test_a_refusal_of_the_file_is_the_reason_of_each() -> None:
    run = run_of(BLOCK * 2, refusal=(Reason.SHADOWED_TARGET, "why"))
    run.go()
    assert told(run) == [("declined", line, Reason.SHADOWED_TARGET.value) for line in (3, 7)]
    assert {one.detail for one in run.answers.values()} == {"why"}
    assert run.trail == []


def test_silenced_and_ignored_findings_are_skipped_and_noted_once() -> None:
    silenced = BLOCK.replace("e:", "e:  # noqa: E900")
    run = run_of(silenced + nested(2))
    run.go()
    assert told(run)[0] == ("skipped", 3, SkipReason.NOQA.value)
    assert len(run.answers) == 3
    run = run_of(BLOCK + silenced, settings=Settings(per_file_ignores={"sample.py": ("E900",)}))
    run.go()
    assert told(run) == [("skipped", 3, SkipReason.EXCLUDED.value)]


class Placed(KnownErrors):
    """Keeps positions in what it prepared, and the text that it was asked about with them."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[list[int]], bytes]] = []

    def moved(self, prepared: bytes, where: Callable[[int, int], tuple[int, int]]) -> bytes:
        """The positions where an earlier pass has moved them."""
        return msgspec.json.encode([where(*one) for one in msgspec.json.decode(prepared)])

    def rewrite(self, file: Any, prepared: bytes | None) -> Any:
        """As ever, but remember."""
        assert prepared is not None
        self.seen.append((msgspec.json.decode(prepared), file.source.data))
        return super().rewrite(file, prepared)


def test_positions_follow_the_text_from_pass_to_pass() -> None:
    text = nested(3).replace("last()", "ü = 'ä'; last()")
    at = text.splitlines().index("            ü = 'ä'; last()") + 1
    codemod = Placed()
    prepared = [[at, len("            ü = 'ä'; ".encode())], [3, 0], [1, 0]]
    run = run_of(text, codemod=codemod, prepared=msgspec.json.encode(prepared))
    run.go()
    assert len(codemod.seen) == 3
    for places, data in codemod.seen:
        lines = data.splitlines()
        found = [lines[line - 1][col:].partition(b" ")[0] for line, col in places]
        assert found == [b"last()", b"except", b"try:"]
    assert codemod.seen[0][0][0][0] < codemod.seen[1][0][0][0], "an import came in above"


def test_a_result_that_cannot_be_read_again_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(nested(2))
    real = passes.analyse

    def fail(*arguments: Any) -> Any:
        facts = real(*arguments)
        return FileFacts(facts.path, facts.digest, Fault("syntax", "it is broken"), {})

    monkeypatch.setattr(passes, "analyse", fail)
    with pytest.raises(RuntimeError, match="cannot be read again: it is broken"):
        run.go()


def test_the_last_answer_counts_at_the_first_place() -> None:
    run = run_of(nested(2))
    run.go()
    assert run.answers[max(run.answers)] == Answer("rewritten", "E900", 6, 5, "<module>", "", "around", "safe")
