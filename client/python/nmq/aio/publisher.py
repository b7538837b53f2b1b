"""Publishes fast, in batches that make themselves; as aio.Client.publisher() returns it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Callable, Coroutine, List, Optional

import grpc
import grpc.aio

from .. import arguments, errors
from .._stubs import message_pb2
from ..batches import Batches, Entry, FlushResult, Published, Retries, Settled, Stream, entry, entry_of
from ..client_calls import Batching
from ..messages import make_message
from ..publisher import MESSAGE
from .changed import Changed
from .opened import Opened
from .session import Session


if TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    P = ParamSpec("P")


def _publishing(
    make: Callable[P, message_pb2.Message]
) -> Callable[Concatenate[Publisher, P], Coroutine[Any, Any, asyncio.Future[Published]]]:
    async def publish(self: Publisher, /, *arguments: P.args, **named: P.kwargs) -> asyncio.Future[Published]:
        """As add(), of a message as nmq.make_message() makes it; the fastest way for one that is a queue, an event and a
        payload."""
        self._session.check_process()
        return await self._add(entry_of(make, arguments, named))

    return publish


class Publisher(Opened):
    """As nmq.Publisher, for `async with`: add() waits while a full batch does, and returns a future to be awaited.

    Messages of one task keep their order.
    """

    def __init__(self, session: Session, batching: Batching) -> None:
        self._session = session
        self._batching = batching
        self._changed = Changed()
        self._loop = asyncio.get_running_loop()
        self._batches: Batches[asyncio.Future[Published]] = Batches(session.options, batching)
        self._generation = 0
        self._call: Any = None
        self._stopped = False
        self._since_flush = FlushResult()
        self._task: Optional[asyncio.Task[None]] = None

    async def start(self) -> None:
        """Raises the error if the client cannot connect: batches are as large as the server allows."""
        if self._task is not None:
            return
        if self._session.options.publish_with_session:
            await self._session.ensure()
            self._batches.learn(self._session.connected.limits)
        self._session.attach(self)
        self._task = self._loop.create_task(self._run())

    async def add(self, message: message_pb2.Message) -> asyncio.Future[Published]:
        """Takes a message, of nmq.make_message(); an asyncio.Future of its Published. Its exception is the server's
        refusal, or an Error that says that the message was not sent, or may have been taken or not; flush() tells of it,
        too. Waits while a full batch does and `window` batches are unanswered."""
        if not isinstance(message, message_pb2.Message):
            MESSAGE("message", message)
        self._session.check_process()
        return await self._add(entry(message))

    publish = _publishing(make_message)

    async def _add(self, made: Entry) -> asyncio.Future[Published]:
        batches = self._batches
        if self._stopped or not batches.fits(len(made.data)):
            await self._wait_for_room(len(made.data))
        future: asyncio.Future[Published] = self._loop.create_future()
        batches.add(made, future)
        if len(batches.gathering.entries) == 1 or batches.is_full:
            self._changed.notify_all()
        return future

    async def _wait_for_room(self, size: int) -> None:
        """The batch that waits goes out as it is."""
        self._batches.pressing += 1
        self._changed.notify_all()
        try:
            await self._changed.wait_for(lambda: self._stopped or self._batches.fits(size))
        finally:
            self._batches.pressing -= 1
        if self._stopped:
            raise errors.closed()

    @arguments.checked(timeout=arguments.number(0))
    async def flush(self, timeout: Optional[float] = None) -> FlushResult:
        """Waits until everything added so far is answered or given up: a FlushResult. TimeoutError if that takes
        longer."""
        self._session.check_process()
        waiting = self._batches.unsettled()
        self._batches.pressing += 1
        self._changed.notify_all()
        try:
            done = await self._changed.wait_for(lambda: all(future.done() for future in waiting), timeout)
        finally:
            self._batches.pressing -= 1
        if not done:
            raise TimeoutError(f"{sum(not future.done() for future in waiting)} messages are not answered yet")
        result, self._since_flush = self._since_flush, FlushResult()
        return result

    @arguments.checked(timeout=arguments.number(0))
    async def close(self, timeout: float = 10.0) -> FlushResult:
        """Flushes for so many seconds, and ends: a FlushResult. What is unanswered then is unknown or refused."""
        if self._session.is_inherited or self._task is None:
            return FlushResult()
        try:
            told = await self.flush(timeout)
        except TimeoutError:
            told = FlushResult()
        finally:
            self.stop()
        await asyncio.wait({self._task})
        told.add(self._since_flush)
        self._since_flush = FlushResult()
        return told

    def stop(self) -> None:
        """Ends it at once, without waiting."""
        if self._session.is_inherited:
            return
        self._stopped = True
        self._changed.notify_all()
        if self._call is not None:
            self._call.cancel()

    async def __aexit__(self, kind: Optional[type], *_: object) -> None:
        result = await self.close()
        if kind is None and result.error is not None:
            raise result.error

    async def _run(self) -> None:
        try:
            while not self._stopped:
                await self._changed.wait_for(lambda: self._stopped or self._batches.has_unsent)
                try:
                    await self._send_all()
                except errors.Error as error:
                    self._settle(self._batches.refuse_unsent(error))
        finally:
            self._stopped = True
            self._settle(self._batches.refuse_unsent(errors.closed()))
            self._session.detach(self)

    async def _send_all(self) -> None:
        """Keeps a stream while there is something to send; raises the error if that is impossible."""
        retries = Retries(self._session.options, self._batching.give_up_after, time.monotonic())
        while not self._stopped:
            stream = None
            try:
                stream = Stream(await self._connect())
                error = await self._run_stream(stream)
            except errors.Error as failed:
                error = failed
            if not self._batches.has_unsent:
                return
            delay = retries.after(stream, error, time.monotonic())
            if delay > 0:
                await self._changed.wait_for(lambda: self._stopped, delay)

    async def _connect(self) -> str:
        """The session for a stream. After the first stream the server must answer anew: what is sent to nobody would
        count as unknown."""
        if not self._session.options.publish_with_session:
            return ""
        session, self._generation = await self._session.renew(self._generation)
        self._batches.learn(self._session.connected.limits)
        return session

    async def _run_stream(self, stream: Stream) -> errors.Error:
        """The error that ended it."""
        writer = None
        error = errors.closed()
        try:
            stream.call = self._call = self._session.publish_stream(wait_for_ready=False)
            writer = self._loop.create_task(self._write(stream))
            error = await self._read(stream)
        except grpc.RpcError as failed:
            error = errors.from_grpc(failed)
        except asyncio.CancelledError:
            if not self._stopped and not stream.session_lost:
                raise
        except grpc.aio.UsageError:
            pass  # What grpc says of a closed channel.
        finally:
            stream.over = True
            self._changed.notify_all()
            if self._call is not None:
                self._call.cancel()
                self._call = None
            if writer is not None:
                await asyncio.wait({writer})
            self._settle(self._batches.on_end(error))
        return error

    async def _write(self, stream: Stream) -> None:
        while True:
            await self._changed.wait_for(lambda: stream.over or self._stopped or self._batches.may_send(stream))
            if stream.over or self._stopped:
                return
            request = self._batches.send(stream)
            self._changed.notify_all()
            try:
                await stream.call.write(request)
            except (grpc.RpcError, asyncio.InvalidStateError, asyncio.CancelledError):
                return  # Who reads is told why.

    async def _read(self, stream: Stream) -> errors.Error:
        while True:
            response = await stream.call.read()
            if response is grpc.aio.EOF:
                return errors.make(grpc.StatusCode.UNAVAILABLE, "the server ended the stream")
            settled, over = self._batches.on_answer(stream, response)
            self._changed.notify_all()
            if over:
                stream.call.cancel()
            if settled is not None:
                self._settle([settled])

    def _settle(self, settled: List[Settled[asyncio.Future[Published]]]) -> None:
        for each in settled:
            if each.error is None:
                for future, result in zip(each.batch.futures, each.results):
                    if not future.done():
                        future.set_result(result)
            else:
                for future in each.batch.futures:
                    if not future.done():
                        future.set_exception(each.error)
                        future.exception()  # flush() and close() tell of it, so asyncio need not log it.
            self._since_flush.add(each.told)
        self._changed.notify_all()
