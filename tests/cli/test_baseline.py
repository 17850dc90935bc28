"""``unsnarl baseline`` and ``unsnarl check`` under one."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.support import BROAD, BROKEN, SAID, unsnarl, write

FILE = ".unsnarl-baseline.jsonl"


def agreed(tree: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (tree / FILE).read_text().splitlines()]


def test_from_adoption_to_nothing_left(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD * 2, "b.py": BROAD, "p.py": BROKEN})
    assert unsnarl("check", cwd=tmp_path).returncode == 2

    done = unsnarl("baseline", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: {tmp_path / FILE}: there is no such baseline; `unsnarl baseline --accept-new` writes one\n"
    )

    done = unsnarl("baseline", "--accept-new", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == f"{tmp_path / FILE}: 4 entries; 0 stale, 0 moved, 4 new (added).\n"
    assert [line[0] for line in done.stdout.splitlines()] == ["+"] * 4
    header = {"scope": "<module>", "source": "except Exception as e"}
    assert agreed(tmp_path) == [
        {"path": "a.py", "code": "E900", **header, "count": 2},
        {"path": "b.py", "code": "E900", **header, "count": 1},
        {"path": "p.py", "code": "unparseable", "scope": "", "source": "syntax", "count": 1},
    ]

    done = unsnarl("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "0 findings in 2 files (3 in the baseline). 1 unparseable file in the baseline.\n"

    write(tmp_path, {"a.py": BROAD, "p.py": "x = 1\n"})
    done = unsnarl("check", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == (
        "a.py: stale: the baseline holds E900 in <module>: except Exception as e\n"
        "p.py: stale: the baseline holds it as unparseable (syntax)\n"
    )
    assert done.stderr.splitlines()[-1] == (
        f"2 entries of the baseline {tmp_path / FILE} no longer found: run `unsnarl baseline --update` to shrink it."
    )

    done = unsnarl("baseline", cwd=tmp_path)
    assert (done.returncode, len(agreed(tmp_path))) == (1, 3)
    done = unsnarl("baseline", "--update", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        0,
        f"{tmp_path / FILE}: 2 entries; 2 stale (dropped), 0 moved, 0 new.\n",
    )
    assert unsnarl("check", cwd=tmp_path).returncode == 0

    write(tmp_path, {"a.py": "x = 1\n", "b.py": "x = 1\n"})
    assert unsnarl("baseline", "--update", cwd=tmp_path).returncode == 0
    assert (tmp_path / FILE).read_bytes() == b""


def test_an_update_never_adds(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    unsnarl("baseline", "--accept-new", cwd=tmp_path)
    before = (tmp_path / FILE).read_bytes()
    write(tmp_path, {"a.py": BROAD * 2, "p.py": BROKEN})
    done = unsnarl("baseline", "--update", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == f"+ a.py:7:1: {SAID}"
    assert done.stdout.splitlines()[1].startswith("+ p.py:1: syntax: ")
    assert (tmp_path / FILE).read_bytes() == before
    done = unsnarl("check", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout.splitlines()[0] == f"a.py:7:1: {SAID}"


def test_moved_code_follows(tmp_path: Path) -> None:
    write(tmp_path, {"old/a.py": f"def f():\n{_indented(BROAD)}", "old/p.py": BROKEN, "b.py": "x = 1\n"})
    unsnarl("baseline", "--accept-new", cwd=tmp_path)
    (tmp_path / "old").rename(tmp_path / "new")
    assert unsnarl("check", cwd=tmp_path).returncode == 0
    done = unsnarl("baseline", "--update", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "> old/a.py -> new/a.py: E900 in f: except Exception as e\n> old/p.py -> new/p.py: unparseable (syntax)\n",
    )
    assert [one["path"] for one in agreed(tmp_path)] == ["new/a.py", "new/p.py"]
    # A function that goes to a file that was there before.
    (tmp_path / "b.py").write_text((tmp_path / "new" / "a.py").read_text())
    (tmp_path / "new" / "a.py").write_text("x = 1\n")
    assert unsnarl("check", cwd=tmp_path).returncode == 0


def _indented(text: str) -> str:
    return "".join(f"    {line}" for line in text.splitlines(keepends=True))


def test_a_rewrite_is_covered_and_an_update_follows_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": f"def f():\n{_indented(BROAD)}def g():\n{_indented(BROAD)}", "b.py": BROAD})
    unsnarl("baseline", "--accept-new", cwd=tmp_path)
    options = ("--allow-dirty", "--policy=preserve", "--only-under=.", "a.py")
    assert unsnarl("fix", "safe-executor", *options, cwd=tmp_path).returncode == 0
    assert "with SafeExecutor(" in (tmp_path / "a.py").read_text()
    done = unsnarl("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    done = unsnarl("baseline", "--update", cwd=tmp_path)
    assert done.returncode == 0
    new = "SafeExecutor(recoverable=(Exception,))"
    assert done.stdout == "".join(
        f"> a.py: E900 in {name}: except Exception as e -> E903 in {name}: {new}\n" for name in "fg"
    )
    assert done.stderr.endswith(": 3 entries; 0 stale, 0 moved, 2 eased, 0 new.\n")
    assert [(one["path"], one["code"], one["scope"]) for one in agreed(tmp_path)] == [
        ("a.py", "E903", "f"),
        ("a.py", "E903", "g"),
        ("b.py", "E900", "<module>"),
    ]
    assert unsnarl("baseline", cwd=tmp_path).returncode == 0
    # It is not to be taken back.
    write(tmp_path, {"a.py": f"def f():\n{_indented(BROAD)}def g():\n{_indented(BROAD)}"})
    assert unsnarl("check", cwd=tmp_path).returncode == 1


def test_a_part_of_the_tree_is_held_against_its_part_of_the_baseline(tmp_path: Path) -> None:
    write(tmp_path, {"unsnarl.toml": "", "a/a.py": BROAD, "b/b.py": BROAD})
    unsnarl("baseline", "--accept-new", cwd=tmp_path)
    write(tmp_path, {"b/b.py": "x = 1\n"})
    assert unsnarl("check", "a", cwd=tmp_path).returncode == 0
    assert unsnarl("check", "a/a.py", cwd=tmp_path).returncode == 0
    assert unsnarl("check", "b", cwd=tmp_path).returncode == 1
    done = unsnarl("baseline", "--update", "a", cwd=tmp_path)
    assert (done.returncode, len(agreed(tmp_path))) == (0, 2)
    assert unsnarl("check", "--select=E903", cwd=tmp_path).returncode == 0, "E900 was not looked for"


def test_a_file_that_no_longer_parses_keeps_its_entries(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    unsnarl("baseline", "--accept-new", cwd=tmp_path)
    write(tmp_path, {"a.py": BROKEN})
    done = unsnarl("check", cwd=tmp_path)
    assert done.returncode == 2
    assert "stale" not in done.stdout
    unsnarl("baseline", "--update", cwd=tmp_path)
    assert len(agreed(tmp_path)) == 1


def test_the_file_is_named_on_the_command_line_or_in_the_settings(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    unsnarl("baseline", "--accept-new", "--file", "agreed.jsonl", cwd=tmp_path)
    assert not (tmp_path / FILE).exists()
    assert unsnarl("check", cwd=tmp_path).returncode == 1
    assert unsnarl("check", "--baseline=agreed.jsonl", cwd=tmp_path).returncode == 0
    write(tmp_path, {"unsnarl.toml": "baseline = 'agreed.jsonl'\n"})
    assert unsnarl("check", cwd=tmp_path).returncode == 0
    assert unsnarl("check", "--no-baseline", cwd=tmp_path).returncode == 1
    (tmp_path / "agreed.jsonl").unlink()
    done = unsnarl("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no such baseline" in done.stderr


def test_an_editors_buffer_is_held_against_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD, "b.py": BROAD})
    unsnarl("baseline", "--accept-new", cwd=tmp_path)
    done = unsnarl("check", "-", "--stdin-filename=a.py", cwd=tmp_path, stdin=BROAD * 2)
    assert (done.returncode, done.stdout) == (1, f"a.py:7:1: {SAID}\n")
    assert unsnarl("check", "-", "--stdin-filename=a.py", cwd=tmp_path, stdin=BROAD).returncode == 0


def test_a_merge_conflict_in_it_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD, FILE: "<<<<<<< HEAD\n=======\n>>>>>>> other\n"})
    done = unsnarl("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {tmp_path / FILE}:1: a merge conflict is left here; ")


def test_the_baseline_keeps_its_permissions_and_its_link(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD, "kept/agreed.jsonl": ""})
    (tmp_path / "kept" / "agreed.jsonl").chmod(0o640)
    (tmp_path / FILE).symlink_to("kept/agreed.jsonl")
    unsnarl("baseline", "--accept-new", cwd=tmp_path)
    assert (tmp_path / FILE).is_symlink()
    assert (tmp_path / "kept" / "agreed.jsonl").stat().st_mode & 0o777 == 0o640
    assert len(agreed(tmp_path)) == 1
    assert sorted(file.name for file in (tmp_path / "kept").iterdir()) == ["agreed.jsonl"]
