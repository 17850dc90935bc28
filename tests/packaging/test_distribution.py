"""What is in the sdist and the wheel, and that an installed wheel works with nothing of the checkout near it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.packaging.support import ROOT, run

PACKAGES = ("analysis", "codemods", "config", "linters", "runtime", "unsnarl")
BROAD = "def f(g):\n    try:\n        return g()\n    except Exception:\n        return None\n"

pytestmark = pytest.mark.xdist_group("distribution")


def shipped(root: Path) -> set[str]:
    return {
        path.relative_to(root).as_posix()
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_holds_every_file_of_every_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {name for name in names if ".dist-info/" not in name}
    assert ours == shipped(ROOT)
    assert any(name.startswith("config/exceptions/") and name.endswith(".yaml") for name in ours)
    assert {f"{package}/py.typed" for package in PACKAGES} <= ours
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_sdist_holds_what_tests_and_docs_are_made_of(unpacked: Path) -> None:
    wanted = [
        ".ci/run",
        ".github/workflows/guardrails.yml",
        ".pre-commit-hooks.yaml",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "docs/rules",
        "examples/main_pc/agents/intent_router.py",
        "setup.cfg",
        "tests/packaging",
        "tools/docs.py",
        "tox.ini",
    ]
    assert [name for name in wanted if not (unpacked / name).exists()] == []
    assert not list(unpacked.rglob("__pycache__"))


@pytest.mark.network
def test_installed_commands_work_far_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text(BROAD)
    checked = run(installed / "unsnarl", "check", ".", cwd=tmp_path, check=False)
    assert (checked.returncode, "E900" in checked.stdout) == (1, True), checked.stdout + checked.stderr

    flake8 = run(installed / "python", "-m", "flake8", "--isolated", "--select=E900", ".", cwd=tmp_path, check=False)
    assert flake8.returncode == 1
    assert flake8.stdout.startswith("./mod.py:4:5: E900 ")
    assert "unsnarl: 0.1.0" in run(installed / "python", "-m", "flake8", "--version", cwd=tmp_path).stdout

    fix: list[str | Path] = [installed / "python", "-m", "codemods.safe_executor"]
    dry = run(*fix, "--check", "--allow-dirty", ".", cwd=tmp_path, check=False)
    assert dry.returncode == 1
    assert (tmp_path / "mod.py").read_text() == BROAD
    run(*fix, "--allow-dirty", ".", cwd=tmp_path)
    text = (tmp_path / "mod.py").read_text()
    assert "from runtime.safe_executor import SafeExecutor" in text
    told = run(installed / "python", "-c", "import mod; print(mod.f(lambda: 1 / 0), mod.f(lambda: 3))", cwd=tmp_path)
    assert told.stdout == "None 3\n"


@pytest.mark.network
def test_installed_command_names_its_version(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "unsnarl", "--version", cwd=tmp_path).stdout.split()[-1] == "0.1.0"
