"""The connection of a client, and its place in the namespace, which it keeps or takes anew."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from typing import Any, AsyncIterator, Iterable, List, Optional, Protocol, Sequence, Set, Tuple, TypeVar

import grpc
import grpc.aio

from .. import errors, place, tls, token
from .._stubs import message_queue_pb2 as pb
from ..calls import Attempts, Call, Changes, Pages
from ..forks import OfOneProcess
from ..options import Options
from ..place import Place
from .changed import Changed

T = TypeVar("T")
# Between renewals of a lease, at the least, in seconds.
_RENEW_MIN = 0.1


class Stoppable(Protocol):
    """A subscription or publisher."""

    def stop(self) -> None:
        ...


class GroupMember(Protocol):
    """A subscription's part in a group."""

    queue: str
    group: str

    async def settle(self, acknowledgements: Sequence[pb.Acknowledgement]) -> None:
        ...


def _channel(options: Options) -> Any:
    arguments = place.channel_arguments(options)
    credentials = tls.credentials(options)
    interceptors = token.aio_interceptors(options.token)
    if credentials is None:
        return grpc.aio.insecure_channel(options.target, arguments, interceptors=interceptors)
    return grpc.aio.secure_channel(options.target, credentials, arguments, interceptors=interceptors)


class Session(OfOneProcess):
    """Of one event loop. A task of its own connects, so that several callers that lost the session connect once; another
    keeps the lease while no stream does."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.options = options
        self._loop = asyncio.get_running_loop()
        self._channel = _channel(options)
        stubs = place.Stubs(self._channel)
        self.stub, self.registry, self.admin = stubs.message_queue, stubs.registry, stubs.admin
        self.publish_stream = stubs.publish_stream
        self._place = Place(options)
        # How many sessions there were; 0 before the first.
        self._generation = 0
        self._wanted = False
        self._failed = False
        self._connecting: Optional[asyncio.Task[None]] = None
        self._keeping: Optional[asyncio.Task[None]] = None
        self.changed = Changed()
        self._stopped = False
        self._live_streams = 0
        self._attached: Set[Stoppable] = set()
        self._members: Set[GroupMember] = set()

    @property
    def connected(self) -> pb.ConnectResponse:
        """The last answer to Connect; empty before."""
        self.check_process()
        return self._place.connected

    @property
    def rooms(self) -> List[str]:
        self.check_process()
        return sorted(self._place.rooms)

    @property
    def stopped(self) -> bool:
        return self._stopped

    async def ensure(self, deadline: float = math.inf) -> Tuple[str, int]:
        """(session, generation), connecting if nobody has; tries for options.wait_for_server."""
        until = min(deadline, time.monotonic() + self.options.wait_for_server)
        for delay in self.options.backoff.delays():
            try:
                return await self.renew(0, deadline)
            except errors.Unavailable:
                left = until - time.monotonic()
                if left <= 0 or not await self.sleep(min(delay, left)):
                    raise
        raise AssertionError("delays have no end")

    async def renew(self, seen: int, deadline: float = math.inf) -> Tuple[str, int]:
        """(session, generation) of a later generation than `seen`: connects unless another caller has meanwhile."""
        self.check_process()
        if self._generation <= seen and not self._stopped:
            self._wanted = True
            left = None if deadline == math.inf else max(deadline - time.monotonic(), 0.0)
            attempt = self._attempt()
            # Who waits no longer does not end it: others may wait, too.
            await asyncio.wait({attempt}, timeout=left)
            if self._stopped:
                raise errors.closed()
            if not attempt.done():
                raise errors.make(grpc.StatusCode.DEADLINE_EXCEEDED, f"no answer from {self.options.target}")
            attempt.result()
        if self._stopped:
            raise errors.closed()
        return self._place.connected.session, self._generation

    async def invoke(self, rpc: Any, request: Any, timeout: float, wait_for_ready: bool = False) -> Any:
        """One attempt."""
        self.check_process()
        try:
            return await rpc(request, timeout=timeout, wait_for_ready=wait_for_ready)
        except grpc.RpcError as error:
            if self._stopped:
                raise errors.closed() from None
            raise self._place.explain(errors.from_grpc(error)) from None
        except asyncio.CancelledError:
            if self._stopped:
                raise errors.closed() from None  # Closing the channel cancels what is under way.
            raise
        except grpc.aio.UsageError:
            raise errors.closed() from None  # What grpc says of a closed channel.

    async def perform(self, call: Call[T]) -> T:
        """Attempts it anew where that makes sense."""
        attempts = Attempts(self.options, call)
        while True:
            session, generation = await self.ensure(attempts.deadline) if call.with_session else ("", 0)
            try:
                return call.answer(await self.invoke(call.rpc, call.make_request(session), attempts.left(), True))
            except errors.Error as error:
                delay = attempts.after(error)
                if delay is not None and not await self.sleep(delay):
                    raise
            if delay is None:
                await self.renew(generation, attempts.deadline)

    async def list(self, pages: Pages[T]) -> AsyncIterator[T]:
        while True:
            page = await self.perform(pages.call())
            for each in getattr(page, pages.field):
                yield each
            if not page.next_page_token:
                return
            pages.request.page_token = page.next_page_token

    async def stream(self, changes: Changes[T]) -> AsyncIterator[T]:
        self.check_process()
        call = changes.rpc(changes.request)
        try:
            async for each in call:
                yield each
        except grpc.RpcError as error:
            raise errors.from_grpc(error) from None
        finally:
            call.cancel()

    async def acknowledge(
        self, queue: str, group: str, acknowledgements: Sequence[pb.Acknowledgement]
    ) -> pb.AcknowledgeResponse:
        """What the program says; the members of the group hear of it first."""
        self.check_process()
        for member in [each for each in self._members if (each.queue, each.group) == (queue, group)]:
            await member.settle(acknowledgements)
        return await self.say(queue, group, acknowledgements, self.options.timeout)

    async def say(
        self, queue: str, group: str, acknowledgements: Sequence[pb.Acknowledgement], timeout: float
    ) -> pb.AcknowledgeResponse:
        """To say it twice does no harm."""

        def request(session: str) -> pb.AcknowledgeRequest:
            return pb.AcknowledgeRequest(session=session, queue=queue, group=group, acknowledgements=acknowledgements)

        call: Call[pb.AcknowledgeResponse] = Call(self.stub.Acknowledge, request, timeout, repeatable=True)
        return await self.perform(call)

    async def sleep(self, seconds: float) -> bool:
        """False if the session was stopped meanwhile."""
        await self.changed.wait_for(lambda: self._stopped, seconds)
        return not self._stopped

    def add_rooms(self, rooms: Iterable[str]) -> None:
        self._place.rooms.update(rooms)

    def remove_rooms(self, rooms: Iterable[str]) -> None:
        self.check_process()
        self._place.rooms.difference_update(rooms)

    def add_live_streams(self, count: int) -> None:
        self._live_streams += count

    def attach(self, subscription: Stoppable) -> None:
        """Its stop() is called when the session stops; until detach()."""
        self.check_process()
        if self._stopped:
            subscription.stop()
        else:
            self._attached.add(subscription)

    def detach(self, subscription: Stoppable) -> None:
        self._attached.discard(subscription)

    def add_member(self, member: GroupMember) -> None:
        self._members.add(member)

    def remove_member(self, member: GroupMember) -> None:
        self._members.discard(member)

    async def stop(self, leave: bool) -> None:
        """Ends everything; leaves the namespace if asked. The second call does nothing, nor does one in a
        forked child: the client is the parent's."""
        if self.is_inherited or self._stopped:
            return
        self._stopped = True
        self.changed.notify_all()
        for each in list(self._attached):
            each.stop()
        try:
            if leave and self._generation > 0:
                request = pb.DisconnectRequest(session=self._place.connected.session)
                with contextlib.suppress(grpc.RpcError):
                    await self.stub.Disconnect(request, timeout=place.DISCONNECT_TIMEOUT)
        finally:
            for task in (self._keeping, self._connecting):
                if task is not None:
                    task.cancel()
            await self._channel.close()

    def _attempt(self) -> asyncio.Task[None]:
        """The one that is under way, or a new one."""
        if self._connecting is None or self._connecting.done():
            self._connecting = self._loop.create_task(self._connect())
            self._connecting.add_done_callback(_take_exception)
        return self._connecting

    async def _connect(self) -> None:
        timeout = self.options.connect_timeout
        self._failed = True
        try:
            response = await self.invoke(self.stub.Connect, self._place.request(), timeout, self._place.wait_for_ready)
        except errors.Error as error:
            told = self._place.on_failed(error)
            raise told from (None if told is error else error)
        join = self._place.on_connected(response)
        if join is not None:
            await self.invoke(self.stub.Join, join, timeout)
            self._place.on_joined()
        self._failed = False
        if self._wanted or self._place.fresh:
            self._generation += 1
        self._wanted = self._place.fresh = False
        if self._keeping is None:
            self._keeping = self._loop.create_task(self._keep())

    async def _keep(self) -> None:
        """The lease, while no stream does."""
        while not self._stopped:
            after = max(self._place.renew_after, _RENEW_MIN)
            await self.sleep(min(after, self.options.backoff.max) if self._failed else after)
            if self._live_streams == 0 and not self._stopped:
                await asyncio.wait({self._attempt()})


def _take_exception(task: asyncio.Task[None]) -> None:
    """Those who wait for it are told; if nobody does, it is no news."""
    if not task.cancelled():
        task.exception()
