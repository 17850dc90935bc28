"""What goes wrong on a bus, each as one type."""

from __future__ import annotations


class BusError(Exception):
    """A bus could not do what it was asked for: the base of all errors here."""

    __module__ = __package__


class BusClosed(BusError):
    """The bus has been closed, or it belongs to the process that this one was forked from."""

    __module__ = __package__


class BusFull(BusError):
    """A queue stayed full for as long as the caller may wait; the event was not published."""

    __module__ = __package__


class NotReady(BusError, TimeoutError):
    """The hub has not confirmed in time what this bus has asked it for."""

    __module__ = __package__


class RequestTimeout(BusError, TimeoutError):
    """The deadline of a request has passed without a reply."""

    __module__ = __package__


class NoHandler(RequestTimeout):
    """Nobody has answered to requests of this topic until the deadline, or nobody did and there was to be no wait."""

    __module__ = __package__


class DuplicateHandler(BusError):
    """Requests of the topic have a handler already, in this process or, as the hub knows, in another."""

    __module__ = __package__


class RequestFailed(BusError):
    """The handler raised, or its answer could not be read.

    Attributes:
        error_type: Name of the type that the handler raised, qualified by its module unless it is a builtin.
        detail: The message of that error.
    """

    __module__ = __package__

    def __init__(self, message: str, error_type: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.error_type = error_type
        self.detail = detail
