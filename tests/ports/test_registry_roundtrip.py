"""Every registry that the schema allows is the same registry when it was written and read."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from config.registry import Machine, Port, Registry, RegistryError, parse

TRAPS = ["on", "off", "NO", "y", "null", "true", "_", "e1", "A1", "inf"]
names = st.one_of(st.sampled_from(TRAPS), st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)).filter(
    lambda name: name.upper() != "OFFSET"
)
machine_names = st.one_of(
    st.sampled_from(["on", "08", "1e3", "0x1", "1_0", "1.5", "null", "2026-01-01"]),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True),
)
# One line of what can be shown, with single spaces: that is what text is normalised to.
texts = st.one_of(
    st.sampled_from(
        ["", "~", "null", "on", "1:30", "08", "#", "- a", "{a: b}", "a: b", "'", '"', "\\", "${X}", "😀 é"]
    ),
    st.text(max_size=20).map(lambda text: " ".join(text.split())).filter(str.isprintable),
)
folders = st.lists(
    st.from_regex(r"[A-Za-z0-9_.]{1,6}", fullmatch=True).filter(lambda part: part.strip(".")), min_size=1, max_size=3
)
ranges = st.one_of(
    st.none(), st.tuples(st.integers(1, 65535), st.integers(1, 65535)).map(lambda pair: tuple(sorted(pair)))
)


@st.composite
def registries(draw: st.DrawFn) -> Registry:
    on = draw(st.lists(machine_names, unique_by=str.casefold, max_size=3))
    paths = draw(st.lists(folders.map("/".join), unique=True, max_size=4))
    machines = tuple(Machine(name, tuple(paths[i :: len(on)]), draw(ranges)) for i, name in enumerate(on))
    ports: list[Port] = []
    taken: set[tuple[str, int]] = set()
    for name in draw(st.lists(names, unique_by=str.casefold, max_size=6)):
        for machine in draw(st.lists(st.sampled_from(on or ["default"]), unique=True, min_size=1)):
            number = draw(st.integers(1, 65535).filter(lambda number, machine=machine: (machine, number) not in taken))
            taken.add((machine, number))
            ports.append(Port(name, number, machine, draw(texts), draw(texts)))
    return Registry(machines, tuple(ports))


def bare(registry: Registry) -> Registry:
    return Registry(
        tuple(msgspec.structs.replace(one, line=0) for one in registry.machines),
        tuple(msgspec.structs.replace(one, line=0) for one in registry.ports),
    )


@given(registries())
def test_written_and_read_it_is_the_same(registry: Registry) -> None:
    text = registry.to_yaml()
    again = parse(text)
    assert bare(again) == registry
    assert again.to_yaml() == text
    assert bare(parse(text.encode())) == registry


@given(registries())
def test_the_line_of_each_port_is_where_it_stands(registry: Registry) -> None:
    lines = registry.to_yaml().splitlines()
    for one in parse(registry.to_yaml()).ports:
        near = "\n".join(lines[one.line - 1 : one.line + 2])
        assert f"port: {one.port}" in near


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60)))
def test_whatever_the_file_holds_the_answer_is_a_registry_or_an_error_with_a_line(data: str | bytes) -> None:
    try:
        assert isinstance(parse(data), Registry)
    except RegistryError as error:
        assert error.line >= 1
