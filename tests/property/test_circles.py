"""Circles of imports, generated: what the codemod makes of them runs as it ran, and has fewer of them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.cycles import cycles
from analysis.imports import COLLECTORS, graph_of
from analysis.project import load
from tests.codemods.circles import cut

STYLES = ("import {0}", "import {0} as {0}_module", "from {0} import f_{0}", "from {0} import C_{0} as D_{0}")
PLACES = ("function", "method", "annotation", "base", "value", "lambda", "main", "called", "default")
# Imports every module in a process of its own, and prints what its functions give.
DRIVER = """
import importlib, json, os, sys
found = {}
for name in sys.argv[1:]:
    ours, theirs = os.pipe()
    if not os.fork():
        try:
            module = importlib.import_module(name)
            text = repr([module.go(), module.Kind().go(), [one.__name__ for one in module.Kind.__mro__]])
        except BaseException as error:
            text = ""
        os.write(theirs, text.encode())
        os._exit(0)
    os.close(theirs)
    found[name] = os.fdopen(ours).read()
print(json.dumps(found))
"""

uses = st.lists(st.sampled_from(PLACES), min_size=1, max_size=2, unique=True)
imports = st.tuples(st.sampled_from(STYLES), uses)


@st.composite
def trees(draw: st.DrawFn) -> dict[str, str]:
    names = [f"m{number}" for number in range(draw(st.integers(2, 4)))]
    pairs = [(one, other) for one in names for other in names if one != other]
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=2, max_size=6, unique=True))
    found = {}
    for name in names:
        taken = [(other, *draw(imports)) for one, other in chosen if one == name]
        found[f"{name}.py"] = module(name, taken, postponed=draw(st.booleans()))
    return found


def module(name: str, taken: list[tuple[str, str, list[str]]], *, postponed: bool) -> str:
    """The text of a module that takes things from others, in the ways that were drawn."""
    lines = ["from __future__ import annotations"] * postponed
    lines += [f"{style.format(other)}  # what {name} has of {other}" for other, style, _ in taken]
    body: dict[str, list[str]] = {place: [] for place in PLACES}
    for other, style, places in taken:
        for place in places:
            body[place].append(spelt(other, style))
    lines += ["", f"f_{name} = lambda: {name!r}", f"class C_{name}: pass"]
    lines += [f"value_{number} = {one}" for number, one in enumerate(body["value"])]
    lines += [f"def called_{number}(): return {one}" for number, one in enumerate(body["called"])]
    lines += [f"called_{number}()" for number, _ in enumerate(body["called"])]
    lines += [f"later_{number} = lambda: {one}" for number, one in enumerate(body["lambda"])]
    lines += [f"def typed_{number}(one: {one}) -> None: ..." for number, one in enumerate(body["annotation"])]
    lines += [f"def given_{number}(one={one}): return one" for number, one in enumerate(body["default"])]
    bases = ", ".join(one for one in body["base"] if "f_" not in one)
    lines += [
        f"class Kind({bases}):",
        "    def go(self):",
        f"        return [getattr(one, '__name__', one) for one in [{', '.join(body['method'])}]]",
    ]
    lines += ["def go():", f"    return [getattr(one, '__name__', one) for one in [{', '.join(body['function'])}]]"]
    lines += ['if __name__ == "__main__":', f"    print([{', '.join(body['main'])}])"]
    return "\n".join(lines) + "\n"


def spelt(other: str, style: str) -> str:
    if style.startswith("from"):
        return style.format(other).split()[-1]
    return f"{style.format(other).split()[-1]}.C_{other}"


def ran(folder: Path, names: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-B", "-c", DRIVER, *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees())
def test_what_worked_works_as_before_and_circles_are_gone_or_told(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for path, text in files.items():
            (folder / path).write_text(text)
        names = [path.removesuffix(".py") for path in files]
        before = ran(folder, names)
        outcomes = cut(folder)
        declined = [answer for one in outcomes for answer in one.answers if answer.verdict == "declined"]
        project = load([folder], root=folder, collectors=COLLECTORS, jobs=1, cache=False)
        left = cycles(graph_of(project))
        assert bool(left) == bool(declined)
        after = ran(folder, names)
        texts = [path.read_text() for path in sorted(folder.glob("*.py"))]
        for name, result in before.items():
            assert not result or after[name] == result, (name, texts)
        assert not any(one.edits for one in cut(folder)), texts
