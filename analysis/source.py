"""The bytes of one Python file: its encoding, its lines, its tree, and where a position of the tree lies in the bytes.

Nothing here raises for what a file holds. What stands in the way of reading or parsing it becomes ``Source.fault``.
"""

from __future__ import annotations

import ast
import codecs
import errno
import os
import re
import stat
import sys
import threading
import warnings
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TypeVar, cast

from analysis.facts import Fault

T = TypeVar("T")

BOM = codecs.BOM_UTF8
_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
# As 3.11 to 3.13 put it, and 3.14.
_ENCODING = re.compile(r"codec can't|^Non-UTF-8 code|^encoding problem|^unknown encoding")
_ONLY_COMMENT = re.compile(rb"[ \t\f]*(?:#.*)?[\r\n]*\Z", re.DOTALL)
_LINE_END = re.compile(rb"\r\n|\r|\n")

DEEP_LIMIT = 100_000
_DEEP_STACKS = (512 << 20, 64 << 20)
_deep_lock = threading.Lock()


def in_deep_stack(function: Callable[[], T]) -> T:
    """Call ``function`` where recursion may go ``DEEP_LIMIT`` frames down: a thread of its own with a large stack.

    Raises what ``function`` raises, and RecursionError when the system will not give such a thread.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # noqa: BLE001, E900 - it is raised again in the thread that asked
            failure.append(error)

    with _deep_lock:
        limit = sys.getrecursionlimit()
        for size in _DEEP_STACKS:
            usual = threading.stack_size(size)
            try:
                thread = threading.Thread(target=work, name="deep-source")
                # The limit belongs to the interpreter, not to the thread, so it is put back when the thread ends.
                sys.setrecursionlimit(max(limit, DEEP_LIMIT))
                thread.start()
            except (RuntimeError, MemoryError):
                sys.setrecursionlimit(limit)
                continue
            finally:
                threading.stack_size(usual)
            try:
                thread.join()
            finally:
                sys.setrecursionlimit(limit)
            break
        else:
            raise RecursionError("no thread with a larger stack could be had")
    if failure:
        raise failure[0]
    return outcome[0]


class Source:
    """One file as it lies on disk.

    ``path`` is the name it was read by, ``data`` its bytes exactly. ``fault`` says why it cannot be read or parsed;
    it is set by ``read`` for what the system refuses and by ``parse`` for all else. ``deep`` is true once ``parse``
    found a tree that nests deeper than the interpreter's usual recursion limit: whoever recurses over such a tree
    does it in ``in_deep_stack``.
    """

    def __init__(self, path: Path, data: bytes, fault: Fault | None = None) -> None:
        self.path = path
        self.data = data
        self.fault = fault
        self.deep = False

    @classmethod
    def from_bytes(cls, data: bytes, path: Path | str) -> Source:
        """Make a source of bytes that are at hand already; ``path`` is only its name."""
        return cls(path if isinstance(path, Path) else Path(path), data)

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read ``path``. Never raises and never waits: what is not a readable regular file gives a fault."""
        try:
            data, _ = read_regular(path)
        except OSError as error:
            return cls(path, b"", unreadable(error))
        return cls(path, data)

    @cached_property
    def bom(self) -> bool:
        """Whether the file begins with a UTF-8 byte-order mark."""
        return self.data.startswith(BOM)

    @cached_property
    def encoding(self) -> str:
        """The encoding that Python reads the file in, as its cookie spells it; ``utf-8`` where there is none."""
        head = self.data[len(BOM) :] if self.bom else self.data
        for _ in range(2):
            found = _LINE_END.search(head)
            line, head = (head[: found.start()], head[found.end() :]) if found else (head, b"")
            cookie = _COOKIE.match(line)
            if cookie:
                return _usual_spelling(cookie[1].decode("ascii"))
            if not _ONLY_COMMENT.match(line):
                break
        return "utf-8"

    @cached_property
    def newline(self) -> bytes:
        r"""The line end that most lines have: ``\n``, ``\r\n`` or ``\r``. A file of one line has ``\n``."""
        carriage = self.data.count(b"\r")
        if not carriage:
            return b"\n"
        both = self.data.count(b"\r\n")
        counts = ((self.data.count(b"\n") - both, b"\n"), (both, b"\r\n"), (carriage - both, b"\r"))
        return max(counts, key=lambda pair: pair[0])[1]

    @cached_property
    def text(self) -> str:
        """The file decoded, without its byte-order mark, line ends as they are.

        Raises UnicodeError or LookupError when the bytes are not what the cookie says.
        """
        data = self.data[len(BOM) :] if self.bom else self.data
        return str(data, self.encoding)

    @cached_property
    def lines(self) -> list[bytes]:
        """The physical lines with their ends, as the tokenizer splits them; the first one includes the mark."""
        if self._is_utf8:
            return self.data.splitlines(keepends=True)
        starts, _, _ = self._table
        return [self.data[start:end] for start, end in zip(starts, [*starts[1:], len(self.data)], strict=True)]

    @cached_property
    def _is_utf8(self) -> bool:
        if self.encoding == "utf-8":
            return True
        try:
            return codecs.lookup(self.encoding).name == "utf-8"
        except LookupError:
            return False

    @cached_property
    def line_starts(self) -> list[int]:
        """The byte offset at which each physical line begins."""
        if self._is_utf8:
            return [0, *accumulate(map(len, self.lines))][:-1] if self.lines else []
        return self._table[0]

    @cached_property
    def _table(self) -> tuple[list[int], list[str], list[list[int]]]:
        """For a file that is not UTF-8: where each decoded line starts, its text, and where each character starts."""
        try:
            text = self.text
        except (UnicodeError, LookupError):
            lines = self.data.splitlines(keepends=True)
            return [0, *accumulate(map(len, lines))][:-1] if lines else [], [], []
        base = len(BOM) if self.bom else 0
        places: list[int] | range
        if len(text) == len(self.data) - base:
            places = range(base, len(self.data) + 1)
        else:
            places = _places(self.data, base, self.encoding)
        starts: list[int] = []
        texts: list[str] = []
        chars: list[list[int]] = []
        at = 0
        for line in re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text):
            starts.append(places[at])
            texts.append(line)
            chars.append(list(places[at : at + len(line) + 1]))
            at += len(line)
        if starts:
            starts[0] = 0
        return starts, texts, chars

    def offset(self, line: int, col: int) -> int:
        """Where the position ``line``, ``col`` of the tree lies in ``data``, in bytes from its start.

        ``line`` counts from 1; ``col`` counts bytes of the line written as UTF-8, from 0, as ``ast`` does, whatever
        the file is written in. The position just after the last line is line ``len(lines) + 1``, column 0.
        Raises ValueError for a position that is not in the file.
        """
        starts = self.line_starts
        if line == len(starts) + 1 and col == 0:
            return len(self.data)
        if 1 < line < len(starts) and col >= 0 and self._is_utf8 and starts[line - 1] + col <= starts[line]:
            # This is asked for nearly every node; what follows is for the first line, the last, and other encodings.
            return starts[line - 1] + col
        if not 1 <= line <= len(starts) or col < 0:
            raise ValueError(f"{self.path}: there is no line {line}, column {col}")
        if self._is_utf8:
            base = starts[line - 1] + (len(BOM) if line == 1 and self.bom else 0)
            end = starts[line] if line < len(starts) else len(self.data)
            if base + col > end:
                raise ValueError(f"{self.path}: line {line} has no column {col}")
            return base + col
        _, texts, chars = self._table
        if not texts:
            raise ValueError(f"{self.path}: its bytes are not {self.encoding}")
        text = texts[line - 1]
        count = col
        if not text.isascii():
            utf8 = text.encode("utf-8", "surrogatepass")
            if col > len(utf8):
                raise ValueError(f"{self.path}: line {line} has no column {col}")
            count = len(utf8[:col].decode("utf-8", "surrogatepass"))
        if count > len(text):
            raise ValueError(f"{self.path}: line {line} has no column {col}")
        return chars[line - 1][count]

    def column(self, line: int, col: int) -> int:
        """Where a place that ``ast`` gives (the column in UTF-8 bytes, from 0) begins in characters, from 1."""
        return len(self.lines[line - 1][:col].decode("utf-8", "replace")) + 1

    def line_at(self, offset: int) -> int:
        """The line, from 1, that the byte at ``offset`` lies on."""
        return max(1, bisect_right(self.line_starts, offset))

    def parse(self) -> ast.Module | None:
        """The tree of the file, or None after setting ``fault``. Warnings about the source are not shown."""
        if self.fault is not None:
            return None
        if b"\0" in self.data:
            self.fault = self._null_byte()
            return None
        try:
            return self._tree()
        except SyntaxError as error:
            self.fault = self._syntax_fault(error, "syntax")
        except RecursionError:
            try:
                tree = in_deep_stack(self._tree)
            except (RecursionError, MemoryError):
                self.fault = Fault("too-deep", "an expression nests deeper than Python's parser follows")
            else:
                self.deep = True
                return tree
        except MemoryError:
            self.fault = Fault("too-deep", "an expression nests deeper than Python's parser follows")
        except (ValueError, OverflowError, SystemError) as error:
            self.fault = Fault("syntax", str(error))
        return None

    def compile_fault(self) -> Fault | None:
        """What ``compile()`` says to the bytes: None when it takes them.

        The fault of ``parse`` when that fails; kind ``compile`` when the file parses and the compiler refuses it.
        """
        if self.fault is not None:
            return self.fault
        if b"\0" in self.data:
            return self._null_byte()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(self.data, os.fspath(self.path), "exec", dont_inherit=True)
        except SyntaxError as error:
            found = self._syntax_fault(error, "compile")
        except (RecursionError, MemoryError) as error:
            found = Fault("compile", str(error) or "it nests deeper than Python's compiler follows")
        except (ValueError, OverflowError, SystemError) as error:
            found = Fault("compile", str(error))
        else:
            return None
        return found if self.parse() is not None else self.fault

    def _tree(self) -> ast.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = compile(self.data, os.fspath(self.path), "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        return cast("ast.Module", tree)

    def _null_byte(self) -> Fault:
        line = _line_of(self.data[: self.data.index(b"\0")])
        return Fault("null-byte", "source code string cannot contain null bytes", line)

    def _syntax_fault(self, error: SyntaxError, kind: str) -> Fault:
        # What the message quotes of the file may be half a surrogate pair, which could not be kept or printed.
        message = (error.msg or type(error).__name__).encode("utf-8", "backslashreplace").decode()
        if not error.lineno or _ENCODING.search(message):
            found = self._undecodable()
            if found is not None:
                line, said = found
                return Fault("encoding", said or message.removeprefix("(unicode error) "), line)
        if kind == "compile":
            return Fault("compile", message, error.lineno or 0, max(error.offset or 0, 0))
        return Fault("syntax", message, error.lineno or 0, max(error.offset or 0, 0))

    def _undecodable(self) -> tuple[int, str] | None:
        """The line of the first byte that cannot be decoded, and what to do; or of the cookie that cannot be used.

        None when neither is at fault. Python counts the position of a byte from wherever it has begun to decode.
        """
        try:
            # Python reads a file as UTF-8 once it has decoded it, and some encodings can spell what UTF-8 cannot.
            self.text.encode()
        except UnicodeDecodeError as error:
            return _line_of(error.object[: error.start]), self._not_in_encoding(error.object[error.start :][:1])
        except UnicodeEncodeError as error:
            return _line_of(error.object[: error.start].encode()), ""
        except (UnicodeError, LookupError):
            pass
        else:
            if not (self.bom and self.encoding != "utf-8"):
                return None
        first = self.data.splitlines()[0]
        return 1 if _COOKIE.match(first.removeprefix(BOM)) else 2, ""

    def _not_in_encoding(self, byte: bytes) -> str:
        if not byte:
            return ""
        said = f"byte 0x{byte.hex()} is not {self.encoding.upper()}"
        if self.encoding == "utf-8":
            return f"{said}: save the file as UTF-8, or name its encoding in line 1, as in `# coding: latin-1`"
        return f"{said}, which its coding line says that it is: correct that line, or convert the file"


def _line_of(before: bytes) -> int:
    """The line that begins, or goes on, behind the bytes ``before``."""
    return len((before + b"|").splitlines())


def _usual_spelling(name: str) -> str:
    head = name[:12].lower().replace("_", "-")
    if head == "utf-8" or head.startswith("utf-8-"):
        return "utf-8"
    if head in ("latin-1", "iso-8859-1", "iso-latin-1") or head.startswith(("latin-1-", "iso-8859-1-", "iso-latin-1-")):
        return "iso-8859-1"
    return name


def _places(data: bytes, base: int, encoding: str) -> list[int]:
    """The byte offset of each character of ``data`` from ``base`` on, and of the end."""
    decoder = codecs.getincrementaldecoder(encoding)()
    places: list[int] = []
    start = base
    for at in range(base, len(data)):
        made = decoder.decode(data[at : at + 1])
        if made:
            places.extend([start] * len(made))
            start = at + 1
    places.extend([start] * len(decoder.decode(b"", True)))
    places.append(len(data))
    return places


def read_regular(path: str | os.PathLike[str]) -> tuple[bytes, os.stat_result]:
    """The bytes of the regular file ``path`` and its status from before they were read.

    Raises OSError for all else. A pipe or device is never waited for.
    """
    # Opening a pipe would wait for its other end, and opening some devices acts on them: ask first.
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, what_it_is(mode), os.fspath(path))
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, what_it_is(status.st_mode), os.fspath(path))
        parts = []
        while part := os.read(handle, status.st_size + 1):
            parts.append(part)
        return b"".join(parts), status
    finally:
        os.close(handle)


def what_it_is(mode: int) -> str:
    """In words, what a file of this ``st_mode`` is, for one that is no regular file."""
    names = (
        (stat.S_ISDIR, "is a folder, not a file"),
        (stat.S_ISFIFO, "is a pipe, not a file"),
        (stat.S_ISSOCK, "is a socket, not a file"),
    )
    return next((name for test, name in names if test(mode)), "is a device, not a file")


def unreadable(error: OSError) -> Fault:
    """The fault for a file that the system would not give."""
    reason = error.strerror or str(error)
    if error.errno == errno.ELOOP:
        reason = "a loop of symbolic links"
    return Fault("unreadable", reason[:1].lower() + reason[1:])
