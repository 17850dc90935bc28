"""The limits of the rewrite: the few ways in which a rewritten program may differ from what it was.

They are written down in the documentation of the codemod, and a test shows each. Everything else is a fault.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from tests.behaviour.compare import Difference, canonical
from tests.behaviour.drive import Loaded
from tests.behaviour.witness import witness

CONTEXT = "an error raised in a handler lost its implicit context"
PASSED = "an error came by at module level or in a class body, and the attempt kept its name"
JUMPED = "a jump left a block at module level or in a class body, and the attempt kept its name"
EARLIER = "an error ended before the value that its handler returns was computed"
FAILED = "a handler failed, and what it held is left to the collector"

_NAME = re.compile(r'name attempt\w* = "<SafeExecutor>"$')
_ERROR = re.compile(r'name \w+ = (?:"<SafeExecutor>"|\{"type": .*)$')
_ENDED = re.compile(r'\["raised", "module", ')
_IN_CLASS = re.compile(r', \["attempt\w*", "<SafeExecutor>"\]')


def limit(before: Loaded, after: Loaded, found: Difference) -> str | None:
    """The limit that ``found`` falls under, in words; None when it is a fault."""
    if found.channel == "context":
        return CONTEXT
    old = canonical(before.run(found.plan), context=False)
    new = canonical(after.run(found.plan), context=False)
    if found.channel == "behaviour":
        # A module whose own code fails is gone; until then a failed handler leaves its error's name, too.
        ended = any(_ENDED.match(line) for line in old)
        extra = {line for line in new if (_ERROR if ended else _NAME).match(line)}.difference(old)
        bare = [_IN_CLASS.sub("", line) for line in new if line not in extra]
        if bare != old and _others(bare) != _others(old):
            return None
        came_by = witness(after, found.plan).passed or witness(before, found.plan).at_top
        if not came_by and not _jumps(ast.parse(after.data).body):
            return None
        if bare == old:
            return PASSED if came_by else JUMPED
        new = bare
    if _ends_earlier(old, new):
        # Or it was the context of an error that nobody has looked at.
        return EARLIER
    if witness(before, found.plan).in_handler:
        return FAILED
    return None


def _jumps(body: Iterable[ast.AST], inside: bool = False) -> bool:
    """Whether ``break`` or ``continue`` in code outside of functions leaves a block that an executor guards."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if inside and isinstance(node, (ast.Break, ast.Continue)):
            return True
        within = inside and not isinstance(node, (ast.For, ast.While))
        within |= isinstance(node, ast.With) and "SafeExecutor(" in ast.unparse(node.items[0])
        if _jumps(ast.iter_child_nodes(node), within):
            return True
    return False


def _others(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith(("freed ", "never freed "))]


def _ends_earlier(old: list[str], new: list[str]) -> bool:
    """Whether nothing that both runs free is freed later in ``new``, or left."""
    before, after = _ends(old), _ends(new)
    return before.keys() == after.keys() and all(
        len(after[tag]) == len(times) and all(late <= soon for late, soon in zip(after[tag], times, strict=True))
        for tag, times in before.items()
    )


def _ends(lines: list[str]) -> dict[str, list[int]]:
    """After how many other events each tag was freed; what never was counts as freed after all of them."""
    found: dict[str, list[int]] = {}
    passed = 0
    for line in lines:
        if line.startswith("freed "):
            found.setdefault(line.removeprefix("freed "), []).append(passed)
        elif line.startswith("never freed "):
            found.setdefault(line.removeprefix("never freed "), []).append(len(lines))
        else:
            passed += 1
    return found
