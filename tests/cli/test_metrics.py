"""``unsnarl metrics`` and ``unsnarl ledger``."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.cli.support import BROAD, BROKEN, unsnarl, write

FILE = ".unsnarl-history.jsonl"
ENV = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(tree: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=tree, env={**os.environ, **ENV}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def history(tree: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (tree / FILE).read_text().splitlines()]


def numbers(table: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[2:] for line in table.splitlines()[1:] if line.startswith("E")}


def test_until_the_counter_is_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD * 3, "b.py": BROAD.replace("as e:", "as e:  # noqa: E900 why")})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    first = git(tmp_path, "rev-parse", "HEAD")

    done = unsnarl("metrics", cwd=tmp_path)
    assert done.returncode == 1
    assert numbers(done.stdout)["E900"] == ["3", "0", "1"]
    assert done.stderr == f"3 findings left in 2 files; 1 run in {tmp_path / FILE}.\n"
    (record,) = history(tmp_path)
    assert (record["commit"], record["changed"], record["files"], record["paths"]) == (first, False, 2, ["."])
    assert record["rules"]["E900"] == {"findings": 3, "silenced": 1, "baselined": 0}  # type: ignore[index]

    unsnarl("metrics", cwd=tmp_path)
    assert len(history(tmp_path)) == 1, "nothing changed"

    unsnarl("baseline", "--accept-new", cwd=tmp_path)
    done = unsnarl("metrics", cwd=tmp_path)
    assert (done.returncode, numbers(done.stdout)["E900"]) == (1, ["0", "3", "1"]), "put off is not done"

    write(tmp_path, {"a.py": BROAD})
    unsnarl("baseline", "--update", cwd=tmp_path)
    unsnarl("metrics", cwd=tmp_path)
    assert [record["changed"] for record in history(tmp_path)] == [False, False, True]

    write(tmp_path, {"a.py": "x = 1\n"})
    unsnarl("baseline", "--update", cwd=tmp_path)
    git(tmp_path, "commit", "-qam", "two")
    done = unsnarl("metrics", "--plot", "--svg=h.svg", "--csv=h.csv", cwd=tmp_path)
    assert done.returncode == 0
    assert "E900  ██▃   3 -> 0" in done.stdout.splitlines()
    rows = list(csv.DictReader((tmp_path / "h.csv").read_text().splitlines()))
    assert [(row["findings"], row["baselined"]) for row in rows if row["rule"] == "E900"] == [
        ("3", "0"),
        ("0", "3"),
        ("0", "1"),
        ("0", "0"),
    ]
    root = ElementTree.fromstring((tmp_path / "h.svg").read_text())
    lines = [one for one in root.iter() if one.tag.endswith("polyline")]
    assert len(lines) == 5
    heights = [float(point.split(",")[1]) for point in lines[0].attrib["points"].split()]
    assert heights[0] == heights[1] < heights[2] < heights[3]


def test_other_paths_are_another_series(tmp_path: Path) -> None:
    write(tmp_path, {"unsnarl.toml": "", "a/a.py": BROAD, "b/b.py": BROAD * 2})
    for path in ("a", "b", "."):
        unsnarl("metrics", path, cwd=tmp_path)
    done = unsnarl("metrics", "b", "--plot", cwd=tmp_path)
    assert "E900  █  2 -> 2" in done.stdout
    assert len(history(tmp_path)) == 3


def test_not_recorded(tmp_path: Path) -> None:
    done = unsnarl("metrics", "--no-record", "--exit-zero", cwd=write(tmp_path, {"a.py": BROAD}))
    assert (done.returncode, done.stderr) == (0, "1 finding left in 1 file; not recorded.\n")
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(("option", "start"), [("--csv", "time,commit,"), ("--svg", "<svg ")])
def test_a_dash_is_stdout(tmp_path: Path, option: str, start: str) -> None:
    write(tmp_path, {"a.py": BROAD})
    done = unsnarl("metrics", option, "-", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(start)
    assert "silenced\nE9" not in done.stdout
    assert done.stderr.startswith("1 finding left in 1 file; 1 run in ")
    assert not (tmp_path / "-").exists()
    done = unsnarl("metrics", "--csv", "-", "--svg", "-", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: of --plot, --svg - and --csv - only one can go to stdout\n"


def test_lines_that_are_no_record_are_told_and_kept(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD, FILE: "<<<<<<< HEAD\nnonsense"})
    done = unsnarl("metrics", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        f"{tmp_path / FILE}:{number}: is no record of a run; left as it is and not counted" for number in (1, 2)
    ]
    kept = (tmp_path / FILE).read_text().splitlines()
    assert kept[:2] == ["<<<<<<< HEAD", "nonsense"]
    assert json.loads(kept[2])["files"] == 1


def test_unparseable_files_count(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1\n", "p.py": BROKEN})
    done = unsnarl("metrics", "--format=json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["unparseable"] == 1
    unsnarl("baseline", "--accept-new", cwd=tmp_path)
    assert unsnarl("metrics", cwd=tmp_path).returncode == 0


def test_a_history_that_cannot_be_written(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    done = unsnarl("metrics", "--history=none/h.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: none/h.jsonl: the history cannot be kept: No such file or directory\n"


def test_the_ledger_names_every_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"a.py": "x = 1\n", "p.py": BROKEN, "c.py": "await x\n", "gen_pb2.py": "x = 1\n", ".venv/pyvenv.cfg": ""},
    )
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    done = unsnarl("ledger", "--format=json", cwd=tmp_path)
    assert done.returncode == 1
    rows = {one["path"]: (one["state"], one["kind"], one["line"]) for one in json.loads(done.stdout)["files"]}
    assert rows == {
        ".venv/": ("excluded", "", 0),
        "a.py": ("analysed", "", 0),
        "c.py": ("uncompilable", "compile", 1),
        "gen_pb2.py": ("excluded", "", 0),
        "gone.py": ("unreadable", "unreadable", 0),
        "p.py": ("unparseable", "syntax", 1),
    }
    assert done.stderr == "1 file compiles, 3 do not or cannot be read.\n"
    done = unsnarl("ledger", cwd=tmp_path)
    assert done.returncode == 1
    assert "    p.py:1" in done.stdout.splitlines()
    assert unsnarl("ledger", "a.py", cwd=tmp_path).returncode == 0
    assert unsnarl("ledger", "--exit-zero", cwd=tmp_path).returncode == 0
    done = unsnarl("ledger", "--no-compile", "--output-file=l.txt", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "c.py").unlink()
    assert unsnarl("ledger", cwd=tmp_path).stderr == "1 file compiles, 1 does not or cannot be read.\n"
    assert "0 uncompilable" in (tmp_path / "l.txt").read_text()


def test_exceptions_of_each_try(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.py": "import json\ntry:\n    x = json.loads('1')\nexcept Exception:\n    x = 0\n",
            "b.py": "def f(g):\n    try:\n        g()\n    except Exception:\n        pass\n",
        },
    )
    done = unsnarl("exceptions", cwd=tmp_path)
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first.startswith("a.py:2:1: ")
    assert "ValueError" in first
    assert second.startswith("b.py:2:5: open: ")
    assert done.stderr.startswith("2 try bodies: ")
    assert unsnarl("exceptions", "a.py", cwd=tmp_path).stderr.startswith("1 try body: ")
    made = json.loads(unsnarl("exceptions", "--format=json", "-q", cwd=tmp_path).stdout)
    assert [(one["path"], one["line"], one["column"]) for one in made] == [("a.py", 2, 1), ("b.py", 2, 5)]
    write(tmp_path, {"p.py": BROKEN})
    done = unsnarl("exceptions", "-q", cwd=tmp_path)
    assert (done.returncode, len(done.stdout.splitlines())) == (2, 2)
    assert done.stderr.startswith("p.py:1: not analysed: ")
