"""What a hook is told about one recovered error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._settings import Site


@dataclass(frozen=True, slots=True)
class Recovery:
    """One recovered error, as hooks see it.

    Keep the strings, not the object: ``error`` holds its traceback, and that every local of the frames it went
    through.

    Attributes:
        error: The exception.
        error_type: Its type, qualified by the module that defines it: ``json.decoder.JSONDecodeError``, and bare for
            a builtin: ``ValueError``.
        site: Where it was recovered. ``str(site)`` is ``module:function:line``.
        recoverable: The types that the executor recovers, spelled as ``error_type`` is.
        when: Seconds since the epoch.
        thread: Name of the thread.
        task: Name of the asyncio task, None outside any.
    """

    error: BaseException
    error_type: str
    site: Site
    recoverable: tuple[str, ...]
    when: float
    thread: str
    task: str | None
