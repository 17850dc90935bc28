"""What goes over the sockets: one frame, ``topic | header | payload``.

ZeroMQ filters by the beginning of a frame, so the topic comes first, and one frame costs a third of what three do. A
message carries one or more events of one topic, which were waiting when it was sent: the payload is theirs, one behind
the other, and the header ends with the length of each. What the bus tells other buses goes the same way, under topics
that begin with a byte that no topic of a user has.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

FORMAT = 1
# Ends the topic, since a subscription of ZeroMQ is a prefix: `model` is not to get `model.loaded`.
END = b"\0"
# Of the bus itself. No UTF-8 text has this byte.
OWN = b"\xff"
TALLIES = OWN + b"tally" + END
PROBES = OWN + b"probe:"

# Format, the version of the events, publisher, incarnation, number of the first event, time sent, number of events.
_HEAD = struct.Struct("<BxHQQQQI")
_LENGTHS = [struct.Struct(f"<{count}I") for count in range(1025)]
MOST_EVENTS = len(_LENGTHS) - 1


class Damaged(ValueError):
    """A message that is not laid out as the module says."""


class Head(NamedTuple):
    """The header of a message.

    Attributes:
        version: The version of the events.
        publisher: Who sent them.
        incarnation: Which life of the publisher.
        first: The number of the first event.
        sent: When, in nanoseconds since the epoch.
        lengths: Of each event, in bytes.
        begin: Where the first of them begins.
    """

    version: int
    publisher: int
    incarnation: int
    first: int
    sent: int
    lengths: tuple[int, ...]
    begin: int


def topic_bytes(topic: str) -> bytes:
    """A topic as the frame that messages are filtered by."""
    return topic.encode() + END


def pack(
    topic: bytes, version: int, publisher: int, incarnation: int, first: int, sent: int, payloads: Sequence[bytes]
) -> bytes:
    """The message of ``payloads``, of which there are 1 to `MOST_EVENTS`."""
    count = len(payloads)
    head = _HEAD.pack(FORMAT, version, publisher, incarnation, first, sent, count)
    return b"".join((topic, head, _LENGTHS[count].pack(*map(len, payloads)), *payloads))


def topic_of(message: bytes) -> bytes:
    """The topic of a message, with its end; empty when it has none."""
    return message[: message.find(END) + 1]


def unpack(message: bytes, start: int) -> Head:
    """Read the header, which begins at ``start``, and hold it against the rest.

    Raises:
        Damaged: They are not of this format, or do not fit one another.
    """
    try:
        form, version, publisher, incarnation, first, sent, count = _HEAD.unpack_from(message, start)
    except struct.error:
        raise Damaged(f"{len(message) - start} bytes are no header") from None
    if form != FORMAT:
        raise Damaged(f"format {form}, and this reads format {FORMAT}")
    begin = start + _HEAD.size + 4 * count
    if not 1 <= count <= MOST_EVENTS or begin > len(message):
        raise Damaged(f"{len(message) - start} bytes for {count} events")
    lengths = _LENGTHS[count].unpack_from(message, start + _HEAD.size)
    if sum(lengths) != len(message) - begin:
        raise Damaged(f"{len(message) - begin} bytes of payload where {sum(lengths)} were announced")
    return Head(version, publisher, incarnation, first, sent, lengths, begin)


class Tally(msgspec.Struct, frozen=True):
    """How far a publisher has come.

    Attributes:
        publisher: Its id.
        incarnation: Which of its lives.
        last: Topic, as on the wire, to the number of the last event. None: as in the tally before.
        asks: Whether all others are to send theirs.
    """

    publisher: int
    incarnation: int
    last: dict[bytes, int] | None
    asks: bool = False


encode_tally = msgspec.msgpack.Encoder().encode
decode_tally = msgspec.msgpack.Decoder(Tally).decode
