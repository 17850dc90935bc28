"""What Python is seen to import, on trees whose imports are known."""

from __future__ import annotations

from pathlib import Path

from tools.observed import Observed, components, observe
from tools.real_cycles import Trial

TREE = {
    "app/__init__.py": "",
    "app/tasks.py": "from app import memory\n\n\ndef plan() -> str:\n    return memory.name()\n",
    "app/memory.py": (
        "from app import tasks  # the other half\n\n\ndef name() -> str:\n    return tasks.__name__\n\n\n"
        "def start() -> str:\n    return tasks.plan()\n"
    ),
    "app/started.py": "def load():\n    import app.quiet\n\n\nload()\n",
    "app/quiet.py": "try:\n    import app.broken\nexcept ImportError:\n    import app.late\n",
    "app/late.py": "import outside\n",
    "app/broken.py": "import app.late\nimport no_such_module_anywhere\n",
}


def tree(folder: Path) -> tuple[Path, Path]:
    """The tree, and a folder with what it needs."""
    for name, text in TREE.items():
        (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tree" / name).write_text(text)
    (folder / "needs").mkdir()
    (folder / "needs" / "outside.py").write_text("print('on standard output')\n")
    return folder / "tree", folder / "needs"


def seen(folder: Path, *, anew: bool = False) -> Observed:
    root, needs = tree(folder)
    return observe(root, [path for path in TREE if path != "app/__init__.py"], folders=[needs], anew=anew)


def test_statements_of_modules_are_edges_and_those_of_functions_that_ran_are_not(tmp_path: Path) -> None:
    for anew in (False, True):
        found = seen(tmp_path / str(anew), anew=anew)
        assert ("app/memory.py", "app/tasks.py") in found.edges
        assert ("app/tasks.py", "app/memory.py") in found.edges
        assert found.late == {("app/started.py", "app/quiet.py")}
        assert components(found.edges) == [["app/memory.py", "app/tasks.py"]]


def test_a_module_that_fails_is_an_error_and_has_not_run_for_those_who_do_not_mind(tmp_path: Path) -> None:
    found = seen(tmp_path)
    assert found.errors == {"app/broken.py": "ModuleNotFoundError: No module named 'no_such_module_anywhere'"}
    assert "app/broken.py" not in found.ran
    assert ("app/quiet.py", "app/late.py") in found.edges


def test_a_trial_finds_the_circle_and_that_it_is_gone(tmp_path: Path) -> None:
    root, needs = tree(tmp_path)
    trial = Trial(root, ("app",), needs=(needs,))
    trial.run()
    assert trial.broken == []
    assert trial.before == [["app/memory.py", "app/tasks.py"]]
    assert trial.after == []
    assert [one["path"] for one in trial.answers["rewritten"]] == ["app/tasks.py"]
    assert trial.seen.errors.keys() == {"app/broken.py"}


def test_a_trial_sees_what_a_codemod_must_not_do(tmp_path: Path) -> None:
    class Careless(Trial):
        """Takes out what stands in the first line, and says nothing."""

        def _codemod(self) -> dict[str, object]:
            file = self.tree / "app" / "memory.py"
            file.write_text(file.read_text().partition("\n")[2] + "undefined\n")
            return {"changed": [], "rewritten": [], "declined": [], "skipped": []}

    root, needs = tree(tmp_path)
    trial = Careless(root, ("app",), needs=(needs,))
    trial.run()
    assert any("does not name the files" in one for one in trial.broken)
    assert any("the comment # the other half is gone" in one for one in trial.broken)
    assert any(one.startswith("app/tasks.py could be imported and cannot be now: NameError") for one in trial.broken)


def test_a_circle_that_nobody_declined_is_a_broken_promise(tmp_path: Path) -> None:
    class Idle(Trial):
        """Does nothing."""

        def _codemod(self) -> dict[str, object]:
            return {"changed": [], "rewritten": [], "declined": [], "skipped": []}

    root, needs = tree(tmp_path)
    trial = Idle(root, ("app",), needs=(needs,))
    trial.run()
    assert trial.broken == [
        f"a circle {what} of which no import was declined: app/memory.py, app/tasks.py"
        for what in ("is left", "was seen")
    ]
