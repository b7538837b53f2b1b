"""Publishes fast, in batches that make themselves; as Client.publisher() returns it."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from typing import TYPE_CHECKING, Callable, Iterator, List, Optional

import grpc

from . import arguments, errors
from ._stubs import message_pb2, message_queue_pb2 as pb
from .batches import Batches, Entry, FlushResult, Published, Retries, Settled, Stream, entry, entry_of
from .client_calls import Batching
from .futures import BatchFuture, settle
from .messages import make_message
from .session import Session

if TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    P = ParamSpec("P")
MESSAGE = arguments.instance(message_pb2.Message, what="what nmq.make_message() returns")


def _publishing(
    make: Callable[P, message_pb2.Message]
) -> Callable[Concatenate[Publisher, P], concurrent.futures.Future[Published]]:
    def publish(self: Publisher, /, *arguments: P.args, **named: P.kwargs) -> concurrent.futures.Future[Published]:
        """As add(), of a message as nmq.make_message() makes it; the fastest way for one that is a queue, an event and a
        payload."""
        return self._add(entry_of(make, arguments, named))

    return publish


class Publisher:
    """Sends a lone message at once, and gathers what comes while answers are awaited. A broken stream is opened again,
    with backoff, for give_up_after seconds: what had been sent without an answer is unknown, what had not been sent is
    sent then.

    Thread-safe. Messages of one thread keep their order. A context manager: leaving it closes, and raises the first
    error that no flush() told.
    """

    def __init__(self, session: Session, batching: Batching) -> None:
        self._session = session
        self._batching = batching
        self._changed = threading.Condition()
        self._batches: Batches[BatchFuture] = Batches(session.options, batching)
        self._settling = 0
        self._generation = 0
        self._stream: Optional[Stream] = None
        self._stopped = False
        self._since_flush = FlushResult()
        self._thread = threading.Thread(target=self._run, name="nmq publisher", daemon=True)

    def start(self) -> Publisher:
        """Raises the error if the client cannot connect: batches are as large as the server allows."""
        if self._session.options.publish_with_session:
            self._session.ensure()
            self._learn_limits()
        self._session.attach(self)
        self._thread.start()
        return self

    def add(self, message: message_pb2.Message) -> concurrent.futures.Future[Published]:
        """Takes a message, of nmq.make_message(); a concurrent.futures.Future of its Published. Its exception is the
        server's refusal, or an Error that says that the message was not sent, or may have been taken or not. Blocks
        while a full batch waits and `window` batches are unanswered. Callbacks of the future run on the publisher's
        thread, and must not block."""
        if not isinstance(message, message_pb2.Message):
            MESSAGE("message", message)
        return self._add(entry(message))

    publish = _publishing(make_message)

    def _add(self, made: Entry) -> concurrent.futures.Future[Published]:
        self._session.check_process()
        batches = self._batches
        with self._changed:
            if self._stopped or not batches.fits(len(made.data)):
                self._wait_for_room(len(made.data))
            batch = batches.gathering
            if batch.shared is None:
                batch.shared = threading.Condition()
            future = BatchFuture(batch.shared)
            batches.add(made, future)
            if len(batch.entries) == 1 or batches.is_full:
                self._changed.notify_all()
        return future

    def _wait_for_room(self, size: int) -> None:
        """With the lock. The batch that waits goes out as it is."""
        self._batches.pressing += 1
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._stopped or self._batches.fits(size))
        self._batches.pressing -= 1
        if self._stopped:
            raise errors.closed()

    @arguments.checked(timeout=arguments.number(0))
    def flush(self, timeout: Optional[float] = None) -> FlushResult:
        """Waits until everything added so far is answered or given up: a FlushResult. TimeoutError if that takes
        longer; RuntimeError in a callback of a future, which holds up the answers."""
        self._session.check_process()
        if self._thread is threading.current_thread():
            raise RuntimeError("flush() and close() would wait for this callback of a future: call them elsewhere")
        with self._changed:
            waiting = self._batches.unsettled()
            self._batches.pressing += 1
            self._changed.notify_all()
            try:
                done = self._changed.wait_for(lambda: all(future.done() for future in waiting), timeout)
            finally:
                self._batches.pressing -= 1
            if not done:
                raise TimeoutError(f"{sum(not future.done() for future in waiting)} messages are not answered yet")
            self._changed.wait_for(lambda: self._settling == 0)
            result, self._since_flush = self._since_flush, FlushResult()
            return result

    @arguments.checked(timeout=arguments.number(0))
    def close(self, timeout: float = 10.0) -> FlushResult:
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
        told.add(self._since_flush)
        return told

    def stop(self) -> None:
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

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, kind: Optional[type], *_: object) -> None:
        result = self.close()
        if kind is None and result.error is not None:
            raise result.error

    # What the publisher's thread does, but for _requests().

    def _run(self) -> None:
        while self._wait_for_work():
            try:
                self._send_all()
            except errors.Error as error:
                self._refuse_unsent(error)
        self._refuse_unsent(errors.closed())
        self._session.detach(self)

    def _wait_for_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._batches.has_unsent)
            return not self._stopped

    def _send_all(self) -> None:
        """Keeps a stream while there is something to send; raises the error if that is impossible."""
        retries = Retries(self._session.options, self._batching.give_up_after, time.monotonic())
        while not self._stopped:
            stream = None
            try:
                stream = Stream(self._connect())
                error = self._run_stream(stream)
            except errors.Error as failed:
                error = failed
            with self._changed:
                if not self._batches.has_unsent:
                    return
            delay = retries.after(stream, error, time.monotonic())
            if delay > 0:
                self._session.sleep(delay, lambda: self._stopped)

    def _connect(self) -> str:
        """The session for a stream. After the first stream the server must answer anew: what is sent to nobody would
        count as unknown."""
        if not self._session.options.publish_with_session:
            return ""
        session, self._generation = self._session.renew(self._generation)
        self._learn_limits()
        return session

    def _learn_limits(self) -> None:
        limits = self._session.connected.limits
        with self._changed:
            self._batches.learn(limits)

    def _run_stream(self, stream: Stream) -> errors.Error:
        """The error that ended it."""
        try:
            stream.call = self._session.publish_stream(self._requests(stream), wait_for_ready=False)
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
            settled = self._batches.on_end(error)
            self._settling += len(settled)
            self._changed.notify_all()
        self._settle(settled)
        return error

    def _requests(self, stream: Stream) -> Iterator[bytes]:
        """On a thread of gRPC."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: stream.over or self._stopped or self._batches.may_send(stream))
                if stream.over or self._stopped:
                    return
                request = self._batches.send(stream)
                self._changed.notify_all()
            yield request

    def _on_answer(self, stream: Stream, response: pb.PublishStreamResponse) -> None:
        with self._changed:
            settled, over = self._batches.on_answer(stream, response)
            if settled is not None:
                self._settling += 1
            self._changed.notify_all()
        if over:
            stream.call.cancel()
        if settled is not None:
            self._settle([settled])

    def _refuse_unsent(self, error: errors.Error) -> None:
        with self._changed:
            settled = self._batches.refuse_unsent(error)
            self._settling += len(settled)
        self._settle(settled)

    def _settle(self, settled: List[Settled[BatchFuture]]) -> None:
        """Without the lock: the futures call back."""
        for each in settled:
            settle(each.batch.futures, each.results, each.error)
            with self._changed:
                self._since_flush.add(each.told)
                self._settling -= 1
                self._changed.notify_all()
