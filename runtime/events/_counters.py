"""What a bus has counted, and the loss that it tells of."""

from __future__ import annotations

import msgspec


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """What a bus has counted since it was made; numbers of events unless said otherwise.

    Attributes:
        published: Handed to the hub, or in process to the subscriptions.
        queued: Published and not yet handed over, now.
        dropped: Not published, as the queue was full and the bus was told to drop.
        delivered: Handled by a subscription, once for each subscription.
        waiting: Received and not yet handled, now.
        overflowed: Received and thrown away, as a subscription's queue was full and the bus was told to drop.
        discarded: Received or published, and thrown away by `close`.
        lost: Missing from a publisher's sequence: sent, and not received here.
        gaps: In how many places.
        duplicates: Received twice, and not delivered again.
        decode_errors: Undecodable: damaged, of another version, or of another type.
        handler_errors: Ended by an error of the handler.
        publishers: Incarnations of publishers that were heard of.
        publisher_restarts: How often a publisher was heard of again under a new incarnation.
        reconnects: Connections to the hub that were made again; a bus has three.
        requests: Requests that were made, each once.
        repeated: How often such were asked again, as nobody answered to them yet.
        timeouts: Requests whose deadline has passed here.
        late_replies: Replies that came after that.
        answered: Requests that a handler of this bus has answered, with an error or without.
        expired: Requests that were not given to a handler, as their deadline had passed.
        refused: Handlers that the hub refused, as another process has the topic.
    """

    published: int = 0
    queued: int = 0
    dropped: int = 0
    delivered: int = 0
    waiting: int = 0
    overflowed: int = 0
    discarded: int = 0
    lost: int = 0
    gaps: int = 0
    duplicates: int = 0
    decode_errors: int = 0
    handler_errors: int = 0
    publishers: int = 0
    publisher_restarts: int = 0
    reconnects: int = 0
    requests: int = 0
    repeated: int = 0
    timeouts: int = 0
    late_replies: int = 0
    answered: int = 0
    expired: int = 0
    refused: int = 0


class Gap(msgspec.Struct, frozen=True):
    """Events of one publisher and topic that did not arrive.

    Attributes:
        publisher: Its id, 16 hexadecimal digits.
        incarnation: Which of its lives: when it was made, in nanoseconds since the epoch.
        topic: The topic.
        first: Sequence number of the first missing event.
        count: How many are missing from there on.
    """

    publisher: str
    incarnation: int
    topic: str
    first: int
    count: int
