"""Which flags the code asks for, and which there are: the collector, the table and the command."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.collectors.flag_lookups import FlagLookup, FlagLookupCollector
from analysis.source import Source
from analysis.walk import collect

ROOT = Path(__file__).resolve().parents[2]
FLAGS = """\
version: 1
flags:
  predictive_loading: {default: false, owner: Loader, machines: {pc2: true}, agents: {Loader: true}}
  beam_width: {default: 4}
  old_way: {default: true, until: 2020-01-31}
  forgotten: {default: true}
"""
PORTS = "version: 1\nmachines: {main_pc: {paths: [main_pc_code]}, pc2: {paths: [pc2_code]}}\nports: {}\n"
AGENT = """\
from runtime.flags import flag

if flag("predictive_loading", agent="Loader"):
    width = flag("beam_width", int)
old = flag("old_way")
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('from runtime.flags import flag\nflag("a")\n', [("a", "bool")]),
        ('from runtime.flags import flag as ask\nif ask("a", int): pass\n', [("a", "int")]),
        ('from common_utils.feature_flags import flag\nx = [flag(name="a", kind=str)]\n', [("a", "str")]),
        ('import runtime.flags\nruntime.flags.flag("a", float)\n', [("a", "float")]),
        (
            'from runtime import flags\n@deco(flags.flag("a"))\ndef f(x=flags.flag("b")): pass\n',
            [("a", "bool"), ("b", "bool")],
        ),
        ("from runtime.flags import flag\nflag(name, kind)\n", [("", "")]),
        ("from runtime.flags import overridden\nwith overridden(a=1, **others): pass\n", [("a", ""), ("", "")]),
        ('from click import flag\n# flags\nflag("a")\n', []),
        ('flags = {}\nflags.flag("a")\n', []),
        ('import mypkg.flags.other\nmypkg.flags.other.flag("a")\n', []),
    ],
)
def test_what_is_a_look_up(text: str, found: list[tuple[str, str]]) -> None:
    source = Source.from_bytes(text.encode(), Path("a.py"))
    tree = source.parse()
    assert tree is not None
    records: list[FlagLookup] = collect(source, tree, [FlagLookupCollector])[FlagLookupCollector.topic]
    assert [(one.name, one.kind) for one in records] == found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path, text in {
        "unsnarl.toml": "",
        "config/feature_flags.yaml": FLAGS,
        "config/ports.yaml": PORTS,
        "pc2_code/agent.py": AGENT,
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
        os.utime(tmp_path / path, (1, 1))
    return tmp_path


def run(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "unsnarl", "flags", "--no-cache", *words],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_table(tree: Path) -> None:
    done = run(tree)
    told = "expired: was to be gone by 2020-01-31; 1 place still asks for it"
    assert done.returncode == 0
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "flag type default value owner until uses first use state",
        "predictive_loading bool false Loader 1 pc2_code/agent.py:3 used",
        "beam_width int 4 1 pc2_code/agent.py:4 used",
        f"old_way bool true 2020-01-31 1 pc2_code/agent.py:5 {told}",
        "forgotten bool true 0 unused: nothing asks for it",
    ]
    assert done.stderr == "4 flags: 1 expired, 1 unused, 2 used\n"
    assert run(tree, "--strict").returncode == 1


@pytest.mark.parametrize(
    ("line", "name", "state", "message"),
    [
        ('flag("beam_with", int)', "beam_with", "undefined", "not in the file; did you mean `beam_width`?"),
        ('flag("beam_width")', "beam_width", "mistyped", "pc2_code/agent.py:6 asks for bool, and it is int"),
        ('flag("old_way", float)', "old_way", "mistyped", "pc2_code/agent.py:6 asks for float, and it is bool"),
    ],
)
def test_what_fails_when_the_program_runs(line: str, name: str, state: str, message: str, tree: Path) -> None:
    file = tree / "pc2_code" / "agent.py"
    file.write_text(f"{AGENT}{line}\n")
    done = run(tree, "--format", "json")
    assert done.returncode == 1
    (row,) = [one for one in json.loads(done.stdout)["rows"] if one["name"] == name]
    assert (row["state"], row["message"]) == (state, message)
    program = f"import runpy, sys; runpy.run_path({str(file)!r})"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert ("UnknownFlag" if state == "undefined" else "TypeError") in ran.stderr


def test_a_whole_number_may_be_asked_for_as_a_number(tree: Path) -> None:
    (tree / "pc2_code" / "agent.py").write_text(f'{AGENT}flag("beam_width", float)\n')
    assert run(tree).returncode == 0


def test_a_machine_that_there_is_not(tree: Path) -> None:
    text = FLAGS.replace("machines: {pc2: true}", "machines: {pc: true}")
    (tree / "config" / "feature_flags.yaml").write_text(text)
    done = run(tree)
    assert (done.returncode, "misplaced: there is no machine `pc`; did you mean `pc2`?" in done.stdout) == (1, True)
    done = run(tree, "--machine", "pc3")
    assert (done.returncode, "--machine pc3: no such machine; did you mean `pc2`?" in done.stderr) == (2, True)


def test_the_values_for_an_agent_and_a_machine(tree: Path) -> None:
    rows = list(csv.DictReader(run(tree, "--format", "csv", "--machine", "pc2").stdout.splitlines()))
    assert [(one["name"], one["value"], one["said_by"]) for one in rows[:2]] == [
        ("predictive_loading", "true", "machines.pc2"),
        ("beam_width", "4", "default"),
    ]
    rows = list(csv.DictReader(run(tree, "--format", "csv", "--agent", "Loader").stdout.splitlines()))
    assert (rows[0]["value"], rows[0]["said_by"]) == ("true", "agents.Loader")
    assert rows[0]["uses"] == "pc2_code/agent.py:3"


def test_a_name_that_is_not_written_out(tree: Path) -> None:
    (tree / "pc2_code" / "agent.py").write_text(f"{AGENT}print([flag(name) for name in ('forgotten',)])\n")
    done = run(tree)
    told = (
        "1 look-up has a name that is not written out, the first at pc2_code/agent.py:6: a flag that is called unused"
    )
    assert done.stderr.startswith(told)


def test_a_part_of_a_tree_is_looked_at_with_the_rest(tree: Path) -> None:
    (tree / "other").mkdir()
    assert run(tree, "other").stdout == run(tree).stdout


def test_no_file_of_flags(tree: Path) -> None:
    (tree / "config" / "feature_flags.yaml").unlink()
    done = run(tree)
    assert done.returncode == 1
    assert "There is no config/feature_flags.yaml: every flag that is asked for is undefined" in done.stderr


def test_a_file_of_flags_that_is_wrong(tree: Path) -> None:
    (tree / "config" / "feature_flags.yaml").write_text("version: 1\nflags:\n  a: yes\n")
    done = run(tree)
    assert done.returncode == 2
    assert "feature_flags.yaml:3: `flags.a`: expected a mapping for a flag" in done.stderr
