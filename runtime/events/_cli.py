"""The command line ``python -m runtime.events.proxy``."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import Literal

import click

from unsnarl.door import enter

from ._address import EVENTS, PUBLISH, REQUESTS, Address
from ._errors import BusError

_NAMES = {"events": EVENTS, "publish": PUBLISH, "requests": REQUESTS}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--address",
    metavar="ENDPOINTS",
    help=f"Where to listen: the endpoints for events, publishing and requests with commas between, or ipc:// and a "
    f"path. Else the ports that the registry has for {EVENTS}, {PUBLISH} and {REQUESTS}, which are claimed.",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Which address of this host, for ports of the registry."
)
@click.option(
    "--when-full",
    type=click.Choice(["drop", "wait"]),
    default="drop",
    show_default=True,
    help="When a subscriber has too much waiting: drop what comes, which it counts, or have publishers wait.",
)
@click.option(
    "--high-water",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    metavar="MESSAGES",
    help="How much that is.",
)
@click.option(
    "--settle",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="How long subscribers are let in before publishers are.",
)
def proxy(address: str | None, host: str, when_full: Literal["drop", "wait"], high_water: int, settle: float) -> int:
    """Be the hub that the buses of all processes connect to, until interrupted or terminated.

    "ready" and the endpoints are written on one line of stdout once processes can connect.
    """
    try:
        from ._hub import Hub
    except ImportError as missing:
        raise click.ClickException(str(missing)) from None
    given: dict[str, socket.socket] = {}
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with contextlib.ExitStack() as stack:
        if address is None:
            where, given = _claimed(host)
            for sock in given.values():
                stack.callback(sock.close)
        else:
            try:
                where = Address.parse(address)
            except ValueError as problem:
                raise click.ClickException(f"--address: {problem}") from None
        # libzmq closes what it is given; what it was not given yet is closed here.
        descriptors = {word: sock.detach() for word, sock in given.items()}
        try:
            hub = Hub(where, when_full=when_full, high_water=high_water, settle=settle, sockets=descriptors).start()
        except BusError as problem:
            raise click.ClickException(str(problem)) from None
        stack.callback(hub.close)
        click.echo(f"ready {where}")
        ended.wait()
        counted = hub.counters()
    click.echo(f"ended: {counted}", err=True)
    return 0


def _claimed(host: str) -> tuple[Address, dict[str, socket.socket]]:
    """The address that the registry says, and sockets that are bound there and nobody else's."""
    from runtime.ports import PortTaken, RegistryError, UnknownPort, bind_socket

    given: dict[str, socket.socket] = {}
    try:
        for word, name in _NAMES.items():
            given[word] = bind_socket(name, host)
        return Address.from_ports(host), given
    except (PortTaken, RegistryError, UnknownPort, OSError) as problem:
        for sock in given.values():
            sock.close()
        raise click.ClickException(str(problem)) from None


def main() -> None:
    """Run the command line, and exit."""
    enter(proxy, "python -m runtime.events.proxy")
