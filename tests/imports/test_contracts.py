"""Which imports break a contract: every kind of contract, every option, and the law that no forbidden way is missed."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.contracts import breaches
from config.contracts import Contract, ContractError

from .support import Tree


def told(files: dict[str, str], contract: Contract) -> list[str]:
    """Each breach as its steps, and why."""
    contract.check()
    found = []
    for one in breaches(Tree(files).graph, contract):
        steps = " > ".join([*(f"{edge.importer}:{edge.line}" for edge in one.chain), one.chain[-1].imported])
        found.append(f"{steps} {one.why}")
    return found


LAYERS = Contract(layers=("web", "model | tasks", "store"))
FLAT = {"web.py": "import model\nimport store\n", "model.py": "import store\n", "tasks.py": "", "store.py": ""}


def test_layers_go_downwards_and_may_pass_one() -> None:
    assert told(FLAT, LAYERS) == []


def test_a_layer_that_goes_up() -> None:
    files = {**FLAT, "store.py": "x = 1\nimport web\nfrom model import a, b\n"}
    assert told(files, LAYERS) == [
        "store.py:2 > web.py `store` is below `web`",
        "store.py:3 > model.py `store` is below `model`",
    ]


def test_parts_of_one_layer_are_independent_or_not() -> None:
    files = {**FLAT, "tasks.py": "import model\n"}
    assert told(files, LAYERS) == ["tasks.py:1 > model.py `tasks` and `model` are independent of each other"]
    assert told(files, Contract(layers=("web", "model : tasks", "store"))) == []


def test_every_line_is_told_once_for_each_part() -> None:
    files = {"web/__init__.py": "", "web/a.py": "", "web/b.py": "", "store.py": "from web import a, b\nimport web.a\n"}
    assert told(files, Contract(layers=("web", "store"))) == [
        "store.py:1 > web/a.py `store` is below `web`",
        "store.py:2 > web/a.py `store` is below `web`",
    ]


WAY = {
    "web.py": "",
    "store.py": "import util\nimport other\n",
    "util.py": "import more\n",
    "more.py": "import web\n",
    "other.py": "x = 1\nimport web\n",
}


def test_a_way_by_files_of_no_part_is_told_by_the_shortest() -> None:
    contract = Contract(layers=("web", "store"))
    assert told(WAY, contract) == ["store.py:2 > other.py:2 > web.py `store` is below `web`"]
    assert told(WAY, Contract(layers=("web", "store"), indirect=False)) == []


def test_a_way_by_another_part_is_its_breach() -> None:
    files = {"web.py": "", "model.py": "import web\n", "store.py": "import util\n", "util.py": "import model\n"}
    assert told(files, Contract(layers=("web", "model", "store"))) == [
        "model.py:1 > web.py `model` is below `web`",
        "store.py:1 > util.py:1 > model.py `store` is below `model`",
    ]


def test_a_direct_import_spares_the_way_round() -> None:
    assert told({**WAY, "store.py": "import util\nimport web\n"}, Contract(layers=("web", "store"))) == [
        "store.py:2 > web.py `store` is below `web`"
    ]


def test_sources_and_targets() -> None:
    contract = Contract(sources=("app",), targets=("app.store", "secrets_file"))
    files = {
        "app/__init__.py": "",
        "app/web.py": "from app import store\n",
        "app/store.py": "import secrets_file\nimport app.web\n",
        "secrets_file.py": "",
    }
    # What says more of a file goes first: app.store is a target, and may do what it likes.
    assert told(files, contract) == ["app/web.py:1 > app/store.py `app` may not import `app.store`"]


def test_each_match_of_an_independent_pattern_is_a_part() -> None:
    files = {
        "plugins/__init__.py": "from plugins import mail, sms\n",
        "plugins/mail/__init__.py": "",
        "plugins/mail/send.py": "import plugins.sms\nfrom plugins import mail\n",
        "plugins/sms.py": "import shared\n",
        "shared.py": "from plugins.mail import send\n",
    }
    said = "`plugins.mail` and `plugins.sms` are independent of each other"
    back = "`plugins.sms` and `plugins.mail` are independent of each other"
    assert told(files, Contract(independent=("plugins.*",))) == [
        f"plugins/mail/send.py:1 > plugins/sms.py {said}",
        f"plugins/sms.py:1 > shared.py:1 > plugins/mail/send.py {back}",
    ]
    assert told(files, Contract(independent=("plugins/*",)))[0].startswith("plugins/mail/send.py:1 > plugins/sms.py")
    named = Contract(independent=("plugins.mail", "plugins.sms"))
    assert len(told(files, named)) == 2


@pytest.mark.parametrize(
    ("text", "options", "found"),
    [
        ("def f():\n    import web\n", {}, 1),
        ("def f():\n    import web\n", {"deferred": False}, 0),
        ("class A:\n    import web\n", {"deferred": False}, 1),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import web\n", {}, 0),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import web\n", {"typing": True}, 1),
        ("import importlib\nimportlib.import_module('web')\n", {}, 1),
        ("import web\ndef f(:\n", {}, 1),
    ],
)
def test_when_the_import_runs(text: str, options: dict[str, bool], found: int) -> None:
    assert len(told({"web.py": "", "store.py": text}, Contract(layers=("web", "store"), **options))) == found


def test_what_is_ignored_is_no_way_either() -> None:
    for entry in ("more -> web", "more.py -> web.py", "m* -> *"):
        files = {**WAY, "other.py": ""}
        assert told(files, Contract(layers=("web", "store"), ignore=(entry,))) == []
    with pytest.raises(ContractError) as caught:
        told(WAY, Contract(layers=("web", "store"), ignore=("util -> web",)))
    assert (caught.value.key, str(caught.value)) == ("ignore", '"util -> web": the tree has no such import that counts')


def test_packages_from_outside() -> None:
    contract = Contract(sources=("core",), packages=("requests", "google.cloud"))
    files = {
        "core.py": "import requests_mock\nfrom google import cloud\nfrom google.cloud import x\nimport google.api\n",
        "web.py": "import requests\n",
    }
    said = "`core` may not import `google.cloud`"
    assert told(files, contract) == [f"core.py:2 > google.cloud {said}", f"core.py:3 > google.cloud {said}"]
    # Not the tree's own module of that name; but by way of another.
    files = {"core.py": "import requests\n", "requests.py": "import google.cloud.storage\n"}
    assert told(files, contract) == [f"core.py:1 > requests.py:1 > google.cloud {said}"]


def test_a_module_is_looked_for_from_the_root_of_the_tree_first() -> None:
    files = {"config.py": "", "agents/config.py": "import web\n", "web.py": ""}
    assert told(files, Contract(layers=("web", "config"))) == []
    del files["config.py"]
    assert told(files, Contract(layers=("web", "config"))) == ["agents/config.py:1 > web.py `config` is below `web`"]
    src = {"src/app/__init__.py": "", "src/app/a.py": "from app import b\n", "src/app/b.py": ""}
    assert told(src, Contract(layers=("app.b", "app.a"))) == ["src/app/a.py:1 > src/app/b.py `app.a` is below `app.b`"]


@pytest.mark.parametrize("path", ["pc2", "pc2/", "/pc2", "pc2/*.py", "pc?", "**/b.py", "pc2/**"])
def test_paths(path: str) -> None:
    files = {"main/a.py": "", "pc2/b.py": "from main import a\n"}
    (one,) = breaches(Tree(files).graph, Contract(sources=(path,), targets=("main",)))
    assert (one.chain[0].importer, one.imported) == ("pc2/b.py", "main")


def test_what_matches_nothing() -> None:
    for contract, key, said in (
        (Contract(layers=("web", "stor")), "layers", '"stor" matches no file of the tree; did you mean `store`?'),
        (Contract(sources=("web",), targets=("stroe.py",)), "targets", "did you mean `store.py`?"),
        (Contract(independent=("web", "zzz")), "independent", '"zzz" matches no file of the tree'),
    ):
        with pytest.raises(ContractError) as caught:
            told(FLAT, contract)
        assert caught.value.key == key
        assert said in str(caught.value)
    assert told(FLAT, Contract(layers=("web", "(plugins) | (more)", "store"))) == []


PAIRS = [(of, to) for of in "abcdefgh" for to in "abcdefgh" if of != to]


@given(st.sets(st.sampled_from(PAIRS), max_size=20))
def test_no_forbidden_way_is_missed_and_none_is_made_up(pairs: set[tuple[str, str]]) -> None:
    """a and b lie above c and d; e is no part, and neither are f, g and h."""
    part = {"a": 2, "b": 2, "c": 1, "d": 0}
    files = {f"{name}.py": "".join(f"import {to}\n" for of, to in sorted(pairs) if of == name) for name in "abcdefgh"}
    found = breaches(Tree(files).graph, Contract(layers=("a : b", "c", "d")))
    graph = nx.DiGraph(pairs)
    graph.add_nodes_from("abcdefgh")
    expected = {}
    for of in part:
        for to in part:
            free = graph.subgraph([name for name in graph if name not in part or name in (of, to)])
            if part[of] < part[to] and nx.has_path(free, of, to):
                expected[of, to] = nx.shortest_path_length(free, of, to)
    told = {(one.chain[0].importer[0], one.chain[-1].imported[0]): len(one.chain) for one in found}
    assert told == expected
    for one in found:
        assert [edge.imported for edge in one.chain[:-1]] == [edge.importer for edge in one.chain[1:]]
