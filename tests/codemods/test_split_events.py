"""``event_bus --events``: which calls become events, and which ask and wait although nobody uses the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.codemods.split_support import talk

NOTE = "def note(what, when: float = 0.0):\n    print(what, when)\n"
EVENTS = {
    "a constant": "def f(x):\n    keeper.note('x', 1.0)",
    "a text made of others": "def f(x):\n    keeper.note(f'{x} is there')",
    "a display of constants": "def f(x):\n    keeper.note({'a': [1, 2]})",
    "a number made of it": "def f(x):\n    keeper.note(len(x), float(x))",
    "a parameter of a plain type": "def f(x: str):\n    keeper.note(x)",
    "a field of a plain type": "def f(x):\n    keeper.note('x', x.when)",
    "a variable that is made and left": "def f(x):\n    y = {'a': 1}\n    keeper.note(y)",
    "in a coroutine": "async def f(x):\n    keeper.note('x')",
    "behind another use": "def f(x):\n    y = keeper.count()\n    keeper.note('y')",
    "with a finally": "def f(x):\n    try:\n        keeper.note('x')\n    finally:\n        x()",
}
REQUESTS = {
    "an object of others": "def f(x):\n    keeper.note(x)",
    "a display of them": "def f(x):\n    keeper.note({'a': x})",
    "an attribute": "def f(x):\n    keeper.note(x.name)",
    "a variable that is changed afterwards": "def f(x):\n    y = {'a': 1}\n    keeper.note(y)\n    y['a'] = 2",
    "a variable that is made once and told often": "def f(x):\n    y = []\n    for _ in x:\n        keeper.note(y)",
    "before another use": "def f(x):\n    keeper.note('x')\n    return keeper.count()",
    "before another use in a loop": "def f(x):\n    for _ in x:\n        keeper.count()\n        keeper.note('x')",
    "in a try": "def f(x):\n    try:\n        keeper.note('x')\n    except Exception:\n        x()",
    "as a script": "def f(x):\n    pass\n\n\nif __name__ == '__main__':\n    keeper.note('x')",
    "in a lambda": "def f(x):\n    x(lambda: keeper.note('x'))",
}


def module(tmp_path: Path, asker: str, keeper: str = NOTE) -> tuple[str, str]:
    files = talk(tmp_path, f"import keeper\n\n\n{asker}\n", f"{keeper}\n\ndef count():\n    return 1\n")
    return files["asker.py"], files["asker_events.py"]


@pytest.mark.parametrize("case", EVENTS)
def test_told_and_not_waited_for(tmp_path: Path, case: str) -> None:
    text, events = module(tmp_path, EVENTS[case])
    assert "get_bus().publish(Note(" in text
    assert "class Note(Event, frozen=True):" in events


@pytest.mark.parametrize("case", REQUESTS)
def test_waited_for_though_nobody_uses_the_answer(tmp_path: Path, case: str) -> None:
    text, events = module(tmp_path, REQUESTS[case])
    assert "get_bus().request_sync(Note(" in text
    assert "publish" not in text
    assert "class Note(Request[None], frozen=True):" in events


KEEPERS = {
    "it raises": "def note(what, when: float = 0.0):\n    if what: raise ValueError\n",
    "it asserts": "def note(what, when: float = 0.0):\n    assert what\n",
    "it comes back": "import asker\n\n\ndef note(what, when: float = 0.0):\n    other()\n\n\n"
    "def other():\n    asker.f(1)\n",
    "it comes back late": "def note(what, when: float = 0.0):\n    import asker\n\n    asker.f(1)\n",
    "it asks others": "from runtime.events import get_bus\n\n\ndef note(what, when: float = 0.0):\n    get_bus()\n",
}


@pytest.mark.parametrize("case", KEEPERS)
def test_waited_for_as_of_what_is_called(tmp_path: Path, case: str) -> None:
    text, _ = module(tmp_path, EVENTS["a constant"], KEEPERS[case])
    assert "get_bus().request_sync(Note(" in text


def test_all_calls_of_a_function_go_the_same_way(tmp_path: Path) -> None:
    text, events = module(tmp_path, "def f(x):\n    keeper.note('x')\n\n\ndef g(x):\n    return keeper.note('y')")
    assert text.count("get_bus().request_sync(Note(") == 2
    assert "class Note(Request[None], frozen=True):" in events


def test_a_coroutine_that_is_awaited_is_a_request(tmp_path: Path) -> None:
    text, _ = module(tmp_path, "async def f(x):\n    await keeper.note('x')", "async def note(what):\n    pass\n")
    assert "    await get_bus().request(Note(what='x'), timeout=30)\n" in text


def test_who_answers_subscribes(tmp_path: Path) -> None:
    files = talk(tmp_path, "import keeper\n\n\ndef f(x):\n    keeper.note('x')\n", NOTE)
    assert "    bus.subscribe(Note, lambda asked: note(asked.what, asked.when))\n" in files["keeper.py"]
