"""``--format html`` of ``unsnarl cycles`` and ``unsnarl ports``: one page that stands alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import unsnarl, write

FILES: dict[str, str | bytes] = {
    "unsnarl.toml": "",
    "app/__init__.py": "",
    "app/memory.py": "from app.session import Session\n\n\nclass Memory:\n    def open(self):\n"
    "        return Session()\n",
    "app/session.py": "from app.memory import Memory\n\n\nclass Session(Memory): ...\n",
    "left.py": "import right\n\n\ndef f(x: right.X): ...\n",
    "right.py": "import left\n\n\nclass X(left.Y): ...\n",
}
PORTS: dict[str, str | bytes] = {
    "unsnarl.toml": '[machines]\nmain = ["main"]\npc2 = ["pc2"]\n',
    "main/asr.py": 'class Listener:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n',
    "pc2/tts.py": 'class Speaker:\n    def run(self):\n        self.sock.connect("tcp://10.0.0.1:5556")\n'
    '        self.sock.connect("tcp://localhost:5559")\n',
}
# The folder is called `<`, so that the path of the file ends a script element and begins another.
EVIL = "</script><script>alert(1)<!--&amp;@@script@@'\".py"


class Reader(HTMLParser):
    """The elements of a page, their attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script":
            self.scripts[-1] += data


def data_of(page: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Reader(page).scripts[0])
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, FILES)


def test_a_page_of_cycles(tree: Path) -> None:
    done = unsnarl("cycles", "--format=html", cwd=tree)
    assert done.returncode == 1
    assert done.stderr == "2 import cycles of 4 files among 5; 2 imports to cut.\n"
    data = data_of(done.stdout)
    assert [one["label"] for one in data["groups"]] == ["1: 2 files, 1 import to cut", "2: 2 files, 1 import to cut"]
    names = [one["name"] for one in data["nodes"]]
    assert names == ["app/memory.py", "app/session.py", "left.py", "right.py"]
    arrows = {(names[one["from"]], names[one["to"]]): one for one in data["arrows"]}
    assert {pair: one["kind"] for pair, one in arrows.items()} == {
        ("app/memory.py", "app/session.py"): "cut",
        ("app/session.py", "app/memory.py"): "import",
        ("left.py", "right.py"): "cut",
        ("right.py", "left.py"): "import",
    }
    cut = arrows["app/memory.py", "app/session.py"]
    assert cut["notes"][0] == "Cut: Session is used in Memory.open() only; import it there."
    assert cut["rows"] == [
        ["app/memory.py:1", "takes Session, while the module is imported"],
        ["app/memory.py:6", "Session: called, in Memory.open()"],
    ]
    assert arrows["right.py", "left.py"]["rows"] == [
        ["right.py:1", "takes the module, while the module is imported"],
        ["right.py:4", "left.Y: a base class, while the module is imported"],
    ]
    # What is cut points up, the rest down.
    for one in data["arrows"]:
        assert (data["nodes"][one["from"]]["y"] > data["nodes"][one["to"]]["y"]) == (one["kind"] == "cut")


def test_a_page_of_late_imports(tree: Path) -> None:
    write(tree, {"left.py": "def f():\n    import right\n"})
    (late,) = [one for one in data_of(unsnarl("cycles", "--late", "--format=html", cwd=tree).stdout)["arrows"] if
               one["rows"][0][0] == "left.py:2"]  # fmt: skip
    assert late["rows"] == [["left.py:2", "takes the module, when a function is called"]]


def test_a_page_of_ports(tmp_path: Path) -> None:
    done = unsnarl("ports", "--format=html", cwd=write(tmp_path, PORTS))
    assert (done.returncode, done.stderr) == (0, "3 nodes, 2 edges\n")
    data = data_of(done.stdout)
    assert [one["label"] for one in data["groups"]] == ["main", "pc2"]
    assert [(one["name"], one["dashed"]) for one in data["nodes"]] == [
        ("Listener on main", False),
        ("Speaker on pc2", False),
        ("nobody in the tree on pc2", True),
    ]
    assert [(one["from"], one["to"], one["kind"], one["notes"]) for one in data["arrows"]] == [
        (1, 0, "sure", ["1 port: 5556."]),
        (1, 2, "nobody", ["1 port: 5559."]),
    ]
    rows = data["arrows"][0]["rows"]
    assert [where for where, _ in rows] == ["pc2/tts.py:3", "main/asr.py:3"]
    assert rows[0][1].startswith("connects port 5556")
    assert rows[1][1].startswith("binds port 5556")


def test_a_page_of_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1\n"})
    for command in ("cycles", "ports"):
        done = unsnarl(command, "--format=html", cwd=tmp_path)
        assert done.returncode == 0
        assert data_of(done.stdout)["nodes"] == []


def evil(tree: Path) -> str:
    name = EVIL.removesuffix(".py")
    write(tree, {EVIL: "import good\n", "good.py": f"import importlib\nx = importlib.import_module({name!r})\n"})
    return unsnarl("cycles", "--format=html", cwd=tree).stdout


def test_no_name_gets_out_of_the_data(tree: Path) -> None:
    page = evil(tree)
    reader = Reader(page)
    assert EVIL in [one["name"] for one in data_of(page)["nodes"]]
    assert [attributes.get("type") for tag, attributes in reader.elements if tag == "script"] == [
        "application/json",
        None,
    ]
    assert not set("<>&\u2028\u2029") & set(reader.scripts[0])
    assert reader.scripts[1].count('"use strict"') == 1


def test_a_page_needs_nothing_else(tree: Path) -> None:
    page = unsnarl("cycles", "--format=html", cwd=tree).stdout
    reader = Reader(page)
    assert not [
        attributes for _, attributes in reader.elements if {"src", "href", "action", "data"} & attributes.keys()
    ]
    assert re.findall(r"https?://[^\"')\s]+", page) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|innerHTML|eval\(", page)
    policy = next(one["content"] for _, one in reader.elements if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = set(re.findall(r'\bat\("(\w+)"\)', page))
    assert wanted <= set(ids)


@pytest.mark.parametrize("command", ["cycles", "ports"])
def test_a_page_is_the_same_for_the_same_tree(tmp_path: Path, command: str) -> None:
    write(tmp_path, {**FILES, **PORTS})
    for number in range(30):
        names = [f"m{(number * step + 1) % 30}" for step in (1, 7, 11)]
        write(tmp_path, {f"m{number}.py": "".join(f"import {name}\n" for name in names)})
    pages = {
        subprocess.run(
            [sys.executable, "-m", "unsnarl", command, "--format=html", "--no-cache", *jobs],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed, jobs in (("0", ["-j1"]), ("1", ["-j2"]), ("77", ["-j1"]))
    }
    assert len(pages) == 1


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
ACTS = """
<script>
const told = [];
const panel = () => document.querySelector("#panel h2").textContent;
const label = (one) => one.getAttribute("aria-label");
const node = (name) => [...document.querySelectorAll(".node")].find((one) => label(one).startsWith(name));
const key = (target, key) => target.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
const place = (one) => one.getAttribute("transform");
const view = document.getElementById("view");
addEventListener("error", (event) => told.push("error " + event.message));
function point(target, kind, x, y) {
  target.dispatchEvent(new PointerEvent(kind, {pointerId: 1, clientX: x, clientY: y, bubbles: true, isPrimary: true}));
}
told.push(panel());
node("app/memory.py").focus();
key(document.activeElement, "Enter");
told.push(panel());
[...document.querySelectorAll("#panel li button.cut")][0].click();
told.push(panel(), document.querySelector("#panel .note").textContent, location.hash);
key(document.body, "Escape");
told.push(panel());
let before = place(view);
key(document.body, "+");
told.push("zoomed " + (place(view) !== before));
before = place(node("left.py"));
point(node("left.py"), "pointerdown", 100, 100);
point(node("left.py"), "pointermove", 160, 130);
point(node("left.py"), "pointerup", 160, 130);
told.push("dragged " + (place(node("left.py")) !== before), panel());
point(node("right.py"), "pointerdown", 100, 100);
point(node("right.py"), "pointerup", 100, 100);
told.push(panel());
const search = document.getElementById("search");
search.value = "SESSION";
search.dispatchEvent(new Event("input"));
told.push(document.getElementById("found").textContent, document.querySelectorAll(".node.match").length);
key(search, "Enter");
told.push(panel());
const boxes = document.querySelectorAll("#kinds input");
boxes[0].click();
told.push("arrows " + document.querySelectorAll(".arrow:not(.off)").length);
const group = document.getElementById("group");
group.value = "1";
group.dispatchEvent(new Event("change"));
told.push("boxes " + document.querySelectorAll(".node:not(.off)").length);
document.getElementById("theme").click();
told.push("dark " + document.documentElement.classList.contains("dark"));
const list = document.createElement("pre");
list.id = "told";
list.textContent = told.join("\\n");
document.body.append(list);
</script>
"""


def shown(page: Path) -> str:
    """The page after its scripts have run, in a real browser."""
    assert BROWSER is not None
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"--user-data-dir={page.parent / 'profile'}", page.as_uri()],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert 'data-ready="true"' in done.stdout, done.stderr
    return done.stdout


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome")
def test_in_a_browser(tree: Path) -> None:
    page = tree / "page.html"
    page.write_text(unsnarl("cycles", "--format=html", cwd=tree).stdout.replace("</body>", ACTS + "</body>"), "utf-8")
    told = re.search(r'<pre id="told">(.*?)</pre>', shown(page), re.DOTALL)
    assert told is not None
    assert told[1].splitlines() == [
        "Import cycles",
        "app/memory.py",
        "app/memory.py imports app/session.py",
        "Cut: Session is used in Memory.open() only; import it there.",
        "#e0",
        "Import cycles",
        "zoomed true",
        "dragged true",
        "Import cycles",
        "right.py",
        "1 found",
        "1",
        "app/session.py",
        "arrows 2",
        "boxes 2",
        "dark true",
    ]


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome")
def test_an_evil_name_in_a_browser(tree: Path) -> None:
    page = tree / "page.html"
    page.write_text(evil(tree), "utf-8")
    made = shown(page)
    assert made.count("<script") == 2
    assert "alert(1)&lt;!--&amp;amp;@@script@@" in made
