"""A source takes any bytes and any path, and says of them what Python says."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from analysis.source import Source

ODD = {
    "empty": b"",
    "no newline at the end": b"x = 1",
    "mark": b"\xef\xbb\xbfx = 1\n",
    "mark and cookie": b"\xef\xbb\xbf# coding: utf-8\nx = 1\n",
    "mark and another cookie": b"\xef\xbb\xbf# coding: latin-1\nx = 1\n",
    "mark and an unusual spelling": b"\xef\xbb\xbf# coding: utf8\nx = 1\n",
    "latin-1": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    "latin-1 in line 2": b"#!/usr/bin/python\n# vim: set fileencoding=latin-1 :\nx = '\xe9'\n",
    "cookie behind code": b"x = 1\n# coding: latin-1\ny = '\xe9'\n",
    "cookie in line 3": b"\n\n# coding: latin-1\ny = '\xe9'\n",
    "cookie, lone CR": b"# coding: latin-1\rx = '\xe9'\r",
    "cp1252": b"# coding: cp1252\nx = '\x80'\n",
    "undefined in cp1252": b"# coding: cp1252\nx = '\x81'\n",
    "shift_jis": "# coding: shift_jis\nx = '日本語表'\ny = 1\n".encode("shift_jis"),
    "iso2022_jp": "# coding: iso2022_jp\nx = '日本語'; y = 1\n".encode("iso2022_jp"),
    "utf-7": b"# coding: utf-7\nx = '+AOk-'\ny = x\n",
    "a newline hidden in utf-7": b"# coding: utf-7\nx = '+AAo-'\n",
    "a surrogate in utf-7": b"# coding: utf-7\nx = '+2AA-'\n",
    "unknown cookie": b"# coding: klingon\nx = 1\n",
    "cookie that is no text encoding": b"# coding: rot13\nx = 1\n",
    "not UTF-8 in a string": b"x = 1\ny = '\xff'\n",
    "not UTF-8 in a comment": b"x = 1  # \xff\n",
    "not what the cookie says": b"# coding: ascii\nx = 1\n# \xe9\n",
    "not what the cookie says, lone CR": b"# coding: ascii\rx = 1\r# \xe9\r",
    "NUL, lone CR": b"x = 1\ry = 1\r\0",
    "UTF-16": "x = 1\n".encode("utf-16"),
    "NUL": b"x = 1\ny = '\0'\n",
    "only NUL": b"\0",
    "CRLF": b"if x:\r\n    y = '''a\r\nb'''\r\n",
    "lone CR": b"if x:\r    y = '''a\rb'''\r",
    "mixed ends": b"x = 1\r\ny = 2\nz = 3\r",
    "form feed": b"x = 1\n\x0c\ny = 2\n\x0cz = 3\n",
    "tabs": b"if x:\n\ty = 1\n        z = 2\n",
    "tabs that do not fit": b"if x:\n\ty = 1\n  \tz = 2\n",
    "control-Z": b"x = 1\x1a\n",
    "separators that are no line ends": "x = 'a\x1cb\x85c\u2028d'\ny = 1\n".encode(),
    "python 2": b"print 'x'\nexcept Exception, e:\n",
    "conflict markers": b"<<<<<<< HEAD\nx = 1\n=======\n",
    "open string": b"x = 'abc\n",
    "open triple": b"x = '''abc\n",
    "unindent": b"if x:\n        y\n    z\n",
    "too many indents": b"".join(b" " * i + b"if x:\n" for i in range(120)) + b" " * 120 + b"pass\n",
    "await outside": b"x = 1\nawait x\n",
    "return outside": b"return 1\n",
    "continue in nothing": b"def f():\n    continue\n",
    "nonlocal at the top": b"nonlocal x\n",
    "late future": b"x = 1\nfrom __future__ import annotations\n",
    "duplicate argument": b"def f(a, a): pass\n",
    "huge number": b"x = " + b"1" * 5000 + b"\n",
    "bad escape": b"x = '\\d'\ny = 1 is 1\nassert (x, 'y')\n",
    "surrogate": b"x = '\\ud800'\n",
    "5,000 parentheses": b"(" * 5000 + b"1" + b")" * 5000,
}


def said_by_compile(data: bytes) -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(data, "x.py", "exec", dont_inherit=True)
        except SyntaxError as error:
            return error.msg
        except ValueError as error:
            return str(error)
    return None


def parses(data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(data)
        except (SyntaxError, ValueError):
            return False
    return True


@pytest.mark.parametrize("name", ODD)
def test_says_what_python_says(name: str) -> None:
    source = Source.from_bytes(ODD[name], "x.py")
    assert (source.parse() is not None) == parses(ODD[name])
    fault = Source.from_bytes(ODD[name], "x.py").compile_fault()
    said = said_by_compile(ODD[name])
    if said is None:
        assert fault is None
        return
    assert fault is not None
    if "codec can't decode" not in said and not said.startswith("Non-UTF-8 code"):
        assert fault.message == said.removeprefix("(unicode error) ").encode("utf-8", "backslashreplace").decode()
    assert fault.line > 0
    assert (fault.kind == "compile") == parses(ODD[name])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "not UTF-8 in a string",
            "byte 0xff is not UTF-8: save the file as UTF-8, or name its encoding in line 1, as in `# coding: latin-1`",
        ),
        (
            "not what the cookie says",
            "byte 0xe9 is not ASCII, which its coding line says that it is: correct that line, or convert the file",
        ),
        (
            "undefined in cp1252",
            "byte 0x81 is not CP1252, which its coding line says that it is: correct that line, or convert the file",
        ),
    ],
)
def test_a_byte_of_another_encoding_says_what_to_do(name: str, said: str) -> None:
    fault = Source.from_bytes(ODD[name], "x.py").compile_fault()
    assert fault is not None
    assert (fault.kind, fault.message) == ("encoding", said)


@pytest.mark.parametrize("name", ODD)
def test_lines_are_all_the_bytes(name: str) -> None:
    source = Source.from_bytes(ODD[name], "x.py")
    assert b"".join(source.lines) == ODD[name]
    assert len(source.line_starts) == len(source.lines)
    for start, line in zip(source.line_starts, source.lines, strict=True):
        assert ODD[name][start:].startswith(line)


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("not UTF-8 in a string", "encoding", 2),
        ("not what the cookie says", "encoding", 3),
        ("not what the cookie says, lone CR", "encoding", 3),
        ("NUL, lone CR", "null-byte", 3),
        ("unknown cookie", "encoding", 1),
        ("cookie that is no text encoding", "encoding", 1),
        ("mark and another cookie", "encoding", 1),
        ("undefined in cp1252", "encoding", 2),
        ("cookie in line 3", "encoding", 4),
        ("a surrogate in utf-7", "encoding", 2),
        ("NUL", "null-byte", 2),
        ("only NUL", "null-byte", 1),
        ("UTF-16", "null-byte", 1),
        ("conflict markers", "syntax", 1),
        ("unindent", "syntax", 3),
        ("await outside", "compile", 2),
        ("late future", "compile", 2),
    ],
)
def test_cause_and_line(name: str, kind: str, line: int) -> None:
    fault = Source.from_bytes(ODD[name], "x.py").compile_fault()
    assert fault is not None
    assert (fault.kind, fault.line) == (kind, line)


@pytest.mark.parametrize(
    ("name", "encoding", "bom", "newline"),
    [
        ("empty", "utf-8", False, b"\n"),
        ("mark", "utf-8", True, b"\n"),
        ("latin-1", "iso-8859-1", False, b"\n"),
        ("latin-1 in line 2", "iso-8859-1", False, b"\n"),
        ("cookie behind code", "utf-8", False, b"\n"),
        ("cookie, lone CR", "iso-8859-1", False, b"\r"),
        ("shift_jis", "shift_jis", False, b"\n"),
        ("CRLF", "utf-8", False, b"\r\n"),
        ("lone CR", "utf-8", False, b"\r"),
        ("mixed ends", "utf-8", False, b"\n"),
    ],
)
def test_how_a_file_is_written(name: str, encoding: str, bom: bool, newline: bytes) -> None:
    source = Source.from_bytes(ODD[name], "x.py")
    assert (source.encoding, source.bom, source.newline) == (encoding, bom, newline)


def test_no_line_ends_but_the_tokenizers() -> None:
    source = Source.from_bytes(ODD["separators that are no line ends"], "x.py")
    assert len(source.lines) == 2
    assert len(Source.from_bytes(ODD["form feed"], "x.py").lines) == 4


def test_a_line_end_that_only_decoding_shows() -> None:
    assert len(Source.from_bytes(ODD["a newline hidden in utf-7"], "x.py").lines) == 3


def test_offset_refuses_what_is_not_there() -> None:
    for data in (b"x = 1\ny = 2\n", "# coding: cp1252\nx = 'é'\n".encode("cp1252")):
        source = Source.from_bytes(data, "x.py")
        assert source.offset(3, 0) == len(data)
        for line, col in [(0, 0), (4, 0), (3, 1), (1, 40), (2, 40), (1, -1)]:
            with pytest.raises(ValueError, match=r"no (line|column)"):
                source.offset(line, col)
    with pytest.raises(ValueError, match="are not klingon"):
        Source.from_bytes(ODD["unknown cookie"], "x.py").offset(1, 0)


def test_line_of_an_offset() -> None:
    source = Source.from_bytes(b"a\nbc\r\nd", "x.py")
    assert [source.line_at(at) for at in range(8)] == [1, 1, 2, 2, 2, 2, 3, 3]


def test_warnings_do_not_leak(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(ODD["bad escape"])
    code = "import sys; from pathlib import Path; from analysis.source import Source\n"
    code += "s = Source.read(Path(sys.argv[1])); assert s.parse(); assert s.compile_fault() is None"
    for flags in ([], ["-W", "always"], ["-W", "error"], ["-X", "dev"]):
        done = subprocess.run([sys.executable, *flags, "-c", code, str(path)], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), flags


def test_unreadable(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "broken.py").symlink_to("nowhere.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "device.py").symlink_to("/dev/zero")
    causes = {
        "folder.py": "is a folder, not a file",
        "pipe.py": "is a pipe, not a file",
        "broken.py": "no such file or directory",
        "loop.py": "a loop of symbolic links",
        "device.py": "is a device, not a file",
        "none.py": "no such file or directory",
    }
    for name, cause in causes.items():
        source = Source.read(tmp_path / name)
        assert source.fault is not None
        assert (source.fault.kind, source.fault.message) == ("unreadable", cause)
        assert source.parse() is None
        assert source.compile_fault() == source.fault


DEEP = {
    "sum": "'x = ' + '+'.join(['1'] * n)",
    "minus": "'x = ' + '-' * n + '1'",
    "not": "'x = ' + 'not ' * n + '1'",
    "lambda": "'x = ' + 'lambda: ' * n + '1'",
    "ternary": "'x = ' + 'a if b else ' * n + '1'",
    "attributes": "'x = a' + '.b' * n",
    "calls": "'x = a' + '()' * n",
    "power": "'x = ' + '1**' * n + '1'",
    "subscripts": "'x = a' + '[0]' * n",
    "elif": "'if a: import b\\n' + 'elif b: import c\\n' * n",
    "parentheses": "'(' * n + '1' + ')' * n",
    "f-strings": "'x = ' + 'f\"{' * n + '1' + '}\"' * n",
    "assignments": "'x = ' * n + '1'",
    "comparisons": "'x = a' + ' < b' * n",
    "strings": "'x = (' + '\"a\"\\n' * n + ')'",
    "decorators": "'@a\\n' * n + 'def f(): pass'",
    "targets": "'for ' + '(' * n + 'a,' + ')' * n + ' in b: pass'",
    "patterns": "'match x:\\n case ' + '[' * n + ']' * n + ': pass'",
}
_ASK = """
import sys
from analysis.collectors.compiles import Compiles
from analysis.collectors.imports import Imports
from analysis.reading import analyse
from analysis.source import Source
for n in map(int, sys.argv[2:]):
    source = Source.from_bytes(eval(sys.argv[1]).encode(), "x.py")
    facts = analyse(source, (Imports, Compiles))
    assert facts.fault is None or facts.fault.kind in ("too-deep", "syntax"), facts.fault
    assert facts.fault is None or facts.fault == Source.from_bytes(source.data, "x.py").compile_fault()
    print(n, facts.fault.kind if facts.fault else len(facts.records(Imports)))
"""


@pytest.mark.parametrize("shape", DEEP)
def test_deep_input_does_not_end_the_process(shape: str) -> None:
    sizes = ["900", "5000", "100000"]
    done = subprocess.run(
        [sys.executable, "-c", _ASK, DEEP[shape], *sizes], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    answers = done.stdout.splitlines()
    assert [line.split()[0] for line in answers] == sizes
    if shape in ("sum", "minus", "attributes", "calls", "subscripts"):
        assert answers[0] == "900 0"
    if shape == "elif":
        assert answers[0] == "900 901"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="only 3.11 lets the depth of its parser be chosen")
@pytest.mark.parametrize("shape", ["sum", "minus", "ternary", "elif", "calls"])
def test_a_deep_tree_has_facts(shape: str) -> None:
    done = subprocess.run([sys.executable, "-c", _ASK, DEEP[shape], "5000"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("5000 5001\n" if shape == "elif" else "5000 0\n", "")


def test_depth_is_found_by_the_parser_of_this_python() -> None:
    source = Source.from_bytes(("x = " + "+".join(["1"] * 5000)).encode(), "x.py")
    limit = sys.getrecursionlimit()
    tree = source.parse()
    assert sys.getrecursionlimit() == limit
    if tree is None:
        assert source.fault is not None
        assert source.fault.kind == "too-deep"
    else:
        assert source.fault is None
