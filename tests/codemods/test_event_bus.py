"""What ``event_bus`` makes of small trees: each of its examples, and what they do not show."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from codemods.codemod import TreeCodemod, load, names
from codemods.edits import Reason, SkipReason, TreeExample

EXAMPLES = [
    pytest.param(one, id=f"{codemod.name}-{one.title}")
    for codemod in map(load, names())
    if isinstance(codemod, TreeCodemod)
    for one in codemod.trees
]


def lay(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def read(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in folder.rglob("*.py")}


def event_bus(folder: Path, *options: str, paths: Iterable[str] = (".",)) -> tuple[int, dict[str, Any], str]:
    command = [sys.executable, "-m", "codemods.event_bus", "--allow-dirty", "--no-cache", "--format", "json", *options]
    done = subprocess.run([*command, *paths], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def program(folder: Path, name: str = "main.py") -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-B", name], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def comments(texts: Iterable[str]) -> Counter[str]:
    return Counter(
        token.string
        for text in texts
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_becomes_what_it_says(example: TreeExample, tmp_path: Path) -> None:
    lay(tmp_path, example.files)
    before = program(tmp_path)
    code, report, _ = event_bus(tmp_path, *(f"--{one}" for one in example.options))
    now = read(tmp_path)
    assert {path: text for path, text in now.items() if example.files.get(path) != text} == dict(example.after)
    if example.declined is not None:
        assert code == 1
        assert example.declined.value in {one["reason"] for one in report["declined"]}
        return
    assert (code, report["declined"]) == (0, [])
    after = program(tmp_path)
    # A circle may be one that could not be started at all.
    assert after[0] == 0
    assert before[0] != 0 or before == after
    assert not comments(example.files.values()) - comments(now.values())
    assert all(compile(text, path, "exec") for path, text in now.items())
    again = event_bus(tmp_path)
    assert (again[0], again[1]["changed"], read(tmp_path)) == (0, [], now)


def test_the_examples_that_can_be_started_are_not_the_exception(tmp_path: Path) -> None:
    started = 0
    for number, one in enumerate(EXAMPLES):
        started += program(lay(tmp_path / str(number), one.values[0].files))[0] == 0
    assert started >= len(EXAMPLES) / 2


CIRCLE = {
    "memory.py": "import session\n\n\nclass Memory:\n    def open(self):\n        return session.Session\n",
    "session.py": "import memory\n\n\nclass Session(memory.Memory):\n    pass\n",
}


def test_an_import_with_noqa_is_left_alone_and_no_other_is_cut_for_it(tmp_path: Path) -> None:
    files = {**CIRCLE, "memory.py": CIRCLE["memory.py"].replace("session\n", "session  # noqa: E920 known\n", 1)}
    code, report, _ = event_bus(lay(tmp_path, files))
    assert (code, report["changed"], report["declined"]) == (0, [], [])
    assert [(one["path"], one["reason"]) for one in report["skipped"]] == [("memory.py", "noqa")]


def test_settings_can_leave_a_file_alone(tmp_path: Path) -> None:
    lay(tmp_path, {**CIRCLE, "unsnarl.toml": '[per-file-ignores]\n"memory.py" = ["E920"]\n'})
    _, report, _ = event_bus(tmp_path)
    assert [(one["path"], one["reason"]) for one in report["skipped"]] == [("memory.py", "excluded")]


def test_a_file_that_was_not_asked_for_stays_as_it_is(tmp_path: Path) -> None:
    (lay(tmp_path, CIRCLE) / "unsnarl.toml").touch()
    code, report, _ = event_bus(tmp_path, paths=["session.py"])
    assert (code, report["changed"]) == (1, [])
    assert {one["reason"] for one in report["declined"]} <= {Reason.NOT_ASKED.value, Reason.NEEDED.value}


def test_circles_that_nobody_asked_about_are_not_told_of(tmp_path: Path) -> None:
    (lay(tmp_path, {**CIRCLE, "other/clock.py": "now = 1\n"}) / "unsnarl.toml").touch()
    for options in ((), ("--only-under", "other")):
        paths = ["."] if options else ["other"]
        code, report, _ = event_bus(tmp_path, *options, paths=paths)
        assert (code, report["changed"], report["declined"]) == (0, [], [])


def test_encoding_newlines_and_the_end_of_the_file_are_kept(tmp_path: Path) -> None:
    text = "# -*- coding: latin-1 -*-\r\nimport session\r\n\r\n\r\ndef caf\xe9():\r\n\treturn session.Session  # \xe9"
    lay(tmp_path, {"memory.py": text.encode("latin-1"), "session.py": "import memory\nSession = memory\n"})
    code, _, told = event_bus(tmp_path)
    expected = (
        "# -*- coding: latin-1 -*-\r\n\r\n\r\ndef caf\xe9():\r\n\timport session\r\n\r\n"
        "\treturn session.Session  # \xe9"
    )
    assert (code, (tmp_path / "memory.py").read_bytes().decode("latin-1")) == (0, expected), told


def test_a_file_that_does_not_parse_is_left_alone_and_told(tmp_path: Path) -> None:
    lay(tmp_path, {"memory.py": "import session\n\ndef open(:\n", "session.py": "import memory\nSession = memory.x\n"})
    code, report, _ = event_bus(tmp_path)
    assert (code, report["changed"]) == (2, [])
    assert [one["path"] for one in report["failed"]] == ["memory.py"]


def test_max_files_bounds_the_files_that_are_changed(tmp_path: Path) -> None:
    pairs = {
        f"{name}{number}.py": text.replace("session", f"session{number}").replace("memory", f"memory{number}")
        for number in range(3)
        for name, text in (("memory", CIRCLE["memory.py"]), ("session", CIRCLE["session.py"]))
    }
    code, report, _ = event_bus(lay(tmp_path, pairs), "--max-files", "2")
    assert (code, len(report["changed"])) == (1, 2)
    assert {one["reason"] for one in report["declined"]} == {Reason.LIMIT.value}
    assert event_bus(tmp_path)[0] == 0


def test_circles_of_several_files_are_gone_whatever_the_order_of_files(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d"]
    ring = {
        f"{one}.py": f"import {names[(at + 1) % 4]}\nimport {names[(at + 2) % 4]}\n\n\ndef {one}():\n"
        f"    return {names[(at + 1) % 4]}, {names[(at + 2) % 4]}\n"
        for at, one in enumerate(names)
    }
    results = []
    for jobs in ("1", "2"):
        folder = lay(tmp_path / jobs, ring)
        code, report, _ = event_bus(folder, "-j", jobs)
        assert (code, report["declined"]) == (0, [])
        results.append(read(folder))
    assert results[0] == results[1] != ring


def test_what_was_refused_is_asked_for_again_when_something_else_was_cut(tmp_path: Path) -> None:
    files = {
        "app/m0.py": "import m2 as z2\nfrom m4 import C4, K4 as Kx4, f4\n\n\ndef go():\n    return z2.K2().m()\n",
        "m1.py": "from m4 import C4, K4 as Kx4, f4\nfrom m3 import K3, f3\n\n\ndef one(g=None):\n    return f3(1)\n\n\n"
        "def two(a: K3 = None):\n    return a\n",
        "m2.py": "from app.m0 import K0, f0\n\n\ndef three():\n    return f0(3)\n",
        "m3.py": "import m2\n",
        "m4.py": "from m1 import K1, f1\n",
    }
    lay(tmp_path, files)
    first = event_bus(tmp_path)[1]
    assert (bool(first["rewritten"]), bool(first["declined"])) == (True, True)
    assert event_bus(tmp_path)[1]["changed"] == []


def test_modules_are_not_made_for_a_circle_that_stays(tmp_path: Path) -> None:
    files = {
        "a.py": "import enum\n\nfrom b import *\n\n\nclass Kind(enum.Enum):\n    ONE = 1\n\n\n"
        "def use():\n    return B\n",
        "b.py": "from a import Kind\nfrom c import C\n\n\nclass B(C):\n    kind = Kind.ONE\n",
        "c.py": "from b import *\nimport a\n\n\nclass C(a.Kind.__class__):\n    pass\n",
    }
    code, report, _ = event_bus(lay(tmp_path, files))
    assert (code, report["changed"], read(tmp_path)) == (1, [], files)


def test_stdin_is_refused_in_words(tmp_path: Path) -> None:
    code, _, told = event_bus(tmp_path, paths=["-"])
    assert code == 2
    assert "name a folder" in told


# Plans


def test_a_plan_is_written_changed_and_carried_out(tmp_path: Path) -> None:
    lay(tmp_path, CIRCLE)
    code, report, _ = event_bus(tmp_path, "--write-plan", "plan.yaml")
    assert (code, report["changed"], {**CIRCLE}) == (0, ["plan.yaml"], read(tmp_path))
    assert (report["declined"], [one["reason"] for one in report["skipped"]]) == ([], [SkipReason.PLANNED.value])
    plan = tmp_path / "plan.yaml"
    text = plan.read_text()
    assert "importer: memory.py" in text
    plan.write_text(text.replace("how: late", "how: leave"))
    code, report, _ = event_bus(tmp_path, "--plan", "plan.yaml")
    assert (code, report["changed"], report["declined"][0]["reason"]) == (1, [], Reason.LEFT_BY_PLAN.value)
    plan.write_text(text)
    code, report, _ = event_bus(tmp_path, "--plan", "plan.yaml")
    assert (code, report["changed"]) == (0, ["memory.py"])
    assert event_bus(tmp_path, "--plan", "plan.yaml")[:2][1]["changed"] == []


def test_a_plan_says_in_words_what_it_has(tmp_path: Path) -> None:
    lay(tmp_path, CIRCLE)
    words = (sys.executable, "-m", "codemods.event_bus", "--no-cache", "--write-plan", "plan.yaml")
    done = subprocess.run([*words, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        ["memory.py:1:1: E920 planned: session.py: moved into open()", "plan.yaml: made, with 1 import"],
    )


def test_a_plan_that_leaves_a_circle_says_so(tmp_path: Path) -> None:
    example = next(one.values[0] for one in EXAMPLES if one.values[0].title == "for its effect")
    code, report, _ = event_bus(lay(tmp_path, example.files), "--write-plan", "plan.yaml")
    assert (code, report["changed"], report["skipped"]) == (1, ["plan.yaml"], [])
    assert Reason.EFFECT.value in {one["reason"] for one in report["declined"]}


def test_what_a_plan_says_is_answered_outside_of_circles_too(tmp_path: Path) -> None:
    lay(tmp_path, {"memory.py": "import session\n\nKNOWN = session.first\n", "session.py": "first = 1\n"})
    (tmp_path / "plan.yaml").write_text("version: 1\ncuts:\n- {importer: memory.py, imported: session.py, how: late}\n")
    code, report, _ = event_bus(tmp_path, "--plan", "plan.yaml")
    assert (code, [one["reason"] for one in report["declined"]]) == (1, [Reason.NEEDED.value])


def test_a_plan_for_another_tree_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, CIRCLE)
    (tmp_path / "plan.yaml").write_text("version: 1\ncuts:\n- {importer: memory.py, imported: other.py, how: late}\n")
    code, _, told = event_bus(tmp_path, "--plan", "plan.yaml")
    assert (code, read(tmp_path)) == (2, CIRCLE)
    assert "plan.yaml:3: memory.py does not import other.py" in told


def test_a_plan_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    lay(tmp_path, CIRCLE)
    (tmp_path / "plan.yaml").write_text("mine\n")
    code, _, told = event_bus(tmp_path, "--write-plan", "plan.yaml")
    assert (code, (tmp_path / "plan.yaml").read_text()) == (2, "mine\n")
    assert "remove it first" in told


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("version: 1\ncuts: [\n", 3, "not valid YAML"),
        ("version: 2\ncuts: []\n", 1, "expected `version: 1`"),
        ("version: 1\n", 1, "expected `cuts:`"),
        ("- 1\n", 1, "expected a mapping"),
        ("version: 1\ncuts:\n- importer: a.py\n  imported: b.py\n", 3, "`how` is missing"),
        ("version: 1\ncuts:\n- {importer: a.py, imported: b.py, how: lte}\n", 3, "did you mean `late`?"),
        ("version: 1\ncuts:\n- {importer: a.py, imported: b.py, how: late, whyy: x}\n", 3, "did you mean `why`?"),
        ("version: 1\ncuts:\n- importer: [a.py]\n  imported: b.py\n  how: late\n", 3, "a single word"),
        ("version: 1\ncuts:\n- &x {importer: a.py, imported: b.py, how: late}\n- *x\n", 3, "stand in line 3"),
    ],
)
def test_a_plan_that_is_wrong_says_where(text: str, line: int, said: str, tmp_path: Path) -> None:
    lay(tmp_path, CIRCLE)
    (tmp_path / "plan.yaml").write_text(text)
    code, _, told = event_bus(tmp_path, "--plan", "plan.yaml")
    assert code == 2
    assert f"plan.yaml:{line}: " in told, told
    assert said in told
    assert "Traceback" not in told


# Cold imports


def test_import_check_imports_what_would_be_written(tmp_path: Path) -> None:
    example = next(one.values[0] for one in EXAMPLES if one.values[0].title == "needed while both are imported")
    code, _, told = event_bus(lay(tmp_path, example.files), "--import-check")
    assert code == 0
    assert "3 modules imported cold." in told
    assert not list(tmp_path.rglob("__pycache__"))


def test_import_check_names_modules_as_the_tree_does(tmp_path: Path) -> None:
    files = {
        "app/memory.py": "from . import session\n\n\ndef open():\n    return session\n",
        "app/session.py": "import app.memory\n\n\nclass Session:\n    memory = app.memory\n",
    }
    code, _, told = event_bus(lay(tmp_path, files), "--import-check")
    assert (code, "2 modules imported cold." in told) == (0, True)


def test_import_check_writes_nothing_when_a_module_breaks(tmp_path: Path) -> None:
    files = {
        "memory.py": "import session\n\n\ndef open():\n    return session\n",
        # What the analysis cannot see: the module looks another's names up while it is imported.
        "session.py": "import memory\nimport operator\n\nSession = operator.attrgetter('ses' + 'sion')(memory)\n",
    }
    lay(tmp_path, files)
    assert program(tmp_path, "memory.py")[0] == 0
    code, _, told = event_bus(tmp_path, "--import-check", "--check")
    assert (code, read(tmp_path)) == (2, files)
    assert "could be imported before and could not be now" in told
    assert "AttributeError" in told
    # Said to change nothing else: without the check it is written.
    assert event_bus(tmp_path)[0] == 0


def test_no_code_of_the_tree_is_run_where_nothing_could_be_written(tmp_path: Path) -> None:
    files = {**CIRCLE, "memory.py": "import pathlib\n\npathlib.Path('ran').touch()\n" + CIRCLE["memory.py"]}
    lay(tmp_path, files)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    command = [sys.executable, "-m", "codemods.event_bus", "--no-cache", "--import-check"]
    done = subprocess.run([*command, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "git does not track memory.py; nothing was written" in done.stderr) == (2, True)
    assert not (tmp_path / "ran").exists()
    subprocess.run([*command, "--check", "."], cwd=tmp_path, capture_output=True, check=False)
    assert (tmp_path / "ran").exists()


def test_import_check_tells_what_could_not_be_imported_before_either(tmp_path: Path) -> None:
    files = {**CIRCLE, "memory.py": "import no_such_module_here\n" + CIRCLE["memory.py"]}
    code, _, told = event_bus(lay(tmp_path, files), "--import-check")
    assert code == 0
    assert "2 could not be imported before either" in told
    assert "No module named 'no_such_module_here'" in told


def test_what_a_run_of_several_roots_needs(tmp_path: Path) -> None:
    files = {
        "one/agents/memory.py": CIRCLE["memory.py"],
        "one/agents/session.py": CIRCLE["session.py"],
        "two/agents/memory.py": "kept = 1\n",
        "two/agents/session.py": "import memory\n",
    }
    code, report, told = event_bus(lay(tmp_path, files), "--import-check")
    assert (code, report["changed"]) == (0, ["one/agents/memory.py"])
    assert "2 modules imported cold." in told


def test_a_plan_is_about_the_imports_that_make_the_circle(tmp_path: Path) -> None:
    """Another import of the same module, in a function, is none of its business."""
    files = {
        "memory.py": "from session import Session\n\n\ndef find():\n    from session import limit\n\n    return limit\n"
        "\n\nclass Memory:\n    def open(self):\n        return Session()\n",
        "session.py": "import memory\n\nlimit = 3\n\n\nclass Session(getattr(memory, 'Memory', object)):\n    pass\n",
    }
    lay(tmp_path, files)
    code, _, _ = event_bus(tmp_path, "--write-plan", "plan.yaml")
    assert (code, "how: late" in (tmp_path / "plan.yaml").read_text()) == (0, True)
    code, report, _ = event_bus(tmp_path, "--plan", "plan.yaml")
    assert (code, report["changed"], report["declined"]) == (0, ["memory.py"], [])


@pytest.mark.parametrize(("listed", "changed"), [('__all__ = ["Memory"]\n', ["app/__init__.py"]), ("", [])])
def test_a_package_that_lists_what_it_offers_need_not_have_the_rest(
    listed: str, changed: list[str], tmp_path: Path
) -> None:
    files = {
        "app/__init__.py": f"from session import Session\n\n{listed}\n\nclass Memory:\n    def open(self):\n"
        "        return Session()\n",
        "session.py": "import app\n\n\nclass Session(getattr(app, 'Memory', object)):\n    pass\n",
    }
    _, report, _ = event_bus(lay(tmp_path, files))
    assert report["changed"] == changed
    if not changed:
        (one,) = [one for one in report["declined"] if one["reason"] == Reason.OFFERED.value]
        assert "an `__all__` says who may take what" in one["detail"]
