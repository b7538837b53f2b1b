"""A subscription over all its streams, without the reading: what Subscription and aio.Subscription share."""

from __future__ import annotations

import copy
import math
import random
import time
from typing import Any, Deque, Dict, Iterable, List, Optional, Sequence, Tuple

import grpc

from . import errors
from ._stubs import message_pb2, message_queue_pb2 as pb
from .client_calls import State, Wish
from .options import Options
from .positions import Positions

# Frames that wait for the program; beyond that the stream is not read, and the server's policy for slow subscribers
# applies.
FRAMES_MAX = 8
# Of a server that does not say how long it may be silent, in seconds.
_SILENCE_DEFAULT = 45.0
# So many missed heartbeats mean a dead stream.
_HEARTBEATS_MISSED = 3

# What the program is given, in its place: its kind, and what it is of.
Item = Tuple[str, Any, Any]


class Attempt:
    """What became of one stream."""

    def __init__(self, ready_timeout: float) -> None:
        self.live = False
        self.live_since = 0.0
        # Left because the server asked for it.
        self.left = False
        self.leave_at = math.inf
        # The longest time without a frame.
        self.silence = ready_timeout

    def deadline(self) -> float:
        """When the next frame must be here."""
        return min(time.monotonic() + self.silence, self.leave_at)

    def expired(self) -> errors.Error:
        """Why the stream was given up at its deadline."""
        if self.leave_at < math.inf and time.monotonic() >= self.leave_at:
            self.left = True
            return errors.make(grpc.StatusCode.UNAVAILABLE, "the server asked the stream to leave")
        return errors.make(grpc.StatusCode.UNAVAILABLE, f"nothing came for {self.silence:g} s")


class Feed:
    """Not thread-safe."""

    def __init__(self, options: Options, wish: Wish) -> None:
        self._options = options
        self._request = wish.request
        self.in_group = wish.request.HasField("group")
        patterns = wish.request.patterns
        self._one_queue = len(patterns) == 1 and "*" not in patterns[0].queue
        self.was_live = False
        self._reached = Positions()
        self._reconnecting = False
        self._renewed = False
        self._delays = options.backoff.delays()
        self._give_up_first_at = time.monotonic() + options.wait_for_server

    def request(self, session: str, rooms: Iterable[str]) -> pb.SubscribeRequest:
        """For the next stream of a client that is in these rooms."""
        request = pb.SubscribeRequest()
        request.CopyFrom(self._request)
        request.session = session
        if self.was_live:
            # Only rooms that nobody left since.
            still = set(rooms).intersection(request.rooms)
            del request.rooms[:]
            request.rooms.extend(sorted(still))
            if not self.in_group:
                request.start.CopyFrom(self._reached.resume())
        return request

    def on_frame(self, frame: pb.SubscribeResponse, attempt: Attempt) -> List[Item]:
        kind = frame.WhichOneof("frame")
        if kind == "batch":
            return self._on_messages(frame.batch.messages)
        if kind == "ready":
            return self._on_ready(frame.ready, attempt)
        if kind == "gap":
            if self.in_group or self._reached.on_gap(frame.gap):
                return [("gap", frame.gap, None)]
        elif kind == "heartbeat":
            return [] if self.in_group else self._on_heartbeat(frame.heartbeat.positions)
        elif kind == "drain":
            attempt.leave_at = time.monotonic() + frame.drain.jitter.ToTimedelta().total_seconds() * random.random()
        return []

    def after(self, error: errors.Error, attempt: Attempt, items: List[Item]) -> Optional[float]:
        """How long to wait before the next stream, of a renewed session; None: not at all. Raises the error if there is
        no point. What the program is to be told is added to `items`."""
        now = time.monotonic()
        if attempt.live:
            self._renewed = False
        if attempt.live and now - attempt.live_since > self._options.backoff.max:
            self._delays = self._options.backoff.delays()
        # A session that is lost again and again, without a live stream between, is no accident.
        if errors.is_session_lost(error) and not self._renewed:
            self._renewed = True
            self._report(error, items)
            return None
        if not errors.is_passing(error):
            raise error
        delay = 0.0 if attempt.left else max(next(self._delays), error.retry_after or 0.0)
        if not self.was_live:
            left = self._give_up_first_at - now
            if left <= 0:
                raise error
            delay = min(delay, left)
        self._report(error, items)
        return delay

    def _report(self, error: errors.Error, items: List[Item]) -> None:
        if self.was_live and not self._reconnecting:
            self._reconnecting = True
            items.append(("reconnecting", error, None))

    def _on_ready(self, ready: pb.Ready, attempt: Attempt) -> List[Item]:
        heartbeat = ready.heartbeat.ToTimedelta().total_seconds()
        attempt.silence = _HEARTBEATS_MISSED * heartbeat or _SILENCE_DEFAULT
        attempt.live, attempt.live_since = True, time.monotonic()
        first = not self.was_live
        if first:
            self._reached.on_first_ready(ready, self._request.start)
        else:
            self._reached.on_resumed_ready(ready)
        self._reconnecting = False
        self.was_live = True
        return [("ready", ready, self._request.start if first else None)]

    def _on_messages(self, messages: Sequence[message_pb2.Message]) -> List[Item]:
        if self.in_group:
            return [("messages", list(messages), {})]
        if self._one_queue:
            ends_of_one = self._reached.on_next(messages)
            if ends_of_one is not None:
                return [("messages", list(messages), ends_of_one)]
        items: List[Item] = []
        for fresh, ends, lost in self._reached.on_messages(messages):
            if fresh:
                items.append(("messages", fresh, ends))
            if lost is not None:
                items.append(("gap", lost, None))
        return items

    def _on_heartbeat(self, positions: Sequence[message_pb2.QueuePosition]) -> List[Item]:
        items: List[Item] = []
        for position in positions:
            _, lost = self._reached.on_position(position.queue, position.epoch, position.sequence)
            if lost is not None:
                items.append(("gap", lost, None))
        if positions:
            items.append(("positions", positions, None))
        return items


class Handed:
    """What the program was given. Not thread-safe."""

    def __init__(self, in_group: bool, messages: Deque[message_pb2.Message]) -> None:
        self._in_group = in_group
        self._messages = messages
        self._positions = Positions()
        # What was put to `messages` last, and where each queue is after it.
        self._batch: Sequence[message_pb2.Message] = ()
        self._ends: Dict[str, Tuple[int, int]] = {}

    def positions(self) -> List[message_pb2.QueuePosition]:
        positions = copy.deepcopy(self._positions)
        for message in self._batch[: len(self._batch) - len(self._messages)]:
            positions.on_position(message.queue, message.epoch, message.sequence)
        return positions.list()

    def on_item(self, item: Item) -> Optional[Tuple[State, Optional[errors.Error]]]:
        """The program comes to it, and is through with the messages before. The state of the subscription that it is to
        hear of, if it is to."""
        for queue, (epoch, sequence) in self._ends.items():
            self._positions.on_position(queue, epoch, sequence)
        self._batch, self._ends = (), {}
        kind, what, more = item
        if kind == "messages":
            self._messages.extend(what)
            if not self._in_group:
                self._batch, self._ends = what, more
        elif kind == "gap":
            if not self._in_group:
                self._positions.on_gap(what)
        elif kind == "positions":
            for position in what:
                self._positions.on_position(position.queue, position.epoch, position.sequence)
        elif kind == "ready":
            if more is not None:
                self._positions.on_first_ready(what, more)
            else:
                self._positions.on_resumed_ready(what)
            return State.CONNECTED, None
        elif kind == "reconnecting":
            return State.RECONNECTING, what
        return None
