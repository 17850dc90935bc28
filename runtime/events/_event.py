"""Events and requests as types, and how they are written as bytes and read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, get_args, get_origin

import msgspec

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Reply_co = TypeVar("Reply_co", covariant=True, default=None)
else:
    from typing import TypeVar

    Reply_co = TypeVar("Reply_co", covariant=True)

_LONGEST_TOPIC = 250
# One for all threads: it keeps nothing between two calls.
encode = msgspec.msgpack.Encoder().encode


class Event(msgspec.Struct, frozen=True):
    """Something that has happened, told to whoever subscribes: a msgspec struct, frozen, with a topic and a version::

        class ModelLoaded(Event, frozen=True):
            TOPIC = "model.loaded"
            VERSION = 2

            model: str
            vram_mb: float = 0.0

    A reader ignores fields that it does not know and fills in the defaults of those that are missing, so a field with
    a default may come or go without a new version. A new version is for the changes that old readers must not see;
    they count it as an undecodable event.

    Attributes:
        TOPIC: What it is published under; the name of the class unless told. Not inherited.
        VERSION: 0 to 65535; written into every message. Inherited unless told.
        READS: Other versions whose messages this class can read, too.
    """

    TOPIC: ClassVar[str]
    VERSION: ClassVar[int] = 1
    READS: ClassVar[tuple[int, ...]] = ()


class Request(Event, Generic[Reply_co], frozen=True):
    """A question that exactly one handler answers; the type of the answer stands in the brackets::

        class LoadModel(Request[bool], frozen=True):
            TOPIC = "model.load"

            model: str

    The answer is anything that msgspec can write: a number, a string, None, a list or dictionary of such, a struct.
    """


class Spec(msgspec.Struct, frozen=True, eq=False):
    """What the bus has to know of one class of events."""

    kind: type[Event]
    topic: str
    version: int
    versions: frozenset[int]
    decode: Any
    decode_reply: Any


_specs: dict[type, Spec] = {}


def spec_of(kind: type[Event]) -> Spec:
    """The `Spec` of a class.

    Raises:
        TypeError: It is no subclass of `Event`, or its topic or version is of the wrong type.
        ValueError: Its topic or version is out of range.
    """
    spec = _specs.get(kind)
    return _make_spec(kind) if spec is None else spec


def check_topic(topic: object) -> str:
    """``topic``, once it is known to be one.

    Raises:
        TypeError: It is not a string.
        ValueError: It is empty, too long, or has a character that is kept for the bus.
    """
    if not isinstance(topic, str):
        raise TypeError(f"a topic is a string such as 'model.loaded', not {topic!r}")
    if not 1 <= len(topic.encode()) <= _LONGEST_TOPIC or any(ord(one) < 32 for one in topic):
        raise ValueError(
            f"the topic {topic[:80]!r} is empty, longer than {_LONGEST_TOPIC} bytes, or has control characters"
        )
    return topic


def _make_spec(kind: type[Event]) -> Spec:
    given: object = kind
    if not isinstance(given, type) or not issubclass(given, Event) or kind in {Event, Request}:
        raise TypeError(f"{kind!r} is not a class of events: derive it from runtime.events.Event or Request")
    where = f"{kind.__module__}.{kind.__qualname__}"
    try:
        topic = check_topic(kind.__dict__.get("TOPIC", kind.__name__))
    except (TypeError, ValueError) as problem:
        raise type(problem)(f"{where}.TOPIC: {problem}") from None
    for version in (kind.VERSION, *kind.READS):
        number: object = version
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"{where}: a version is a whole number, not {version!r}")
        if not 0 <= version <= 0xFFFF:
            raise ValueError(f"{where}: a version is 0 to 65535, not {version}")
    reply = _reply_type(kind)
    spec = Spec(
        kind,
        topic,
        kind.VERSION,
        frozenset({kind.VERSION, *kind.READS}),
        msgspec.msgpack.Decoder(kind).decode,
        msgspec.msgpack.Decoder(reply).decode,
    )
    # Two threads may have made it at a time; everyone gets the same one.
    return _specs.setdefault(kind, spec)


def _reply_type(kind: type) -> Any:
    for one in kind.__mro__:
        for base in one.__dict__.get("__orig_bases__", ()):
            if get_origin(base) is Request:
                (reply,) = get_args(base)
                return Any if isinstance(reply, TypeVar) else reply
    return Any
