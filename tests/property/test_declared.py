"""Configuration files: what is written is read back."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from analysis.declared import json_text, toml_text
from analysis.declared.nodes import Leaf, Node, Series, Table
from analysis.declared.reading import read
from analysis.values.addresses import numbers

_ports = st.integers(1, 65535)
_short = st.tuples(
    st.sampled_from(["", "127.0.0.1:", "[::1]:", "${BIND:-0.0.0.0}:"]),
    _ports,
    st.sampled_from(["{}", "${{X:-{}}}", "${{X-{}}}"]),
    _ports,
    st.sampled_from(["", "/tcp", "/udp"]),
)


@given(st.lists(_short, min_size=1, max_size=4), st.sampled_from(["'", '"']))
def test_short_syntax_is_read_back(entries: list[tuple[str, int, str, int, str]], quote: str) -> None:
    texts = [f"{host}{form.format(outer)}:{inner}{protocol}" for host, outer, form, inner, protocol in entries]
    lines = [f"      - {quote}{text}{quote}" for text in texts]
    data = "\n".join(["services:", "  web:", "    ports:", *lines, ""])
    found = read("compose.yaml", data.encode())
    assert found.fault is None
    rows = []
    for one in found.declared:
        (number,), _ = numbers(one.ports[0])
        rows.append((one.line, one.side, number, one.transport, one.host))
        assert data.splitlines()[one.line - 1][one.column - 1 :].startswith((str(number), "${X"))
    expected = []
    for line, (host, outer, _, inner, protocol) in enumerate(entries, 4):
        kind = protocol[1:] or "tcp"
        expected += [(line, "publish", outer, kind, host[:-1]), (line, "declare", inner, kind, "")]
    assert rows == expected


def plain(node: Node) -> object:
    """A tree of nodes as plain values."""
    match node:
        case Leaf(value, _, _):
            return value
        case Series():
            return [plain(one) for one in node.items]
        case Table():
            return {key: plain(value) for key, value in node.entries.items()}


_values = st.recursive(
    st.one_of(st.none(), st.integers(-99999, 99999), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@given(_values, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_json_is_read_back(value: object, indent: int | str | None, escaped: bool) -> None:
    (node,) = json_text.parse(json.dumps(value, indent=indent, ensure_ascii=escaped))
    assert plain(node) == value


_tomls = st.recursive(
    st.one_of(st.integers(-99999, 99999), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


def inline(value: object) -> str:
    """A value in TOML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inline(key)} = {inline(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return (
        json.dumps(value) if isinstance(value, int) else '"' + "".join(f"\\U{ord(one):08X}" for one in str(value)) + '"'
    )


@given(st.dictionaries(st.text(), _tomls, max_size=4))
def test_toml_is_read_back(value: dict[str, object]) -> None:
    text = "".join(f"{inline(key)} = {inline(one)} # 'x'\n" for key, one in value.items())
    (node,) = toml_text.parse(f"{text}[[last.one]]\nx.y = '''a''b'''\n" if "last" not in value else text)
    found = plain(node)
    assert isinstance(found, dict)
    if "last" not in value:
        assert found.pop("last") == {"one": [{"x": {"y": "a''b"}}]}
    assert found == value
