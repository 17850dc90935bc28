"""``Source.offset`` finds in the bytes what the tree says stands there, however the file is written."""

from __future__ import annotations

import ast
import codecs

from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.source import Source

ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "latin-1",
    "cp1252",
    "koi8-r",
    "iso8859-15",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
    "iso2022_jp",
    "utf-7",
)
NEWLINES = ("\n", "\r\n", "\r")

words = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="'\"\\{}\u2028\u2029"), max_size=12
)
names = st.sampled_from(["x", "naïve", "größe", "имя", "変数", "a_b"])


@st.composite
def programs(draw: st.DrawFn) -> list[str]:
    lines = []
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["plain", "long", "comment", "block", "feed", "many"]))
        name, text, other = draw(names), draw(words), draw(words)
        if kind == "plain":
            lines.append(f"{name} = '{text}'  # {other}")
        elif kind == "long":
            lines += [f"{name} = '''{text}", f"{other}''' + '{text}'"]
        elif kind == "comment":
            lines += [f"# {text}", ""]
        elif kind == "block":
            lines += [f"if '{text}':", f"\t{name} = '{other}'; {name}"]
        elif kind == "feed":
            lines.append(f"\x0c{name} = '{text}'")
        else:
            lines += [f"f('{text}', {name},", f"  '{other}')"]
    return lines


def written(lines: list[str], encoding: str, newline: str, final: bool) -> bytes:
    cookie = "" if encoding.startswith("utf-8") else f"# coding: {encoding}{newline}"
    text = cookie + newline.join(lines) + (newline if final else "")
    try:
        data = text.encode(encoding)
        assume(data.decode(encoding) == text)
    except UnicodeError:
        assume(False)
    return data


@given(programs(), st.sampled_from(ENCODINGS), st.sampled_from(NEWLINES), st.booleans())
def test_every_string_and_name_is_where_the_tree_says(
    lines: list[str], encoding: str, newline: str, final: bool
) -> None:
    data = written(lines, encoding, newline, final)
    source = Source.from_bytes(data, "x.py")
    tree = source.parse()
    assert tree is not None, source.fault
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Name, ast.Constant)):
            continue
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = source.offset(node.lineno, node.col_offset)
        end = source.offset(node.end_lineno, node.end_col_offset)
        assert data[: len(codecs.BOM_UTF8)] != codecs.BOM_UTF8 or start >= len(codecs.BOM_UTF8)
        # Characters of a shifted stretch have no bytes of their own, so only what lies outside of one can be cut out.
        if plain in ("utf-7", "iso2022_jp") and any(shift in data[start:end] for shift in (b"+", b"\x1b")):
            continue
        piece = data[start:end].decode(plain)
        if isinstance(node, ast.Name):
            if plain in ("utf-7", "iso2022_jp") and not node.id.isascii():
                continue
            assert piece == node.id
        else:
            assert ast.literal_eval(piece) == node.value


@given(programs(), st.sampled_from(ENCODINGS), st.sampled_from(NEWLINES), st.booleans())
def test_lines_and_offsets_agree(lines: list[str], encoding: str, newline: str, final: bool) -> None:
    data = written(lines, encoding, newline, final)
    source = Source.from_bytes(data, "x.py")
    assert b"".join(source.lines) == data
    mark = len(codecs.BOM_UTF8) if source.bom else 0
    for number, start in enumerate(source.line_starts, 1):
        assert source.offset(number, 0) == start + (mark if number == 1 else 0)
        assert source.line_at(start) == number
    assert source.offset(len(source.lines) + 1, 0) == len(data)
    assert len(source.lines) == len((source.text + "|").replace("\r\n", "\n").replace("\r", "\n").split("\n")) - (
        1 if source.text.endswith(("\r", "\n")) or not source.text else 0
    )


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    source = Source.from_bytes(data, "x.py")
    tree = source.parse()
    assert (tree is None) == (source.fault is not None)
    assert b"".join(source.lines) == data
    if tree is None:
        assert source.fault is not None
        assert source.fault.message
        assert 0 <= source.fault.line <= len(source.lines) + 1
