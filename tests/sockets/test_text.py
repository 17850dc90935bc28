"""The graph as text in the width of a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from analysis.message_edges import orphans_of
from analysis.request_loops import Loops, loops_of
from tests.sockets.support import graph, service
from unsnarl.output.socket_text import Message, text

PARTS = ("edges", "requests", "loops", "orphans", "sockets")


@pytest.fixture
def shown(tmp_path: Path) -> Message:
    folder = "a/folder/with/a/long/name/and/more/of/it"
    files = {
        f"{folder}/first.py": service("ServiceOfTheFirstKind", 5556, {"other": 5557, "記憶": 5999}),
        f"{folder}/second.py": service("ServiceOfTheSecondKind", 5557, {"other": 5556}),
    }
    made = graph(tmp_path, files)
    return Message(made.edges(), made.served, loops_of(made), orphans_of(made), made.sockets)


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(shown: Message, width: int) -> None:
    lines = text(shown, PARTS, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert len(lines) == len(text(shown, PARTS).splitlines())


def test_what_is_cut_is_marked_and_the_end_of_a_path_stays(shown: Message) -> None:
    line = text(shown, ("edges",), 80).splitlines()[2]
    assert "…" in line
    assert line.endswith("first.py:12")
    assert "…" not in text(shown, PARTS)


def test_a_part_that_is_empty_is_left_out_unless_it_was_asked_for() -> None:
    nothing = Message([], [], Loops((), (), ()), [], [])
    assert text(nothing, PARTS) == ""
    assert text(nothing, ("edges",)) == "Who speaks to whom: 0 edges\n"
