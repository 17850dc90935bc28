"""What is known of the arguments of a call."""

from __future__ import annotations

import ast

import msgspec

from analysis.effects.kinds import Kind, base, is_plain, is_thing, parts


class Given(msgspec.Struct, gc=False):
    """The arguments of a call: types and expressions of the positional ones, types of the keywords."""

    kinds: tuple[Kind, ...]
    keywords: tuple[str, ...]
    named: dict[str, tuple[Kind, ast.expr]]
    star: bool
    line: int
    nodes: tuple[ast.expr, ...]

    def plain(self) -> bool:
        """Whether all arguments are of known types throughout."""
        kinds = [*self.kinds, *(kind for kind, _ in self.named.values())]
        return not self.star and all(kind is not None and (kind[:1] == "=" or is_plain(kind)) for kind in kinds)


NO_ARGUMENTS = Given((), (), {}, False, 0, ())


def argument_key(kind: Kind) -> str:
    """How ``given`` in the tables names a type."""
    if kind is None or is_thing(kind):
        return "?"
    return "|".join(sorted({base(part) for part in parts(kind)}))


def harmless(value: object) -> bool:
    """Whether it is text that no system call and no encoding objects to."""
    return isinstance(value, str) and value.isascii() and "\0" not in value
