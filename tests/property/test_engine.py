"""Laws of the engine on generated programs: whatever a codemod offers, the result compiles, is complete and stays."""

from __future__ import annotations

import io
import tokenize
from collections import Counter

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.codemods.support import rewrite

NAMES = st.sampled_from(["", "e", "e", "keep", "doubt", "broken", "comment", "still", "mute", "around", "letter"])
COMMENTS = st.sampled_from(["", "", "  # why", "  # noqa: E501", "  # noqa: E900 plugins", "  # pragma: no cover"])
PLAIN = st.sampled_from(
    ["work()", "s = '''a\n  # no\n'''", "# a comment", "x = [  # one\n    1,\n]", 't = f"{x}#{{"', "pass"]
)


def indented(lines: list[str]) -> list[str]:
    """One level deeper, but for the lines of strings."""
    found = []
    inside = False
    for line in lines:
        found.append(line if inside or not line else f"    {line}")
        inside ^= line.count("'''") % 2 == 1
    return found


@st.composite
def statements(draw: st.DrawFn, depth: int = 0) -> list[str]:
    if depth > 2 or draw(st.booleans()):
        return draw(PLAIN).split("\n")
    kind = draw(st.sampled_from(["try", "try", "try", "def", "if"]))
    body = [line for one in draw(st.lists(statements(depth + 1), max_size=3)) for line in one] + ["work()"]
    if kind == "def":
        return ["def f():", *indented(body)]
    if kind == "if":
        return ["if x:", *indented(body)]
    lines = ["try:", *indented(body)]
    for _ in range(draw(st.integers(0, 1))):
        lines += ["except OSError:", "    pass"]
    name = draw(NAMES)
    inner = [line for one in draw(st.lists(statements(depth + 1), max_size=2)) for line in one] + ["work()"]
    lines += [f"except Exception{f' as {name}' if name else ''}:{draw(COMMENTS)}", *indented(inner)]
    if draw(st.booleans()):
        lines += ["finally:", *indented(["done()"])]
    return lines


def comments(data: bytes) -> Counter[str]:
    return Counter(
        token.string.rstrip()
        for token in tokenize.tokenize(io.BytesIO(data).readline)
        if token.type == tokenize.COMMENT
    )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(statements(), min_size=1, max_size=5),
    st.sampled_from(
        ["", "#\n", "# coding: latin-1\n# é\n", '"""Doc."""\n', "import os\n", "import sys\nsys.path.append('.')\n"]
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_laws(program: list[list[str]], head: str, newline: str, unsafe: bool) -> None:
    encoding = "latin-1" if "latin" in head else "utf-8"
    text = head + "\n".join(line for one in program for line in one) + "\n"
    data = text.replace("\n", newline).encode(encoding)
    options = {"unsafe": unsafe}
    new, answers = rewrite(data, options)

    compile(new, "program.py", "exec", dont_inherit=True)
    assert not comments(data) - comments(new)
    assert new.count(b"\n") == new.count(newline.encode())
    before, after = (each.decode(encoding).split(newline) for each in (data, new))
    imported = [line for line in after if line.startswith("from tools.failures import")]
    assert len(imported) == any(one.verdict == "rewritten" for one in answers)

    # What is no clause and no import is there as it was, in its order.
    def others(lines: list[str]) -> list[str]:
        return [line for line in lines if line.strip() and "except" not in line and line not in imported]

    assert others(after) == others(before)

    again, second = rewrite(new, options)
    assert again == new
    assert {one.verdict for one in second} <= {"declined", "skipped"}
    left = Counter(one.reason for one in second)
    assert left == Counter(one.reason for one in answers if one.verdict != "rewritten")
    for one in answers:
        event(one.reason or one.verdict)
