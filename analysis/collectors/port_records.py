"""The records of ``analysis.collectors.ports``."""

from __future__ import annotations

from typing import Literal

import msgspec

from analysis.facts import Span
from analysis.values.terms import Term

Side = Literal["bind", "connect"]


class Use(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A place where a socket is bound or connected, or a server or client is given its port.

    ``by``: the kind of entry point: ``zmq``, ``socket``, ``http``, ``grpc``, ``redis`` and so on. ``address``: all of
    the address where it is one text, None where host and port are handed over apart. ``owner`` is the class
    whose method does it, or empty. ``receiver`` is the socket as it is written, ``socket`` its ZeroMQ type where it is
    known. ``text`` is the argument as it is written.

    ``span`` is the whole call, ``column`` its start in characters, from 1, and ``scope`` the definition it stands in.
    """

    span: Span
    column: int
    scope: str
    side: Side
    by: str
    address: Term | None
    host: Term | None
    port: Term | None
    owner: str
    receiver: str
    socket: str
    text: str


class Passed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A call that passes values which may be ports: to ``target``, a symbol, from inside the class ``owner``.

    ``values`` are by position (its number) or keyword. ``target`` is ``^`` and a method for ``super().method(...)``.
    """

    target: str
    owner: str
    values: tuple[tuple[int | str, Term], ...]


class Callee(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A function: its parameters in order, whether a call gives the first one itself, and what it gives back."""

    qualname: str
    parameters: tuple[str, ...]
    bound: bool
    gives: Term | None = None


class Ports(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that a file says of ports.

    ``names`` are what its module level binds (``PORTS.[api]`` for an entry of a dict), ``fields`` the attributes of its
    classes, ``bases`` the base classes of each, as symbols. ``stars`` are the modules of its star imports, and what it
    puts on ``sys.path`` are the ``paths``. ``configurations`` are the configuration files that it mentions, without
    their folders; ``main``: it has a part for when it is run as a script.
    """

    uses: tuple[Use, ...]
    names: tuple[tuple[str, Term], ...]
    fields: tuple[tuple[str, str, Term], ...]
    bases: tuple[tuple[str, tuple[str, ...]], ...]
    functions: tuple[Callee, ...]
    passed: tuple[Passed, ...]
    stars: tuple[str, ...]
    paths: tuple[str, ...]
    configurations: tuple[str, ...] = ()
    main: bool = False
