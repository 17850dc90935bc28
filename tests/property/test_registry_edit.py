"""Registries in many hands' styles: what is added is there, and everything else is as it was."""

from __future__ import annotations

import codecs
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.registry import Machine, Port, Registry, RegistryError, parse
from config.registry_edit import added

WORDS = ("MemoryAgent", "a: b", "on", "#1", "'q'", '"', "é 名", "- x", "{y}", "10", "~", "x # y", "", "a, b", "[", "%")
COMMENTS = ("# x", "#", "# MEMORY: {port: 1}", "# é ports:", "#: - \"'")
MACHINES = (Machine("pc1", ("a",), (5000, 5999)), Machine("pc2", ("b", "c d")), Machine("shared"))


class Style(NamedTuple):
    """How a file is written."""

    newline: str
    mark: bool
    final: bool
    indent: int
    step: int
    shape: str
    ports_first: bool
    tail: str


STYLES = st.builds(
    Style,
    newline=st.sampled_from(["\n", "\n", "\r\n"]),
    mark=st.booleans(),
    final=st.booleans(),
    indent=st.sampled_from([1, 2, 4]),
    step=st.sampled_from([1, 2, 4]),
    shape=st.sampled_from(["block", "block", "block", "lines", "flow", "empty", "null", "braces"]),
    ports_first=st.booleans(),
    tail=st.sampled_from(["", "", "# the end\n", "\n\n", "\n  # indented\n", "...\n", "# the end\n...\n"]),
)


@st.composite
def entries(draw: st.DrawFn, first: int, machines: tuple[str, ...], least: int = 0) -> list[Port]:
    """Ports with names of their own; ``first`` keeps those of several lists apart."""
    count = draw(st.integers(least, 4))
    return [
        Port(
            f"N{first + number}",
            first + number,
            draw(st.sampled_from(machines)),
            draw(st.sampled_from(WORDS)),
            draw(st.sampled_from(WORDS)),
        )
        for number in range(count)
    ]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@st.composite
def files(draw: st.DrawFn, style: Style, ports: list[Port], machines: tuple[Machine, ...], several: bool) -> str:
    """The text of a registry, with comments wherever there may be some."""

    def comment(depth: int = 0) -> list[str]:
        if draw(st.integers(0, 3)):
            return []
        return [
            "" if draw(st.booleans()) else " " * draw(st.sampled_from([0, depth])) + draw(st.sampled_from(COMMENTS))
        ]

    def aside() -> str:
        return f"  {draw(st.sampled_from(COMMENTS))}" if not draw(st.integers(0, 3)) else ""

    def parts(one: Port) -> list[tuple[str, str]]:
        found = [("port", str(one.port))]
        if machines and (several or draw(st.booleans())):
            found.append(("machine", one.machine))
        found += [(key, quoted(text)) for key, text in (("owner", one.owner), ("purpose", one.purpose)) if text]
        return found

    pad, deep = " " * style.indent, " " * (style.indent + style.step)
    block: list[str] = []
    if style.shape == "empty" or (not ports and style.shape not in ("null", "braces")):
        block = [f"ports:{aside()}"]
    elif style.shape == "null":
        block = [f"ports: ~{aside()}"]
    elif style.shape == "braces":
        block = [f"ports: {{}}{aside()}"]
    elif style.shape == "flow":
        inner = ", ".join(f"{one.name}: {{{', '.join(f'{key}: {text}' for key, text in parts(one))}}}" for one in ports)
        block = [f"ports: {{{inner}}}{aside()}"]
    else:
        block = [f"ports:{aside()}", *comment(style.indent)]
        for one in ports:
            found = parts(one)
            if style.shape == "lines" or draw(st.booleans()):
                block.append(f"{pad}{one.name}: {{{', '.join(f'{key}: {text}' for key, text in found)}}}{aside()}")
            elif draw(st.booleans()):
                block.append(f"{pad}{one.name}:{aside()}")
                block += [f"{deep}- {{{', '.join(f'{key}: {text}' for key, text in found)}}}{aside()}"]
            else:
                block.append(f"{pad}{one.name}:{aside()}")
                for number, (key, text) in enumerate(found):
                    block += comment(style.indent + style.step) if number else []
                    if key == "purpose" and one.purpose and draw(st.booleans()):
                        kind = draw(st.sampled_from(["|", ">", "|-", ">-", "|+", ">+"]))
                        block += [f"{deep}{key}: {kind}", f"{deep} {one.purpose}"]
                    else:
                        block.append(f"{deep}{key}: {text}{aside()}")
            block += comment(style.indent)
    hosts = [f"machines:{aside()}"] if machines else []
    for host in machines:
        hosts.append(f"  {host.name}:{aside()}")
        hosts += [f"    paths: [{', '.join(host.paths)}]{aside()}"] if host.paths else []
        hosts += [f"    range: {host.range[0]}-{host.range[1]}"] if host.range else []
        hosts += comment(2)
    body = [*block, *hosts] if style.ports_first else [*hosts, *comment(), *block]
    text = "\n".join([*comment(), f"version: 1{aside()}", *comment(), *body]) + "\n" + style.tail
    if not style.final:
        text = text.removesuffix("\n")
    return ("\ufeff" if style.mark else "") + text.replace("\n", style.newline)


def plain(registry: Registry) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """What a registry says, without where."""
    return (
        [(one.name, one.port, one.machine, one.owner, one.purpose) for one in registry.ports],
        [(one.name, one.paths, one.range) for one in registry.machines],
    )


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_what_is_added_is_there_and_every_line_is_kept(data: st.DataObject) -> None:
    style = data.draw(STYLES)
    machines = data.draw(st.sampled_from([(), MACHINES[:1], MACHINES[:2]]))
    names = tuple(one.name for one in machines) or ("default",)
    old = [] if style.shape in ("empty", "null", "braces") else data.draw(entries(5000, names))
    more: tuple[Machine, ...] = data.draw(st.sampled_from([(), MACHINES[2:]])) if machines else ()
    text = data.draw(files(style, old, machines, len(machines) + len(more) > 1))
    before = parse(text.encode())
    new = data.draw(entries(6000, (*names, *(one.name for one in more)), 1))
    made = added(text.encode(), new, more)
    after = parse(made)
    assert plain(after) == (
        plain(before)[0] + [(one.name, one.port, one.machine, one.owner, one.purpose) for one in new],
        plain(before)[1] + [(one.name, one.paths, one.range) for one in more],
    )
    kept(text, made.decode(), several=style.shape not in ("flow", "braces", "null"))
    assert made.startswith(codecs.BOM_UTF8) == style.mark
    if style.newline == "\r\n" and "\r\n" in text:
        assert "\n" not in made.decode().replace("\r\n", "")
    assert added(made, [], ()) == made


def kept(before: str, after: str, *, several: bool) -> None:
    """Every line of ``before`` is in ``after`` in its order; one of those on which everything stands may have grown."""
    lines = iter(after.split("\n"))
    for line in before.split("\n"):
        for one in lines:
            if one.rstrip("\r") == line.rstrip("\r"):
                break
            if not several and one.startswith("ports:") and line.startswith("ports:"):
                assert "  #" not in line or one.rstrip("\r").endswith(line.rstrip("\r")[line.rindex("  #") :])
                break
        else:
            raise AssertionError(f"{line!r} is gone")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_new_registry_says_what_it_was_made_of(data: st.DataObject) -> None:
    machines = data.draw(st.sampled_from([(), MACHINES[:1], MACHINES]))
    names = tuple(one.name for one in machines) or ("default",)
    new = data.draw(entries(5000, names, 1))
    registry = parse(added(None, new, machines))
    assert plain(registry) == plain(Registry(machines, tuple(new)))


ODD = [
    "version: 1\nports: &p\n  A: {port: 5000}\n",
    "version: 1\nports: !!map\n  A: {port: 5000}\n",
    "version: 1\nports: {A: {port: 5000},}\n",
    "version: 1\nports: {\n  A: {port: 5000},  # one\n  B: {port: 5001}  # two\n}\n",
    "version: 1\nports: {  # none\n}\n",
    "version: 1\nports: !!null\n",
    "version: 1\nports: null # x\n",
    "{version: 1, ports: {A: {port: 5000}}}\n",
    "{version: 1, ports: }\n",
    "{version: 1, ports: ~}\n",
    '{"version": 1, "ports": {"A": {"port": 5000}}}',
    "---\nversion: 1\nports:\n  A:\n    port: 5000\n---\n",
    "--- # x\nversion: 1\nports:\n  A:\n    port: 5000\n... # y\n",
    "version: 1\nports:\n  ? A\n  : port: 5000\n",
    "? ports\n: A: {port: 5000}\n? version\n: 1\n",
    'version: 1\n"ports":\n  \'A\':\n    "port": 5000\n',
    "  version: 1\n  ports:\n    A:\n      port: 5000\n",
    "  version: 1\n  ports:\n",
    "version: 1\nports:\n  A:\n    port: 5000\n    purpose: a\n      b\n      c\n",
    'version: 1\nports:\n  A:\n    port: 5000\n    purpose: "a\n      b"  # x\n',
    "version: 1\nports:\n  A:\n    port: 5000\n    purpose: |\n      b\n\n\n# x\n",
    "version: 1\nports:\n  A:\n    port: 5000\n    purpose:\n",
    "version: 1\nports:\n  A:\n    port: 5000\n    purpose:  # none\n\n\n  # y\n# z\n",
    "version: 1\nports:\n  A:\n  - port: 5000\n",
    "version: 1\nports:\n  A:\n  - port: 5000\n    machine: default\n  # x\n",
    "version: 1\nports:\n\tA: {port: 5000}\n",
    "%YAML 1.1\n---\nversion: 1\nports:\n  A: {port: 5000}\n",
    "version: 1\rports:\r  A: {port: 5000}\r",
    "version: 1\nports: # x\n\n# y\nmachines:\n  pc1:\n",
    "version: 1\nports:\n  A: {port: 5000}\nmachines: {pc1: {}}\n",
    "version: 1\nports:\n  A: {port: 5000}\nmachines: {pc1: }\n",
    "version: 1\nports:\n  A: {port: 5000}\nmachines: {pc1}\n",
]


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("more", [(), (Machine("pc9", ("z",), (6000, 6999)),)])
def test_odd_styles_are_added_to_or_refused(text: str, more: tuple[Machine, ...]) -> None:
    """Nothing but an error that says why, or a registry with all there was and all that was added."""
    try:
        before = parse(text.encode())
    except RegistryError:
        with pytest.raises(RegistryError):
            added(text.encode(), [Port("N", 6000)], more)
        return
    machine = more[0].name if more else before.machine_names[0]
    try:
        made = added(text.encode(), [Port("N", 6000, machine, "Owner", "a purpose")], more)
    except RegistryError as error:
        assert "cannot be added to" in str(error) or "has no `machine`, and there are going to be" in str(error)
        return
    after = parse(made)
    assert plain(after)[0] == [*plain(before)[0], ("N", 6000, machine, "Owner", "a purpose")]
    assert [one.name for one in after.machines] == [one.name for one in (*before.machines, *more)]
    assert made.count(b"#") == text.count("#")


@pytest.mark.parametrize(
    "text", ["", "- a\n", "version: 1\n", "version: 1\nports:\n  A: {port: 70000}\n", "version: 1\nports: [\n", "\xff"]
)
def test_what_is_no_registry_is_refused(text: str) -> None:
    with pytest.raises(RegistryError):
        added(text.encode("latin-1"), [Port("N", 6000)])


def test_a_name_or_a_port_that_is_there_is_refused() -> None:
    text = b"version: 1\nports:\n  A: {port: 5000}\n"
    for one in (Port("A", 6000), Port("a", 6000), Port("B", 5000)):
        with pytest.raises(RegistryError):
            added(text, [one])
