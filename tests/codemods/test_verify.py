"""Each law catches what breaks it."""

from __future__ import annotations

import pytest

from analysis.source import Source
from codemods import verify
from codemods.compose import Change, Composed, Composer
from codemods.edits import Reason, Splice
from config.settings import Settings


def comments(text: str, *splices: Splice) -> verify.Broken | None:
    source = Source.from_bytes(text.encode(), "sample.py")
    return verify.comments_kept(source, Change(splices), Composer(source))


@pytest.mark.parametrize(
    ("text", "splice"),
    [
        pytest.param("a  # c\nb\n", Splice(0, 6, "x"), id="deleted"),
        pytest.param("a  # c\nb\n", Splice(0, 6, "x  # d"), id="changed"),
        pytest.param("a  # c\nb\n", Splice(0, 6, "'# c'"), id="made a string"),
        pytest.param("a  # c\nb\n", Splice(6, 7, ""), id="run into the next line"),
        pytest.param("a  # c\nb\n", Splice(6, 6, "x"), id="written on"),
        pytest.param("a  # c\nb\n", Splice(1, 1, " # "), id="taken into another"),
        pytest.param("a\nb  # c\n", Splice(1, 1, " = '''"), id="taken into a string"),
        pytest.param("a  # c\nb  # c\n", Splice(0, 6, "a"), id="one of two that are the same"),
    ],
)
def test_a_lost_comment_is_noticed(text: str, splice: Splice) -> None:
    broken = comments(text, splice)
    if splice.text == " = '''":
        # Nothing was deleted, so this is left to the compiler.
        data = Composer(Source.from_bytes(text.encode(), "x.py")).compose([Change((splice,))]).data
        broken = verify.compiles(data, "x.py", Settings())
        assert broken is not None
        assert broken.reason == Reason.COMPILE
        return
    assert broken is not None
    assert broken.reason == Reason.COMMENT


@pytest.mark.parametrize(
    ("text", "splices"),
    [
        pytest.param("a  # c\nb\n", (Splice(0, 1, "x"),), id="beside it"),
        pytest.param("a  # c\nb\n", (Splice(0, 6, "# c\nx"),), id="moved within the text"),
        pytest.param("a  # c\nb\n", (Splice(0, 6, "x"), Splice(7, 8, "y  # c")), id="moved to another place"),
        pytest.param("a  # c\nb\n", (Splice(6, 6, "\nx"),), id="a line behind it"),
        pytest.param("a = '# no'\nb\n", (Splice(4, 10, "1"),), id="a string"),
        pytest.param("a = '# no'; c\nb\n", (Splice(12, 13, "d"),), id="behind a string"),
        pytest.param("a  # c\nb\n", (Splice(0, 6, "x  # d  # c\n# c"),), id="more of them"),
    ],
)
def test_comments_that_are_kept_are_no_reason(text: str, splices: tuple[Splice, ...]) -> None:
    assert comments(text, *splices) is None


def check(old: bytes, new: bytes, *splices: Splice) -> verify.Broken | None:
    """Hold a result that was not composed, but claims to be, against the splices."""
    source = Source.from_bytes(old, "sample.py")
    composer = Composer(source)
    made = composer.compose([Change(splices)])
    return verify.outside_unchanged(source, Composed(new, made.pieces, made.size), [Change(splices)], composer)


def test_what_composing_gives_is_fine() -> None:
    assert check(b"a\nb\n", b"x\nb\n", Splice(0, 1, "x")) is None


@pytest.mark.parametrize("new", [b"x\nc\n", b"x\nb", b"x\nb\nc\n", b"xx\nb\n", b"\nb\nx"])
def test_a_byte_that_differs_is_noticed(new: bytes) -> None:
    broken = check(b"a\nb\n", new, Splice(0, 1, "x"))
    assert broken is not None
    assert broken.reason == Reason.OUTSIDE


def test_a_cookie_that_comes_or_goes_is_noticed() -> None:
    broken = check(b"# a\nb\n", b"# coding: latin-1\nb\n", Splice(2, 3, "coding: latin-1"))
    assert broken is not None
    assert "iso-8859-1" in broken.detail
    assert check(b"# coding: latin-1\nb\n", b"#\nb\n", Splice(1, 17, "")) is not None


def test_the_newline_at_the_end_is_kept() -> None:
    assert check(b"a\nb\n", b"a\nc", Splice(2, 4, "c")) is not None
    assert check(b"a\nb", b"a\nc\n", Splice(2, 3, "c\n")) is not None


@pytest.mark.parametrize(
    ("source", "fine"),
    [(b"x = 1\n", True), (b"x = (\n", False), (b"return 1\n", False), (b"break\n", False), (b"x = 1\0", False)],
)
def test_compiling(source: bytes, fine: bool) -> None:
    broken = verify.compiles(source, "sample.py", Settings())
    assert (broken is None) == fine
    if broken is not None:
        assert broken.reason == Reason.COMPILE


def test_warnings_about_the_source_are_not_shown(recwarn: pytest.WarningsRecorder) -> None:
    assert verify.compiles(rb"x = '\d' is 1" + b"\n", "sample.py", Settings()) is None
    assert not recwarn.list


def test_findings_in_a_stretch_that_is_indented_or_in_another_encoding() -> None:
    from linters.rule import kinds

    rules = [kinds()["E900"](Settings())]
    stretch = "    try:\n        return 'é'\n    except Exception:\n        continue\n"
    assert verify.findings_in(stretch.encode(), "utf-8", "x.py", rules) == 1
    assert verify.findings_in(stretch.encode("latin-1"), "iso-8859-1", "x.py", rules) == 1
    assert verify.findings_in(stretch.replace("Exception", "OSError").encode(), "utf-8", "x.py", rules) == 0
    assert verify.findings_in(b"    except Exception:\n        pass\n", "utf-8", "x.py", rules) is None
