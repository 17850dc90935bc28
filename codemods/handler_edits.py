"""Edits that let the statements of a handler run behind the block instead of inside ``except``.

Three things end with ``except … as e:`` that a plain block would keep: the name ``e``, the error that the executor
holds, and the error being handled, which ``logger.exception`` and its relatives read without naming it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from analysis.collectors.active import ActiveUse
from analysis.collectors.shape_records import Exit, HandlerShape
from codemods.edits import Indent, Splice
from codemods.tokens import Scan, scan

if TYPE_CHECKING:
    import libcst as cst


_RENAMED = {"print_exc": "print_exception", "format_exc": "format_exception"}
_PLAIN_CALL = re.compile(r"([\w.]+)\.(?:print|format)_exc\(\)")
_LOOSE = (",", " ", "\t", "\f", "\n", "\r")
"""What may stand before a closing parenthesis but an argument."""


class Layout:
    """Where lines begin and end in a file, and how they are indented."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def line_start(self, offset: int) -> int:
        """The offset of the first byte of the line that ``offset`` is in."""
        return max(self.data.rfind(b"\n", 0, offset), self.data.rfind(b"\r", 0, offset)) + 1

    def line_end(self, offset: int) -> int:
        """The offset of the line end (not behind it) at or after ``offset``; the file's end if there is none."""
        ends = [one for one in (self.data.find(b"\n", offset), self.data.find(b"\r", offset)) if one >= 0]
        return min(ends, default=len(self.data))

    def previous_line_end(self, offset: int) -> int:
        """The offset of the line end before the line of ``offset``, which is not the first."""
        end = self.line_start(offset) - 1
        return end - 1 if self.data[end - 1 : end + 1] == b"\r\n" else end

    def indent(self, offset: int) -> str:
        """The white space that the line of ``offset`` begins with."""
        line = self.data[self.line_start(offset) : offset]
        return line[: len(line) - len(line.lstrip(b" \t\f"))].decode("ascii").lstrip("\f")

    def unit(self, outer: int, inner: int, one_line: bool) -> str:
        """One step of indentation, read off a suite that begins at ``inner`` under a header at ``outer``."""
        around = self.indent(outer)
        if not one_line:
            step = self.indent(inner).removeprefix(around)
            if step:
                return step
        return "\t" if around.endswith("\t") else "    "

    def with_comments(self, offset: int, begin: int) -> int:
        """Where the comments begin that stand right above the line of ``offset`` and speak of it; else ``offset``.

        ``begin`` is where a statement or a clause before them starts.
        """
        start = self.line_start(offset)
        indent = self.data[start:offset]
        read: Scan | None = None
        found = offset
        while start > begin:
            above = self.line_start(self.previous_line_end(start))
            if above < begin or not self.data[above:start].startswith(indent + b"#"):
                break
            if read is None:
                text = self.data[begin:offset]
                read = scan(text) if _is_utf8(text) else None
                if read is None or not read.sure:
                    return offset
            if above - begin in read.inside:
                break
            start, found = above, above + len(indent)
        # Behind a backslash a comment ends the statement before it.
        joined = found != offset and self.data[begin:start].rstrip(b"\r\n").endswith(b"\\")
        return offset if joined else found

    def one_line_comments(self, start: int, end: int) -> list[str] | None:
        """The comments of a stretch in which nothing else matters; None where it cannot be decoded as UTF-8."""
        try:
            text = self.data[start:end].decode("utf-8")
        except UnicodeDecodeError:
            return None
        return [line[line.index("#") :].rstrip() for line in text.splitlines() if "#" in line]


def guard(shape: HandlerShape, attempt: str, layout: Layout, *, enclosed: bool) -> tuple[list[Splice], Indent]:
    """Unbind the handler's name and ``attempt`` however the handler ends, by an error of its own too.

    ``enclosed``: it may stand inside a handler with the same name, whose own release comes first on the way out. This
    is what ``except … as e`` comes down to. It takes a step of indentation, so it is kept for handlers after which
    somebody could see the name.
    """
    clause = shape.clause
    inner, outer = layout.indent(clause.first), layout.indent(clause.start)
    before = layout.previous_line_end(clause.first)
    end = layout.line_end(clause.end)
    step = inner.removeprefix(outer)
    unbound = shape.name_rebound or (enclosed and shape.exits)
    gone = f"\n{inner}{step}{shape.name} = None" if unbound else ""
    splices = [
        Splice(before, before, f"\n{inner}try:"),
        Splice(end, end, f"\n{inner}finally:{gone}\n{inner}{step}del {shape.name}, {attempt}", along=clause.line),
    ]
    return splices, Indent(clause.first_line, clause.end_line, step)


def release(
    shape: HandlerShape, bound: bool, attempt: str, layout: Layout, free: str, unit: str, last: bool
) -> list[Splice]:
    """Unbind what ``except`` would have unbound, on every way out of the handler.

    ``bound``: the handler's name is bound, and so must go. ``free``: a name that nothing uses, for a result that is
    worked out from the error; ``unit`` one step of indentation. ``last``: whether ``attempt`` goes at the end of the
    handler too, or later.
    """
    name = shape.name if bound else None
    # Python sets the name to None before it deletes it, since the handler may have deleted it already.
    before = [f"{name} = None"] if name is not None and shape.name_rebound else []
    everything = [*before, f"del {name}, {attempt}" if name is not None else f"del {attempt}"]
    splices: list[Splice] = []
    for way in shape.exits:
        if way.keeps and bound:
            splices += _leave_with_error(way, everything, layout, unit)
        else:
            needed = needs_error(way, shape)
            # Before the first statement the name may have yet to be bound, right in front of it.
            moves = way.alone and not needed and not (bound and way.start == shape.clause.first)
            start = layout.with_comments(way.start, shape.clause.start) if moves else way.start
            splices += _leave(way, start, needed, everything, layout, free)
    at_end = everything if last else [*before, f"del {name}"] if name is not None else []
    if shape.falls and at_end:
        splices.append(_append(shape, at_end, layout))
    return splices


def _leave_with_error(way: Exit, lines: list[str], layout: Layout, unit: str) -> list[Splice]:
    """The caller gets the error itself: a name for the value would keep the frame alive through its traceback."""
    indent = layout.indent(way.start)
    gone = "".join(f"\n{indent}{unit}{line}" for line in lines)
    splices = [Splice(way.start, way.start, f"try:\n{indent}{unit}")]
    text = layout.data[way.start : way.end]
    read = scan(text) if _is_utf8(text) else None
    if read is not None and read.sure:
        starts = (one.end() for one in re.finditer(rb"\r\n|\r|\n", text))
        splices += [Splice(way.start + one, way.start + one, unit) for one in starts if one not in read.inside]
    end = layout.line_end(way.end)
    return [*splices, Splice(end, end, f"\n{indent}finally:{gone}")]


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def needs_error(way: Exit, shape: HandlerShape) -> bool:
    """Whether the returned value must be worked out before the error goes."""
    return bool(way.value) and (
        way.uses or way.guarded or any(way.value <= use.start < way.value_end for use in shape.active)
    )


def _leave(way: Exit, start: int, needed: bool, lines: list[str], layout: Layout, free: str) -> list[Splice]:
    joint = "\n" + layout.indent(way.start) if way.alone else "; "
    gone = joint.join(lines)
    if not needed:
        return [Splice(start, start, gone + joint)]
    return [
        Splice(way.start, way.start + len(b"return"), f"{free} ="),
        Splice(way.value_end, way.value_end, f"{joint}{gone}{joint}return {free}"),
    ]


def _append(shape: HandlerShape, lines: list[str], layout: Layout) -> Splice:
    clause = shape.clause
    if clause.one_line:
        return Splice(clause.end, clause.end, "".join(f"; {line}" for line in lines))
    indent = layout.indent(clause.first)
    end = layout.line_end(clause.end)
    return Splice(end, end, "".join(f"\n{indent}{line}" for line in lines), along=clause.line)


def name_error(use: ActiveUse, error: str, source: str) -> str:
    """The source of a call (or of an ``exc_info`` value) that names ``error`` instead of reading what is handled.

    ``source`` is the place's own source; comments and layout inside it are kept.
    """
    if use.kind == "exc_info":
        return error
    if use.kind == "sys.exception":
        return error
    if use.kind == "sys.exc_info":
        return f"(type({error}), {error}, {error}.__traceback__)"
    if use.kind == "exception" and source[-2:-1] not in _LOOSE:
        return f"{source[:-1]}, exc_info={error})"
    plain = _PLAIN_CALL.fullmatch(source)
    if plain is not None:
        return _printed(use, f"{plain[1]}.{_RENAMED[use.kind]}({error})")
    # It takes longer to load than most runs take, and few handlers ask for it.
    import libcst as cst

    call = cst.parse_expression(source)
    assert isinstance(call, cst.Call)
    value = cst.parse_expression(error)
    if use.kind == "exception":
        given = cst.Arg(
            value,
            keyword=cst.Name("exc_info"),
            equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
        )
        return cst.Module([]).code_for_node(_with_last_argument(call, given))
    called = cst.ensure_type(call.func, cst.Attribute).with_changes(attr=cst.Name(_RENAMED[use.kind]))
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")) if call.args else cst.MaybeSentinel.DEFAULT
    places = ("limit", "file", "chain") if use.kind == "print_exc" else ("limit", "chain")
    others = [_by_name(one, places[at] if at < len(places) else "") for at, one in enumerate(call.args)]
    given_first = call.with_changes(func=called, args=[cst.Arg(value, comma=comma), *others])
    return _printed(use, cst.Module([]).code_for_node(given_first))


def _printed(use: ActiveUse, code: str) -> str:
    if use.kind == "print_exc":
        return code
    return f"{use.quote * 2 or 'str()'}.join({code})"


def _by_name(argument: cst.Arg, name: str) -> cst.Arg:
    """What ``print_exc`` takes by place ``print_exception`` takes by name, behind the error."""
    import libcst as cst

    if argument.keyword is not None or argument.star:
        return argument
    return argument.with_changes(
        keyword=cst.Name(name),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )


def _with_last_argument(call: cst.Call, argument: cst.Arg) -> cst.Call:
    """The call with one more argument, laid out as the others; white space and comments stay where they are."""
    import libcst as cst

    *others, last = call.args
    if isinstance(last.comma, cst.MaybeSentinel):
        comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        if "#" not in cst.Module([]).code_for_node(last.whitespace_after_arg):
            argument = argument.with_changes(whitespace_after_arg=last.whitespace_after_arg)
            last = last.with_changes(whitespace_after_arg=cst.SimpleWhitespace(""))
        else:
            comma = cst.Comma()
        return call.with_changes(args=[*others, last.with_changes(comma=comma), argument])
    behind = last.comma.whitespace_after
    ahead = call.whitespace_before_args
    between: cst.BaseParenthesizableWhitespace = cst.SimpleWhitespace(" ")
    if isinstance(behind, cst.ParenthesizedWhitespace):
        between = behind
        if isinstance(ahead, cst.ParenthesizedWhitespace):
            between = behind.with_changes(last_line=ahead.last_line)
        behind = cst.ParenthesizedWhitespace(indent=behind.indent, last_line=behind.last_line)
    last = last.with_changes(comma=last.comma.with_changes(whitespace_after=between))
    return call.with_changes(args=[*others, last, argument.with_changes(comma=cst.Comma(whitespace_after=behind))])
