"""The workflow, the Makefile, tox and ``.ci/run`` name only things that are there."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.support import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "guardrails.yml"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return loaded


def runs(workflow: dict[Any, Any]) -> list[str]:
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]


def test_workflow_has_the_structure_that_actions_asks_for(workflow: dict[Any, Any]) -> None:
    # YAML 1.1 reads the key `on` as true.
    assert set(workflow) == {"name", True, "permissions", "concurrency", "jobs"}
    assert set(workflow[True]) == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["runs-on"] == "ubuntu-latest", name
        assert 0 < job["timeout-minutes"] <= 30, name
        assert job["steps"][0]["uses"].startswith("actions/checkout@"), name
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), step
            assert set(step) <= {"name", "uses", "with", "run", "if", "env"}, step
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), step
            if "python-version" in step.get("with", {}):
                # A bare 3.10 in YAML is the number 3.1.
                assert isinstance(step["with"]["python-version"], str), step


def test_workflow_tests_every_python_that_is_promised(workflow: dict[Any, Any]) -> None:
    promised = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert workflow["jobs"]["suite"]["strategy"]["matrix"]["python-version"] == promised
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    environments = [name.strip() for name in tox["tox"]["env_list"].split(",")]
    assert environments == [f"py{v.replace('.', '')}" for v in promised] + ["lint", "docs", "lowest"]


def test_guardrails_run_the_commands_that_the_playbook_names(workflow: dict[Any, Any]) -> None:
    guardrails = [step["run"] for step in workflow["jobs"]["guardrails"]["steps"] if "run" in step]
    for command in ("unsnarl check", "flake8 --select=E9", "codemods.safe_executor --check", "unsnarl metrics"):
        assert any(command in line for line in guardrails), command


def test_make_ci_runs_the_same_guardrails(workflow: dict[Any, Any]) -> None:
    recipe = re.search(r"^ci:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe is not None
    local = [line.strip().removeprefix("$(BIN)/") for line in recipe[1].splitlines()]
    steps = [step["run"] for step in workflow["jobs"]["guardrails"]["steps"] if "run" in step]
    # There, findings become annotations.
    assert local == [step.replace(" --format github", "") for step in steps if "pip install" not in step]


def test_every_make_target_that_is_named_anywhere_exists(workflow: dict[Any, Any]) -> None:
    files = ("README.md", "CONTRIBUTING.md", ".ci/run", "tox.ini", "Makefile")
    texts = [*runs(workflow), *((ROOT / name).read_text(encoding="utf-8") for name in files)]
    # On a line of its own, after a prompt or a key, or between backquotes: "make sure" in a sentence is none.
    command = re.compile(r"(?:^\s*(?:\$ |- run: )?|`)make ([a-z]+)\b", re.MULTILINE)
    named = {target for text in texts for target in command.findall(text)}
    assert named <= TARGETS, named - TARGETS
    assert {"demo", "test", "ci", "bench", "docs", "lint"} <= TARGETS


def test_ci_script_is_executable_and_calls_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")


def fake_python(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n" + body, encoding="utf-8")
    path.chmod(0o755)


def find_python(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "python.sh")],
        env={"PATH": str(folder), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_python_is_found_behind_a_shim_that_refuses_to_start(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", "echo 'version not set' >&2; exit 127")
    fake_python(tmp_path, "python3.14", "exit 127")
    fake_python(tmp_path, "python3.13", 'case "$2" in *ensurepip*) exit 0;; *) echo 3.13;; esac')
    found = find_python(tmp_path)
    assert (found.returncode, found.stdout) == (0, f"{tmp_path}/python3.13\n")


def test_no_usable_python_is_told_with_what_was_tried(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", 'case "$2" in *ensurepip*) exit 1;; *) echo 3.9;; esac')
    found = find_python(tmp_path)
    assert (found.returncode, found.stdout) == (2, "")
    assert "no Python 3.11 or later" in found.stderr
    assert "python3=3.9" in found.stderr
    assert "python3-venv" in found.stderr


def test_a_python_that_is_named_is_the_only_one_tried(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", "echo 3.12")
    fake_python(tmp_path, "mine", "exit 1")
    assert find_python(tmp_path, PYTHON="mine").returncode == 2
    assert find_python(tmp_path, PYTHON="python3").stdout == f"{tmp_path}/python3\n"
