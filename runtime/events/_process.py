"""The bus of the process, which rewritten code asks for in one line."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from ._address import Address
from ._errors import BusError

if TYPE_CHECKING:
    from ._base import Bus

_VARIABLE = "UNSNARL_EVENTS"
_HOST = "UNSNARL_EVENTS_HOST"
_NAME = "UNSNARL_EVENTS_NAME"

_bus: Bus | None = None
_lock = threading.Lock()


def get_bus() -> Bus:
    """The bus of this process, which is made when it is first asked for.

    It is the one that `configure` was given, or else what ``UNSNARL_EVENTS`` says: ``local`` (also when it is not set)
    for a `LocalBus`; ``zmq`` for a `ZmqBus` at the ports that the registry has for ``EVENT_BUS``,
    ``EVENT_BUS_PUBLISH`` and ``EVENT_BUS_REQUESTS``, on the host in ``UNSNARL_EVENTS_HOST`` (``127.0.0.1``); else the
    address of a hub, as `Address.parse` reads it. ``UNSNARL_EVENTS_NAME`` is the name of the bus.

    Once that bus has been closed, and in the child of a fork, the next call makes another.

    Raises:
        ValueError: ``UNSNARL_EVENTS`` is none of these.
        ImportError: pyzmq is needed and not installed.
        runtime.ports.UnknownPort: The registry lacks one of the names.
    """
    bus = _bus
    if bus is not None and not bus._stopped:
        return bus
    with _lock:
        return _current() or _set(_from_environment())


def configure(bus: Bus) -> Bus:
    """Make ``bus`` the one of this process, and return it. For the start of a program, and for tests.

    Raises:
        BusError: The process has a bus already, which others may use: close that one first.
    """
    with _lock:
        current = _current()
        if current is not None and current is not bus:
            raise BusError(
                "this process has a bus already: call configure() before anything asks for it, or close it first "
                "(get_bus().close())"
            )
        return _set(bus)


def _current() -> Bus | None:
    return None if _bus is None or _bus._stopped else _bus


def _set(bus: Bus) -> Bus:
    global _bus  # noqa: PLW0603
    _bus = bus
    return bus


def _from_environment() -> Bus:
    text = os.environ.get(_VARIABLE, "").strip()
    name = os.environ.get(_NAME, "").strip()
    if text.lower() in {"", "local"}:
        from .bus import LocalBus

        return LocalBus(name=name or "local")
    if text.lower() == "zmq":
        address = None
    else:
        try:
            address = Address.parse(text)
        except ValueError as problem:
            raise ValueError(f"{_VARIABLE} is local, zmq, or the address of a hub: {problem}") from None
    from .zmq_bus import ZmqBus

    if address is None:
        address = Address.from_ports(os.environ.get(_HOST, "").strip() or "127.0.0.1")
    return ZmqBus(address, name=name)


def _after_fork() -> None:
    global _lock  # noqa: PLW0603
    # The thread that held it is not in the child.
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
