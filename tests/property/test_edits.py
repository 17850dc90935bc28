"""Laws of edits: one pass is the same as one rewrite after the other, and bytes outside are never touched."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.source import Source
from codemods import verify
from codemods.compose import Change, Composed, Composer, apply
from codemods.edits import Indent, Splice

NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
PLAIN = st.sampled_from(
    ["x = 1", "y = 'é'  # ü", "", "   ", "# it's", "s = '''a\n  b\n'''", "f(\n  2)", "t = f'{x}{{'", '"""d"""', "\x0cz"]
)


@dataclass
class Block:
    """A statement: a head, a suite of lines and statements, and which rewrite it gets."""

    suite: list[str | Block]
    before: str | None
    head: str | None
    behind: str | None
    by: str | None
    change: Change = field(default_factory=lambda: Change(()))


@st.composite
def blocks(draw: st.DrawFn, depth: int = 0) -> Block:
    inner = PLAIN if depth > 2 else st.one_of(PLAIN, blocks(depth + 1))
    texts = st.one_of(st.none(), st.sampled_from(["new\n", "two\nlines\n", "p = '''\nq\n'''\n", "\n"]))
    return Block(
        draw(st.lists(inner, max_size=4)),
        draw(texts),
        draw(st.one_of(st.none(), st.sampled_from(["with a:", "with a:\n    pass\nif b:"]))),
        draw(texts),
        draw(st.one_of(st.none(), st.sampled_from(["  ", "    ", "\t"]))),
    )


def write(block: Block, out: list[str], newline: str) -> list[Block]:
    """Write ``block`` to ``out``, set its change, and return it and the blocks inside it, innermost first."""
    first = len(out) + 1
    start = sum(len(line.encode()) for line in out)
    out.append(f"if x:{newline}")
    found: list[Block] = []
    for one in [*block.suite, "pass"]:
        if isinstance(one, Block):
            found += write(one, out, newline)
        else:
            out += [line + newline for line in one.split("\n")]
    end = sum(len(line.encode()) for line in out)
    splices = []
    if block.before is not None:
        splices.append(Splice(start, start, block.before))
    if block.head is not None:
        splices.append(Splice(start, start + len("if x:"), block.head))
    if block.behind is not None:
        splices.append(Splice(end, end, block.behind))
    indents = (Indent(first + 1, len(out), block.by),) if block.by is not None else ()
    block.change = Change(tuple(splices), indents)
    return [*found, block]


def moved(change: Change, old: Composer, made: Composed) -> Change:
    """``change`` as it reads after ``made`` was applied to the source of ``old``."""
    new = Composer(Source.from_bytes(made.data, "x.py"))

    def place(offset: int) -> int:
        return made.forward(offset, after=True)

    indents = tuple(
        Indent(
            # What was put in at the start of its first line is inside.
            new.line_at(made.forward(old.line_start(one.first))),
            new.line_at(place(old.line_start(one.last + 1))) - 1,
            one.by,
        )
        for one in change.indents
    )
    return Change(tuple(Splice(place(one.start), place(one.end), one.text) for one in change.splices), indents)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(PLAIN, blocks()), min_size=1, max_size=4), NEWLINES, st.booleans())
def test_one_pass_is_one_rewrite_after_the_other(module: list[str | Block], newline: str, mark: bool) -> None:
    out = ["\ufeff"] if mark else []
    todo: list[Block] = []
    for one in module:
        if isinstance(one, Block):
            todo += write(one, out, newline)
        else:
            out += [line + newline for line in one.split("\n")]
    if mark:
        # The mark belongs to the first line, which is therefore not one more.
        todo = [Block([], None, None, None, None, _lifted(block.change)) for block in todo]
    source = Source.from_bytes("".join(out).encode(), "x.py")
    composer = Composer(source)
    changes = [block.change for block in todo]
    assert composer.conflicts(changes) == []
    together = composer.compose(changes)

    step = source
    waiting = list(changes)
    while waiting:
        at = Composer(step)
        made = at.compose([waiting.pop(0)])
        waiting = [moved(one, at, made) for one in waiting]
        step = Source.from_bytes(made.data, "x.py")
    assert together.data == step.data

    points = [
        one.start
        for each in changes
        if len(each.splices) == 1 and not each.indents
        for one in each.splices
        if one.start == one.end
    ]
    if len(points) == len(set(points)):
        # Two that do nothing but put something in at one place come in the order given.
        assert composer.compose(list(reversed(changes))).data == together.data
    assert apply(source.data, together.edits()) == together.data
    assert verify.outside_unchanged(source, together, changes, composer) is None


def _lifted(change: Change) -> Change:
    indents = tuple(Indent(one.first - 1, one.last - 1, one.by) for one in change.indents)
    return Change(change.splices, indents)


@given(
    st.binary(max_size=60).filter(lambda data: b"coding" not in data),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["", "a", "b\n"])), max_size=5),
)
def test_every_byte_outside_is_kept_in_order(data: bytes, wanted: list[tuple[int, int, str]]) -> None:
    data = data.removeprefix(b"\xef\xbb\xbf")
    composer = Composer(Source.from_bytes(data, "x.py"))
    changes: list[Change] = []
    for start, end, text in wanted:
        low, high = sorted((min(start, len(data)), min(end, len(data))))
        changes.append(Change((Splice(low, high, text),)))
    late = set(composer.conflicts(changes))
    changes = [one for index, one in enumerate(changes) if index not in late]
    made = composer.compose(changes)
    kept = b"".join(data[piece.start : piece.end] for piece in made.pieces)
    gone = sorted((one.start, one.end) for change in changes for one in change.splices)
    expected = b""
    at = 0
    for start, end in gone:
        expected += data[at:start]
        at = max(at, end)
    assert kept == expected + data[at:]
    assert all(made.data[one.new : one.new + one.end - one.start] == data[one.start : one.end] for one in made.pieces)
    added = sum(len(composer.encode(one)) for change in changes for one in change.splices)
    assert len(made.data) == len(kept) + added


@given(st.data())
def test_a_byte_that_was_tampered_with_is_noticed(data: st.DataObject) -> None:
    text = b"a = 1\nb = 2\nc = 3\nd = 4\n"
    source = Source.from_bytes(text, "x.py")
    composer = Composer(source)
    place = data.draw(st.integers(0, len(text) - 2))
    change = Change((Splice(place, place + 1, "%"),))
    made = composer.compose([change])
    assert verify.outside_unchanged(source, made, [change], composer) is None
    at = data.draw(st.integers(0, len(text) - 1).filter(lambda index: index != place))
    bad = bytearray(made.data)
    bad[at] ^= 1
    tampered = Composed(bytes(bad), made.pieces, made.size)
    assert verify.outside_unchanged(source, tampered, [change], composer) is not None
    longer = Composed(made.data[:at] + b"~" + made.data[at:], made.pieces, made.size)
    assert verify.outside_unchanged(source, longer, [change], composer) is not None or longer.data == made.data
