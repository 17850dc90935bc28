"""The errors of the port registry that do not lie in its file."""

from __future__ import annotations


class UnknownPort(LookupError):
    """The registry has no such name or machine, or cannot tell which machine is meant: the message names the nearest.

    Attributes:
        name: What was asked for.
    """

    __module__ = __package__

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class PortTaken(OSError):
    """Somebody else has the name or the port; ``errno`` is ``EADDRINUSE``, as when binding fails.

    Attributes:
        name: What was claimed.
        port: Its port.
        owner: Who has it, empty when that is not known.
        pid: The process that has it, 0 when that is not known.
        since: When it was claimed, in seconds since the epoch, 0.0 when that is not known.
    """

    __module__ = __package__

    # The first two are positional as in OSError, which is how a pickled one is made again.
    def __init__(
        self,
        number: int,
        message: str,
        *,
        name: str = "",
        port: int = 0,
        owner: str = "",
        pid: int = 0,
        since: float = 0.0,
    ) -> None:
        super().__init__(number, message)
        self.name = name
        self.port = port
        self.owner = owner
        self.pid = pid
        self.since = since
