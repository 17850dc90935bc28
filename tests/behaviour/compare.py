"""Compares what two runs left. Addresses, and the number and text of lines in tracebacks, are all that may differ."""

from __future__ import annotations

import difflib
import json
import random
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tests.behaviour import stage
from tests.behaviour.drive import Loaded, Observation

Channel = Literal["behaviour", "lifetime", "context"]

_LINE = re.compile(r"\bline \d+")
_ADDRESS = re.compile(r"\b0x[0-9a-f]+|\bTask-\d+")
_DURING = "During handling of the above exception, another exception occurred:"
_CAUSE = "The above exception was the direct cause of the following exception:"
# What `traceback` draws to the left of what belongs to a group.
_MARGIN = re.compile(r"^[ |+-]*(?:\d+ -+)?[ |+-]*")
# Behind the place comes the line itself, which may be a rewritten one, and marks under it. What they are under depends
# on how often CPython has run the function, too: 3.11 merges instructions.
_SHOWN = re.compile(r'^([ |]*)(File "<program>", line #, in .*)(?:\n\1  .*)+', re.MULTILINE)

EXECUTOR = "<class SafeExecutor>"


@dataclass(frozen=True)
class Difference:
    """A plan under which two programs differ, and how.

    ``context``: in nothing but the implicit ``__context__`` of an error, and what follows from it. ``lifetime``: in
    nothing but when things end.
    """

    channel: Channel
    plan: dict[int, str]
    text: str


def plain(item: Any, *, context: bool) -> Any:
    """``item`` without line numbers and addresses; without implicit contexts, too, unless ``context``."""
    if isinstance(item, str):
        text = _SHOWN.sub(r"\1\2", _ADDRESS.sub("#", _LINE.sub("line #", item)))
        return text if context else without_contexts(text)
    if isinstance(item, dict):
        left_out = set() if context else {"context"}
        if not context and item.get("type") == "CancelledError":
            # Cancelled while it handles another error, 3.11 drops the inner frames, and only then.
            left_out.add("frames")
        return {key: plain(value, context=context) for key, value in item.items() if key not in left_out}
    if isinstance(item, (list, tuple)):
        return [plain(value, context=context) for value in item]
    return item


def without_contexts(text: str) -> str:
    """``text`` without the errors that its tracebacks show to have been handled when the last one was raised."""
    if _DURING not in text:
        return text
    kept: list[str] = []
    behind = False
    for line in text.split("\n"):
        bare = _MARGIN.sub("", line)
        if bare == _DURING:
            behind = True
            _drop_chain(kept)
        elif line.strip(" |") or not behind:
            behind = False
            kept.append(line)
    return "\n".join(kept)


def _drop_chain(lines: list[str]) -> None:
    """Take the tracebacks that lead to one another from the end of ``lines``, with the blank line behind the last."""
    while True:
        lines.pop()
        start = len(lines)
        while start and lines[start - 1].strip(" |"):
            start -= 1
            if _MARGIN.sub("", lines[start]).endswith("Traceback (most recent call last):"):
                break
        else:
            # An error that was never raised has one line and no heading.
            start = len(lines) - 1
        del lines[start:]
        if len(lines) < 2 or _MARGIN.sub("", lines[-2]) not in {_DURING, _CAUSE}:
            return
        del lines[-2:]


def canonical(seen: Observation, *, context: bool) -> list[str]:
    """An observation as lines to compare. What is freed between two other events has no order of its own."""
    lines: list[str] = []
    freed: list[str] = []
    text = ""
    stream = ""
    for event in seen.events:
        if event[0] != stream and text:
            lines.append(f"{stream} {plain(text, context=context)}")
            text = stream = ""
        if event[0] == "freed":
            freed.append(event[1])
            continue
        lines += [f"freed {tag}" for tag in sorted(freed)]
        freed.clear()
        if event[0] in {"out", "err"}:
            stream = event[0]
            text += event[1]
            continue
        lines.append(json.dumps(plain(event, context=context), ensure_ascii=False))
    lines += [f"freed {tag}" for tag in sorted(freed)]
    for name, value in sorted(seen.bindings.items()):
        # The import that a rewrite adds is the one name that it may leave.
        if value != EXECUTOR:
            lines.append(f"name {name} = {json.dumps(plain(value, context=context), ensure_ascii=False)}")
    return lines + [f"never freed {tag}" for tag in seen.leaks]


def differ(before: Observation, after: Observation, plan: dict[int, str]) -> Difference | None:
    """The difference between two runs under one plan, if there is one."""
    old, new = canonical(before, context=True), canonical(after, context=True)
    if old == new:
        return None
    bare_old, bare_new = canonical(before, context=False), canonical(after, context=False)
    channel: Channel = "behaviour"
    if bare_old == bare_new:
        channel = "context"
    else:
        if _without_ends(bare_old) == _without_ends(bare_new):
            # An error that is nobody's context any more ends earlier: that follows from the context.
            earlier = _leaked(new) <= _leaked(old) and _without_ends(old) != _without_ends(new)
            channel = "context" if earlier else "lifetime"
        old, new = bare_old, bare_new
    lines = difflib.unified_diff(old, new, "before", "after", n=3, lineterm="")
    return Difference(channel, plan, "\n".join(line[:600] for line in list(lines)[:60]))


def _leaked(lines: list[str]) -> set[str]:
    return {line for line in lines if line.startswith("never freed ")}


def _without_ends(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith(("freed ", "never freed "))]


_THROWN = [
    *["ValueError"] * 5,
    *["Custom"] * 3,
    *["KeyboardInterrupt"] * 2,
    *["SystemExit", "CancelledError", "Control"] * 2,
    *stage.KINDS,
]
_WANTED = {
    "boom": _THROWN,
    "pause": [*["cancel"] * 25, *_THROWN],
    "drive": [*["close"] * 12, *["drop"] * 6, *_THROWN],
}


def explore(
    before: Loaded, after: Loaded, *, singles: int = 7, seed: int = 0, on_run: Callable[[], None] | None = None
) -> Iterator[Difference]:
    """Run both programs under the same plans: none, then failures at chosen ticks, then a second one further on.

    The choices depend on the first program and ``seed`` alone.
    """
    choose = random.Random(zlib.crc32(before.data) + seed)

    def both(plan: dict[int, str]) -> tuple[Observation, Difference | None]:
        old = before.run(plan)
        new = after.run(plan)
        if on_run:
            on_run()
        return old, differ(old, new, plan)

    def extended(plan: dict[int, str], old: Observation, first: int) -> dict[int, str]:
        at = choose.randrange(first, len(old.roles))
        return plan | {at: choose.choice(_WANTED[old.roles[at]])}

    quiet, found = both({})
    if found:
        yield found
    if not quiet.roles:
        return
    for _ in range(singles):
        plan = extended({}, quiet, 0)
        seen, found = both(plan)
        if found:
            yield found
        last = next(iter(plan))
        if last + 1 < len(seen.roles):
            found = both(extended(plan, seen, last + 1))[1]
            if found:
                yield found
    stage.quiet_collect()
