"""The table of ports on a terminal, in its width, and in full where it goes into a file or a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from analysis.ports import Row
from analysis.values.terms import Call, Choice, Const, Option, Sum, written
from tests.cli.support import unsnarl, write
from unsnarl.output import port_text

LONG = "a_service_with_a_name_that_goes_on_and_on_and_on"
FILES: dict[str, str | bytes] = {
    "main_pc_code/asr.py": 'class Listener:\n    def run(self):\n        self.s.bind("tcp://*:5556")\n',
    f"main_pc_code/{LONG}/{LONG}.py": f'def go(port=int(os.getenv("{LONG.upper()}", 5557))):\n'
    '    sock.connect(f"tcp://localhost:{port}")\n    sock.bind("tcp://*:0")\n    sock.bind(f"tcp://*:{read()}")\n',
    "pc2_code/tts.py": 'sock.bind("tcp://*:5600")\n',
    "tool.py": 'sock.connect("tcp://localhost:5000")\n',
}


def on_terminal(tree: Path, columns: int, *arguments: str) -> list[str]:
    """What a terminal of so many columns shows of ``unsnarl ports``, without stderr."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "unsnarl", "ports", *arguments],
        cwd=tree,
        stdin=slave,
        stdout=slave,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    os.close(slave)
    data = b""
    while True:
        try:
            read = os.read(master, 65536)
        except OSError:
            break
        if not read:
            break
        data += read
    os.close(master)
    assert process.wait(60) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", data.decode()).splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, FILES)


@pytest.mark.parametrize("columns", [60, 100, 200])
def test_a_terminal_has_a_line_for_each_row_in_its_width(tree: Path, columns: int) -> None:
    lines = on_terminal(tree, columns)
    assert max(map(len, lines)) <= columns
    headings = [line for line in lines if re.fullmatch(r".*: \d+ rows?", line)]
    assert headings == ["main_pc: 4 rows", "pc2: 1 row", "on any machine: 1 row"]
    numbers = [line.split()[0] for line in lines if line and line not in headings]
    # What has no number stands below what has one, port 0 before it.
    assert numbers == ["port", "5556", "5557", "0", "?", "port", "5600", "port", "5000"]


def test_what_is_shortened_says_so_and_keeps_the_end_of_a_path(tree: Path) -> None:
    (line,) = (line for line in on_terminal(tree, 100) if "5557" in line)
    assert re.search(rf"…\w+{LONG[-10:]}\.py:2$", line)
    assert "a_service_with_a_name_tha…" in line


def test_a_file_and_a_pipe_have_every_value_in_full(tree: Path) -> None:
    for arguments in ((), ("--output-file", "ports.txt")):
        done = unsnarl("ports", *arguments, cwd=tree, env={"COLUMNS": "60"})
        text = (tree / "ports.txt").read_text() if arguments else done.stdout
        assert "…" not in text
        assert f"main_pc_code/{LONG}/{LONG}.py:2:5" in text
        assert f"${LONG.upper()} or 5557" in text
        ports = [line.split()[0] for line in text.splitlines()]
        assert ports == ["port", "5556", "5557", "0", "?", "5600", "5000"]


def row(**given: object) -> Row:
    values = {
        **dict.fromkeys(Row.__struct_fields__, ""),
        "line": 1,
        "column": 1,
        "port": 5556,
        "side": "bind",
        "certainty": "exact",
        "path": "a.py",
        **given,
    }
    return Row(**values)  # type: ignore[arg-type]


def test_wide_letters_take_two_columns_and_control_characters_none() -> None:
    text = port_text.for_terminal([row(owner="服务" * 40, evidence="a\nb\x1b[2J")], 80)
    assert all(cell_len(line) <= 80 for line in text.splitlines())
    assert len(text.splitlines()) == 3
    assert "\x1b" not in text


def test_one_long_value_does_not_widen_every_line() -> None:
    text = port_text.as_text([row(owner="a" * 300), row(owner="b", port=5557)])
    assert len(text.splitlines()[2]) < 100


def test_what_a_configuration_gives_says_where() -> None:
    given = {"certainty": "configured", "given": "config['port'] in start.yaml:3; 5556 in the source"}
    known = port_text.as_text([row(**given, port=7200, expression="7200")]).splitlines()[1]
    assert known.endswith("config['port'] in start.yaml:3; 5556 in the source")
    unknown = port_text.as_text([row(**given, port=None, expression="$O + 7200")]).splitlines()[1]
    assert unknown.endswith("$O + 7200: config['port'] in start.yaml:3; 5556 in the source")
    assert " configured " in port_text.for_terminal([row(**given, port=7200, expression="7200")], 200)


def test_no_rows() -> None:
    assert port_text.for_terminal([], 80) == ""


def test_a_value_is_not_said_twice() -> None:
    either = Choice((Const(0), Option("--port", Const(7211))))
    assert written(Choice((either, Sum((Const(5000), Const(1))), either))) == "0 | --port or 7211 | 5000 + 1"
    # What stands in brackets is no alternative.
    calls = tuple(Call(f"::{name}", ((0, Choice((Const(letter), Const("c")))),)) for name, letter in ("fa", "gb"))
    assert written(Choice(calls)) == "f(a | c) | g(b | c)"
