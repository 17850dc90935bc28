"""The records of ``analysis.collectors.sockets``."""

from __future__ import annotations

from typing import Literal

import msgspec

from analysis.collectors.port_records import Use
from analysis.facts import Span

What = Literal["bind", "connect", "send", "recv", "poll", "register", "limit", "subscribe"]


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where something is done: in the function ``scope`` of the class ``owner`` (each empty outside of any).

    ``loop`` is the line of the outermost loop of that function that it stands in, else 0. ``under`` are the requests
    that the nearest test around it asks for: ``if message["action"] == "save"``.
    """

    line: int
    scope: str
    owner: str
    loop: int
    under: tuple[str, ...]


class Made(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A socket that is made and kept under the name ``key``, of the ZeroMQ type ``kind``, ``?`` for one not known.

    Where it may be one of several there is a record for each. Where a function of this file makes it, ``via`` is that
    function and ``kind`` may be empty. ``key`` is ``self.name`` for an attribute, ``function:name`` for a name of a
    function, ``:name`` for one of the module.
    """

    key: str
    kind: str
    place: Place
    via: str


class Act(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that is done to the socket ``key``; ``span`` is the call, ``column`` its start in characters, from 1.

    ``bounded``: a recv that gives up by itself, a poll with a timeout, a timeout that is set. ``text``: of a send the
    request or the topic, of a subscription the topic, of a socket registered with a poller the poller's key; None where
    the source does not say. ``address``: where a socket is bound or connected without a port (``ipc``, ``inproc``).
    ``kinds``: the types it may have there, where the function itself makes it; as of :class:`Made`.
    """

    key: str
    what: What
    place: Place
    span: Span
    column: int
    bounded: bool = False
    text: str | None = None
    address: str = ""
    kinds: tuple[str, ...] = ()


class Called(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A call that waits for what it calls, at ``place``.

    ``target``: ``.method`` of the instance itself, ``^method`` of its base classes, else a symbol
    (``level:module:path``) with ``()`` behind the class where an instance of it is asked. ``request`` is one that is
    passed as an argument, and ``sockets`` are the keys of what may be one, by position (its number) or keyword.
    """

    target: str
    place: Place
    span: Span
    column: int
    request: str = ""
    sockets: tuple[tuple[int | str, str], ...] = ()


class Handled(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Requests that a test or a table of functions at ``place`` tells apart."""

    place: Place
    requests: tuple[str, ...]


class Messaging(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that a file says of messages.

    ``uses`` are sockets that a helper binds or connects by their address. ``gives``: the keys that each function gives
    back. ``functions`` (with their parameters), ``bases`` and ``imports`` are what a call may mean; ``paths`` is what
    the file puts on ``sys.path``.
    """

    made: tuple[Made, ...]
    acts: tuple[Act, ...]
    calls: tuple[Called, ...]
    handled: tuple[Handled, ...]
    uses: tuple[tuple[str, Use], ...]
    gives: tuple[tuple[str, str], ...]
    functions: tuple[tuple[str, tuple[str, ...]], ...]
    bases: tuple[tuple[str, tuple[str, ...]], ...]
    imports: tuple[tuple[str, str], ...]
    paths: tuple[str, ...]
