"""What a bus hands out and keeps: subscriptions, and requests that wait for a reply."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from ._dispatch import name_of
from ._errors import RequestFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from ._event import Spec


class Subscription:
    """A handler that gets the events of a topic, until `close`. As a context manager it is closed at the end.

    Attributes:
        topic: The topic.
        handler: The handler.
    """

    def __init__(self, topic: str, handler: Callable[[Any], object], close: Callable[[], object]) -> None:
        self.topic = topic
        self.handler = handler
        self._close = close

    def close(self) -> None:
        """Take the handler away. One that runs now is not interrupted; a second time this does nothing."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.topic} by {name_of(self.handler)}>"


class Call:
    """A request that waits for its reply."""

    __slots__ = ("deadline", "future", "number", "spec", "topic")

    def __init__(self, number: int, spec: Spec, topic: str, deadline: float) -> None:
        self.number = number
        self.spec = spec
        self.topic = topic
        self.deadline = deadline
        self.future: Future[Any] = Future()
        # Nobody can cancel it now, so a reply can always be put into it.
        self.future.set_running_or_notify_cancel()


def told(error: Exception) -> tuple[str, str]:
    """Type and message of an error, for processes that may not have its class."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return name, str(error)


def failed(topic: str, name: str, text: str) -> RequestFailed:
    """What the one who asked is told about an error of the handler."""
    return RequestFailed(f"the handler of `{topic}` raised {name}: {text}", name, text)


def another_kind(topic: str, expected: type, got: type) -> RequestFailed:
    return RequestFailed(
        f"`{topic}` is answered for {expected.__module__}.{expected.__qualname__}, and asked with "
        f"{got.__module__}.{got.__qualname__}: give one of them another TOPIC"
    )
