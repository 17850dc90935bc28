"""Which files a program wrote: nobody mends them by hand, so they are left out unless somebody names them."""

from __future__ import annotations

import re

NAMES = ("_pb2.py", "_pb2_grpc.py")
"""What the names of files end with that are made from protocol buffer definitions."""

_HEAD = 4096
_MARKS = (b"@generated", b"DO NOT EDIT")
_COMMENTS = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*(?:[ \t\f]*#[^\r\n]*\Z)?")


def generated_mark(data: bytes) -> str:
    """The mark by which a generator says in the comments at the head of a file that it made it; else empty."""
    head = data[:_HEAD]
    for mark in _MARKS:
        if mark in head:
            comments = _COMMENTS.match(head)
            if comments is not None and mark in comments[0]:
                return mark.decode("ascii")
    return ""
