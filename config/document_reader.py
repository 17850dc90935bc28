"""Reads a YAML file of ``config/``: the bytes of one moment, and the nodes with their lines.

Values are taken as they are written, not as YAML 1.1 reads them: ``010`` and ``1:30`` are no numbers, and a name such
as ``on`` or ``NO`` stays that name.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISREG
from typing import ClassVar, NamedTuple, NoReturn, TypeVar

import yaml
from yaml import Node, ScalarNode

from .documents import LONGEST_NAME, ConfigError, hint

_T = TypeVar("_T")
_LARGEST = 4 * 1024 * 1024
_DEEPEST = 16
_CALM = 0.05  # a file that was changed so many seconds ago may be half written
_PATIENCE = 2.0
_GRACE = 1.0  # and one that was changed so many seconds ago, and is wrong, too
_NUMBER = re.compile(r"0|[1-9][0-9]*")


def settled(file: Path, error: type[ConfigError], parse: Callable[[bytes], _T]) -> _T:
    """What ``parse`` makes of the bytes of ``file``, read anew where it was wrong because it was being written.

    Raises ``error``.
    """
    while True:
        data, changed = read(file, error)
        try:
            return parse(data)
        except error:
            # Who writes it may have been held up after the first half.
            while changed_at(file) == changed and abs(time.time_ns() - changed) < _GRACE * 1e9:
                time.sleep(_CALM / 5)
            if changed_at(file) == changed:
                raise


def changed_at(file: Path) -> int:
    """When ``file`` was changed, in nanoseconds; 0 where it cannot be seen."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def read(file: Path, error: type[ConfigError]) -> tuple[bytes, int]:
    """The bytes of ``file`` at a moment when nobody was writing it, and when it was changed, in nanoseconds.

    Raises ``error``.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            data, seen, still = _read_once(file, error)
            if still and abs(time.time_ns() - seen[2]) >= _CALM * 1e9:
                return data, seen[2]
            time.sleep(_CALM)
            if still and _state(file.stat()) == seen:
                return data, seen[2]
        except FileNotFoundError as problem:
            # Some editors move the old file away before they write the new one.
            if time.monotonic() > deadline - _PATIENCE + 2 * _CALM:
                raise error(file, "", 0, f"cannot be read: {problem.strerror}; write it, or name another") from None
            time.sleep(_CALM)
        except OSError as problem:
            todo = "give this user the right to" if isinstance(problem, PermissionError) else "put a file there"
            raise error(file, "", 0, f"cannot be read: {problem.strerror}; {todo}") from None
        if time.monotonic() > deadline:
            told = f"was being written for {_PATIENCE:g} s: write a new file and move it here in one step"
            raise error(file, "", 0, told)


def _read_once(file: Path, error: type[ConfigError]) -> tuple[bytes, tuple[int, ...], bool]:
    """What the file holds, its state before, and whether that is its state afterwards."""
    # O_NONBLOCK: a named pipe would be waited for without end.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        before = os.fstat(descriptor)
        if not S_ISREG(before.st_mode):
            raise error(file, "", 0, "cannot be read: it is not a regular file; put one there")
        if before.st_size > _LARGEST:
            raise error(file, "", 0, f"is larger than {_LARGEST} bytes, which no {error.what} is")
        parts = []
        while part := os.read(descriptor, _LARGEST):
            parts.append(part)
        return b"".join(parts), _state(before), _state(os.fstat(descriptor)) == _state(before)
    finally:
        os.close(descriptor)


def _state(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


class Item(NamedTuple):
    """One key of a mapping: its text, its line from 1, and the node of its value."""

    key: str
    line: int
    node: Node


class DocumentReader:
    """What readers of such files have in common; ``file`` is what their errors name."""

    error: ClassVar[type[ConfigError]]
    what: ClassVar[str]
    """What the file is, in messages: a registry."""
    known: ClassVar[int] = 1
    """The version of the format."""
    number_hint: ClassVar[str] = "write the number"
    """What to do where a number is to come from a variable."""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def fail(self, key: str, line: int, problem: str) -> NoReturn:
        """Raise ``error`` for a key on a line, both empty or 0 where there is none."""
        raise self.error(self.file, key, line, problem)

    def text(self, data: bytes | str) -> str:
        """The text of the file."""
        if isinstance(data, str):
            return data
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.fail("", data.count(b"\n", 0, error.start) + 1, "is not UTF-8; save it as UTF-8")

    def compose(self, text: str) -> Node | None:
        """The node of the whole text, None for an empty one."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            depth = 0
            # The C composer calls itself for each level, and ends the process where the stack does.
            for event in yaml.parse(text, Loader=loader):
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                if depth > _DEEPEST:
                    mark = event.start_mark
                    self.fail(
                        "", mark.line + 1 if mark else 0, f"is nested deeper than {self.what} is; mend the brackets"
                    )
            node: Node | None = yaml.compose(text, Loader=loader)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self.fail("", line, "holds a character that YAML does not allow; remove it")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            told = ", ".join(filter(None, (error.context, error.problem)))
            self.fail("", mark.line + 1 if mark else 0, f"is not valid YAML: {told}")
        return node

    def instead(self, node: Node, valid: tuple[str, ...]) -> str:
        """What to write in place of ``node``, which was to be a mapping with keys of ``valid``."""
        return ""

    def items(self, node: Node, at: str, valid: tuple[str, ...], what: str) -> Iterator[Item]:
        """The keys of a mapping, each once; only those of ``valid`` when there are any."""
        if not isinstance(node, yaml.MappingNode):
            told = f", which has {', '.join(f'`{one}`' for one in valid)}" if valid else ""
            short = self.instead(node, valid)
            self.fail(at, line_of(node), f"expected a mapping for {what}{told}, got {spoken(node)}{short}")
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = line_of(key)
            if not isinstance(key, ScalarNode):
                self.fail(at, line, f"expected a name as key, got {spoken(key)}")
            text = key.value
            if text == "<<":
                self.fail(join(at, text), line, "merge keys are not read here; write the keys out")
            if text in seen:
                self.fail(join(at, text), line, f"is written twice, first in line {seen[text]}; keep one of them")
            if valid and text not in valid:
                self.fail(join(at, text), line, f"unknown key; {hint(text, valid)}")
            seen[text] = line
            yield Item(text, line, value)

    def version(self, item: Item) -> None:
        """That the version is the one that is known."""
        number = self.number(item.node, "version")
        if number != self.known:
            problem = f"{number} is not a version that is known here; write {self.known}, or update unsnarl"
            self.fail("version", line_of(item.node), problem)

    def names(self, item: Item, at: str, pattern: re.Pattern[str], letters: str) -> Iterator[Item]:
        """The keys of a mapping from names, which ``pattern`` matches; ``letters`` tells of what."""
        folded: dict[str, Item] = {}
        for one in self.items(item.node, at, (), f"`{at}`"):
            where = join(at, one.key)
            if not pattern.fullmatch(one.key):
                allowed = re.sub(r"[^A-Za-z0-9_]+", "_", one.key).strip("_")
                told = f"; write `{allowed}`" if pattern.fullmatch(allowed) else ""
                self.fail(where, one.line, f"a name here is made of {letters}{told}")
            if len(one.key) > LONGEST_NAME:
                self.fail(where, one.line, f"is longer than {LONGEST_NAME} characters; shorten it")
            other = folded.setdefault(one.key.casefold(), one)
            if other is not one:
                problem = f"differs from `{other.key}` (line {other.line}) in case only; rename one of them"
                self.fail(where, one.line, problem)
            yield one

    def number(self, node: Node, at: str) -> int:
        """A whole number from 0 on, of at most eight digits."""
        # Eight digits are more than is needed, and not more than the interpreter reads.
        if not isinstance(node, ScalarNode) or not is_number(node) or len(node.value) > 8:
            told = "write it in decimal, without quotes, signs, `_` or leading zeros"
            if isinstance(node, ScalarNode) and "$" in node.value:
                told = f"nothing is filled in here: {self.number_hint}"
            self.fail(at, line_of(node), f"expected a whole number, got {spoken(node)}; {told}")
        return int(node.value)

    def line_of_text(self, node: Node, at: str) -> str:
        """A line of text, blanks joined; empty for nothing."""
        if not isinstance(node, ScalarNode):
            self.fail(at, line_of(node), f"expected text, got {spoken(node)}")
        if is_nothing(node):
            return ""
        text = " ".join(node.value.split())
        if not text.isprintable():
            self.fail(at, line_of(node), "holds a character that cannot be shown; remove it")
        return text


def join(at: str, key: str) -> str:
    """The dotted name of a key below another."""
    return f"{at}.{key}" if at else key


def line_of(node: Node) -> int:
    """The line where a node begins, from 1."""
    return int(node.start_mark.line) + 1


def is_plain(node: Node) -> bool:
    """Whether it is a value without quotes."""
    return isinstance(node, ScalarNode) and not node.style


def is_number(node: Node) -> bool:
    """Whether it is a whole number as it is written here: decimal, without a sign."""
    return is_plain(node) and _NUMBER.fullmatch(node.value) is not None


def is_nothing(node: Node) -> bool:
    """Whether there is no value: nothing at all, ``~`` or ``null``, without quotes."""
    return is_plain(node) and node.tag == "tag:yaml.org,2002:null"


def spoken(node: Node) -> str:
    """What stands there, for a message."""
    if not isinstance(node, ScalarNode):
        return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
    if is_nothing(node):
        return "nothing"
    shown = node.value if len(node.value) <= 40 else node.value[:39] + "…"
    return f"`{shown}`" if is_plain(node) else f'the text "{shown}"'
