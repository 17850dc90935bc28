"""The thread that owns the sockets of one bus."""

from __future__ import annotations

import contextlib
import logging
import os
import socket as sockets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from runtime.safe_executor import SafeExecutor

from . import _zmq
from ._wire import OWN, PROBES, TALLIES, Tally, encode_tally

_zmq.load()

import zmq  # noqa: E402 - behind the sentence that tells what to install
from zmq.utils.monitor import parse_monitor_message  # noqa: E402

from ._hub import keep_alive  # noqa: E402
from ._send import WAIT  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from ._address import Address
    from ._receive import Receiver
    from ._requests import Requests
    from ._send import Sender

logger = logging.getLogger("runtime.events")
# How many messages are received before others have their turn.
_RECEIVED = 64
# After how many events the handlers have theirs.
_COLLECTED = 512
# For how many seconds at most what has come is read after a connection was lost: less than until it is made again.
_RECONNECTING = 0.05
_RECONNECTS_AFTER = 0.1
_TALLIES_AFTER = 5
_TALLIES_IDLE = 10


class Link:
    """Has the events of others received and those of this bus sent, and keeps the connections to the hub.

    Everything but `wake`, `do` and the reading of attributes happens in its thread.
    """

    def __init__(
        self,
        address: Address,
        sender: Sender,
        receiver: Receiver,
        requests: Requests,
        *,
        name: str,
        high_water: int,
        heartbeat: float,
        linger: float,
        stalled: Callable[[], bool],
        failed: Callable[[BaseException], object],
    ) -> None:
        self.address = address
        self.sleeping = False
        self.discarded = 0
        self.reconnects = 0
        # Topics that somebody subscribes to, as the hub has told.
        self.subscribed: set[bytes] = set()
        self.changed = threading.Condition()
        self.failure: BaseException | None = None
        # Whether the hub has shown that what is published comes back.
        self.online = False
        self.unconfirmed: set[bytes] = set()
        self._sender = sender
        self._receiver = receiver
        self._requests = requests
        self._high_water = high_water
        self._heartbeat = heartbeat
        self._linger = linger
        self._stalled = stalled
        self._failed = failed
        self._commands: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._topics: set[bytes] = set()
        self._probe: bytes | None = None
        self._probed: set[bytes] = set()
        self._probe_at = 0.0
        self._probe_pause = 0.0
        self._waiters: list[Future[None]] = []
        self._beat_at = 0.0
        # When the SUB socket is to be connected again; 0.0 while it is.
        self._connect_at = 0.0
        self._beats = 0
        self._changed_at = 0
        self._until: float | None = None
        self._ended = False
        self._down: set[int] = set()
        self._wake_in, self._wake_out = sockets.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._context = zmq.Context()
        self.thread = threading.Thread(target=self._run, name=f"{name or 'bus'}-zmq", daemon=True)

    def wake(self) -> None:
        """Let the thread look for what there is to do. From any thread, and from signal handlers."""
        self.sleeping = False
        # Full: it will wake up anyway. Closed: there is nothing left to do.
        with contextlib.suppress(BlockingIOError, OSError):
            self._wake_out.send(b"\0")

    def do(self, command: Callable[..., object], *words: Any) -> None:
        """Have ``command`` called in the thread, after those before."""
        self._commands.append((command, words))
        self.wake()

    # Commands.

    def subscribe(self, topic: bytes) -> None:
        """Ask the hub for a topic."""
        self._topics.add(topic)
        self.unconfirmed.add(topic)
        self._sub.subscribe(topic)

    def unsubscribe(self, topic: bytes) -> None:
        """Ask the hub no more."""
        self._topics.discard(topic)
        self.unconfirmed.discard(topic)
        self._probed.discard(topic)
        self._sub.unsubscribe(topic)

    def tell_when_ready(self, waiter: Future[None]) -> None:
        """Give ``waiter`` a result once everything asked of the hub until now is in force."""
        self._waiters.append(waiter)

    def close(self, until: float) -> None:
        """End the thread when all is sent, or at ``until`` (of `time.monotonic`)."""
        self._until = until
        self._requests.take_leave()

    # The thread.

    def _run(self) -> None:
        done = False
        try:
            with SafeExecutor(recoverable=(Exception,)) as attempt:  # noqa: E903 nobody may wait for ever
                self._open()
                while not self._ended:
                    self._turn()
                done = True
            if attempt.error is not None:
                self.failure = attempt.error
                logger.critical("the thread of a bus has failed, and the bus with it", exc_info=attempt.error)
            del attempt
        finally:
            if not done and self.failure is None:
                # Recovery is switched off; the hook of the threads has told what it was.
                self.failure = RuntimeError("it has ended with an error")
            self._shut()

    def _open(self) -> None:
        self._pub = self._sender.socket = self._socket(zmq.XPUB, self._linger)
        # A small one: what waits for the hub is to wait in the outbox, where `publish` sees it, and is never dropped.
        self._pub.sndhwm = 256
        self._pub.sndtimeo = WAIT
        self._pub.rcvhwm = 0
        self._pub.setsockopt(zmq.XPUB_NODROP, 1)
        self._pub.setsockopt(zmq.XPUB_VERBOSE, 1)
        self._sub = self._socket(zmq.SUB, 0)
        self._sub.rcvhwm = self._high_water
        # After a reconnection all subscriptions are sent at once; with a limit some would be dropped, silently.
        self._sub.sndhwm = 0
        self._req = self._socket(zmq.DEALER, self._linger)
        # What is read from a queue that was full, once the connection has been made again, ends the process
        # (zeromq/libzmq#3937). Replies are as many as there are requests; of events see `_sub_connected`.
        self._req.rcvhwm = 0
        # Without a connection requests wait here, where their deadlines are known.
        self._req.setsockopt(zmq.IMMEDIATE, 1)
        self._requests.socket = self._req
        self._monitors: dict[zmq.Socket[bytes], tuple[zmq.Socket[bytes], Callable[[bool], None]]] = {}
        self._poller = zmq.Poller()
        self._poller.register(self._wake_in.fileno(), zmq.POLLIN)
        for socket, endpoint, seen in (
            (self._sub, self.address.events, self._sub_connected),
            (self._pub, self.address.publish, self._pub_connected),
            (self._req, self.address.requests, self._requests.connected),
        ):
            monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
            self._monitors[monitor] = (socket, seen)
            self._poller.register(monitor, zmq.POLLIN)
            self._poller.register(socket, zmq.POLLIN)
            socket.connect(endpoint)
        self._sub.subscribe(TALLIES)

    def _socket(self, kind: int, linger: float) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        socket.linger = int(linger * 1000)
        socket.setsockopt(zmq.RECONNECT_IVL, int(_RECONNECTS_AFTER * 1000))
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        keep_alive(socket)
        return socket

    def _turn(self) -> None:
        now = time.monotonic()
        # First this, and then the look at what there is: who adds something sees the one, or we see the other.
        self.sleeping = True
        sendable = self.online and self._sender.pending
        pause = 0.0 if self._commands or sendable else self._next(now) - now
        self._poller.modify(self._sub, 0 if self._stalled() else zmq.POLLIN)
        self._poller.modify(self._req, zmq.POLLIN | (zmq.POLLOUT if self._requests.waiting else 0))
        ready = self._poller.poll(max(0, int(pause * 1000 + 0.999)))
        self.sleeping = False
        # What they tell has to be known before anything is received.
        for source, _ in ready:
            if source in self._monitors:
                self._monitored(source)
        for source, _ in ready:
            if source is self._sub:
                self._receive()
            elif source is self._pub:
                self._told()
            elif source is self._req:
                self._requests.receive()
            elif isinstance(source, int):
                with contextlib.suppress(BlockingIOError):
                    while self._wake_in.recv(4096):
                        pass
        while self._commands:
            command, words = self._commands.popleft()
            command(*words)
        if self.online and self._sender.send_events():
            self._changed_at = self._beats
        now = time.monotonic()
        self._requests.flush(now)
        self._keep_up(now)
        if self._waiters and not self.missing():
            for waiter in self._waiters:
                waiter.set_result(None)
            self._waiters.clear()
        if self._until is not None:
            done = not (self._sender.pending or self._requests.waiting or self._commands)
            self._ended = done or now >= self._until

    def _next(self, now: float) -> float:
        at = min(self._beat_at, self._connect_at or self._beat_at)
        if self._probe is not None or self.unconfirmed or not self.online:
            at = min(at, self._probe_at)
        if self._requests.waiting:
            at = min(at, now + 0.05)
        if self._until is not None:
            at = min(at, self._until)
        return max(at, now)

    def missing(self) -> str:
        """What the hub has not confirmed yet, for people; empty when that is nothing."""
        if not self.online:
            return f"no hub has answered at {self.address.publish} and {self.address.events}"
        if self.unconfirmed:
            topic = min(self.unconfirmed).rstrip(b"\0").decode()
            more = f" and {len(self.unconfirmed) - 1} more" if len(self.unconfirmed) > 1 else ""
            return f"the hub at {self.address.events} has not confirmed the subscription to `{topic}`{more}"
        return self._requests.missing()

    # Events in.

    def _receive(self) -> bool:
        """Take what has come, up to a limit. Whether there may be more."""
        receiver, more = self._receiver, True
        for _ in range(_RECEIVED):
            try:
                frames = self._sub.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                more = False
                break
            if frames[0].startswith(PROBES):
                self._returned(frames[0])
                continue
            receiver.take(frames)
            if receiver.collected >= _COLLECTED:
                break
        receiver.deliver()
        return more

    # What the hub tells, and what is told to others.

    def _told(self) -> None:
        """Subscriptions of others, which the hub passes on."""
        changed = False
        for _ in range(_RECEIVED):
            try:
                message = self._pub.recv(zmq.NOBLOCK)
            except zmq.Again:
                break
            topic = message[1:]
            if topic and not topic.startswith(OWN):
                changed = True
                (self.subscribed.add if message[0] else self.subscribed.discard)(topic)
        if changed:
            with self.changed:
                self.changed.notify_all()

    def _keep_up(self, now: float) -> None:
        if self._receiver.asked and self.online:
            self._receiver.asked = False
            self._tally(True)
        if now >= self._beat_at:
            self._beat_at = now + self._heartbeat
            self._beats += 1
            self._requests.hello()
            if self.online:
                quiet = self._beats - self._changed_at
                self._tally(quiet <= _TALLIES_AFTER or quiet % _TALLIES_IDLE == 0)
        if self._connect_at and now >= self._connect_at:
            self._connect_at = 0.0
            self._sub.connect(self.address.events)
        if self._probe is None and (self.unconfirmed or not self.online):
            self._probe = PROBES + os.urandom(16)
            self._probed = set(self.unconfirmed)
            self._probe_pause = 0.001
            self._probe_at = 0.0
            # After the topics, and on the same way: once this is in force they are.
            self._sub.subscribe(self._probe)
        if self._probe is not None and now >= self._probe_at:
            self._sender.send(self._probe)
            self._probe_at = now + self._probe_pause
            self._probe_pause = min(self._probe_pause * 2, 0.1)

    def _returned(self, probe: bytes) -> None:
        """The probe has gone to the hub and come back, as what is published and subscribed to now will."""
        if probe != self._probe:
            return
        self._sub.unsubscribe(probe)
        self._probe = None
        now = time.time_ns()
        for topic in self._probed:
            self._receiver.sequences.listen(topic, now)
        self.unconfirmed -= self._probed
        if not self.online:
            self.online = True
            # Who was here before us tells how far it is, so that losses are known from now on.
            self._tally(True, asks=True)
        self._probe_at = 0.0

    def _tally(self, full: bool, asks: bool = False) -> None:
        if self._sender.blocked:
            # It would overtake events that it counts.
            return
        last = self._sender.tally() if full else None
        tally = Tally(self._sender.publisher, self._sender.incarnation, last, asks)
        self._sender.send(TALLIES + encode_tally(tally))

    # Connections.

    def _monitored(self, monitor: zmq.Socket[bytes]) -> None:
        socket, seen = self._monitors[monitor]
        while True:
            try:
                told = parse_monitor_message(monitor.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                return
            up = told["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
            if up and id(socket) in self._down:
                self.reconnects += 1
                self._down.discard(id(socket))
            elif not up:
                self._down.add(id(socket))
            seen(up)

    def _sub_connected(self, up: bool) -> None:
        if up:
            return
        # What has come already can be read while there is no connection, and not after (see `_open`), so ZeroMQ is not
        # left to make it again by itself: what is dropped here is counted when the next events come.
        end = time.monotonic() + _RECONNECTING
        while not self._stalled() and time.monotonic() < end and self._receive():
            pass
        with contextlib.suppress(zmq.ZMQError):
            self._sub.disconnect(self.address.events)
        # Not at once: what listens there may be something else, and close every connection.
        self._connect_at = time.monotonic() + _RECONNECTS_AFTER
        # ZeroMQ subscribes again by itself; whether that is in force is probed.
        self.unconfirmed |= self._topics
        self._drop_probe()

    def _pub_connected(self, up: bool) -> None:
        if up:
            return
        self.online = False
        self.subscribed.clear()
        self._drop_probe()

    def _drop_probe(self) -> None:
        if self._probe is not None:
            self._sub.unsubscribe(self._probe)
            self._probe = None

    def _shut(self) -> None:
        # Whatever failed, nobody is to wait for it.
        self._ended = True
        if self.failure is not None:
            self._failed(self.failure)
        self.discarded += self._sender.discard()
        for waiter in self._waiters:
            waiter.cancel()
        for monitor, (socket, _) in getattr(self, "_monitors", {}).items():
            socket.disable_monitor()
            monitor.close(0)
        self._context.destroy()
        self._wake_in.close()
        self._wake_out.close()
        with self.changed:
            self.changed.notify_all()
