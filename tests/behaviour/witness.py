"""Runs a program once more, slowly, to see what the events alone do not tell: where errors came by."""

from __future__ import annotations

import inspect
import sys
import types
from dataclasses import dataclass
from typing import Any

from runtime.safe_executor import SafeExecutor
from tests.behaviour.drive import FILENAME, Loaded


@dataclass(frozen=True)
class Witness:
    """What was seen of one run.

    ``in_handler``: an error was raised while another one was being handled; ``at_top``: at module level or in a class
    body. ``passed``: an error came by there, and no executor recovered it.
    """

    in_handler: bool
    at_top: bool
    passed: bool


def witness(program: Loaded, plan: dict[int, str]) -> Witness:
    """Follow every error of one run. An error that is kept here lives longer, so nothing is said about that."""
    seen: list[tuple[BaseException, bool]] = []
    recovered: list[BaseException] = []
    ends = SafeExecutor.__exit__.__code__

    def trace(frame: types.FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != FILENAME and frame.f_code is not ends:
            return None
        if event == "exception":
            outside = not frame.f_code.co_flags & inspect.CO_OPTIMIZED
            seen.append((argument[1], outside and frame.f_code is not ends))
        elif event == "return" and frame.f_code is ends and argument is True:
            recovered.append(frame.f_locals[frame.f_code.co_varnames[2]])
        return trace

    old = sys.gettrace()
    sys.settrace(trace)
    try:
        program.run(plan)
    finally:
        sys.settrace(old)
    known = {id(error) for error in recovered}
    return Witness(
        in_handler=any(error.__context__ is not None for error, _ in seen),
        at_top=any(error.__context__ is not None for error, outside in seen if outside),
        passed=any(outside and id(error) not in known for error, outside in seen),
    )
