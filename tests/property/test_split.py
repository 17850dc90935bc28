"""Whatever a function takes and however it is called: what comes back over the bus is what the call gave."""

from __future__ import annotations

import sys
import tempfile
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.events import LocalBus, configure
from runtime.events._event import Event, encode, spec_of
from tests.codemods.split_support import talk

KINDS = ("positional", "either", "keyword")
TYPES = {"int": "7", "str": "'seven'", "list[int]": "[7]", "": "{'s': 7}"}
DEFAULTS = {"int": "1", "str": "'x'", "list[int]": "[]", "": "None"}


class Drawn(NamedTuple):
    keeper: str
    call: str


@st.composite
def functions(draw: st.DrawFn) -> Drawn:
    """A function and a call of it."""
    kinds = sorted(draw(st.lists(st.sampled_from(KINDS), max_size=5)), key=KINDS.index)
    parts: list[str] = []
    positional: list[str] = []
    named: list[str] = []
    optional = skipped = False
    for place, kind in enumerate(kinds):
        name, annotation = f"p{place}", draw(st.sampled_from(list(TYPES)))
        # Behind a default every other has one, but for those that are named.
        optional = draw(st.booleans()) or (optional and kind != "keyword")
        default = f" = {DEFAULTS[annotation]}" if optional else ""
        if kind == "keyword" and "*" not in parts:
            parts.append("*")
        parts.append(f"{name}{': ' + annotation if annotation else ''}{default}")
        if kind == "positional" and kinds[place + 1 : place + 2] != ["positional"]:
            parts.append("/")
        if skipped and kind == "positional":
            continue
        if optional and draw(st.booleans()):
            # Nothing can be given by its place behind one that is not.
            skipped = True
            continue
        value = draw(st.sampled_from((TYPES[annotation], f"({TYPES[annotation]})")))
        if kind == "positional" or (kind == "either" and not (named or skipped) and draw(st.booleans())):
            positional.append(value)
        else:
            named.append(f"{name}={value}")
    names = ", ".join(f"p{place}" for place in range(len(kinds)))
    shuffled = draw(st.permutations(named))
    return Drawn(
        f"def load({', '.join(parts)}):\n    return [{names}]\n", f"load({', '.join([*positional, *shuffled])})"
    )


@contextmanager
def modules(files: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The modules as they are imported by one another."""
    made: dict[str, Any] = {}
    try:
        for name in ("asker_events", "keeper", "asker"):
            made[name] = sys.modules[name] = types.ModuleType(name)
            exec(files[f"{name}.py"], made[name].__dict__)
        yield made
    finally:
        for name in made:
            del sys.modules[name]


class Written(LocalBus):
    """Within a process, but everything goes through the form that it has between two."""

    def request_sync(self, request: Any, **words: Any) -> Any:
        spec = spec_of(type(request))
        assert isinstance(request, Event)
        answer = super().request_sync(spec.decode(encode(request)), **words)
        return spec.decode_reply(encode(answer))


@settings(max_examples=60, deadline=None)
@given(functions())
def test_the_same_comes_back(drawn: Drawn) -> None:
    before: dict[str, Any] = {}
    exec(drawn.keeper, before)
    expected = eval(drawn.call, before)
    asker = f"import keeper\n\n\ndef ask():\n    return keeper.{drawn.call}\n"
    with tempfile.TemporaryDirectory() as folder:
        files = talk(Path(folder), asker, drawn.keeper)
    with modules(files) as made, configure(Written(threads=1)) as bus:
        made["keeper"].handle_events(bus)
        # Once on each bus, however often it is called.
        made["keeper"].handle_events(bus)
        assert made["asker"].ask() == expected
