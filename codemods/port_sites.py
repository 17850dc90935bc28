"""What the plan of ports is made of: ports of machines, and the literals that stand for them."""

from __future__ import annotations

from typing import NamedTuple

from analysis.collectors.port_literals import PortLiteral


class Key(NamedTuple):
    """A port of a machine, whose name is empty where the tree does not tell machines apart."""

    machine: str
    port: int


class Site(NamedTuple):
    """One literal in its file."""

    path: str
    machine: str
    literal: PortLiteral
