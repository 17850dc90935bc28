"""The edits of one whole statement, for each layout of its clauses, and what a statement is refused for."""

from __future__ import annotations

import textwrap

import msgspec
import pytest

from analysis.collectors.shape_records import HandlerShape, TryShape
from codemods.edits import Reason
from codemods.safe_block import Block, Edits, Refusal, binds, block, narrow, refusal, silent, strict
from tests.codemods.support import edited, shape_of


def made(text: str, tests: tuple[int, ...] = (0,), kept: tuple[int, ...] = ()) -> str:
    """The text after the rewrite of its first statement."""
    text = textwrap.dedent(text)
    found = block(text.encode(), "utf-8", Block(shape_of(text), tests, kept, "Guard()", "attempt", "outcome"))
    assert isinstance(found, Edits), found
    after = edited(text, *found)
    compile(f"def scope():\n{textwrap.indent(after, '    ')}" if "return" in text else after, "made", "exec")
    return after


def inside(text: str) -> str:
    """The text as the body of a function."""
    return f"def f(x):\n{textwrap.indent(textwrap.dedent(text), '    ')}"


TEXT = "try:\n    work()\nexcept Exception as e:\n    log(e)\n"


class TestBlock:
    def test_a_handler_becomes_a_test(self) -> None:
        assert made(inside(TEXT)) == inside(
            """\
            with Guard() as attempt:
                work()
            if (e := attempt.error) is not None:
                log(e)
                del e, attempt
            """
        )

    def test_an_else_belongs_to_the_test(self) -> None:
        after = made(inside(f"{TEXT}else:\n    done()\n"))
        assert after.endswith("        del e, attempt\n    else:\n        done()\n")

    def test_a_finally_goes_round_the_block(self) -> None:
        assert made(inside(f"{TEXT}finally:\n    x.close()\n")) == inside(
            """\
            try:
                with Guard() as attempt:
                    work()
                if (e := attempt.error) is not None:
                    log(e)
                    del e, attempt
            finally:
                x.close()
            """
        )

    def test_what_is_kept_stays_a_handler_and_does_not_guard_the_rest(self) -> None:
        text = TEXT.replace("except", "except KeyboardInterrupt:\n    bye()\nexcept", 1)
        assert made(inside(text), (1,), (0,)) == inside(
            """\
            try:
                with Guard() as attempt:
                    work()
            except KeyboardInterrupt:
                bye()
            else:
                if (e := attempt.error) is not None:
                    log(e)
                    del e, attempt
            """
        )

    def test_siblings_are_tested_in_their_order(self) -> None:
        text = TEXT.replace(
            "except", "except (KeyError, OSError) as e:\n    other(e)\nexcept ValueError:\n    pass\nexcept", 1
        )
        assert made(inside(text), (0, 1, 2)) == inside(
            """\
            with Guard() as attempt:
                work()
            if isinstance(attempt.error, (KeyError, OSError)):
                e = attempt.error
                other(e)
                del e, attempt
            elif isinstance(attempt.error, ValueError):
                pass
                del attempt
            elif (e := attempt.error) is not None:
                log(e)
                del e, attempt
            """
        )

    def test_a_handler_that_does_nothing_goes_and_its_comments_stay(self) -> None:
        text = "try:\n    work()\n# nobody\nexcept Exception:  # needs\n    pass  # this\nnext_one()\n"
        assert made(text) == "with Guard():\n    work()\n# nobody\n# needs\n# this\nnext_one()\n"

    def test_at_module_level_nothing_is_left_behind(self) -> None:
        assert made(TEXT) == (
            "with Guard() as attempt:\n    work()\n"
            "if attempt.error is not None:\n    e = attempt.error\n    log(e)\n    del e\ndel attempt\n"
        )

    def test_there_an_else_lets_go_first(self) -> None:
        after = made(f"{TEXT}else:\n    done()\n")
        assert after.endswith("    del e, attempt\nelse:\n    del attempt\n    done()\n")

    def test_a_captured_name_goes_however_the_handler_ends(self) -> None:
        after = made(inside(TEXT.replace("log(e)", "log(lambda: e)")))
        assert after.endswith(
            textwrap.indent(
                "if attempt.error is not None:\n    e = attempt.error\n    try:\n        log(lambda: e)\n"
                "    finally:\n        del e, attempt\n",
                "    ",
            )
        )

    def test_what_reads_the_error_unnamed_is_given_it(self) -> None:
        text = "import sys\n\n\n" + inside(TEXT.replace("log(e)", "log(sys.exception())").replace(" as e", ""))
        assert "        log(attempt.error)\n        del attempt\n" in made(text)

    def test_clauses_on_one_line(self) -> None:
        text = "try: work()\nexcept Exception as e: log(e)\nfinally: close()\n"
        assert made(inside(text)) == inside(
            """\
            try:
                with Guard() as attempt: work()
                if (e := attempt.error) is not None: log(e); del e, attempt
            finally: close()
            """
        )

    def test_a_comment_between_the_words_of_a_header_is_in_the_way(self) -> None:
        text = "try:\n    work()\nexcept (  # all\n    Exception\n):\n    log()\n"
        found = block(text.encode(), "utf-8", Block(shape_of(text), (0,), (), "Guard()", "attempt", "outcome"))
        assert found == Refusal(Reason.COMMENT_IN_HEADER, "line 3")


class TestNarrow:
    @pytest.mark.parametrize(
        ("header", "types", "after"),
        [
            ("except:", ("OSError",), "except OSError:"),
            ("except Exception:", ("KeyError", "OSError"), "except (KeyError, OSError):"),
            ("except Exception as e :", ("OSError",), "except OSError as e :"),
            ("except(Exception):", ("OSError",), "except OSError:"),
            ("except(Exception)as e:", ("OSError",), "except OSError as e:"),
            ("except (Exception)as e:", ("OSError",), "except OSError as e:"),
            ("except Exception \\\n as \\\n e:", ("OSError",), "except OSError \\\n as \\\n e:"),
            ("except\\\n  Exception:", ("OSError",), "except\\\n  OSError:"),
            ("except Exception as größe:", ("OSError",), "except OSError as größe:"),
            ("except* Exception as e:", ("OSError",), "except* OSError as e:"),
        ],
    )
    def test_only_the_types_change(self, header: str, types: tuple[str, ...], after: str) -> None:
        text = f"try:\n    work()\n{header}\n    pass\n"
        found = narrow(text.encode(), shape_of(text).handlers[0], types)
        assert isinstance(found, Edits)
        assert edited(text, *found) == text.replace(header, after)
        compile(edited(text, *found), "made", "exec")

    def test_not_where_a_comment_would_go(self) -> None:
        text = "try:\n    work()\nexcept (  # all\n    Exception\n):\n    pass\n"
        assert narrow(text.encode(), shape_of(text).handlers[0], ("OSError",)) == Refusal(Reason.COMMENT_IN_HEADER)


def last(text: str) -> tuple[TryShape, HandlerShape]:
    shape = shape_of(inside(text))
    return shape, shape.handlers[-1]


class TestRefusal:
    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            ("log(e)", None),
            ("capture_exception()", Reason.ACTIVE_ERROR),
            ("if x:\n        raise ValueError(e)", Reason.IMPLICIT_CONTEXT),
            ("try:\n        return 1\n    finally:\n        close()", Reason.LEAVES_THROUGH_FINALLY),
            ("x(); return e", Reason.ONE_LINE),
            ("x(); return 1", None),
            ("return e", None),
        ],
    )
    def test_what_a_handler_itself_does(self, body: str, reason: Reason | None) -> None:
        found = refusal(shape_of(inside(TEXT.replace("log(e)", body))), 0)
        assert (found.reason if found else None) == reason

    def test_a_captured_name_needs_lines(self) -> None:
        shape = shape_of(inside("try: work()\nexcept Exception as e: log(lambda: e)\n"))
        found = refusal(shape, 0)
        assert found is not None
        assert found.reason == Reason.ONE_LINE


class TestNames:
    def test_a_name_that_nobody_uses_is_not_bound(self) -> None:
        assert not binds(last("try:\n    work()\nexcept Exception as e:\n    log()\n")[1])
        assert not binds(last("try:\n    work()\nexcept Exception:\n    log(e)\n")[1])

    @pytest.mark.parametrize("body", ["log(e)", "e = 1", "del e", "from a import e", "def e(): ..."])
    def test_it_is_bound_for_what_reads_it_or_binds_it(self, body: str) -> None:
        assert binds(last(f"try:\n    work()\nexcept Exception as e:\n    {body}\n")[1])

    def test_it_is_bound_for_what_the_scope_does_with_it(self) -> None:
        shape, handler = last(f"e = 1\n{TEXT.replace('log(e)', 'log()')}return e\n")
        assert handler.name_shared
        assert binds(handler)
        assert strict(shape, handler)

    def test_a_capture_in_any_handler_of_the_scope_counts(self) -> None:
        shape, handler = last(f"{TEXT}try:\n    work()\nexcept OSError as e:\n    kept.append(lambda: e)\n")
        assert strict(shape, handler)
        shape, handler = last(
            f"{TEXT}def g():\n    try:\n        work()\n    except OSError as e:\n        log(lambda: e)\n"
        )
        assert not strict(shape, handler), "it is another name there"
        shape, handler = last(f"{TEXT}try:\n    work()\nexcept OSError as f:\n    kept.append(lambda: f)\n")
        assert not strict(shape, handler)

    def test_another_try_around_it_sees_the_name_outside_of_functions_only(self) -> None:
        text = f"try:\n{textwrap.indent(TEXT, '    ')}except OSError:\n    print(1)\n"
        outside, within = shape_of(text), shape_of(inside(text))
        assert strict(outside, outside.handlers[0])
        assert not strict(within, within.handlers[0])


class TestSilent:
    QUIET = "try:\n    work()\nexcept Exception as e:\n    pass\n"

    def test_a_handler_that_only_passes(self) -> None:
        assert silent(last(self.QUIET)[0], (0,))

    @pytest.mark.parametrize(
        "text",
        [
            QUIET.replace("pass", "..."),
            QUIET + "else:\n    pass\n",
            f"e = 1\n{QUIET}return e\n",
        ],
    )
    def test_not_when_anything_happens(self, text: str) -> None:
        assert not silent(last(text)[0], (0,))

    def test_not_with_siblings(self) -> None:
        shape, _ = last(self.QUIET.replace("except", "except OSError:\n    log()\nexcept", 1))
        assert not silent(shape, (0, 1))

    def test_not_in_a_class_body_that_is_looked_at(self) -> None:
        shape, _ = last(self.QUIET)
        assert not silent(msgspec.structs.replace(shape, class_names=True), (0,))
