"""The engine: which rewrites are made, which are dropped and why, and that the others go on."""

from __future__ import annotations

import ast
import sys

import msgspec
import pytest

from analysis.reading import analyse
from analysis.source import Source
from codemods.edits import Reason, SkipReason
from codemods.engine import outcome_of
from codemods.outcome import CHANGED, Answer
from config.settings import Settings
from tests.codemods.support import engine, rewrite

IMPORT = "from tools.failures import Known\n"


def block(name: str, body: str = "work()", comment: str = "") -> str:
    alias = f" as {name}" if name else ""
    return f"try:\n    {body}\nexcept Exception{alias}:{comment}\n    pass\n"


def told(answers: list[Answer]) -> list[tuple[str, str]]:
    return [(one.verdict, one.reason) for one in answers]


def test_a_finding_is_rewritten_and_its_import_added() -> None:
    new, answers = rewrite("import os\n\n" + block("e"))
    assert new.decode() == f"import os\n\n{IMPORT}\ntry:\n    work()\nexcept Known as e:\n    pass\n"
    assert answers == [Answer("rewritten", "E900", 5, 1, "<module>", "", "e", "safe")]


def test_a_file_without_findings_is_the_same() -> None:
    text = "try:\n    work()\nexcept OSError:\n    pass\n"
    assert rewrite(text) == (text.encode(), [])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("keep", Reason.CLASS_NAMES),
        ("doubt", Reason.UNSAFE),
        ("broken", Reason.COMPILE),
        ("still", Reason.REMAINS),
        ("mute", Reason.UNANSWERED),
    ],
)
def test_what_breaks_a_law_is_dropped_alone(name: str, reason: Reason) -> None:
    good, bad = block("a"), block(name)
    new, answers = rewrite(good + bad + good)
    fixed = good.replace("Exception", "Known")
    assert new.decode() == f"{IMPORT}\n{fixed}{bad}{fixed}"
    assert told(answers) == [("rewritten", ""), ("declined", reason.value), ("rewritten", "")]


def test_several_that_break_a_law_are_found_among_many() -> None:
    names = ["a", "broken", "b", "still", "c", "d", "broken", "f"]
    new, answers = rewrite("".join(map(block, names)))
    assert [one.verdict for one in answers] == [
        "declined" if name in ("broken", "still") else "rewritten" for name in names
    ]
    assert new.count(b"except Known") == 5
    assert new.count(b"except Exception") == 3


def test_a_file_of_which_nothing_can_be_rewritten_is_the_same() -> None:
    text = block("broken") + block("still")
    new, answers = rewrite(text)
    assert new.decode() == text
    assert told(answers) == [("declined", Reason.COMPILE.value), ("declined", Reason.REMAINS.value)]


def test_a_rewrite_that_loses_a_comment_is_dropped() -> None:
    text = block("comment", comment="  # why")
    new, answers = rewrite(text)
    assert new.decode() == text
    assert told(answers) == [("declined", Reason.COMMENT.value)]
    assert "# why" in answers[0].detail


def test_without_a_comment_the_same_rewrite_is_made() -> None:
    assert rewrite(block("comment"))[0].decode().endswith("except Known as comment:\n    pass\n")


@pytest.mark.parametrize("comment", ["  # noqa: E501", "  # pragma: no cover", "  # type: ignore[misc] # é"])
def test_comments_beside_the_edit_stay(comment: str) -> None:
    assert f"except Known as e:{comment}\n" in rewrite(block("e", comment=comment))[0].decode()


def test_text_that_does_not_fit_the_encoding_is_declined() -> None:
    text = "# coding: latin-1\ns = 'é'\n" + block("letter") + block("e")
    new, answers = rewrite(text.encode("latin-1"))
    assert told(answers) == [("declined", Reason.UNENCODABLE.value), ("rewritten", "")]
    assert new.startswith("# coding: latin-1\n".encode("latin-1"))
    assert "é".encode("latin-1") in new


def test_unsafe_rewrites_are_made_when_asked_for() -> None:
    new, answers = rewrite(block("doubt"), {"unsafe": True})
    assert answers[0].verdict == "rewritten"
    assert answers[0].safety == "unsafe"
    assert b"except Known as doubt" in new


def test_the_later_of_two_that_overlap_comes_in_a_second_pass() -> None:
    text = "#\n" + block("far") + block("far")
    new, answers = rewrite(text)
    # Both want the first byte. What the first pass made of it, the second may change again.
    assert told(answers) == [("rewritten", ""), ("rewritten", "")]
    assert new.count(b"except Known as far") == 2
    assert [one.line for one in answers] == [4, 8]


def test_what_another_rewrite_stood_in_the_way_of_is_asked_again() -> None:
    text = (
        "try:\n    work()\nexcept Exception:\n    try:\n        more()\n    except Exception as around:\n        pass\n"
    )
    new, answers = rewrite(text)
    assert told(answers) == [("rewritten", ""), ("rewritten", "")]
    assert [one.line for one in answers] == [3, 6]
    assert new.decode() == f"{IMPORT}\n" + text.replace("Exception", "Known")


def test_a_second_run_changes_nothing() -> None:
    text = "import os\n" + "".join(map(block, ["a", "keep", "around", "doubt", "b", "broken"]))
    once, first = rewrite(text)
    twice, second = rewrite(once)
    assert twice == once
    assert [one.verdict for one in second] == ["declined"] * 3
    assert sum(one.verdict == "declined" for one in first) == 3


def test_findings_that_are_silenced_are_skipped() -> None:
    text = block("a", comment="  # noqa: E900 plugins") + block("b", comment="  # noqa") + block("c")
    new, answers = rewrite(text)
    assert told(answers) == [("skipped", SkipReason.NOQA.value)] * 2 + [("rewritten", "")]
    assert new.decode().count("except Exception") == 2


def test_a_comment_for_the_whole_file_silences_all_of_it() -> None:
    text = "# flake8: noqa\n" + block("a")
    new, answers = rewrite(text)
    assert (new.decode(), told(answers)) == (text, [("skipped", "noqa")])


def test_ignores_of_the_settings_are_kept_to() -> None:
    settings = Settings(per_file_ignores={"sample.py": ("E9",)})
    new, answers = rewrite(block("a"), settings=settings)
    assert (new.decode(), told(answers)) == (block("a"), [("skipped", "excluded")])


def test_a_file_that_does_not_compile_is_not_touched() -> None:
    text = "await x\n" + block("a")
    new, answers = rewrite(text)
    assert new.decode() == text
    assert told(answers) == [("skipped", SkipReason.NOT_COMPILING.value)]
    assert "await" in answers[0].detail


def test_the_target_version_counts() -> None:
    text = "match x:\n    case 1: ...\n" + block("a")
    assert rewrite(text)[1][0].verdict == "rewritten"
    older = msgspec.structs.replace(Settings(), target_version="3.9")
    new, answers = rewrite(text, settings=older)
    assert new.decode() == text
    assert told(answers) == [("skipped", SkipReason.NOT_COMPILING.value)]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", ["", "x = 1", "x = 1\n"])
def test_marks_line_ends_and_the_end_of_the_file_are_kept(newline: str, mark: bytes, last: str) -> None:
    text = (f"import zmq\n\x0c\n{block('e')}{last}").replace("\n", newline).encode()
    new, answers = rewrite(mark + text)
    assert told(answers) == [("rewritten", "")]
    expected = f"import zmq\n{IMPORT}\x0c\n{block('e')}{last}".replace("Exception", "Known").replace("\n", newline)
    assert new == mark + expected.encode()


def test_deep_expressions_do_not_stop_a_rewrite() -> None:
    text = "x = " + " + ".join(["1"] * 3000) + "\n" + block("e")
    try:
        ast.parse(text)
    except RecursionError:
        # 3.12 has a limit of its own, which no stack moves; 3.11 has the interpreter's, which the reader lifts.
        if sys.version_info >= (3, 12):
            pytest.skip("this interpreter does not parse it")
    new, answers = rewrite(text)
    assert told(answers) == [("rewritten", "")]
    assert new.decode().endswith("except Known as e:\n    pass\n")


def test_a_defect_of_the_codemod_is_the_fault_of_the_file_alone() -> None:
    data = block("e").encode()
    one = engine()
    one.codemod.rewrite = lambda file, prepared: iter([1 / 0])  # type: ignore[method-assign, assignment]
    facts = analyse(Source.from_bytes(data, "sample.py"), one.collectors)
    outcome = outcome_of(one, Source.from_bytes(data, "sample.py"), facts, None, None)
    assert outcome.fault.startswith("the codemod failed: ZeroDivisionError: division by zero")
    assert outcome.edits == ()


def test_facts_of_other_bytes_are_refused() -> None:
    one = engine()
    facts = analyse(Source.from_bytes(block("e").encode(), "sample.py"), one.collectors)
    outcome = outcome_of(one, Source.from_bytes(block("f").encode(), "sample.py"), facts, None, None)
    assert outcome.fault == CHANGED
