"""What a configuration file says of one port."""

from __future__ import annotations

from typing import Literal

import msgspec

from analysis.facts import Fault
from analysis.values.terms import Term

By = Literal["yaml", "toml", "json", "compose", "dockerfile", "env"]


class Declared(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One port, or a range of them.

    ``line`` and ``column`` are those of the value, from 1. ``side`` is ``publish`` where the port is taken on the
    machine itself, on behalf of a container. ``owner`` is the name of the entry, empty where there is none, and
    ``script`` the path of the Python file that it runs, empty where it names none. ``ports`` are the terms of the
    range, one for a port; ``evidence`` is the path of the key. ``keys`` are those that lead from the entry to the
    value, where code may ask for it by them: below ``environment`` a variable, ``--port`` an option of a command.
    """

    line: int
    column: int
    side: Literal["declare", "publish"]
    by: By
    owner: str
    script: str
    purpose: str
    transport: str
    host: str
    ports: tuple[Term, ...]
    evidence: str
    keys: tuple[str, ...] = ()


class Configuration(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What came of reading a configuration file: what it declares, or why it cannot be read."""

    declared: tuple[Declared, ...] = ()
    fault: Fault | None = None
