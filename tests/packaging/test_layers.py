"""What holds between our packages beside the contracts in pyproject.toml, which `unsnarl check` holds them to."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import pytest

from analysis.collectors.imports import Import, Imports
from analysis.project import Project, load
from config.settings import load as load_settings
from tests.packaging.support import ROOT

# As `make lint` checks it: this only sees that no package is missing there.
LAYERS = load_settings(ROOT).contracts["rooms"].layers
ROOMS = sorted({one.split(".")[0] for layer in LAYERS for one in re.split(" [:|] ", layer) if "/" not in one})
# Doors that stand elsewhere: what `python -m codemods.<name>` and `unsnarl fix` share, `python -m runtime.ports` and
# `python -m runtime.events.proxy`. Only their callers import them.
DOORS = {"codemods/cli.py", "runtime/ports/_cli.py", "runtime/events/_cli.py"}
MOST_LINES = 500


@cache
def project() -> Project:
    return load([ROOT / name for name in ROOMS], root=ROOT, collectors=[Imports], jobs=1, cache=False)


def edges() -> Iterator[tuple[str, str, Import]]:
    """Every import in our packages: the file, the module that is imported and the record."""
    for path, facts in project().files.items():
        package = path.removesuffix("/__init__.py").removesuffix(".py").split("/")
        if not path.endswith("/__init__.py"):
            package = package[:-1]
        for one in facts.records(Imports):
            if not one.is_from:
                yield from ((path, name, one) for name, _ in one.names)
                continue
            base = package[: len(package) - one.level + 1] if one.level else []
            yield path, ".".join([*base, *([one.module] if one.module else [])]), one


def test_every_package_is_in_the_table_and_every_file_is_read() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/py.typed")}
    assert packages == set(ROOMS)
    assert set(project().files) == {
        path.relative_to(ROOT).as_posix() for package in ROOMS for path in (ROOT / package).rglob("*.py")
    }
    assert not project().ledger.faults


def test_nothing_behind_a_door_opens_it_on_its_own() -> None:
    doors = {door.removesuffix(".py").replace("/", ".") for door in DOORS}
    # As a script, or when a command is called.
    early = [
        f"{path}:{one.span.line}"
        for path, target, one in edges()
        if (target in doors or any(f"{target}.{name}" in doors for name, _ in one.names))
        and one.when not in {"conditional", "deferred", "typing"}
    ]
    assert early == []


CHECK = """
import sys
from unsnarl.cli import main
sys.argv[1:] = ["check", "tests/docs"]
try:
    main()
except SystemExit:
    pass
"""


def loaded_by(code: str) -> set[str]:
    """The top-level modules that are loaded after ``code`` ran in an interpreter of its own."""
    program = f"{code}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import unsnarl.flake8",
        "import linters.plugin\nfrom linters.rule import kinds\nkinds()",
        CHECK,
        "import analysis.project, analysis.ledger",
        "import runtime.safe_executor",
    ],
    ids=["flake8", "linters", "check", "analysis", "runtime"],
)
def test_libcst_is_not_loaded_by(code: str) -> None:
    assert "libcst" not in loaded_by(code)


def test_the_happy_path_of_the_runtime_loads_only_the_standard_library() -> None:
    code = "from runtime.safe_executor import SafeExecutor\nwith SafeExecutor():\n    pass"
    before = loaded_by("")
    extra = {name for name in loaded_by(code) - before if name not in sys.stdlib_module_names}
    assert extra == {"runtime"}


def test_no_room_is_crowded() -> None:
    sources = [
        path
        for folder in [*ROOMS, "tests", "tools", "benchmarks"]
        for path in (ROOT / folder).rglob("*.py")
        if "cases" not in path.parts
    ]
    crowded = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sources
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert crowded == {}


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    telling = re.compile(r"(?<![\w.])/(?:root|work|home/[a-z]+)/")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    found = [
        name
        for name in filter(None, listed)
        if (ROOT / name).is_file() and telling.search((ROOT / name).read_text("utf-8", errors="replace"))
    ]
    assert found == []
