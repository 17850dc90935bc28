"""What became of a file and of each finding in it: small records that go from a worker to the report."""

from __future__ import annotations

from typing import Literal

import msgspec

from codemods.edits import Reason

Verdict = Literal["rewritten", "narrowed", "declined", "skipped"]
Refusal = tuple[Reason, str]
"""Why a file may import nothing new, and in words what is in the way."""


CHANGED = "it was changed while this run was at work"
"""The fault of a file whose bytes are not those that its facts were taken from."""


class Answer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of one finding. ``line`` and ``column`` count from 1, in characters; ``reason`` is the value of a
    ``Reason`` or ``SkipReason``, empty for what was rewritten.
    """

    verdict: Verdict
    code: str
    line: int
    column: int
    scope: str
    reason: str = ""
    detail: str = ""
    safety: str = "safe"


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What became of one file.

    ``edits`` turn the bytes with the digest ``old`` into those with the digest ``new``; there are none when the file
    stays as it is. ``old`` is empty for a file that is made. ``fault`` is a sentence when the file could not be dealt
    with at all; ``note`` says what was done to one without findings, ``moved`` what else the summary is to name.
    ``later`` are the ``answers`` with the places in this file that they have once the edits are made, where those were
    worked out.
    """

    path: str
    answers: tuple[Answer, ...] = ()
    edits: tuple[tuple[int, int, bytes], ...] = ()
    old: bytes = b""
    new: bytes = b""
    fault: str = ""
    note: str = ""
    moved: tuple[str, ...] = ()
    later: tuple[Answer, ...] = ()
