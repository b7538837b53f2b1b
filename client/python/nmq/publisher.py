"""Publishes fast, in batches that make themselves; as Client.publisher() returns it."""

import collections
import concurrent.futures
import dataclasses
import threading
import time

import grpc

from . import arguments, errors
from ._stubs import message_pb2, message_queue_pb2 as pb

# The rest of a request, and what each message takes besides itself, in bytes.
_BATCH_OVERHEAD = 1024
_MESSAGE_OVERHEAD = 8


@dataclasses.dataclass(frozen=True)
class Published:
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
    error: Exception = None


class _Batch:
    def __init__(self):
        self.number = 0
        self.messages = []
        self.futures = []
        self.bytes = _BATCH_OVERHEAD
        # Was refused once because the session was lost.
        self.again = False


class _Stream:
    """One call of PublishStream."""

    def __init__(self, session):
        self.session = session
        self.call = None
        self.over = False
        # Nothing more goes out; a new session and stream are needed.
        self.session_lost = False
        self.answers = 0


class Publisher:
    """Sends a lone message at once, and gathers what comes while answers are awaited. A broken stream is opened again,
    with backoff, for give_up_after seconds: what had been sent without an answer is unknown, what had not been sent is
    sent then.

    Thread-safe. Messages of one thread keep their order. A context manager: leaving it closes, and raises the first
    error that no flush() told.
    """

    def __init__(self, session, batch_messages, batch_bytes, window, give_up_after):
        self._session = session
        self._batch_messages = batch_messages
        self._batch_bytes = batch_bytes
        self._window = window
        self._give_up_after = give_up_after
        self._changed = threading.Condition()
        self._gathering = _Batch()
        self._again = collections.deque()  # to be sent before what is gathered
        self._in_flight = collections.deque()
        self._settling = 0
        self._batches = 0
        self._generation = 0
        self._pressing = 0
        self._stream = None
        self._stopped = False
        self._since_flush = FlushResult()
        self._thread = threading.Thread(target=self._run, name="nmq publisher", daemon=True)

    def start(self):
        """Raises the error if the client cannot connect: batches are as large as the server allows."""
        if self._session.options.publish_with_session:
            self._session.ensure()
            self._learn_limits()
        self._session.attach(self)
        self._thread.start()
        return self

    @arguments.checked(message=arguments.instance(message_pb2.Message, what="what nmq.make_message() returns"))
    def add(self, message):
        """Takes a message, of nmq.make_message(); a concurrent.futures.Future of its Published. Its exception is the
        server's refusal, or an Error that says that the message was not sent, or may have been taken or not. Blocks
        while a full batch waits and `window` batches are unanswered. Callbacks of the future run on the publisher's
        thread, and must not block."""
        self._session.check_process()
        size = message.ByteSize() + _MESSAGE_OVERHEAD
        future = concurrent.futures.Future()
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._fits(size))
            if self._stopped:
                raise errors.closed()
            self._gathering.messages.append(message)
            self._gathering.futures.append(future)
            self._gathering.bytes += size
            self._changed.notify_all()
        # From here on it is under way: cancel() changes nothing.
        future.set_running_or_notify_cancel()
        return future

    @arguments.checked(timeout=arguments.number(0))
    def flush(self, timeout=None):
        """Waits until everything added so far is answered or given up: a FlushResult. TimeoutError if that takes
        longer; RuntimeError in a callback of a future, which holds up the answers."""
        self._session.check_process()
        if self._thread is threading.current_thread():
            raise RuntimeError("flush() and close() would wait for this callback of a future: call them elsewhere")
        with self._changed:
            waiting = self._unsettled()
            self._pressing += 1
            self._changed.notify_all()
            try:
                done = self._changed.wait_for(lambda: all(future.done() for future in waiting), timeout)
            finally:
                self._pressing -= 1
            if not done:
                raise TimeoutError(f"{sum(not future.done() for future in waiting)} messages are not answered yet")
            self._changed.wait_for(lambda: self._settling == 0)
            result, self._since_flush = self._since_flush, FlushResult()
            return result

    @arguments.checked(timeout=arguments.number(0))
    def close(self, timeout=10.0):
        """Flushes for so many seconds, and ends: a FlushResult. What is unanswered then is unknown or refused."""
        if self._session.is_inherited:
            return FlushResult()
        try:
            told = self.flush(timeout)
        except TimeoutError:
            told = FlushResult()
        self.stop()
        if self._thread is not threading.current_thread():
            self._thread.join()
        rest = self._since_flush
        return FlushResult(
            told.accepted + rest.accepted,
            told.refused + rest.refused,
            told.unknown + rest.unknown,
            told.error or rest.error,
        )

    def stop(self):
        """Ends it at once, without waiting."""
        if self._session.is_inherited:
            return
        with self._changed:
            self._stopped = True
            call = self._stream.call if self._stream is not None else None
            self._changed.notify_all()
        if call is not None:
            call.cancel()
        self._session.wake()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        result = self.close()
        if kind is None and result.error is not None:
            raise result.error

    # With the lock held.

    def _unsettled(self):
        batches = [*self._in_flight, *self._again, self._gathering]
        return [future for batch in batches for future in batch.futures]

    def _is_full(self):
        return len(self._gathering.messages) >= self._batch_messages or self._gathering.bytes >= self._batch_bytes

    def _fits(self, size):
        if not self._gathering.messages:
            return True
        return not self._is_full() and self._gathering.bytes + size <= self._batch_bytes

    def _has_unsent(self):
        return bool(self._again) or bool(self._gathering.messages)

    def _may_send(self, stream):
        if stream.session_lost or len(self._in_flight) >= self._window:
            return False
        if self._again:
            return True
        # A batch that cannot take the next message is full to the caller that waits with it.
        full = self._is_full() or self._pressing > 0
        return bool(self._gathering.messages) and (not self._in_flight or full)

    def _take(self):
        if self._again:
            return self._again.popleft()
        batch, self._gathering = self._gathering, _Batch()
        self._batches += 1
        batch.number = self._batches
        self._changed.notify_all()
        return batch

    # What the publisher's thread does, but for _requests().

    def _run(self):
        while self._wait_for_work():
            try:
                self._send_all()
            except errors.Error as error:
                self._refuse_unsent(error)
        self._refuse_unsent(errors.closed())
        self._session.detach(self)

    def _wait_for_work(self):
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._has_unsent())
            return not self._stopped

    def _send_all(self):
        """Keeps a stream while there is something to send; raises the error if that is impossible."""
        delays = self._session.options.backoff.delays()
        give_up_at = time.monotonic() + self._give_up_after
        lost_in_row = 0
        while not self._stopped:
            stream = None
            try:
                stream = _Stream(self._connect())
                error = self._run_stream(stream)
            except errors.Error as failed:
                error = failed
            if stream is not None and stream.answers > 0:
                give_up_at = time.monotonic() + self._give_up_after
                delays = self._session.options.backoff.delays()
                lost_in_row = 0
            with self._changed:
                if not self._has_unsent():
                    return
            if errors.is_session_lost(error) or stream is not None and stream.session_lost:
                lost_in_row += 1
                if lost_in_row == 1:
                    continue
            left = give_up_at - time.monotonic()
            if not errors.is_passing(error) or left <= 0:
                raise error
            self._session.sleep(min(max(next(delays), error.retry_after or 0), left), lambda: self._stopped)

    def _connect(self):
        """The session for a stream. After the first stream the server must answer anew: what is sent to nobody would
        count as unknown."""
        if not self._session.options.publish_with_session:
            return ""
        session, self._generation = self._session.renew(self._generation)
        self._learn_limits()
        return session

    def _learn_limits(self):
        limits = self._session.connected.limits
        with self._changed:
            self._batch_messages = min(self._batch_messages, limits.batch_messages or self._batch_messages)
            self._batch_bytes = min(self._batch_bytes, limits.batch_bytes or self._batch_bytes)

    def _run_stream(self, stream):
        """The error that ended it."""
        try:
            stream.call = self._session.stub.PublishStream(self._requests(stream), wait_for_ready=False)
            with self._changed:
                self._stream = stream
                stopped = self._stopped
            if stopped:
                stream.call.cancel()
            for response in stream.call:
                self._on_answer(stream, response)
            error = errors.make(grpc.StatusCode.UNAVAILABLE, "the server ended the stream")
        except grpc.RpcError as failed:
            error = errors.from_grpc(failed)
        except ValueError:
            error = errors.closed()  # What grpc says of a closed channel.
        with self._changed:
            stream.over = True
            self._stream = None
            self._changed.notify_all()
        self._settle_in_flight(error)
        return error

    def _requests(self, stream):
        """On a thread of gRPC."""
        first = True
        while True:
            with self._changed:
                self._changed.wait_for(lambda: stream.over or self._stopped or self._may_send(stream))
                if stream.over or self._stopped:
                    return
                batch = self._take()
                self._in_flight.append(batch)
            request = pb.PublishStreamRequest(batch=batch.number, messages=batch.messages)
            if first:
                request.session, request.namespace = stream.session, self._session.options.namespace
            first = False
            yield request

    def _on_answer(self, stream, response):
        stream.answers += 1
        error = errors.from_status(response.refused) if response.HasField("refused") else None
        with self._changed:
            batch = self._in_flight.popleft()
            lost = error is not None and errors.is_session_lost(error)
            if lost:
                stream.session_lost = True
            requeued = lost and not batch.again
            if requeued:
                batch.again = True
                self._again.append(batch)
            else:
                self._settling += 1
            # Those behind it are answered alike; then another stream takes them in the same order.
            over = stream.session_lost and not self._in_flight
            self._changed.notify_all()
        if over:
            stream.call.cancel()
        if requeued:
            return
        if error is not None:
            self._settle(batch, error=error, kind="refused")
        else:
            self._settle(batch, results=_where(batch.messages, response.accepted))

    def _settle_in_flight(self, error):
        with self._changed:
            batches = list(self._in_flight)
            self._in_flight.clear()
            if errors.is_session_lost(error):
                # The server took none of these.
                requeued = [batch for batch in batches if not batch.again]
                self._again = collections.deque(sorted([*self._again, *requeued], key=lambda batch: batch.number))
                batches = [batch for batch in batches if batch.again]
                for batch in self._again:
                    batch.again = True
            self._settling += len(batches)
        # The server names a reason when it ends the stream at the batch that it does not take.
        if error.reason and not errors.is_passing(error):
            kind, said = "refused", "the message was not taken"
        else:
            kind, said = "unknown", "the message may have been taken or not, and is not sent again"
        for batch in batches:
            self._settle(batch, error=_with_context(error, said), kind=kind)

    def _refuse_unsent(self, error):
        with self._changed:
            batches = [*self._again, *([self._gathering] if self._gathering.messages else [])]
            self._again.clear()
            self._gathering = _Batch()
            self._settling += len(batches)
        for batch in batches:
            self._settle(batch, error=_with_context(error, "the message was not sent"), kind="refused")

    def _settle(self, batch, results=(), error=None, kind="accepted"):
        """Without the lock: the futures call back."""
        if error is None:
            for future, result in zip(batch.futures, results):
                future.set_result(result)
        else:
            for future in batch.futures:
                future.set_exception(error)
        with self._changed:
            told = self._since_flush
            setattr(told, kind, getattr(told, kind) + len(batch.messages))
            told.error = told.error or error
            self._settling -= 1
            self._changed.notify_all()


def _with_context(error, said):
    message = f"{said}: {error.message}"
    return type(error)(error.code, message, error.reason, error.metadata, error.retry_after)


def _where(messages, accepted):
    """The Published of each message of a batch."""
    duplicates = {each.index: each.position for each in accepted.duplicates}
    ranges = {each.queue: each for each in accepted.ranges}
    fresh = collections.defaultdict(list)
    for index, message in enumerate(messages):
        if index not in duplicates:
            fresh[message.queue].append(index)
    sequences = {}
    for queue, indexes in fresh.items():
        given = ranges.get(queue)
        if given is None:
            continue
        at_once = [index for index in indexes if not messages[index].HasField("deliver_at")]
        # A deliver_at that was past is none; if only some were, it is not told which.
        for those in (at_once, indexes):
            if len(those) == given.last - given.first + 1:
                sequences.update(zip(those, range(given.first, given.last + 1)))
                break
    found = []
    for index, message in enumerate(messages):
        position = duplicates.get(index)
        epoch = position.epoch if position else ranges[message.queue].epoch if message.queue in ranges else 0
        sequence = position.sequence if position else sequences.get(index, 0)
        found.append(Published(message.queue, epoch, sequence, position is not None, accepted.storage))
    return found
