"""Batches of messages that make themselves, and what becomes of them: what Publisher and aio.Publisher share."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, Callable, Deque, Dict, Generic, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from . import errors
from ._stubs import limits_pb2, message_pb2, message_queue_pb2 as pb
from .client_calls import Batching
from .messages import Payload, make_message
from .options import Options

# The rest of a request, in bytes.
_BATCH_OVERHEAD = 1024
# Field 4 of PublishStreamRequest, a message.
_ENTRY = b"\x22"

F = TypeVar("F")


class Published(NamedTuple):
    """Where a message went. sequence: 0 if the server did not say, as for messages with a deliver_at. duplicate: this
    is where an earlier one with the same request_id went. storage: as PublishResponse.storage, of the whole batch."""

    queue: str
    epoch: int
    sequence: int
    duplicate: bool
    storage: int


@dataclasses.dataclass
class FlushResult:
    """What became of messages since the flush before. error: the first; None if all were accepted."""

    accepted: int = 0
    refused: int = 0
    # The stream broke before their answer came: they may be in their queues or not, and are not sent again.
    unknown: int = 0
    error: Optional[Exception] = None

    def add(self, other: FlushResult) -> None:
        self.accepted += other.accepted
        self.refused += other.refused
        self.unknown += other.unknown
        self.error = self.error or other.error


Name = Tuple[str, bool]


class Entry(NamedTuple):
    """A message as it stands in a request; its queue, and whether it has a deliver_at."""

    data: bytes
    name: Name


def entry(message: message_pb2.Message) -> Entry:
    # There are no required fields.
    return Entry(_framed(message.SerializePartialToString()), (message.queue, message.HasField("deliver_at")))


# Of queues and events that messages had: their encoding, and what names such a message.
_PLAIN: Dict[Tuple[str, str], Tuple[bytes, Name]] = {}
_PLAIN_MAX = 1024


def plain_entry(queue: str, event: str, payload: Payload = b"") -> Entry:
    """As entry(make_message(queue, event, payload)), without making one where such a message was made before."""
    try:
        begin, name = _PLAIN[queue, event]
        size = len(payload)
    except (KeyError, TypeError):
        return _first_plain_entry(queue, event, payload)
    if type(payload) is not bytes or size >= 0x4000:
        return entry(make_message(queue, event, payload))
    if size < 0x80:
        return Entry(_framed(b"%b\x1a%c%b" % (begin, size, payload) if size else begin), name)
    return Entry(_framed(b"%b\x1a%c%c%b" % (begin, size & 0x7F | 0x80, size >> 7, payload)), name)


def entry_of(make: Callable[..., message_pb2.Message], arguments: Any, named: Dict[str, Any]) -> Entry:
    """As entry(make(*arguments, **named)), of make_message()."""
    if named or not 2 <= len(arguments) <= 3:
        return entry(make(*arguments, **named))
    return plain_entry(*arguments)


def _first_plain_entry(queue: str, event: str, payload: Payload) -> Entry:
    """Refuses what is none."""
    made = entry(make_message(queue, event, payload))
    if len(_PLAIN) >= _PLAIN_MAX:
        _PLAIN.clear()
    begin = message_pb2.Message(queue=queue, event=event).SerializePartialToString()
    _PLAIN[queue, event] = begin, (queue, False)
    return made


def _framed(body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return b"\x22%c%b" % (size, body)
    if size < 0x4000:
        return b"\x22%c%c%b" % (size & 0x7F | 0x80, size >> 7, body)
    head = bytearray(_ENTRY)
    while size >= 0x80:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head) + body


class Batch(Generic[F]):
    """F is a future of where a message went."""

    def __init__(self) -> None:
        self.number = 0
        self.entries: List[bytes] = []
        # Of each message: its queue, and whether it has a deliver_at.
        self.names: List[Name] = []
        self.futures: List[F] = []
        # What the futures have in common, if anything.
        self.shared: Any = None
        self.bytes = _BATCH_OVERHEAD
        # Was refused once because the session was lost.
        self.again = False

    def request(self, session: str, namespace: str) -> bytes:
        """A PublishStreamRequest."""
        head = pb.PublishStreamRequest(session=session, namespace=namespace, batch=self.number)
        made: bytes = head.SerializeToString()
        return made + b"".join(self.entries)


class Stream:
    """One call of PublishStream."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.call: Any = None
        self.over = False
        # Nothing more goes out; a new session and stream are needed.
        self.session_lost = False
        self.sent = 0
        self.answers = 0


class Settled(Generic[F]):
    """A batch whose fate is known: `results` of its messages, or the error of all."""

    def __init__(
        self, batch: Batch[F], kind: str, results: Sequence[Published] = (), error: Optional[errors.Error] = None
    ) -> None:
        self.batch = batch
        self.results = results
        self.error = error
        count = len(batch.futures)
        self.told = FlushResult(error=error, **{kind: count})


class Batches(Generic[F]):
    """Not thread-safe."""

    def __init__(self, options: Options, batching: Batching) -> None:
        self._options = options
        self._messages_max = batching.batch_messages
        self._bytes_max = batching.batch_bytes
        self._window = batching.window
        self._gathering: Batch[F] = Batch()
        self._again: Deque[Batch[F]] = collections.deque()  # to be sent before what is gathered
        self._in_flight: Deque[Batch[F]] = collections.deque()
        self._batches = 0
        # Somebody waits for all to be answered.
        self.pressing = 0

    def learn(self, limits: limits_pb2.Limits) -> None:
        """Batches are as large as the server allows."""
        self._messages_max = min(self._messages_max, limits.batch_messages or self._messages_max)
        self._bytes_max = min(self._bytes_max, limits.batch_bytes or self._bytes_max)

    def fits(self, size: int) -> bool:
        gathering = self._gathering
        if not gathering.entries:
            return True
        return len(gathering.entries) < self._messages_max and gathering.bytes + size <= self._bytes_max

    @property
    def gathering(self) -> Batch[F]:
        """The one that add() adds to."""
        return self._gathering

    def add(self, made: Entry, future: F) -> None:
        gathering = self._gathering
        gathering.entries.append(made.data)
        gathering.names.append(made.name)
        gathering.futures.append(future)
        gathering.bytes += len(made.data)

    @property
    def is_full(self) -> bool:
        gathering = self._gathering
        return len(gathering.entries) >= self._messages_max or gathering.bytes >= self._bytes_max

    @property
    def has_unsent(self) -> bool:
        return bool(self._again) or bool(self._gathering.entries)

    def unsettled(self) -> List[F]:
        batches = [*self._in_flight, *self._again, self._gathering]
        return [future for batch in batches for future in batch.futures]

    def may_send(self, stream: Stream) -> bool:
        if stream.session_lost or len(self._in_flight) >= self._window:
            return False
        if self._again:
            return True
        return bool(self._gathering.entries) and (not self._in_flight or self.is_full or self.pressing > 0)

    def send(self, stream: Stream) -> bytes:
        """The next request; it counts as sent."""
        if self._again:
            batch = self._again.popleft()
        else:
            batch, self._gathering = self._gathering, Batch()
            self._batches += 1
            batch.number = self._batches
        self._in_flight.append(batch)
        stream.sent += 1
        if stream.sent > 1:
            return batch.request("", "")
        return batch.request(stream.session, self._options.namespace)

    def on_answer(self, stream: Stream, response: pb.PublishStreamResponse) -> Tuple[Optional[Settled[F]], bool]:
        """(what is settled by it, whether the stream is over)."""
        stream.answers += 1
        error = errors.from_status(response.refused) if response.HasField("refused") else None
        batch = self._in_flight.popleft()
        lost = error is not None and errors.is_session_lost(error)
        stream.session_lost = stream.session_lost or lost
        # Those behind it are answered alike; then another stream takes them in the same order.
        over = stream.session_lost and not self._in_flight
        if lost and not batch.again:
            batch.again = True
            self._again.append(batch)
            return None, over
        if error is not None:
            return Settled(batch, "refused", error=error), over
        return Settled(batch, "accepted", where(batch.names, response.accepted)), over

    def on_end(self, error: errors.Error) -> List[Settled[F]]:
        """The stream ended so: what becomes of what it had not answered."""
        batches = list(self._in_flight)
        self._in_flight.clear()
        if errors.is_session_lost(error):
            # The server took none of these.
            requeued = [batch for batch in batches if not batch.again]
            self._again = collections.deque(sorted([*self._again, *requeued], key=lambda batch: batch.number))
            batches = [batch for batch in batches if batch.again]
            for batch in self._again:
                batch.again = True
        # The server names a reason when it ends the stream at the batch that it does not take.
        if error.reason and not errors.is_passing(error):
            kind, said = "refused", "the message was not taken"
        else:
            kind, said = "unknown", "the message may have been taken or not, and is not sent again"
        return [Settled(batch, kind, error=_with_context(error, said)) for batch in batches]

    def refuse_unsent(self, error: errors.Error) -> List[Settled[F]]:
        batches = [*self._again, *([self._gathering] if self._gathering.entries else [])]
        self._again.clear()
        self._gathering = Batch()
        told = _with_context(error, "the message was not sent")
        return [Settled(batch, "refused", error=told) for batch in batches]


class Retries:
    """Whether another stream is worth a try, after those that ended."""

    def __init__(self, options: Options, give_up_after: float, now: float) -> None:
        self._options = options
        self._give_up_after = give_up_after
        self._start(now)

    def _start(self, now: float) -> None:
        self._delays = self._options.backoff.delays()
        self._give_up_at = now + self._give_up_after
        self._lost_in_row = 0

    def after(self, stream: Optional[Stream], error: errors.Error, now: float) -> float:
        """How long to wait before it. Raises the error if there is no point."""
        if stream is not None and stream.answers > 0:
            self._start(now)
        if errors.is_session_lost(error) or stream is not None and stream.session_lost:
            self._lost_in_row += 1
            if self._lost_in_row == 1:
                return 0.0
        left = self._give_up_at - now
        if not errors.is_passing(error) or left <= 0:
            raise error
        return min(max(next(self._delays), error.retry_after or 0.0), left)


def _with_context(error: errors.Error, said: str) -> errors.Error:
    message = f"{said}: {error.message}"
    return type(error)(error.code, message, error.reason, error.metadata, error.retry_after)


def where(names: Sequence[Name], accepted: pb.AcceptedBatch) -> List[Published]:
    """Where each message of a batch went: those of these queues, with or without a deliver_at."""
    storage = accepted.storage
    if len(accepted.ranges) == 1 and not accepted.duplicates:
        only = accepted.ranges[0]
        if only.last - only.first + 1 == len(names):
            queue, epoch = only.queue, only.epoch
            return [Published(queue, epoch, each, False, storage) for each in range(only.first, only.last + 1)]
    return _where_of_many(names, accepted)


def _where_of_many(names: Sequence[Name], accepted: pb.AcceptedBatch) -> List[Published]:
    duplicates = {each.index: each.position for each in accepted.duplicates}
    ranges = {each.queue: each for each in accepted.ranges}
    fresh = collections.defaultdict(list)
    for index, (queue, _) in enumerate(names):
        if index not in duplicates:
            fresh[queue].append(index)
    sequences: Dict[int, int] = {}
    for queue, indexes in fresh.items():
        given = ranges.get(queue)
        if given is None:
            continue
        at_once = [index for index in indexes if not names[index][1]]
        # A deliver_at that was past is none; if only some were, it is not told which.
        for those in (at_once, indexes):
            if len(those) == given.last - given.first + 1:
                sequences.update(zip(those, range(given.first, given.last + 1)))
                break
    found = []
    for index, (queue, _) in enumerate(names):
        position = duplicates.get(index)
        epoch = position.epoch if position else ranges[queue].epoch if queue in ranges else 0
        sequence = position.sequence if position else sequences.get(index, 0)
        found.append(Published(queue, epoch, sequence, position is not None, accepted.storage))
    return found
