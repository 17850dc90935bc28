"""Where the hub of a bus is."""

from __future__ import annotations

import msgspec

EVENTS = "EVENT_BUS"
PUBLISH = "EVENT_BUS_PUBLISH"
REQUESTS = "EVENT_BUS_REQUESTS"


class Address(msgspec.Struct, frozen=True):
    """The three endpoints of a hub, as ZeroMQ writes them (``tcp://127.0.0.1:5600``, ``ipc:///run/bus.events``).

    Attributes:
        events: Where events come out, and subscribers connect.
        publish: Where events go in, and publishers connect.
        requests: Where requests and replies go.
    """

    events: str
    publish: str
    requests: str

    @classmethod
    def tcp(cls, host: str, events: int, publish: int, requests: int) -> Address:
        """Three ports of one host; ``*`` for a hub that is to be reached at every address of its host."""
        return cls(*(f"tcp://{host}:{port}" for port in (events, publish, requests)))

    @classmethod
    def ipc(cls, path: str) -> Address:
        """Three sockets of the file system, whose names begin with ``path``: for processes of one host.

        Raises:
            ValueError: The path is too long for a socket.
        """
        longest = max(len(f"{path}.{word}".encode()) for word in cls.__struct_fields__)
        if longest > 107:
            raise ValueError(f"{path!r} is {longest - 107} bytes too long for a socket: the system allows 107 in all")
        return cls(*(f"ipc://{path}.{word}" for word in cls.__struct_fields__))

    @classmethod
    def from_ports(cls, host: str = "127.0.0.1", machine: str | None = None) -> Address:
        """The ports that the registry has for `EVENT_BUS`, `EVENT_BUS_PUBLISH` and `EVENT_BUS_REQUESTS`.

        Looked for from the program's main file on, and then from the current folder: see `runtime.ports.get_port`.

        Raises:
            runtime.ports.UnknownPort: One of the names is missing.
            runtime.ports.RegistryError: There is no registry, or it is wrong.
        """
        from runtime.ports import get_port

        return cls.tcp(host, *(get_port(name, machine) for name in (EVENTS, PUBLISH, REQUESTS)))

    @classmethod
    def parse(cls, text: str) -> Address:
        """An address written in one line: three endpoints with commas between, or ``ipc://`` and a path.

        Raises:
            ValueError: It is neither.
        """
        parts = [one.strip() for one in text.split(",")]
        if len(parts) == 3 and all("://" in one for one in parts):
            return cls(*parts)
        if len(parts) == 1 and text.startswith("ipc://") and len(text) > len("ipc://"):
            return cls.ipc(text.removeprefix("ipc://"))
        raise ValueError(
            f"{text!r} is no address of a hub: write its endpoints for events, publishing and requests with commas "
            "between, or ipc:// and a path"
        )

    def __str__(self) -> str:
        return ",".join((self.events, self.publish, self.requests))
