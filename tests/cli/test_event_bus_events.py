"""``python -m codemods.event_bus --events``: services that import each other, and whatever else does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.cli.support import write
from tests.codemods.split_support import RUN

ONE = "import two\n\n\ndef one(x):\n    return two.two(x)\n" + RUN
TWO = "def two(x):\n    return x\n\n\ndef back(x):\n    from one import one\n\n    return one(x)\n" + RUN


def run(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "codemods.event_bus", "--allow-dirty", "--no-cache", "--jobs=1", *words, ".")
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=120)


def report(tree: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = run(tree, "--format=json", *words)
    return done.returncode, json.loads(done.stdout)


def contents(tree: Path) -> dict[str, str]:
    return {path.relative_to(tree).as_posix(): path.read_text() for path in sorted(tree.rglob("*.py"))}


def test_imports_in_functions_are_only_looked_at_when_services_are_to_talk(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": ONE, "two.py": TWO})
    before = contents(tmp_path)
    assert run(tmp_path).returncode == 0
    assert contents(tmp_path) == before
    code, told = report(tmp_path, "--events")
    assert code == 0
    assert [(one["path"], one["line"], one["detail"]) for one in told["rewritten"]] == [
        ("one.py", 1, "two.py: 1 request of one_events.py, answered from run() on"),
        ("two.py", 13, "one.py: 1 request of one_events.py, answered from run() on"),
    ]
    after = contents(tmp_path)
    assert list(after) == ["one.py", "one_events.py", "two.py"]
    assert "import two" not in after["one.py"]
    assert "from one import" not in after["two.py"]
    assert run(tmp_path, "--events", "--check").returncode == 0


def test_the_seconds_that_a_request_waits(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": ONE, "two.py": TWO})
    run(tmp_path, "--events", "--request-timeout=2.5")
    assert "timeout=2.5)" in contents(tmp_path)["one.py"]
    done = run(tmp_path, "--events", "--request-timeout=0")
    assert done.returncode == 2
    assert "--request-timeout" in done.stderr


NOTED = "def two(x):\n    print(x)\n\n\ndef back(x):\n    from one import one\n\n    return one(x)\n" + RUN
NOTES = "\nimport two\n\n\ndef one(x):\n    two.two('1')\n\n\ndef more():\n    two.two('2')\n" + RUN


def test_what_is_handled_later_is_told_with_its_lines_on_the_disk(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": NOTES, "two.py": NOTED})
    later = "published, so handled a little later than before: `two` (line 6, line 10)"
    done = run(tmp_path, "--events", "--diff")
    assert f"one.py: {later}, as it was; --no-publish asks and waits.\n" in done.stderr
    _, told = report(tmp_path, "--events")
    lines = contents(tmp_path)["one.py"].splitlines()
    places = ", ".join(f"line {at}" for at, line in enumerate(lines, 1) if "publish" in line)
    now = [one["detail"].partition("; ")[2] for one in told["rewritten"]]
    assert now == [later.replace("line 6, line 10", places), ""]


def test_without_events_everything_is_asked(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": NOTES, "two.py": NOTED})
    done = run(tmp_path, "--events", "--no-publish")
    assert done.returncode == 0
    assert "published" not in done.stderr
    after = contents(tmp_path)
    assert after["one.py"].count("get_bus().request_sync(Two(x='") == 2
    assert "class Two(Request[None], frozen=True):" in after["one_events.py"]
    assert "bus.handle(Two, " in after["two.py"]


def test_what_cannot_be_asked_stays_and_is_told(tmp_path: Path) -> None:
    bad = "import two\n\n\ndef one(x):\n    return two.two(lambda: x)\n" + RUN
    write(tmp_path, {"one.py": bad, "two.py": TWO})
    done = run(tmp_path, "--events")
    # One of the two is enough: they do not import each other any more.
    assert done.returncode == 0
    assert "1 rewritten, 0 narrowed, 0 declined" in done.stderr
    assert "one.py goes on importing two.py: line 5 gives it `lambda: x`: no data.\n" in done.stderr
    after = contents(tmp_path)
    assert "import two\n" in after["one.py"]
    assert "import one" not in after["two.py"]


def test_the_way_that_is_left_says_why_they_do_not_talk(tmp_path: Path) -> None:
    one = "import two\n\n\ndef one(x):\n    return two.two(lambda: x)\n" + RUN
    two = "import one\n\n\ndef two(x):\n    return x\n\n\ndef back(x):\n    return one.one(lambda: x)\n" + RUN
    write(tmp_path, {"one.py": one, "two.py": two})
    code, told = report(tmp_path, "--events")
    (rewritten,) = told["rewritten"]
    assert rewritten["detail"] == (
        "two.py: moved into one(); not over the bus, as line 4 gives it `lambda: x`: no data"
    )
    (declined,) = told["declined"]
    assert (code, declined["path"], declined["reason"]) == (1, "two.py", "no-message-can-carry-it")


def test_files_that_are_no_services_are_cut_as_ever(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.py": "import b\n\n\ndef a():\n    return b.b()\n",
            "b.py": "import a\n\n\ndef b():\n    return a.a()\n",
            "c.py": "def c():\n    import d\n\n    return d.d()\n",
            "d.py": "def d():\n    import c\n\n    return c.c()\n",
        },
    )
    code, told = report(tmp_path, "--events")
    assert (code, told["declined"]) == (0, [])
    assert [one["detail"] for one in told["rewritten"]] == ["b.py: moved into a()"]


def test_a_circle_of_three_is_cut_between_services(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.py": "import b\n\n\ndef a(x):\n    return b.b(x)\n",
            "b.py": "import one\n\n\ndef b(x):\n    return one.one(x)\n",
            "one.py": "import two\n\n\ndef one(x):\n    return two.two(x)\n" + RUN,
            "two.py": "import a\n\nY = a.a\n\n\ndef two(x):\n    return x\n" + RUN,
        },
    )
    code, told = report(tmp_path, "--events")
    assert code == 0
    assert len(told["rewritten"]) == 1


def test_an_import_that_is_to_stay(tmp_path: Path) -> None:
    one = ONE.replace("import two\n", "import two  # noqa: E920 - they run in one process\n", 1)
    write(tmp_path, {"one.py": one, "two.py": TWO.replace("import one\n", "import one  # noqa: E920 - so\n", 1)})
    before = contents(tmp_path)
    code, told = report(tmp_path, "--events")
    assert (code, told["rewritten"], told["declined"]) == (0, [], [])
    assert [one["reason"] for one in told["skipped"]] == ["noqa", "noqa"]
    assert contents(tmp_path) == before


def test_a_file_that_may_not_be_changed(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": ONE, "two/two.py": TWO, "two/__init__.py": ""})
    write(tmp_path, {"one.py": ONE.replace("import two", "from two import two")})
    code, told = report(tmp_path, "--events", "--only-under=two")
    assert code == 1
    assert {one["reason"] for one in told["declined"]} == {"file-not-asked-for"}


def test_a_plan_says_it(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": ONE, "two.py": TWO})
    done = run(tmp_path, "--events", "--write-plan=plan.yaml")
    assert done.returncode == 0, done.stderr
    plan = yaml.safe_load((tmp_path / "plan.yaml").read_text())
    assert [(one["importer"], one["imported"], one["how"]) for one in plan["cuts"]] == [
        ("one.py", "two.py", "events"),
        ("two.py", "one.py", "events"),
    ]
    assert contents(tmp_path) == {"one.py": ONE, "two.py": TWO}
    plan["cuts"][1]["how"] = "leave"
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    done = run(tmp_path, "--plan=plan.yaml")
    assert done.returncode == 0, done.stderr
    after = contents(tmp_path)
    assert "request_sync(Two(x=x), timeout=30)" in after["one.py"]
    assert "    from one import one\n" in after["two.py"]


def test_a_bus_that_the_tree_shadows(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": ONE, "two.py": TWO, "runtime/__init__.py": ""})
    code, told = report(tmp_path, "--events")
    assert code == 1
    assert {one["reason"] for one in told["declined"]} == {"import-target-is-shadowed"}


def test_a_bus_of_the_tree_without_its_name_ends_the_run(tmp_path: Path) -> None:
    settings = '[tool.unsnarl]\nget-bus = "common.bus:get_bus"\n'
    write(tmp_path, {"one.py": ONE, "two.py": TWO, "common/bus.py": "x = 1\n", "pyproject.toml": settings})
    done = run(tmp_path, "--events")
    assert done.returncode == 2
    assert "common/bus.py has no `get_bus`" in done.stderr
    # Nobody is to import it otherwise.
    assert run(tmp_path).returncode == 0
