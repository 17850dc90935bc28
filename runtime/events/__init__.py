"""Events and requests between the parts of a program, or between processes::

    from runtime.events import Event, Request, get_bus


    class ModelLoaded(Event, frozen=True):
        TOPIC = "model.loaded"

        model: str
        vram_mb: float = 0.0


    bus = get_bus()
    bus.subscribe(ModelLoaded, on_loaded)  # a function or a coroutine function of one argument
    bus.publish(ModelLoaded("nllb", vram_mb=1200.0))

`get_bus` gives the bus of the process: within the process (`LocalBus`) unless ``UNSNARL_EVENTS`` says ``zmq`` or an
address, or `configure` was called. A direct call whose result is used becomes a request::

    class LoadModel(Request[bool], frozen=True):
        TOPIC = "model.load"

        model: str


    bus.handle(LoadModel, load)  # at the side that answers
    loaded = await bus.request(LoadModel("nllb"), timeout=30.0)
    loaded = bus.request_sync(LoadModel("nllb"), timeout=30.0)  # where nothing can be awaited

`ZmqBus`, `Hub` and `Address` are for buses between processes, and need pyzmq (``pip install 'unsnarl[runtime]'``),
which is imported when one of them is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._address import Address
from ._counters import Counters, Gap
from ._errors import (
    BusClosed,
    BusError,
    BusFull,
    DuplicateHandler,
    NoHandler,
    NotReady,
    RequestFailed,
    RequestTimeout,
)
from ._event import Event, Request
from ._process import configure, get_bus
from .bus import Bus, LocalBus, Subscription

if TYPE_CHECKING:
    from ._hub import Hub, HubCounters
    from .zmq_bus import ZmqBus

__all__ = [
    "Address",
    "Bus",
    "BusClosed",
    "BusError",
    "BusFull",
    "Counters",
    "DuplicateHandler",
    "Event",
    "Gap",
    "Hub",
    "HubCounters",
    "LocalBus",
    "NoHandler",
    "NotReady",
    "Request",
    "RequestFailed",
    "RequestTimeout",
    "Subscription",
    "ZmqBus",
    "configure",
    "get_bus",
]


def __getattr__(name: str) -> Any:
    # What needs pyzmq is imported when it is asked for.
    if name in {"Hub", "HubCounters", "ZmqBus"}:
        from . import zmq_bus

        return getattr(zmq_bus, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
