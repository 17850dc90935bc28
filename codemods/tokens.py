"""Comments and strings of a stretch of source, found without tokenising it.

``tokenize`` reads about a megabyte a second on 3.11; most edits only ask which lines begin inside a string and which
comments there are. One regular expression answers that; where a nested quote in an f-string (3.12) could mislead it,
the tokenizer is asked after all.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
import unicodedata

import msgspec

_TOKEN = re.compile(
    rb"#[^\r\n]*"
    rb'|"""(?:[^"\\]++|\\(?:\r\n|.)|"(?!""))*+"""'
    rb"|'''(?:[^'\\]++|\\(?:\r\n|.)|'(?!''))*+'''"
    rb'|"(?:[^"\\\r\n]++|\\(?:\r\n|.))*+"'
    rb"|'(?:[^'\\\r\n]++|\\(?:\r\n|.))*+'"
    rb"|[\"']",
    re.DOTALL,
)
_LETTER = re.compile(r"[^\W\x00-\x7f]")
_FORMATTED_TEXT = re.compile(r"[A-Za-z]*[fFtT]")
_NEWLINE = re.compile(rb"\r\n|\n|\r")
_COMMENTED = sys.version_info >= (3, 12)
_FORMATTED = re.compile(rb"(?:^|[^A-Za-z0-9_])(?:[rR]?[fFtT]|[fFtT][rR])$")


def names_as_written(text: str) -> bool:
    """Whether the names in ``text`` are what its letters say: Python takes a full-width `ａ` in a name for an `a`."""
    if text.isascii() or unicodedata.is_normalized("NFKC", text):
        return True
    # Most such letters stand in strings and comments.
    if all(unicodedata.is_normalized("NFKC", one) for one in set(_LETTER.findall(text))):
        return True
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return False
    return all(
        unicodedata.is_normalized("NFKC", one.string if one.type == tokenize.NAME else _fields(one.string))
        for one in tokens
        # Before 3.12 an f-string is one token, with the names inside it.
        if one.type == tokenize.NAME or (one.type == tokenize.STRING and _FORMATTED_TEXT.match(one.string))
    )


def _fields(string: str) -> str:
    """What stands in the braces of an f-string, and maybe more."""
    found: list[str] = []
    depth = 0
    for part in re.split(r"(\{\{|\}\}|[{}])", string):
        if part == "{" or (part == "{{" and depth):
            depth += len(part)
        elif part == "}" or (part == "}}" and depth):
            depth = max(0, depth - len(part))
        elif depth:
            found.append(part)
    return "".join(found)


class Scan(msgspec.Struct, frozen=True):
    """``comments`` in order, without the white space at their ends; ``inside`` are the offsets of the line starts that
    lie inside a string; ``sure`` is false when neither way of reading made sense of the source.
    """

    comments: tuple[bytes, ...]
    inside: tuple[int, ...]
    sure: bool = True


def scan(data: bytes, encoding: str = "utf-8") -> Scan:
    """The comments and strings of ``data``, which must begin outside of any string and at the start of a statement."""
    # In some encodings a byte of a character looks like a quote or a backslash.
    plain = data.isascii() or encoding in ("utf-8", "iso-8859-1")
    found = _scan_fast(data) if plain else Scan((), (), sure=False)
    return found if found.sure else _scan_exact(data, encoding)


def _scan_fast(data: bytes) -> Scan:
    comments: list[bytes] = []
    inside: list[int] = []
    sure = True
    for match in _TOKEN.finditer(data):
        start, end = match.span()
        first = data[start]
        if first == 0x23:
            comments.append(match.group().rstrip())
            continue
        if end - start == 1:
            sure = False
            continue
        text = match.group()
        if b"\n" in text or b"\r" in text:
            inside.extend(start + one.end() for one in _NEWLINE.finditer(text))
        # A quote inside a replacement field cuts the f-string in two, each with a brace that has no partner. From 3.12
        # on there can be comments in such a field.
        odd = text.count(b"{") != text.count(b"}") or (_COMMENTED and b"#" in text and b"{" in text)
        if odd and _FORMATTED.search(data[max(0, start - 3) : start]):
            sure = False
    return Scan(tuple(comments), tuple(inside), sure)


def _scan_exact(data: bytes, encoding: str) -> Scan:
    """As the tokenizer sees it. The stretch may be indented and may end in the middle of a statement."""
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return Scan((), (), sure=False)
    # The tokenizer counts lines in translated newlines, so offsets are taken from the bytes.
    starts = [0, *(one.end() for one in _NEWLINE.finditer(data))]
    # In brackets indentation means nothing, however the stretch is cut out; one more is open than it may close.
    plain = "((\n" + text.replace("\r\n", "\n").replace("\r", "\n")
    comments: list[bytes] = []
    inside: set[int] = set()
    began: list[int] = []
    complete = False
    try:
        for token in tokenize.generate_tokens(io.StringIO(plain).readline):
            line, end = token.start[0] - 2, token.end[0] - 2
            name = tokenize.tok_name[token.type]
            if token.type == tokenize.COMMENT:
                comments.append(token.string.rstrip().encode(encoding))
            elif token.type == tokenize.STRING:
                inside.update(range(line + 1, end + 1))
            elif name in ("FSTRING_START", "TSTRING_START"):
                began.append(line)
            elif name in ("FSTRING_END", "TSTRING_END"):
                inside.update(range(began.pop() + 1, end + 1))
            elif token.type == tokenize.ERRORTOKEN:
                return Scan((), (), sure=False)
    except (tokenize.TokenError, SyntaxError) as error:
        # An open bracket at the end is fine: every token before it was read. An open string is not.
        complete = not began and "multi-line statement" in str(error)
    offsets = tuple(sorted(starts[one] for one in inside if 0 <= one < len(starts)))
    return Scan(tuple(comments), offsets, sure=complete)
