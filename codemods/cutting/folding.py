"""Lays out lines that have become too long, as formatters do: what is in brackets on lines of its own."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from codemods.compose import Change
from codemods.cutting.layout import longest
from codemods.cutting.workspace import Workspace
from codemods.edits import Splice

_OPEN, _CLOSE = "([{", ")]}"
_TAIL = re.compile(r"[)\]}]\s*[:,]?")
_CONDITION = re.compile(r"(if|elif|while|return|assert)\s+(?=\S)")
_STARTS = {getattr(tokenize, name, -1) for name in ("FSTRING_START", "TSTRING_START")}
_ENDS = {getattr(tokenize, name, -1) for name in ("FSTRING_END", "TSTRING_END")}


class _Word(NamedTuple):
    """A bracket, a comma or a word at a place of the line, with how many brackets are open around it."""

    at: int
    text: str
    depth: int


def fold(workspace: Workspace, path: str, places: Sequence[ast.expr]) -> None:
    """Lay out the lines of the file on which ``places`` are, where these are too long and it is simple."""
    source, most = workspace.source(path), longest(workspace)
    splices = []
    for number in sorted({one.lineno for one in places}):
        start = source.offset(number, 0)
        line = source.lines[number - 1].rstrip(b"\r\n")
        text = line.decode(source.encoding)
        first = min(source.offset(number, one.col_offset) for one in places if one.lineno == number)
        if len(text.expandtabs(4)) > most:
            laid = folded(text, most, len(source.data[start:first].decode(source.encoding)))
            if laid is not None:
                splices.append(Splice(start, start + len(line), laid))
    if splices:
        workspace.edit(path, [Change((one,)) for one in splices])


def folded(line: str, most: int, at: int) -> str | None:
    """``line``, which has more than ``most`` characters, on several lines; None where that is not simple.

    ``at`` is where in it the call begins that made it long, which has to be in what is laid out.
    """
    text = line.lstrip(" \t")
    indent = line[: len(line) - len(text)]
    words = _words(text)
    if words is None:
        return None
    pair = _last(text, words)
    condition = _condition(text, words)
    if pair is None or (condition is None and pair[1] < at - len(indent)):
        return None
    return "\n".join(_laid(indent, text, most))


def _words(text: str) -> list[_Word] | None:
    """The brackets, commas and operators of a line; None where it is not complete in itself, or has a comment."""
    found, depth, inside = [], 0, 0
    try:
        for one in tokenize.generate_tokens(io.StringIO(text).readline):
            if one.type in _STARTS or one.type in _ENDS:
                inside += 1 if one.type in _STARTS else -1
            elif inside:
                continue
            elif one.type in (tokenize.COMMENT, tokenize.ERRORTOKEN) or (one.start[0] > 1 and one.string.strip()):
                return None
            elif one.type in (tokenize.OP, tokenize.NAME):
                if one.string == ";":
                    return None
                depth -= one.string in _CLOSE
                found.append(_Word(one.start[1], one.string, depth))
                depth += one.string in _OPEN
    except (tokenize.TokenError, IndentationError):
        return None
    return found if depth == 0 else None


def _last(text: str, words: Sequence[_Word]) -> tuple[int, int] | None:
    """Where the last pair of brackets opens and closes, if nothing but a comma or a colon is behind it."""
    closing = next((one for one in reversed(words) if one.text in _CLOSE), None)
    if closing is None or not _TAIL.fullmatch(text[closing.at :].rstrip()):
        return None
    opening = [one for one in words if one.text in _OPEN and one.depth == closing.depth and one.at < closing.at]
    return opening[-1].at, closing.at


def _condition(text: str, words: Sequence[_Word]) -> tuple[int, int, str] | None:
    """Where the expression of a statement begins and ends that ``and`` or ``or`` splits, and which of these does."""
    head = _CONDITION.match(text)
    if head is None:
        return None
    joining = {one.text for one in words if one.depth == 0}
    word = "or" if "or" in joining else "and" if "and" in joining else ""
    if not word or joining & {"lambda", "else", ",", ":="}:
        return None
    end = len(text.rstrip())
    return head.end(), end - text.rstrip().endswith(":"), word


def _laid(indent: str, text: str, most: int) -> list[str]:
    line = f"{indent}{text}"
    words = _words(text)
    if words is None or len(line.expandtabs(4)) <= most:
        return [line]
    inner = f"{indent}\t" if indent.endswith("\t") else f"{indent}    "
    condition = _condition(text, words)
    if condition is not None:
        start, end, word = condition
        places = [start, *(one.at for one in words if one.depth == 0 and one.text == word), end]
        parts = [text[one:other].strip() for one, other in pairwise(places)]
        laid = [each for part in parts for each in _laid(inner, part, most)]
        return [f"{indent}{text[:start]}(", *laid, f"{indent}){text[end:]}"]
    pair = _last(text, words)
    if pair is None or not text[pair[0] + 1 : pair[1]].strip():
        return [line]
    start, end = pair
    depth = next(one.depth for one in words if one.at == start) + 1
    within = [one for one in words if start < one.at < end and one.depth == depth]
    body = text[start + 1 : end].strip()
    ends = [f"{indent}{text[: start + 1]}", f"{indent}{text[end:]}"]
    if len(f"{inner}{body}".expandtabs(4)) <= most and not body.endswith(","):
        return [ends[0], f"{inner}{body}", ends[1]]
    if any(one.text == "for" for one in within):
        return [ends[0], *_laid(inner, body, most), ends[1]]
    commas = [one.at for one in within if one.text == ","]
    if not commas:
        return [ends[0], *_laid(inner, body, most), ends[1]]
    places = [start, *commas, end]
    parts = [text[one + 1 : other].strip() for one, other in pairwise(places)]
    laid = [each for part in parts if part for each in _laid(inner, f"{part},", most)]
    return [ends[0], *laid, ends[1]]
