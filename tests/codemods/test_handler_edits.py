"""The edits that end, behind a block, what ``except … as e`` ends unseen."""

from __future__ import annotations

import textwrap

import pytest

from analysis.collectors.active import ActiveKind, ActiveUse
from codemods.edits import Splice
from codemods.handler_edits import Layout, guard, name_error, needs_error, release
from tests.codemods.support import edited, shape_of


class TestLayout:
    DATA = b"a\r\n\tif b:\r  c\n\x0c  d"

    def test_lines_end_in_three_ways(self) -> None:
        layout = Layout(self.DATA)
        for text, start, end in ((b"a", 0, 1), (b"if", 3, 9), (b"c", 10, 13), (b"d", 14, 18)):
            at = self.DATA.index(text)
            assert (layout.line_start(at), layout.line_end(at)) == (start, end)

    def test_the_line_end_before_is_that_of_both_bytes(self) -> None:
        layout = Layout(self.DATA)
        assert [layout.previous_line_end(self.DATA.index(one)) for one in (b"if", b"c", b"d")] == [1, 9, 13]

    def test_an_indentation_is_what_is_before_the_text_without_a_form_feed(self) -> None:
        layout = Layout(self.DATA)
        assert [layout.indent(self.DATA.index(one)) for one in (b"a", b"if", b"b", b"c", b"d")] == [
            "",
            "\t",
            "\t",
            "  ",
            "  ",
        ]

    @pytest.mark.parametrize(
        ("text", "inner", "unit"),
        [
            ("if a:\n  b\n", "b\n", "  "),
            ("if a:\n\tb\n", "b\n", "\t"),
            ("if a: b\n", "b\n", "    "),
            ("\tif a: b\n", "b\n", "\t"),
            ("  if a: b\n", "b\n", "    "),
        ],
    )
    def test_a_step_is_read_off_the_suite_or_guessed(self, text: str, inner: str, unit: str) -> None:
        data = text.encode()
        first, one_line = data.index(inner.encode()), text.count("\n") == 1
        assert Layout(data).unit(data.index(b"if"), first, one_line) == unit

    def test_comments_are_taken_out_of_a_stretch_in_which_nothing_else_matters(self) -> None:
        data = b"x  # one \n\n    # two\npass\n# \xc3\xa9"
        assert Layout(data).one_line_comments(0, len(data)) == ["# one", "# two", "# é"]
        assert Layout(data).one_line_comments(11, 21) == ["# two"]
        assert Layout(b"# \xe9").one_line_comments(0, 3) is None


def handler(body: str, name: str = "e", head: str = "") -> str:
    inner = textwrap.indent(textwrap.dedent(body), "        ")
    return f"def f(x):\n{head}    try:\n        work()\n    except Exception as {name}:\n{inner}"


def body_of(text: str) -> str:
    """What stands under the header of the handler, moved to the left."""
    return textwrap.dedent(text.partition("as e:\n")[2])


def released(body: str, *, bound: bool = True, last: bool = True) -> str:
    text = handler(body)
    (shape,) = shape_of(text).handlers
    return body_of(edited(text, release(shape, bound, "attempt", Layout(text.encode()), "outcome", "    ", last)))


class TestRelease:
    def test_at_the_end_of_a_handler(self) -> None:
        assert released("log(e)\n") == "log(e)\ndel e, attempt\n"
        assert released("log(e)\n", bound=False) == "log(e)\ndel attempt\n"

    def test_later_is_left_to_the_caller(self) -> None:
        assert released("log(e)\n", last=False) == "log(e)\ndel e\n"
        assert released("log(1)\n", bound=False, last=False) == "log(1)\n"

    def test_a_name_that_the_handler_binds_itself_may_be_gone(self) -> None:
        assert released("e = 1\n") == "e = 1\ne = None\ndel e, attempt\n"

    def test_on_every_way_out(self) -> None:
        made = released("if x:\n    log(e)\n    return 1\nraise_it()\nreturn\n")
        assert made == "if x:\n    log(e)\n    del e, attempt\n    return 1\nraise_it()\ndel e, attempt\nreturn\n"

    def test_before_the_comments_on_the_way_out(self) -> None:
        made = released("log(e)\n\n# nothing\n# to give\nreturn None\n")
        assert made == "log(e)\n\ndel e, attempt\n# nothing\n# to give\nreturn None\n"
        made = released("if x:\n    # nothing\n    return None\nlog(e)\n")
        assert made == "if x:\n    del e, attempt\n    # nothing\n    return None\nlog(e)\ndel e, attempt\n"

    def test_before_the_comment_on_a_first_statement(self) -> None:
        assert released("# nothing\nreturn 1\n", bound=False) == "del attempt\n# nothing\nreturn 1\n"
        # What binds the name stands right before the first statement.
        assert released("# nothing\nreturn 1\n").endswith("# nothing\ndel e, attempt\nreturn 1\n")

    @pytest.mark.parametrize(
        "above",
        [
            "log(e)  # why",
            "# why\n",
            "if x:\n            log(e)\n            # why",
            'log("""\n        # why""")',
            'log("""\n        # why""")\n    # less',
            "log(e) \\\n        # why",
            "log(e) \\\n        # why\n        # and more",
        ],
    )
    def test_behind_what_is_no_comment_on_the_way_out(self, above: str) -> None:
        text = f"{handler('')}        {above}\n        return 1\n"
        (shape,) = shape_of(text).handlers
        after = edited(text, release(shape, True, "attempt", Layout(text.encode()), "outcome", "    ", True))
        compile(after, "after", "exec")
        assert after.endswith(f"{above}\n        del e, attempt\n        return 1\n")

    def test_before_comments_behind_a_string_with_a_mark(self) -> None:
        made = released('log("""\n        # a""")\n# why\nreturn 1\n')
        assert made.endswith('# a""")\ndel e, attempt\n# why\nreturn 1\n')

    def test_text_made_of_the_error_is_made_first(self) -> None:
        assert released("return str(e)\n") == "outcome = str(e)\ndel e, attempt\nreturn outcome\n"
        assert released("if x: log(e); return repr(e)\n").startswith(
            "if x: log(e); outcome = repr(e); del e, attempt; return outcome\n"
        )

    def test_the_error_itself_is_handed_out_from_a_try(self) -> None:
        assert released("return x, e\n") == "try:\n    return x, e\nfinally:\n    del e, attempt\n"
        made = released("return (x,\n        e)\n")
        assert made == "try:\n    return (x,\n            e)\nfinally:\n    del e, attempt\n"

    def test_a_value_of_several_lines_in_a_string_is_not_moved(self) -> None:
        assert '"""a\nb""", e)' in released('return ("""a\nb""", e)\n')

    def test_a_handler_that_does_not_reach_its_end_gets_nothing_there(self) -> None:
        assert released("return 1\n").count("del") == 1

    def test_a_handler_on_one_line(self) -> None:
        text = "def f(x):\n    try: work()\n    except Exception as e: log(e)\n"
        (shape,) = shape_of(text).handlers
        splices = release(shape, True, "attempt", Layout(text.encode()), "outcome", "    ", True)
        assert edited(text, splices).endswith("as e: log(e); del e, attempt\n")


class TestGuard:
    def test_the_whole_handler_lets_go_however_it_ends(self) -> None:
        text = handler("log(e)\nkept.append(lambda: e)\n")
        (shape,) = shape_of(text).handlers
        splices, indent = guard(shape, "attempt", Layout(text.encode()), enclosed=False)
        made = "try:\n    log(e)\n    kept.append(lambda: e)\nfinally:\n    del e, attempt\n"
        assert body_of(edited(text, splices, [indent])) == made

    def test_a_name_that_the_handler_binds_itself_may_be_gone(self) -> None:
        text = handler("del e\n")
        (shape,) = shape_of(text).handlers
        splices, indent = guard(shape, "attempt_2", Layout(text.encode()), enclosed=False)
        assert body_of(edited(text, splices, [indent])).endswith("finally:\n    e = None\n    del e, attempt_2\n")

    def test_a_handler_inside_another_of_its_name_may_leave_it(self) -> None:
        text = handler("log(e)\nreturn None\n")
        (shape,) = shape_of(text).handlers
        splices, indent = guard(shape, "attempt_2", Layout(text.encode()), enclosed=True)
        assert body_of(edited(text, splices, [indent])).endswith("finally:\n    e = None\n    del e, attempt_2\n")
        text = handler("log(e)\n")
        (shape,) = shape_of(text).handlers
        splices, indent = guard(shape, "attempt_2", Layout(text.encode()), enclosed=True)
        assert body_of(edited(text, splices, [indent])).endswith("finally:\n    del e, attempt_2\n")

    def test_tabs_stay_tabs(self) -> None:
        text = "try:\n\twork()\nexcept Exception as e:\n\tlog(e)\n"
        (shape,) = shape_of(text).handlers
        splices, indent = guard(shape, "attempt", Layout(text.encode()), enclosed=False)
        assert edited(text, splices, [indent]).endswith("as e:\n\ttry:\n\t\tlog(e)\n\tfinally:\n\t\tdel e, attempt\n")


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        ("return str(e)\n", True),
        ("return x\n", False),
        ("return\n", False),
        ("return traceback.format_exc()\n", True),
        ("try:\n    return work()\nexcept OSError:\n    pass\n", True),
    ],
)
def test_which_values_are_worked_out_before_the_error_goes(body: str, needed: bool) -> None:
    (shape,) = shape_of("import traceback\n" + handler(body)).handlers
    assert needs_error(shape.exits[0], shape) is needed


@pytest.mark.parametrize(
    ("kind", "source", "named"),
    [
        ("exc_info", "True", "e"),
        ("sys.exception", "sys.exception()", "e"),
        ("sys.exc_info", "sys.exc_info()", "(type(e), e, e.__traceback__)"),
        ("exception", 'logger.exception("no")', 'logger.exception("no", exc_info=e)'),
        ("exception", 'log.exception("no %s", x,)', 'log.exception("no %s", x, exc_info=e,)'),
        ("exception", 'log.exception(\n  "no",\n  x,\n)', 'log.exception(\n  "no",\n  x,\n  exc_info=e,\n)'),
        ("exception", 'log.exception(\n    "no",  # why\n)', 'log.exception(\n    "no",  # why\n    exc_info=e,\n)'),
        ("exception", 'log.exception(\n    "no"\n)', 'log.exception(\n    "no", exc_info=e\n)'),
        ("exception", 'log.exception("no"  # why\n)', 'log.exception("no",  # why\nexc_info=e)'),
        ("exception", 'log.exception("no",\n    x,\n  )', 'log.exception("no",\n    x,\n  exc_info=e,\n  )'),
        ("print_exc", "traceback.print_exc()", "traceback.print_exception(e)"),
        ("print_exc", "tb.print_exc(3, out)", "tb.print_exception(e, limit=3, file=out)"),
        ("print_exc", "tb.print_exc(file=out)", "tb.print_exception(e, file=out)"),
        ("format_exc", "traceback.format_exc()", '"".join(traceback.format_exception(e))'),
        ("format_exc", "tb.format_exc(2, False)", '"".join(tb.format_exception(e, limit=2, chain=False))'),
    ],
)
def test_what_reads_the_error_unnamed_is_given_its_name(kind: ActiveKind, source: str, named: str) -> None:
    made = name_error(ActiveUse(kind, 0, 0, 1, "", '"'), "e", source)
    assert made == named
    compile(made, "made", "eval")


@pytest.mark.parametrize(
    ("string", "quotes"),
    [
        ('f"{e}: {traceback.format_exc()}"', "''"),
        ("f'{e}: {traceback.format_exc()}'", '""'),
        ('f"it\'s {traceback.format_exc()}"', "str()"),
        ("f\"{e}\" f'{traceback.format_exc()}'", "str()"),
        ('f"""{e}: {traceback.format_exc()}"""', "''"),
    ],
)
def test_a_string_in_a_string_has_other_quotes(string: str, quotes: str) -> None:
    (shape,) = shape_of("import traceback\n" + handler(f"log({string})\n")).handlers
    (use,) = shape.active
    made = name_error(use, "e", "traceback.format_exc()")
    assert made == f"{quotes}.join(traceback.format_exception(e))"
    compile(string.replace("traceback.format_exc()", made), "made", "eval")


def test_the_edits_of_a_handler_lie_inside_it() -> None:
    text = handler("log(e)\n")
    (shape,) = shape_of(text).handlers
    splices: list[Splice] = release(shape, True, "attempt", Layout(text.encode()), "outcome", "    ", True)
    assert all(shape.clause.first <= one.start <= one.end <= shape.clause.end for one in splices)
