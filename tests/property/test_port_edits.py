"""Texts with addresses in every spelling: a look-up in the place of a number gives the text that stood there."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.source import Source
from codemods.compose import apply
from codemods.port_edits import edits

MOVED = 1000
HERE = "\ue100"
"""Where the digits of a port go."""
PORTS = st.integers(1024, 65535 - MOVED)
PREFIXES = ("", "u", "r", "f", "rf", "fR", "F", "R", "U")
QUOTES = ("'", '"', "'''", '"""')
FIELDS = ("{host}", "{host!r}", "{host:>9}", "{host:5556}", "{d['k']}", '{d["k"]}', "{{host}}")
SPACE = {"host": "h{}", "d": {"k": "né"}}


class Literal(NamedTuple):
    """An expression in source, the ports in it in their order, and whether nothing about it is unusual."""

    template: str
    ports: tuple[int, ...]
    plain: bool

    def with_ports(self, ports: Sequence[int]) -> str:
        """The expression with these ports in the place of its own."""
        head, *rest = self.template.split(HERE)
        return head + "".join(f"{port}{part}" for port, part in zip(ports, rest, strict=True))


@st.composite
def bodies(draw: st.DrawFn, quote: str, raw: bool, formatted: bool) -> tuple[str, list[int], bool]:
    """What stands between the quotes of one literal."""
    out, found, plain = "", [], True
    words = ["a", " ", ", ", "é", "名", ":", "/", "12", "443", "5556", "tcp", ".", "@", "-", "#"]
    words += ["{{", "}}", "{{x}}"] if formatted else ["{", "}", "{}", "{x:5556}"]
    words += ["\\d", "\\\\"] if raw else ["\\n", "\\'", '\\"', "\\\\", "\\x41", "\\u00e9", "\\101"]
    words += ["\n", "\\\n"] if len(quote) == 3 else []
    words += [one for one in ("'", '"') if one not in quote]
    hosts = ["localhost", "127.0.0.1", "*", "", "ho-st", "é", "[::1]", "u:p@h"]
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["word", "word", "address", "address", "field", "odd"]))
        if kind == "address":
            port = draw(PORTS)
            found.append(port)
            host = draw(st.sampled_from(hosts))
            if formatted and draw(st.booleans()):
                host = draw(st.sampled_from([one for one in FIELDS if quote[0] not in one]))
            tail = draw(st.sampled_from(["", " ", "/", "/x ", ",", "?q=1 ", "\n" if len(quote) == 3 else " "]))
            out += f" {draw(st.sampled_from(['tcp', 'http', 'grpc+x']))}://{host}:{HERE}{tail}"
        elif kind == "field" and formatted:
            out += draw(st.sampled_from([one for one in FIELDS if quote[0] not in one]))
        elif kind == "odd":
            plain = False
            # A port that nobody asks for.
            port = draw(st.integers(100, 999))
            odd = ["\\N{BULLET}"] if not raw else []
            odd += [f"tcp://h:\\x3{str(port)[0]}{str(port)[1:]}"]
            out += draw(st.sampled_from(odd))
        else:
            out += draw(st.sampled_from(words))
    return out, found, plain


@st.composite
def literals(draw: st.DrawFn) -> Literal:
    """One literal, or several side by side with comments between them."""
    parts: list[str] = []
    ports: list[int] = []
    plain = True
    for _ in range(draw(st.integers(1, 3))):
        prefix, quote = draw(st.sampled_from(PREFIXES)), draw(st.sampled_from(QUOTES))
        body, found, usual = draw(bodies(quote, "r" in prefix.lower(), "f" in prefix.lower()))
        parts.append(f"{prefix}{quote}{body}{quote}")
        ports += found
        plain = plain and usual
    between = draw(st.sampled_from([" ", "\n", "  # tcp://h:5556 {é}\n", " \\\n"]))
    return Literal(between.join(parts), tuple(ports), plain)


def value(text: str, ports: dict[str, int]) -> str:
    space = {**SPACE, "get_port": ports.__getitem__}
    found = eval(compile(f"({text}\n)", "sample.py", "eval", dont_inherit=True), space)
    assert isinstance(found, str)
    return found


def put(text: str, ports: tuple[int, ...], encoding: str) -> str | None:
    """The expression ``text`` with look-ups in the place of ``ports``; None when that is declined."""
    before, after = f"# coding: {encoding}\né = 1; x = (", "\n)\n"
    data = f"{before}{text}{after}".encode(encoding)
    source = Source.from_bytes(data, "sample.py")
    node = ast.parse(data).body[1]
    assert isinstance(node, ast.Assign)
    one = node.value
    start = source.offset(one.lineno, one.col_offset)
    end = source.offset(one.end_lineno or 0, one.end_col_offset or 0)
    splices = edits(source, start, end, ports, {port: f'get_port("P{port}")' for port in ports})
    if not splices:
        return None
    new = apply(data, sorted((one.start, one.end, one.text.encode(encoding)) for one in splices)).decode(encoding)
    assert new.startswith(before)
    assert new.endswith(after)
    return new[len(before) : -len(after)]


def is_literal(text: str) -> bool:
    try:
        ast.parse(f"({text}\n)")
        value(text, {})
    except (SyntaxError, ValueError):
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(literals(), st.sampled_from(["utf-8", "euc-jis-2004"]))
@example(Literal(f"'tcp://a:{HERE}' f'{{{{'", (1024,), True), "utf-8")
@example(Literal(f"'{{' f'tcp://{{host}}:{HERE}'", (1024,), True), "utf-8")
def test_a_look_up_gives_what_stood_there(literal: Literal, encoding: str) -> None:
    text = literal.with_ports(literal.ports)
    if not literal.ports or not is_literal(text):
        return
    new = put(text, literal.ports, encoding)
    if new is None:
        assert not literal.plain or not is_usual(text, literal.ports), text
        return
    named = {f"P{port}": port for port in literal.ports}
    assert value(new, named) == value(text, {})
    # Moved ports stand where the old ones stood, and nothing else is changed.
    moved = literal.with_ports([port + MOVED for port in literal.ports])
    assert value(new, {name: port + MOVED for name, port in named.items()}) == value(moved, {})
    assert put(new, literal.ports, encoding) is None


def is_usual(text: str, ports: tuple[int, ...]) -> bool:
    """Whether the text, as it is read, has these ports and no others where an address has one."""
    found = re.findall(r"[a-z][a-z0-9+.]*://[^/\s:]*:(\d{2,5})(?![\w.@-])", value(text, {}))
    return [int(one) for one in found] == list(ports) and "\\" not in text
