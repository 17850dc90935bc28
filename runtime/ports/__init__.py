"""Ports by name, from the nearest ``config/ports.yaml``, and the right to use them::

    from runtime.ports import bind_socket, get_port

    port = get_port("MEMORY_AGENT")  # a number, to connect to it
    sock = bind_socket("MEMORY_AGENT")  # a listening socket that is this process's alone

`get_port` looks a number up; after the first look-up of a calling file that costs less than a microsecond. `claim`
takes a lease: while this process lives, no other that asks gets the name or the port, and whoever asks is told who has
it. `bind_socket` claims and binds in one step. `free_ports` gives every name a free port, for tests.

The environment is read when the registry is first needed, and by `reload` again: ``UNSNARL_PORTS`` names the file,
``UNSNARL_PORT_<NAME>`` sets one port, ``UNSNARL_PORT_OFFSET`` is added to the others, ``UNSNARL_MACHINE`` says which
machine this is and ``UNSNARL_LEASES`` names the folder of the leases. ``python -m runtime.ports`` lists, checks and
exports, and tells who holds what.
"""

from __future__ import annotations

from sys import _getframe

from ._errors import PortTaken, UnknownPort
from ._lookup import TABLES, look_up, reload

# Type checkers take it for true. Importing typing would cost ten times what the rest does.
TYPE_CHECKING = False

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable
    from typing import Any

    from config.registry import RegistryError

    from ._leases import Lease
    from ._testing import FreePorts

__all__ = [
    "Lease",
    "PortTaken",
    "RegistryError",
    "UnknownPort",
    "bind_socket",
    "claim",
    "free_ports",
    "get_port",
    "reload",
]


def get_port(name: str, machine: str | None = None) -> int:
    """The port of ``name``, 1 to 65535.

    The registry is the file that ``UNSNARL_PORTS`` names; else the nearest ``config/ports.yaml`` in or above the folder
    of the file that calls, within its repository, wherever the process was started; else that of the program's main
    file; else the nearest in or above the current folder. This is settled once for each calling file.

    Args:
        name: As the registry spells it.
        machine: The machine whose port is meant. None: the one that has the name; of several that have it the one that
            this is, as ``UNSNARL_MACHINE`` says, or else the one whose ``paths`` hold the file that calls, or the
            program's main file.

    Raises:
        UnknownPort: The registry has no such name or machine, or several machines have the name and nothing tells
            which is meant.
        RegistryError: There is no registry, or it or the environment is wrong: which file, line, key or variable.
        TypeError: ``name`` is not a string.
    """
    try:
        return TABLES[_getframe(1).f_globals.get("__file__")][machine][name]
    except KeyError:
        pass
    return look_up(_getframe(1).f_globals.get("__file__"), name, machine).number


def claim(name: str, owner: str | None = None, machine: str | None = None) -> Lease:
    """Take the lease of ``name`` and its port on this host, until this process ends or gives it back.

    Claimed again by the same owner in the same process it is the same lease, and is given back as often as it was
    claimed. A process that ends in whatever way loses its leases; a child process has none of its parent's.

    Args:
        name: As for `get_port`.
        owner: What others are told. None: the owner that the registry names, or else ``name``.
        machine: As for `get_port`.

    Raises:
        PortTaken: Another process, or another owner in this one, has the name or the port.
        UnknownPort: As for `get_port`, or ``UNSNARL_MACHINE`` says that this is another machine than the name's.
        RegistryError: As for `get_port`.
        OSError: The folder of the leases cannot be used.
    """
    from ._leases import take

    return take(look_up(_getframe(1).f_globals.get("__file__"), name, machine), owner)


def bind_socket(
    name: str,
    host: str = "127.0.0.1",
    *,
    machine: str | None = None,
    owner: str | None = None,
    backlog: int | None = 128,
    kind: int | None = None,
) -> socket.socket:
    """Claim ``name``, and return a socket that is bound to its port: nothing can come in between.

    The claim holds until the process ends, also when the socket is closed before, so that it can be bound again; use
    ``claim(name)`` and `Lease.bind` to give it back earlier.

    Args:
        name: As for `get_port`.
        host: Address to bind; with a colon in it, one of IPv6. Empty or ``*``: every address of IPv4.
        machine: As for `get_port`.
        owner: As for `claim`.
        backlog: How many connections may wait; the socket listens. None: it is bound only. On Linux another program
            can bind the same port until somebody listens, so do that only where more has to be set before.
        kind: ``socket.SOCK_STREAM`` (also for None) or ``socket.SOCK_DGRAM``, which never listens.

    Raises:
        PortTaken: As for `claim`, or a program that has no lease uses the port.
        UnknownPort: As for `claim`.
        RegistryError: As for `get_port`.
        OSError: It cannot be bound for another reason, such as a port below 1024 without the right to it.
    """
    from ._leases import take

    lease = take(look_up(_getframe(1).f_globals.get("__file__"), name, machine), owner)
    try:
        return lease.bind(host, backlog=backlog, kind=kind)
    except BaseException:
        lease.release()
        raise


def free_ports(names: Iterable[str] | None = None) -> FreePorts:
    """A context manager, for tests, in which names have free ports that no other test process is given::

        with free_ports() as ports:
            service = subprocess.Popen([sys.executable, "memory_agent.py"])
            ...  # it listens on ports["MEMORY_AGENT"], and get_port("MEMORY_AGENT") is that number here and there

    The numbers stand in ``UNSNARL_PORT_<NAME>``, so child processes see them, and leases are kept apart from those of
    programs outside. At the end everything is as before. The environment belongs to the whole process, so threads
    cannot have blocks of their own.

    Args:
        names: Which names. None: all of the registry that `get_port` would look into.

    Raises:
        UnknownPort: The registry has no such name.
        RegistryError: As for `get_port`.
    """
    from ._testing import FreePorts

    return FreePorts(_getframe(1).f_globals.get("__file__"), names)


def __getattr__(name: str) -> Any:
    # What needs more than a look-up does is imported when it is asked for.
    if name == "Lease":
        from ._leases import Lease

        return Lease
    if name == "FreePorts":
        from ._testing import FreePorts

        return FreePorts
    if name == "RegistryError":
        from ._schema import schema

        return schema().RegistryError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
