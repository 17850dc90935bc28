"""The module of the events between two services, by itself: what it is called, made of, and completed with."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from codemods.cutting.event_module import Asked, EventModule, path_of
from codemods.cutting.offers import Module
from codemods.edits import Reason
from codemods.imports import Refused
from runtime.events import Event, Request
from tests.codemods.split_support import workspace

KEEPER = """
from collections.abc import Sequence
from typing import Any


def load(name: str, size: int = 1) -> list[str]:
    return [name] * size


def note(what, names: Sequence[str] = ()):
    print(what, names)


def __(x):
    pass
"""
OFFERS = Module("keeper.py", ast.parse(KEEPER))
LOAD = Asked(OFFERS.offered(["load"]), False, ("name", "size"))
NOTE = Asked(OFFERS.offered(["note"]), True, ("what", "names"))


def completed(root: Path, *asked: Asked, **files: str) -> str:
    """The module as it is when it has a class for each of ``asked``."""
    tree = workspace(root, {"asker.py": "", "keeper.py": KEEPER} | {f"{name}.py": text for name, text in files.items()})
    with tree.attempt():
        EventModule(tree, "talk_events.py", "runtime.events", ("asker.py", "keeper.py")).complete(asked)
    return tree.source("talk_events.py").data.decode()


def classes(text: str) -> Mapping[str, type]:
    """What the module defines, when it is run."""
    known: dict[str, object] = {"__name__": "talk_events"}
    exec(compile(text, "talk_events.py", "exec", dont_inherit=True), known)
    return {name: one for name, one in known.items() if isinstance(one, type) and one.__module__ == "talk_events"}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("memory_client.py", "session_memory_agent.py", "memory_events.py"),
        ("model_manager_agent.py", "vram_optimizer_agent.py", "model_events.py"),
        ("a/asker.py", "b/keeper.py", "b/asker_events.py"),
        ("agent.py", "server.py", "agent_events.py"),
        ("_.py", "x.py", "__events.py"),
    ],
    ids=["a common word", "none", "two folders", "roles alone", "no word"],
)
def test_what_it_is_called(one: str, other: str, expected: str) -> None:
    assert path_of(one, other) == expected
    # The name depends on the two files, not on who asks; only the folder does.
    assert path_of(other, one).rpartition("/")[2] == expected.rpartition("/")[2]


def test_it_is_made(tmp_path: Path) -> None:
    text = completed(tmp_path, LOAD, NOTE)
    made = classes(text)
    assert sorted(made) == ["Load", "Note"]
    assert issubclass(made["Load"], Request)
    assert issubclass(made["Note"], Event)
    fields = {name: [(one.name, one.default) for one in msgspec.structs.fields(kind)] for name, kind in made.items()}
    told = {name: (vars(kind)["TOPIC"], fields[name]) for name, kind in made.items()}
    assert told == {
        "Load": ("keeper.load", [("name", msgspec.NODEFAULT), ("size", 1)]),
        "Note": ("keeper.note", [("what", msgspec.NODEFAULT), ("names", ())]),
    }


def test_only_what_is_asked_with_is_a_field(tmp_path: Path) -> None:
    made = classes(completed(tmp_path, LOAD._replace(fields=("size",))))
    assert [one.name for one in msgspec.structs.fields(made["Load"])] == ["size"]


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    first = completed(tmp_path / "first", LOAD, NOTE)
    assert completed(tmp_path / "second", LOAD, NOTE, talk_events=first) == first


@pytest.mark.parametrize("end", ["\n", "", "\n\n\n", "\n# The end.\n", "\n# The end."])
def test_it_is_completed_and_what_is_there_stays(tmp_path: Path, end: str) -> None:
    first = completed(tmp_path / "first", LOAD).rstrip("\n") + end
    both = completed(tmp_path / "second", NOTE, talk_events=first)
    assert sorted(classes(both)) == ["Load", "Note"]
    kept = first.partition("class Load")[2].strip()
    assert kept in both
    assert both.endswith("\n") == (end[-1:] == "\n")


def test_a_name_that_is_taken_gets_the_service_in_front(tmp_path: Path) -> None:
    text = completed(tmp_path, LOAD, talk_events="Load = 1\n")
    assert sorted(classes(text)) == ["KeeperLoad"]


def refused(root: Path, *asked: Asked, **files: str) -> str:
    with pytest.raises(Refused) as caught:
        completed(root, *asked, **files)
    assert caught.value.reason is Reason.EVENT_CLASH
    return caught.value.detail


def test_two_of_one_name(tmp_path: Path) -> None:
    assert refused(tmp_path, LOAD, LOAD) == "several things that are called here are called `load`"


def test_a_name_that_no_class_can_have(tmp_path: Path) -> None:
    nameless = Asked(OFFERS.offered(["__"]), False, ("x",))
    assert refused(tmp_path, nameless) == "no class can be called after `__`"


def test_other_fields(tmp_path: Path) -> None:
    first = completed(tmp_path / "first", LOAD)
    less = LOAD._replace(fields=("name",))
    assert refused(tmp_path / "second", less, talk_events=first) == (
        "`Load` of talk_events.py has other fields or another answer"
    )


def test_an_event_where_a_request_is_wanted(tmp_path: Path) -> None:
    first = completed(tmp_path / "first", LOAD._replace(event=True))
    # Both have the topic of the function, which the bus keeps apart: one is subscribed to, the other answered.
    text = completed(tmp_path / "second", LOAD, talk_events=first)
    assert sorted(classes(text)) == ["KeeperLoad", "Load"]


def test_a_base_that_means_something_else(tmp_path: Path) -> None:
    assert refused(tmp_path, LOAD, talk_events="class Request: pass\n") == (
        "talk_events.py means something else by `Request`"
    )
