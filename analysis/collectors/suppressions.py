"""``noqa``: which lines hold one, as flake8 would look for it, and which of them are comments."""

from __future__ import annotations

import ast
import io
import tokenize
from typing import TYPE_CHECKING

import msgspec

from analysis.walk import Collector, Walk

if TYPE_CHECKING:
    from analysis.source import Source

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IGNORED = (tokenize.ENDMARKER, tokenize.DEDENT)
_ENDS = (tokenize.NL, tokenize.NEWLINE)


class Remark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A comment with ``noqa`` in it: ``col`` in UTF-8 bytes from 0, ``start`` in characters from where its lines begin.

    ``scope`` is the enclosing definition.
    """

    line: int
    col: int
    column: int
    start: int
    text: str
    scope: str


class Noqa(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The lines ``first`` to ``last``, from 1, that flake8 takes together, with ``noqa`` in a comment or a string.

    Usually that is one line; those that a string or a backslash joins are one text for a finding on any of them, while
    a line end within brackets parts them. ``first`` is 0 for a physical line that may switch off the whole file.
    """

    first: int
    last: int
    text: str
    remarks: tuple[Remark, ...]


class SuppressionCollector(Collector):
    """Collects the places where flake8 would look for a ``noqa`` and there may be one."""

    topic = "suppressions"
    version = 1
    record = Noqa
    nodes = _DEFINITIONS

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        # Not a needle: flake8 takes it in any mixture of cases.
        self._present = b"noqa" in source.data.lower()
        self.idle = not self._present
        self._definitions: list[tuple[int, int, str]] = []

    def visit(self, walk: Walk, node: ast.AST) -> None:
        """Remember where a definition lies."""
        if isinstance(node, _DEFINITIONS):
            outer = walk.scopes[-1]
            name = node.name if outer.kind == "module" else f"{outer.qualname}.{node.name}"
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            self._definitions.append((first, node.end_lineno or node.lineno, name))

    def finish(self, walk: Walk) -> None:
        """Tokenise, when there is any ``noqa`` at all."""
        del walk
        if not self._present:
            return
        # Exactly the lines that flake8 reads: universal line ends, no byte-order mark.
        lines = io.StringIO(self.source.text, newline=None).readlines()
        for line in lines:
            folded = line.lower()
            if "flake8" in folded and "noqa" in folded:
                self.records.append(Noqa(0, 0, line, ()))
        try:
            tokens = list(tokenize.generate_tokens(iter(lines).__next__))
        except (tokenize.TokenError, SyntaxError):
            # flake8 then looks at the physical line alone.
            for number in range(1, len(lines) + 1):
                self._add(lines, number, number, [])
            return
        first, last = len(lines) + 2, -1
        comments: list[tokenize.TokenInfo] = []
        for token in tokens:
            if token.type in _IGNORED:
                continue
            first = min(first, token.start[0])
            last = max(last, token.end[0])
            if token.type == tokenize.COMMENT and "noqa" in token.string.lower():
                comments.append(token)
            elif token.type in _ENDS:
                self._add(lines, first, last, comments)
                first, last, comments = len(lines) + 2, -1, []

    def _add(self, lines: list[str], first: int, last: int, comments: list[tokenize.TokenInfo]) -> None:
        text = "".join(lines[first - 1 : last])
        if "noqa" in text.lower():
            remarks = []
            for one in comments:
                row, column = one.start
                start = sum(map(len, lines[first - 1 : row - 1])) + column
                col = len(lines[row - 1][:column].encode())
                remarks.append(Remark(row, col, column + 1, start, one.string, self._scope(row)))
            self.records.append(Noqa(first, last, text, tuple(remarks)))

    def _scope(self, line: int) -> str:
        inside = [one for one in self._definitions if one[0] <= line <= one[1]]
        return inside[-1][2] if inside else "<module>"
