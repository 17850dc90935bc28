"""What we silence is what flake8 silences: both are run on the same generated files."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from flake8.main.application import Application
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.reading import analyse
from analysis.source import Source
from config.settings import Settings
from linters import runner
from linters.rule import Selection, rules

PIECES = [
    "#",
    "# ",
    "#  ",
    "noqa",
    "NOQA",
    "NoQa",
    "noqa:",
    "noqa :",
    "# noqa",
    "# noqa: ",
    "# noqa:E900",
    "# noqa : E900",
    "#noqa: E900",
    ": ",
    "E900",
    "e900",
    "E9",
    "E",
    "E901",
    "E9000",
    "E900E903",
    "F401",
    ", ",
    ",",
    "; ",
    " ",
    "\t",
    " because",
    "E900because",
    "# flake8: noqa",
    "# flake8: noqa: E900",
    "\N{NO-BREAK SPACE}",
    "é",
    "\x0c",
]

comments = st.lists(st.sampled_from(PIECES), max_size=6).map(lambda pieces: "# " + "".join(pieces))
SHAPES = [
    "try:{0}\n    pass\nexcept Exception:{1}\n    pass{2}\n",
    "try:\n    pass\nexcept (  {0}\n    Exception,{1}\n    ValueError,\n):{2}\n    pass\n",
    "try:\n    pass\nexcept Exception: x = '''{3}\n{4}'''{1}\n",
    "try:\n    pass\nexcept Exception: x = f'''{3} {{1 + 1}}\n{4}'''  {1}\n",
    "try:\n    pass\nexcept \\\n    Exception:{1}\n    pass\n",
    "x = [{0}\n    1,  {1}\n]\ntry: pass\nexcept: pass  {2}\n",
    "def f():\n    '''{3}\n    {4}\n    '''\n    try:\n        pass\n    except BaseException:  {0}\n        pass\n",
    "{0}\ntry: pass\nexcept Exception: pass\n",
    "   {0}\ntry: pass\nexcept Exception: '{4}'\n",
]


def text_of(comment: str) -> str:
    return comment.replace("'", "").replace("\\", "").replace("{", "").replace("}", "")


@st.composite
def sources(draw: st.DrawFn) -> bytes:
    shape = draw(st.sampled_from(SHAPES))
    parts = [draw(st.one_of(st.just(""), comments)) for _ in range(5)]
    parts[3], parts[4] = text_of(parts[3]), text_of(parts[4])
    made = shape.format(*parts)
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    mark = draw(st.sampled_from(["", "", "\N{BYTE ORDER MARK}"]))
    return (mark + made.replace("\n", newline)).encode()


def ours(file: Path) -> set[tuple[str, int]]:
    chosen = rules(Settings(), Selection(("E900",)))
    facts = analyse(Source.read(file), runner.collectors(chosen), file.name)
    assert facts.fault is None, (facts.fault, file.read_bytes())
    return {(file.name, one.span.line) for one in runner.check(facts, chosen).kept}


def flake8s(folder: Path) -> set[tuple[str, int]]:
    report = folder / "report.txt"
    app = Application()
    app.run(["--isolated", "-j1", "--select=E900,E902,E999", f"--output-file={report}", str(folder)])
    rows = [re.fullmatch(r".*?([^/]+\.py):(\d+):\d+: (E\d+) .*", line) for line in report.read_text().splitlines()]
    assert all(row is not None for row in rows)
    assert {row[3] for row in rows if row} <= {"E900"}
    return {(row[1], int(row[2])) for row in rows if row}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(sources(), min_size=20, max_size=20))
def test_generated_comments(made: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, data in enumerate(made):
            (folder / f"f{number}.py").write_bytes(data)
        found = flake8s(folder)
        assert found == {one for file in folder.glob("*.py") for one in ours(file)}


def test_generated_comments_are_worth_comparing() -> None:
    # Guards the law above: among plain draws both outcomes must occur.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.py").write_bytes(SHAPES[0].format("", "# noqa: E900", "").encode())
        (folder / "b.py").write_bytes(SHAPES[0].format("# noqa: E900", "", "").encode())
        (folder / "c.py").write_bytes(SHAPES[1].format("", "", "# NOQA", "", "").encode())
        (folder / "d.py").write_bytes(SHAPES[3].format("", "", "", "# noqa", "").encode())
        (folder / "e.py").write_bytes(SHAPES[7].format("# flake8: noqa").encode())
        assert flake8s(folder) == {("b.py", 3), ("c.py", 3)}
        assert {one for file in folder.glob("*.py") for one in ours(file)} == {("b.py", 3), ("c.py", 3)}
