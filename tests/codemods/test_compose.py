"""Splices and indents: where text goes, in which order, and what is never touched."""

from __future__ import annotations

import pytest

from analysis.source import Source
from codemods.compose import Change, Composer, EditError, apply
from codemods.edits import Indent, Splice


def composer(text: str | bytes) -> Composer:
    return Composer(Source.from_bytes(text.encode() if isinstance(text, str) else text, "sample.py"))


def compose(text: str | bytes, *changes: Change) -> bytes:
    return composer(text).compose(changes).data


def at(text: str | bytes, part: str | bytes, new: str, *, before: bool = False, after: bool = False) -> Splice:
    """A splice at the only place of ``part``: in its stead, before it or after it."""
    assert text.count(part) == 1  # type: ignore[arg-type]
    start = text.index(part)  # type: ignore[arg-type]
    end = start + len(part)
    return Splice(start if not after else end, end if not before else start, new)


def test_text_is_replaced_inserted_and_removed() -> None:
    text = "one = 1\ntwo = 2\nthree = 3\n"
    changes = Change((at(text, "two", "zwei"), at(text, "one = 1\n", ""), at(text, "= 3", "  # drei", after=True)))
    assert compose(text, changes) == b"zwei = 2\nthree = 3  # drei\n"


def test_lines_move_and_blank_ones_do_not() -> None:
    text = "if a:\n    b\n\n    c\nd\n"
    assert compose(text, Change((), (Indent(2, 4, "  "),))) == b"if a:\n      b\n\n      c\nd\n"


def test_white_space_lines_do_not_grow() -> None:
    assert compose("a\n   \nb\n", Change((), (Indent(1, 3, "    "),))) == b"    a\n   \n    b\n"


def test_lines_inside_strings_stay() -> None:
    text = "a = '''x\n  y\n''' + f(\n    'z')\nb = \"q\\\n  r\"\nc\n"
    expected = "  a = '''x\n  y\n''' + f(\n      'z')\n  b = \"q\\\n  r\"\n  c\n"
    assert compose(text, Change((), (Indent(1, 7, "  "),))).decode() == expected


def test_a_quote_in_a_comment_opens_no_string() -> None:
    text = "a  # don't '''\nb\n# it's\nc\n"
    assert compose(text, Change((), (Indent(1, 4, "\t"),))) == b"\ta  # don't '''\n\tb\n\t# it's\n\tc\n"


def test_lines_to_keep_can_be_named() -> None:
    assert compose("a\nb\nc\n", Change((), (Indent(1, 3, " ", (2,)),))) == b" a\nb\n c\n"


def test_indents_of_two_rewrites_add_up_outermost_first() -> None:
    text = "a\nb\nc\n"
    changes = (Change((), (Indent(2, 2, "\t"),)), Change((), (Indent(1, 3, "  "),)))
    assert compose(text, *changes) == b"  a\n  \tb\n  c\n"


def test_new_lines_move_with_the_lines_that_they_go_in() -> None:
    text = "try:\n    a\nfinally:\n    b\n"
    inner = Change((at(text, "    a\n", "    x\n    y\n"),))
    outer = Change((), (Indent(2, 2, "    "),))
    assert compose(text, inner, outer) == b"try:\n        x\n        y\nfinally:\n    b\n"


def test_what_follows_new_whole_lines_moves_too() -> None:
    text = "a; b\n"
    change = Change((at(text, "a; ", "a\n"),), (Indent(1, 1, "  "),))
    assert compose(text, change) == b"  a\n  b\n"


def test_text_at_the_very_end_of_a_rewrite_moves_with_the_line_before() -> None:
    text = "if a:\n    b\nc\n"
    inner = Change((at(text, "    b\n", "    x\n", before=True), at(text, "    b\n", "    del x\n", after=True)))
    outer = Change((at(text, "if", "while"),), (Indent(2, 2, "  "),))
    assert compose(text, inner, outer) == b"while a:\n      x\n      b\n      del x\nc\n"


def test_new_lines_inside_a_string_of_the_new_text_stay() -> None:
    text = "a\n"
    change = Change((at(text, "a", "x = '''\ny\n'''\nz"),), (Indent(1, 1, "  "),))
    assert compose(text, change) == b"  x = '''\ny\n'''\n  z\n"


def test_at_one_place_what_ends_there_comes_first_and_from_inside_out() -> None:
    text = "outer\n  inner\nnext\n"
    place = text.index("next")
    outer = Change((Splice(0, 0, "<"), Splice(place, place, "end of outer\n")))
    inner = Change((Splice(6, 6, "  begin\n"), Splice(place, place, "end of inner\n")))
    following = Change((Splice(place, place, "start of next\n"), Splice(len(text), len(text), "end of next\n")))
    expected = b"<outer\n  begin\n  inner\nend of inner\nend of outer\nstart of next\nnext\nend of next\n"
    for order in ((outer, inner, following), (following, inner, outer), (inner, following, outer)):
        assert compose(text, *order) == expected


def test_an_insertion_comes_before_text_that_is_replaced_at_the_same_place() -> None:
    text = "abc\n"
    assert compose(text, Change((Splice(0, 1, "A"),)), Change((Splice(0, 0, "> "),))) == b"> Abc\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [((0, 4), (2, 6)), ((0, 6), (2, 4)), ((2, 2), (0, 4)), ((0, 4), (0, 4)), ((1, 3), (0, 2))],
)
def test_the_later_of_two_that_overlap_is_the_conflict(one: tuple[int, int], other: tuple[int, int]) -> None:
    changes = [Change((Splice(*one, "x"),)), Change((Splice(*other, "y"),))]
    assert composer("abcdefgh\n").conflicts(changes) == [1]


@pytest.mark.parametrize(("one", "other"), [((0, 2), (2, 4)), ((2, 2), (2, 4)), ((2, 2), (2, 2)), ((0, 2), (2, 2))])
def test_edits_that_only_meet_are_no_conflict(one: tuple[int, int], other: tuple[int, int]) -> None:
    changes = [Change((Splice(*one, "x"),)), Change((Splice(*other, "y"),))]
    assert composer("abcdefgh\n").conflicts(changes) == []


def test_a_change_that_conflicts_does_not_stand_in_the_way_of_a_third() -> None:
    spans = ((0, 4), (3, 8), (6, 9))
    changes = [Change((Splice(*span, "x"),)) for span in spans]
    assert composer("abcdefghij\n").conflicts(changes) == [1]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_new_lines_end_as_the_line_at_hand_does(newline: str) -> None:
    text = newline.join(["a", "b", "c", ""]).encode()
    assert compose(text, Change((at(text, b"b", "x\ny"),))) == newline.join(["a", "x", "y", "c", ""]).encode()


def test_in_a_file_of_two_kinds_each_line_counts_for_itself() -> None:
    text = b"a\r\nb\nc\r\nd"
    change = Change((at(text, b"a", "1\n2"), at(text, b"b", "3\n4"), at(text, b"d", "5\n6")))
    assert compose(text, change) == b"1\r\n2\r\n3\n4\nc\r\n5\r\n6"


def test_text_is_written_in_the_encoding_of_the_file() -> None:
    text = "# coding: latin-1\nx = 'é'\n".encode("latin-1")
    assert compose(text, Change((at(text, b"x", "ü"),))) == "# coding: latin-1\nü = 'é'\n".encode("latin-1")


def test_text_that_does_not_fit_the_encoding_is_refused() -> None:
    text = b"# coding: latin-1\nx = 1\n"
    with pytest.raises(EditError, match="cannot be written in iso-8859-1") as caught:
        compose(text, Change((at(text, b"x", "名"),)))
    assert caught.value.unencodable


def test_a_byte_order_mark_stays_first() -> None:
    text = b"\xef\xbb\xbfa\nb\n"
    change = Change((Splice(3, 3, "x\n"),), (Indent(1, 2, "  "),))
    assert compose(text, change) == b"\xef\xbb\xbf  x\n  a\n  b\n"


def test_a_form_feed_stays_where_it_was() -> None:
    text = "a\n\x0cb\nc\n"
    assert compose(text, Change((at(text, "c", "d"),))) == b"a\n\x0cb\nd\n"


def test_multi_byte_characters_with_quotes_in_them_open_no_string() -> None:
    # In Shift-JIS the second byte of this character is a backslash.
    text = "# coding: shift_jis\na = '表'\nb = 1\n".encode("shift_jis")
    expected = "# coding: shift_jis\n  a = '表'\n  b = 1\n".encode("shift_jis")
    assert compose(text, Change((), (Indent(2, 3, "  "),))) == expected


def test_positions_are_found_again_in_both_directions() -> None:
    text = "one\ntwo\nthree\n"
    made = composer(text).compose([Change((at(text, "two\n", "zwei\nplus\n"), Splice(0, 0, ">")))])
    assert made.data == b">one\nzwei\nplus\nthree\n"
    assert made.forward(text.index("three")) == made.data.index(b"three")
    assert made.backward(made.data.index(b"three")) == text.index("three")
    assert made.backward(made.data.index(b"plus")) is None
    assert made.forward(len(text), after=True) == len(made.data)


def test_the_short_form_of_the_edits_gives_the_same_bytes() -> None:
    text = "one\ntwo\nthree\n"
    change = Change((at(text, "two", ""), Splice(len(text), len(text), "four\n")), (Indent(3, 3, "  "),))
    made = composer(text).compose([change])
    assert apply(text.encode(), made.edits()) == made.data == b"one\n\n  three\n  four\n"
    assert sum(len(new) for _, _, new in made.edits()) == len("  " + "  four\n")


def test_strings_that_cannot_be_told_apart_are_refused() -> None:
    text = "a = '''never closed\nb\n"
    with pytest.raises(EditError, match="lines 1 to 2"):
        compose(text, Change((), (Indent(1, 2, "  "),)))
