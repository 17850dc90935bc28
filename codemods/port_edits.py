"""Puts calls in the place of ports that are written out: of numbers, and of the ports inside a text.

Only the digits of a text are replaced; around them it becomes an f-string. What comes out is parsed, and has to be what
was there with each call standing for its number: so it does not matter how the text was written.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from analysis.port_names import host_before
from analysis.source import Source
from codemods.edits import Splice

_OPENING = re.compile(r"([A-Za-z]*)('''|\"\"\"|'|\")")
_PORT = re.compile(r":(\d{2,5})(?![\w.@-])")
_NEWLINE = re.compile(r"\r\n|\n|\r")
_MARK = "\ue000"


class Piece(NamedTuple):
    """One string literal of an expression that may be several, side by side: where it begins and ends."""

    start: int
    end: int


def edits(source: Source, start: int, end: int, ports: Sequence[int], calls: Mapping[int, str]) -> tuple[Splice, ...]:
    """Replace the literal ``ports`` in the bytes ``start`` to ``end``, which are one expression, by ``calls``.

    A call is an expression that gives the port as a number; the quotes in it are ``"``. Returns nothing where the
    result would not be sure to have the same value.
    """
    try:
        raw = source.data[start:end].decode(source.encoding)
        node = _parsed(raw)
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return ()
    match node:
        case ast.Constant(value=bool()):
            return ()
        case ast.Constant(value=int(number)) if [number] == list(ports):
            return (Splice(start, end, calls[number]),)
        case ast.Constant(value=str(text)) if [text] == [str(port) for port in ports]:
            # Not str(...): the name may mean something else there.
            call = calls[ports[0]].replace('"', "'")
            return (Splice(start, end, f'{_apart(source, start)}f"{{{call}}}"'),)
        case ast.Constant(value=str()) | ast.JoinedStr():
            return _in_text(source, start, raw, node, ports, calls)
    return ()


def _parsed(raw: str) -> ast.expr:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # A comment may stand at the end.
        return ast.parse(f"({raw}\n)", mode="eval").body


def _in_text(
    source: Source, start: int, raw: str, node: ast.expr, ports: Sequence[int], calls: Mapping[int, str]
) -> tuple[Splice, ...]:
    changes: list[tuple[int, int, str]] = []
    found: list[int] = []
    before = ""
    for piece in _pieces(raw):
        opening = _OPENING.match(raw, piece.start)
        if opening is None:
            return ()
        prefix, quote = opening[1], opening[2]
        first, last = opening.end(), piece.end - len(quote)
        body = raw[first:last]
        formatted = "f" in prefix.lower()
        read = _without_fields(body) if formatted else body
        own: list[tuple[int, int, str]] = []
        for at in _PORT.finditer(read):
            port = int(at[1])
            if port in calls and host_before(before + read[: at.start()]) is not None:
                found.append(port)
                call = calls[port].replace('"', "'") if quote[0] == '"' else calls[port]
                own.append((first + at.start(1), first + at.end(1), f"{{{call}}}"))
        if own and not formatted:
            if "\\N{" in body and "r" not in prefix.lower():
                return ()
            own += [(first + at, first + at, one) for at, one in enumerate(body) if one in "{}"]
            apart = "" if prefix or piece.start else _apart(source, start)
            own.append((piece.start, opening.start(2), f"{apart}f{prefix.lower().replace('u', '')}"))
        changes += own
        before += read
    if found != list(ports):
        return ()
    changes.sort()
    new, done = "", 0
    for begin, stop, text in changes:
        new += raw[done:begin] + text
        done = stop
    new += raw[done:]
    if not _same(node, new, calls):
        return ()
    return tuple(
        Splice(_offset(source, start, raw, begin), _offset(source, start, raw, stop), text)
        for begin, stop, text in changes
    )


def _apart(source: Source, start: int) -> str:
    """A space where a word stands right before a text, which needs none: ``return"5556"``."""
    return " " if source.data[:start][-1:].isalnum() else ""


def _offset(source: Source, start: int, raw: str, at: int) -> int:
    return start + len(raw[:at].encode(source.encoding))


def _pieces(raw: str) -> Iterator[Piece]:
    """The string literals of an expression that is nothing but string literals."""
    lines = [0, *(one.end() for one in _NEWLINE.finditer(raw))]
    depth = began = 0
    try:
        # In brackets a line end means nothing.
        for token in tokenize.generate_tokens(io.StringIO(f"({raw}\n)", newline="").readline):
            name = tokenize.tok_name[token.type]
            begin = lines[token.start[0] - 1] + token.start[1] - (token.start[0] == 1)
            if name == "STRING" and not depth:
                yield Piece(begin, lines[token.end[0] - 1] + token.end[1] - (token.end[0] == 1))
            elif name == "FSTRING_START":
                began = began if depth else begin
                depth += 1
            elif name == "FSTRING_END":
                depth -= 1
                if not depth:
                    yield Piece(began, lines[token.end[0] - 1] + token.end[1] - (token.end[0] == 1))
    except (tokenize.TokenError, SyntaxError, IndexError):
        return


def _without_fields(body: str) -> str:
    """The body of an f-string, each character of its replacement fields blotted out."""
    out: list[str] = []
    depth = at = 0
    while at < len(body):
        if not depth and body[at : at + 2] in ("{{", "}}"):
            out.append(body[at : at + 2])
            at += 2
            continue
        if body[at] == "{":
            depth += 1
        out.append(_MARK if depth else body[at])
        if body[at] == "}":
            depth = max(0, depth - 1)
        at += 1
    return "".join(out)


def _same(old: ast.expr, new: str, calls: Mapping[int, str]) -> bool:
    """Whether the text ``new`` is ``old`` with each call standing for its number."""
    meant = {ast.dump(_parsed(call)): str(port) for port, call in calls.items()}
    try:
        return _flat(_parsed(new), meant) == _flat(old, {})
    except SyntaxError:
        return False


def _flat(node: ast.expr, meant: Mapping[str, str]) -> list[str]:
    """The parts of a text: what is written out, and the replacement fields between it behind a mark."""
    parts: list[str] = [""]
    for one in node.values if isinstance(node, ast.JoinedStr) else [node]:
        known = None
        if isinstance(one, ast.Constant):
            known = str(one.value)
        elif isinstance(one, ast.FormattedValue) and one.conversion == -1 and one.format_spec is None:
            known = meant.get(ast.dump(one.value))
        if known is None:
            parts += [_MARK + ast.dump(one), ""]
        else:
            parts[-1] += known
    return parts
