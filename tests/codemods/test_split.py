"""``event_bus --events``: what a call between two services becomes, and what the other side gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemods.cutting.split import split
from codemods.edits import Reason
from codemods.imports import Refused
from config.settings import Settings
from tests.codemods.split_support import RUN, cut, talk, workspace

KEEPER = "def load(name, size=1):\n    return name\n"


def body(text: str) -> str:
    """What stands between the imports and the service."""
    return text.split("\n\n\n", 1)[1].removesuffix(RUN).strip("\n")


def handlers(text: str) -> list[str]:
    """The lines that register handlers."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("bus.")]


def fields(text: str, name: str) -> str:
    """One class of the module of events, without its docstring and topic."""
    block = text.split(f"class {name}(", 1)[1].split("\n\n\n")[0]
    kept = [line.strip() for line in block.splitlines() if '"""' not in line and "TOPIC" not in line]
    return " ".join(filter(None, kept))


def test_all_of_it(tmp_path: Path) -> None:
    files = talk(
        tmp_path,
        '"""Asks."""\n\nimport time\n\nimport keeper\n\n\ndef ask(x):\n    return keeper.load(x, 2)\n',
        '"""Keeps."""\n\n\ndef load(name: str, size: int = 1) -> bool:\n    return bool(name)\n',
    )
    assert files["asker.py"] == (
        '"""Asks."""\n\nimport time\n\nfrom runtime.events import get_bus\n\nfrom asker_events import Load\n\n\n'
        "def ask(x):\n    return get_bus().request_sync(Load(name=x, size=2), timeout=30)\n" + RUN
    )
    assert files["asker_events.py"] == (
        '"""Events and requests between asker and keeper."""\n\nfrom runtime.events import Request\n\n\n'
        "class Load(Request[bool], frozen=True):\n"
        '    """Asks keeper for load(): the answer is what that returns."""\n\n'
        '    TOPIC = "keeper.load"\n\n    name: str\n    size: int = 1\n'
    )
    assert files["keeper.py"] == (
        '"""Keeps."""\n\nfrom functools import cache\n\nfrom runtime.events import Bus, get_bus\n\n'
        "from asker_events import Load\n\n\n"
        "def load(name: str, size: int = 1) -> bool:\n    return bool(name)\n\n\n"
        "class Service:\n    def run(self):\n        handle_events(get_bus())\n        while True:\n            pass\n"
        "\n\n"
        "@cache\ndef handle_events(bus: Bus) -> None:\n"
        '    """Answer what other services ask of this one: once on each bus, however often it is called."""\n'
        "    bus.handle(Load, lambda asked: load(asked.name, asked.size))\n\n\n"
        'if __name__ == "__main__":\n    Service().run()\n'
    )


IMPORTS = [
    ("from keeper import load", "load"),
    ("from keeper import load as fetch", "fetch"),
    ("import keeper", "keeper.load"),
    ("import keeper as k", "k.load"),
]


@pytest.mark.parametrize(("statement", "called"), IMPORTS, ids=[one for one, _ in IMPORTS])
def test_each_kind_of_import(tmp_path: Path, statement: str, called: str) -> None:
    files = talk(tmp_path, f"{statement}\n\n\ndef ask(x):\n    return {called}(x)\n", KEEPER)
    assert body(files["asker.py"]) == "def ask(x):\n    return get_bus().request_sync(Load(name=x), timeout=30)"
    assert "keeper" not in files["asker.py"]


@pytest.mark.parametrize(("statement", "called"), IMPORTS, ids=[one for one, _ in IMPORTS])
def test_an_import_in_a_function(tmp_path: Path, statement: str, called: str) -> None:
    files = talk(tmp_path, f"x = 1\n\n\ndef ask(x):\n    {statement}\n\n    return {called}(x)\n", KEEPER)
    expected = "def ask(x):\n    return get_bus().request_sync(Load(name=x), timeout=30)"
    assert body(files["asker.py"]).endswith(expected)


PACKAGES = {
    "from app.keeper import load": "app.app_events",
    "from app import keeper": "app.app_events",
    "import app.keeper": "app.app_events",
    "from .keeper import load": ".app_events",
    "from . import keeper": ".app_events",
}


@pytest.mark.parametrize("statement", PACKAGES)
def test_a_module_of_a_package(tmp_path: Path, statement: str) -> None:
    called = "load" if "load" in statement else "app.keeper.load" if "import app" in statement else "keeper.load"
    tree = workspace(
        tmp_path,
        {
            "app/__init__.py": "",
            "app/app_asker.py": f"{statement}\n\n\ndef ask(x):\n    return {called}(x)\n{RUN}",
            "app/keeper.py": KEEPER + RUN,
        },
    )
    with tree.attempt():
        split(tree, cut(tree, "app/app_asker.py", "app/keeper.py"))
    assert f"from {PACKAGES[statement]} import Load\n" in tree.source("app/app_asker.py").data.decode()
    assert f"from {PACKAGES[statement]} import Load\n" in tree.source("app/keeper.py").data.decode()
    assert tree.changed == ["app/app_asker.py", "app/app_events.py", "app/keeper.py"]


ASYNC = "async def load(name, size=1):\n    return name\n"
CALLS = {
    "used": (KEEPER, "def f(x):\n    y = load(x)", "y = get_bus().request_sync(Load(name=x), timeout=30)"),
    "in a coroutine": (
        KEEPER,
        "async def f(x):\n    y = load(x)",
        "y = await get_bus().request(Load(name=x), timeout=30)",
    ),
    "a part of it": (
        KEEPER,
        "async def f(x):\n    y = load(x).upper()",
        "y = (await get_bus().request(Load(name=x), timeout=30)).upper()",
    ),
    "an item of it": (
        KEEPER,
        "async def f(x):\n    y = load(x)[0]",
        "y = (await get_bus().request(Load(name=x), timeout=30))[0]",
    ),
    "a power of it": (
        KEEPER,
        "async def f(x):\n    y = load(x) ** 2",
        "y = (await get_bus().request(Load(name=x), timeout=30)) ** 2",
    ),
    "awaited": (
        ASYNC,
        "async def f(x):\n    y = await load(x)",
        "y = await get_bus().request(Load(name=x), timeout=30)",
    ),
    "as a task": (
        ASYNC,
        "async def f(x):\n    y = asyncio.create_task(load(x))",
        "y = asyncio.create_task(get_bus().request(Load(name=x), timeout=30))",
    ),
    "run": (
        ASYNC,
        "def f(x):\n    y = asyncio.run(load(x))",
        "y = asyncio.run(get_bus().request(Load(name=x), timeout=30))",
    ),
    "in one another": (
        KEEPER,
        "def f(x):\n    y = load(load(x), 2)",
        "y = get_bus().request_sync(Load(name=get_bus().request_sync(Load(name=x), timeout=30), size=2), timeout=30)",
    ),
    "named": (
        KEEPER,
        "def f(x):\n    y = load(size=2, name=x)",
        "y = get_bus().request_sync(Load(size=2, name=x), timeout=30)",
    ),
    "in brackets": (
        KEEPER,
        "def f(x):\n    y = load((x), (3))",
        "y = get_bus().request_sync(Load(name=(x), size=(3)), timeout=30)",
    ),
    "in a lambda": (
        KEEPER,
        "def f(x):\n    y = lambda: load(x)",
        "y = lambda: get_bus().request_sync(Load(name=x), timeout=30)",
    ),
    "in a comprehension": (
        KEEPER,
        "async def f(x):\n    y = [load(each) for each in x]",
        "y = [await get_bus().request(Load(name=each), timeout=30) for each in x]",
    ),
    "in a generator": (
        KEEPER,
        "def f(x):\n    y = list(load(each) for each in x)",
        "y = list(get_bus().request_sync(Load(name=each), timeout=30) for each in x)",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_call(tmp_path: Path, case: str) -> None:
    keeper, asker, expected = CALLS[case]
    text = f"import asyncio\n\nfrom keeper import load\n\n\n{asker}\n    return y\n"
    files = talk(tmp_path, text, keeper, {"pyproject.toml": "[tool.ruff]\nline-length = 120\n"})
    assert body(files["asker.py"]).splitlines()[1].strip() == expected


def test_comments_and_lines_of_the_arguments_stay(tmp_path: Path) -> None:
    call = "load(\n        x,  # the, name\n        2,\n    )"
    asker = f"from keeper import load  # from there\n\n\ndef f(x):\n    return {call}\n"
    files = talk(tmp_path, asker, KEEPER)
    assert "# keeper:\n# from there\nfrom asker_events import Load\n" in files["asker.py"]
    assert body(files["asker.py"]).endswith(
        "    return get_bus().request_sync(\n        Load(\n            name=x,  # the, name\n            size=2,\n"
        "        ),\n        timeout=30,\n    )"
    )


def test_what_is_told_about_an_import_goes_to_what_takes_its_place(tmp_path: Path) -> None:
    asker = "import abc\n\n# Keeps it.\nimport keeper  # for ever\n\n\ndef f(x):\n    return keeper.load(x)\n"
    files = talk(tmp_path, asker, KEEPER)
    assert files["asker.py"].startswith(
        "import abc\n\nfrom runtime.events import get_bus\n\n# keeper:\n# Keeps it.\n# for ever\n"
        "from asker_events import Load\n\n\n"
    )


def test_a_coroutine_is_answered_by_one(tmp_path: Path) -> None:
    files = talk(tmp_path, "import keeper\n\n\nasync def f(x):\n    return await keeper.load(x)\n", ASYNC)
    assert (
        "    async def load_asked(asked: Load) -> object:\n        return await load(asked.name, asked.size)\n\n"
        "    bus.handle(Load, load_asked)\n"
    ) in files["keeper.py"]


OBJECTS = {
    "of the module": (
        "class Keeper:\n    def load(self, name): return 1\n\n\nkeep = Keeper()\n",
        "keep.load",
        "keep.load",
    ),
    "made later": (
        (
            "class Keeper:\n    def load(self, name): return 1\n\n\nkeep = None\n\n\n"
            "def begin():\n    global keep\n    keep = Keeper()\n"
        ),
        "keep.load",
        "keep.load",
    ),
    "by an accessor": (
        "class Keeper:\n    def load(self, name): return 1\n\n\n_keep = Keeper()\n\n\ndef get():\n    return _keep\n",
        "get().load",
        "get().load",
    ),
    "by one that says so": (
        "class Keeper:\n    def load(self, name): return 1\n\n\ndef get() -> 'Keeper':\n    return build()\n",
        "get().load",
        "get().load",
    ),
    "of a base class": (
        "class Base:\n    def load(self, name): return 1\n\n\nclass Keeper(Base):\n    pass\n\n\nkeep = Keeper()\n",
        "keep.load",
        "keep.load",
    ),
    "of the class itself": (
        "class Keeper:\n    @staticmethod\n    def load(name): return 1\n\n\nkeep = Keeper()\n",
        "keep.load",
        "keep.load",
    ),
}


@pytest.mark.parametrize("case", OBJECTS)
def test_a_method_of_an_object(tmp_path: Path, case: str) -> None:
    keeper, called, target = OBJECTS[case]
    files = talk(tmp_path, f"import keeper\n\n\ndef f(x):\n    return keeper.{called}(x)\n", keeper)
    assert body(files["asker.py"]) == "def f(x):\n    return get_bus().request_sync(Load(name=x), timeout=30)"
    assert handlers(files["keeper.py"]) == [f"bus.handle(Load, lambda asked: {target}(asked.name))"]


SIGNATURES = {
    "no annotations": ("def load(a, b=2): return a", "load(1)", "Request[Any], frozen=True): a: Any b: Any = 2"),
    "builtins": (
        "def load(a: str, b: int = 2, c: list = []) -> dict: return {}",
        "load('')",
        "Request[dict], frozen=True): a: str b: int = 2 c: list = []",
    ),
    "typing": (
        (
            "from typing import Dict, Optional\nimport typing as t\n\n\n"
            "def load(a: Optional[str], b: t.List[int]) -> Dict[str, t.Any]: return {}"
        ),
        "load('', [])",
        "Request[Dict[str, Any]], frozen=True): a: Optional[str] b: List[int]",
    ),
    "a union": (
        "def load(a: int | None, b: 'str') -> list[str] | None: return []",
        "load(1, '')",
        "Request[list[str] | None], frozen=True): a: int | None b: str",
    ),
    "None by default": (
        "def load(a: int = None): return a",
        "load()",
        "Request[Any], frozen=True): a: int | None = None",
    ),
    "a literal": (
        "from typing import Literal\n\n\ndef load(a: Literal['x', -1]) -> tuple[int, ...]: return ()",
        "load('x')",
        "Request[tuple[int, ...]], frozen=True): a: Literal['x', -1]",
    ),
    "keywords only": ("def load(a, *, b): return a", "load(1, b=2)", "Request[Any], frozen=True): a: Any b: Any"),
    "required behind a default": (
        "def load(a=1, *, b): return a",
        "load(b=2)",
        "Request[Any], frozen=True): b: Any a: Any = 1",
    ),
    "nothing returned": ("def load(a): print(a)", "load(1)", "Request[None], frozen=True): a: Any"),
    "tuples returned": ("def load(a): return a, 1", "load(1)", "Request[tuple[Any, ...]], frozen=True): a: Any"),
    "no literal default, and nobody gives it": (
        "def load(a, b=time.time(), c=3): return a",
        "load(1, c=4)",
        "Request[Any], frozen=True): a: Any c: Any = 3",
    ),
    "no literal default, and all give it": (
        "def load(a, b=time.time()): return a",
        "load(1, 2)",
        "Request[Any], frozen=True): a: Any b: Any",
    ),
    "a default in quotes": (
        "def load(a='it\\'s', b='x'): return a",
        "load()",
        'Request[Any], frozen=True): a: Any = "it\'s" b: Any = "x"',
    ),
}


@pytest.mark.parametrize("case", SIGNATURES)
def test_the_fields_of_a_message(tmp_path: Path, case: str) -> None:
    keeper, called, expected = SIGNATURES[case]
    files = talk(tmp_path, f"import keeper\n\n\ndef f():\n    return keeper.{called}\n", f"import time\n\n\n{keeper}\n")
    assert fields(files["asker_events.py"], "Load") == expected


def test_the_handler_gives_what_it_was_asked_with(tmp_path: Path) -> None:
    keeper = "def load(a, /, b, c=time.time(), d=1, *, e=2): return a\n"
    files = talk(tmp_path, "import keeper\n\n\ndef f():\n    return keeper.load(1, 2)\n", f"import time\n\n\n{keeper}")
    assert handlers(files["keeper.py"]) == [
        "bus.handle(Load, lambda asked: load(asked.a, asked.b, d=asked.d, e=asked.e))"
    ]


STARTS = {
    "a method": (
        "class A:\n    def run(self):\n        x = 1\n        while x:\n            pass\n",
        "A().run()",
        "while x:",
    ),
    "a method of a variable": ("class A:\n    def serve(self):\n        loop()\n", "a = A()\n    a.serve()", "loop()"),
    "a function": ("def main():\n    '''Doc.'''\n    x = 1\n    x.start()\n", "main()", "x.start()"),
    "a coroutine": ("async def main():\n    await x()\n", "asyncio.run(main())", "await x()"),
    "behind what only prepares": (
        "def options():\n    return 1\n\n\ndef go(x):\n    while x:\n        pass\n",
        "x = options()\n    go(x)",
        "while x:",
    ),
    "in a try": (
        (
            "def main():\n    x = 1\n    try:\n        x.close()\n        # for ever\n        while x:\n"
            "            pass\n    finally:\n        pass\n"
        ),
        "main()",
        "# for ever",
    ),
    "in a with": ("def main():\n    with x as y:\n        y()\n        y.run()\n", "main()", "y.run()"),
    "the script itself": ("y = 1\n", "x = y\n    while x:\n        pass", "while x:"),
}


@pytest.mark.parametrize("case", STARTS)
def test_where_the_service_starts(tmp_path: Path, case: str) -> None:
    text, called, before = STARTS[case]
    keeper = f'{KEEPER}\n\n{text}\n\nif __name__ == "__main__":\n    {called}\n'
    asker = "from keeper import load\n\n\ndef f(x):\n    return load(x)\n" + RUN
    tree = workspace(tmp_path, {"asker.py": asker, "keeper.py": keeper})
    with tree.attempt():
        split(tree, cut(tree))
    lines = [line.strip() for line in tree.source("keeper.py").data.decode().splitlines()]
    assert lines[lines.index("handle_events(get_bus())") + 1] == before


def test_the_only_class_that_runs_is_the_start_of_what_is_no_script(tmp_path: Path) -> None:
    keeper = f"{KEEPER}\n\nclass A:\n    def run(self):\n        pass\n\n\nA().run()\n"
    tree = workspace(
        tmp_path, {"asker.py": "import keeper\n\n\ndef f(x):\n    return keeper.load(x)\n" + RUN, "keeper.py": keeper}
    )
    with tree.attempt():
        split(tree, cut(tree))
    text = tree.source("keeper.py").data.decode()
    assert "        handle_events(get_bus())\n        pass\n" in text
    assert text.index("def handle_events") < text.index("\nA().run()")


def test_a_later_run_completes_what_is_there(tmp_path: Path) -> None:
    other = "import keeper\n\n\ndef g(x):\n    return keeper.keep(x) + keeper.load(x)\n" + RUN
    keeper = KEEPER + "\n\ndef keep(what: str) -> int:\n    return 1\n" + RUN
    asker = "import keeper\n\n\ndef f(x):\n    return keeper.load(x)\n" + RUN
    tree = workspace(tmp_path, {"a_service.py": asker, "a_asker.py": other, "keeper.py": keeper})
    for importer in ("a_service.py", "a_asker.py"):
        with tree.attempt():
            split(tree, cut(tree, importer))
    assert handlers(tree.source("keeper.py").data.decode()) == [
        "bus.handle(Load, lambda asked: load(asked.name, asked.size))",
        "bus.handle(Keep, lambda asked: keep(asked.what))",
    ]
    text = tree.source("keeper.py").data.decode()
    assert text.count("def handle_events") == text.count("handle_events(get_bus())") == 1
    assert "from a_events import Keep, Load\n" in text
    events = tree.source("a_events.py").data.decode()
    assert events.startswith('"""Events and requests between a_service and keeper."""\n\nfrom typing import Any\n')
    assert [line for line in events.splitlines() if line.startswith("class ")] == [
        "class Load(Request[Any], frozen=True):",
        "class Keep(Request[int], frozen=True):",
    ]


def test_both_sides_share_a_module_and_answer_each_other(tmp_path: Path) -> None:
    files = {
        "memory_client.py": "import session_memory_agent\n\n\ndef status():\n    return 1\n\n\n"
        "def f():\n    return session_memory_agent.status()\n" + RUN,
        "session_memory_agent.py": "def status():\n    return 1\n\n\n"
        "def f():\n    import memory_client\n    return memory_client.status()\n" + RUN,
    }
    tree = workspace(tmp_path, files)
    for pair in (tuple(files), tuple(files)[::-1]):
        with tree.attempt():
            split(tree, cut(tree, *pair))
    events = tree.source("memory_events.py").data.decode()
    # Each has a function of that name.
    assert "class Status(Request[Any], frozen=True):\n" in events
    assert "class MemoryClientStatus(Request[Any], frozen=True):\n" in events
    assert events.count('TOPIC = "memory_client.status"') == events.count('TOPIC = "session_memory_agent.status"') == 1
    assert [one for one in tree.graph.edges if one.imported != "memory_events.py"] == []


def test_a_bus_of_the_trees_own(tmp_path: Path) -> None:
    settings = Settings(get_bus="common.bus:the_bus")
    files = {
        "common/bus.py": "from runtime.events import Bus, Event, Request\n\n\ndef the_bus():\n    return 1\n",
        "asker.py": "import keeper\n\n\ndef f(x):\n    return keeper.load(x)\n" + RUN,
        "keeper.py": KEEPER + RUN,
    }
    tree = workspace(tmp_path, files, settings)
    with tree.attempt():
        split(tree, cut(tree), timeout=0.5)
    assert "the_bus().request_sync(Load(name=x), timeout=0.5)" in tree.source("asker.py").data.decode()
    assert "from common.bus import Request\n" in tree.source("asker_events.py").data.decode()
    assert "from common.bus import Bus, the_bus\n" in tree.source("keeper.py").data.decode()


def test_a_bus_of_the_trees_own_without_what_messages_are_made_of(tmp_path: Path) -> None:
    files = {
        "common/bus.py": "def the_bus():\n    return 1\n",
        "asker.py": "import keeper\n\n\ndef f(x):\n    return keeper.load(x)\n" + RUN,
        "keeper.py": KEEPER + RUN,
    }
    tree = workspace(tmp_path, files, Settings(get_bus="common.bus:the_bus"))
    with pytest.raises(Refused, match=r"common/bus.py has no `Bus`, `Event` and `Request`") as caught, tree.attempt():
        split(tree, cut(tree))
    assert caught.value.reason == Reason.UNCERTAIN


def test_what_may_not_import_the_bus(tmp_path: Path) -> None:
    tree = workspace(
        tmp_path,
        {"asker.py": "import keeper\n\n\ndef f(x):\n    return keeper.load(x)\n" + RUN, "keeper.py": KEEPER + RUN},
    )
    with pytest.raises(Refused, match="because"), tree.attempt():
        split(
            tree, cut(tree), refusal=lambda path: (Reason.SHADOWED_TARGET, "because") if path == "keeper.py" else None
        )
