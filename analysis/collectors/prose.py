"""Source with its comments and plain strings blanked out, so that words of the language are not taken for names."""

from __future__ import annotations

import re

_PIECE = re.compile(
    rb"#[^\r\n]*"
    rb"|([A-Za-z]{0,2})(?:"
    rb'"""(?:[^"\\]++|\\.|"(?!""))*+"""'
    rb"|'''(?:[^'\\]++|\\.|'(?!''))*+'''"
    rb'|"(?:[^"\\\r\n]++|\\(?:\r\n|.))*+"'
    rb"|'(?:[^'\\\r\n]++|\\(?:\r\n|.))*+'"
    rb"|[\"'])",
    re.DOTALL,
)


def without_prose(source: bytes) -> bytes:
    """``source``, which begins outside of any string, with comments and plain strings as blanks of the same length.

    Strings with replacement fields stay. Where strings cannot be told apart, as with quotes inside a replacement field
    (3.12), nothing is blanked: a word too many is looked at again, a word too few would be missed.
    """
    out: list[bytes] = []
    done = 0
    for piece in _PIECE.finditer(source):
        text = piece.group()
        prefix = piece[1] or b""
        if text[0] != 0x23 and len(text) == len(prefix) + 1:
            # A quote that nothing closes.
            return source
        if prefix.strip(b"rRbBuU"):
            if prefix.strip(b"rRfFtT") or text.count(b"{") != text.count(b"}"):
                return source
            continue
        out += (source[done : piece.start()], b" " * len(text))
        done = piece.end()
    out.append(source[done:])
    return b"".join(out)
