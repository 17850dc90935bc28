"""An interruption before the command line is entered: the line that ``unsnarl.door`` has for it, and no traceback.

Imports nothing but what the interpreter has loaded at its start.
"""

from __future__ import annotations

import sys
from types import TracebackType


def tell_interruptions() -> None:
    """From here on an interruption that nobody catches is told like any other: for a process that is ours."""
    sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    sys.stderr.write("\nInterrupted.\n")
    # Without it the interpreter would end itself by the signal, which is none of our exit codes.
    raise SystemExit(2)
