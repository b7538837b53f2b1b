"""A live subscription, as aio.Client.subscribe() returns it."""

from __future__ import annotations

import asyncio
import inspect
import math
import time
from typing import Any, Callable, List, Optional, Sequence

import grpc
import grpc.aio

from .. import arguments, errors, groups
from .._stubs import message_pb2, message_queue_pb2 as pb
from ..client_calls import Wish
from ..feed import FRAMES_MAX, Attempt, Item
from ..subscription_base import SubscriptionBase
from .changed import Changed
from .member import Member
from .opened import Opened
from .session import Session


class _Watch:
    """Cancels a call when `deadline` is over. Only a deadline that comes nearer needs look()."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._timer: Optional[asyncio.TimerHandle] = None
        self.deadline = math.inf
        self.expired = False

    def look(self) -> None:
        self.stop()
        left = self.deadline - time.monotonic()
        if left <= 0:
            self.expired = True
            self._call.cancel()
        else:
            # Without a deadline it looks again after a while, for one may be set.
            self._timer = asyncio.get_running_loop().call_later(1.0 if left == math.inf else left, self.look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class Subscription(Opened, SubscriptionBase[Session, Member]):
    """As nmq.Subscription, for `async with` and `async for`. A task reads ahead, a few frames. on_gap and on_state are
    called by the task that iterates; what they return is awaited if it can be.

    A task that is cancelled while it waits for a message loses none: the next one that iterates is given it.
    """

    def __init__(self, session: Session, wish: Wish) -> None:
        super().__init__(session, wish, Member)
        self._changed = Changed()
        self._task: Optional[asyncio.Task[None]] = None

    async def start(self) -> None:
        """Returns when the subscription is live; raises the server's refusal."""
        if self._task is None:
            self._session.attach(self)
            if self._member is not None:
                self._session.add_member(self._member)
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            await self._changed.wait_for(lambda: self._live or self._ended)
        except asyncio.CancelledError:
            self.stop()
            raise
        if not self._live:
            raise self._end or errors.closed()

    @property
    def id(self) -> str:
        """The id that the Registry shows, of the present stream."""
        self._session.check_process()
        return self._id

    async def done(self, *messages: message_pb2.Message) -> int:
        """The work on these is done. How many of them the group still waited for."""
        return await self._acknowledge(messages, groups.done)

    async def retry_after(self, message: message_pb2.Message, seconds: float = 0) -> int:
        """Not done: to be delivered again, to any member, after this time at the earliest. As done() otherwise."""
        return await self._acknowledge([message], lambda each: groups.retry_after(each, seconds))

    async def extend(self, message: message_pb2.Message, seconds: float) -> int:
        """Still at work: the group waits for this long, from now. As done() otherwise."""
        return await self._acknowledge([message], lambda each: groups.extend(each, seconds))

    async def terminate(self, message: message_pb2.Message, reason: str) -> int:
        """Nobody can do it: a dead letter, with this reason. As done() otherwise."""
        return await self._acknowledge([message], lambda each: groups.terminate(each, reason))

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> message_pb2.Message:
        if self._messages and self._member is None and not self._stopped:
            self._session.check_process()
            return self._messages.popleft()
        message = await self._next(math.inf)
        if message is None:
            raise StopAsyncIteration
        return message

    @arguments.checked(timeout=arguments.number(0))
    async def receive(self, timeout: Optional[float] = None) -> message_pb2.Message:
        """The next message. TimeoutError if none comes for `timeout` seconds, Cancelled after close()."""
        message = await self._next(math.inf if timeout is None else time.monotonic() + timeout)
        if message is None:
            raise errors.Cancelled(grpc.StatusCode.CANCELLED, "the subscription is closed")
        return message

    async def close(self) -> None:
        """Ends the subscription and waits for its tasks."""
        self.stop()
        if self._session.is_inherited:
            return
        if self._task is not None:
            await asyncio.wait({self._task})
        if self._member is not None:
            await self._member.join()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def stop(self) -> None:
        """As close(), without waiting."""
        if self._session.is_inherited:
            return
        self._stopped = True
        self._changed.notify_all()
        if self._call is not None:
            self._call.cancel()
        if self._member is not None:
            self._member.stop()

    async def _acknowledge(
        self, messages: Sequence[message_pb2.Message], make: Callable[[message_pb2.Message], pb.Acknowledgement]
    ) -> int:
        if self._member is None:
            raise ValueError("the subscription is no member of a group: subscribe(group=...)")
        if not messages:
            return 0
        made = [make(message) for message in messages]
        return (await self._session.acknowledge(messages[0].queue, self._member.group, made)).noted

    # What the program's task does.

    async def _next(self, deadline: float) -> Optional[message_pb2.Message]:
        self._session.check_process()
        while not self._stopped:
            if self._messages:
                message = self._messages.popleft()
                if self._member is None or await self._member.hand_out(message):
                    return message
                continue
            item = await self._pop(deadline)
            if item is None:
                break
            state = self._handed.on_item(item)
            told = None
            if state is not None:
                told = self._wish.on_state(*state)
            elif item[0] == "gap":
                told = self._wish.on_gap(item[1])
            if inspect.isawaitable(told):
                await told
        if self._end is not None and not self._stopped:
            raise self._end
        return None

    async def _pop(self, deadline: float) -> Optional[Item]:
        """None at the end."""
        # A program that reads without ever waiting leaves the loop to others once a frame.
        await asyncio.sleep(0)
        left = None if deadline == math.inf else deadline - time.monotonic()
        if not await self._changed.wait_for(lambda: self._items or self._ended or self._stopped, left):
            raise TimeoutError("no message came")
        if self._stopped or not self._items:
            return None
        item = self._items.popleft()
        self._changed.notify_all()
        return item

    # What the reading task does.

    async def _push(self, items: Sequence[Item]) -> None:
        for item in items:
            # What a group delivers is bounded by the member's credit, and the time of each runs.
            if len(self._items) >= FRAMES_MAX and self._member is None:
                await self._changed.wait_for(lambda: len(self._items) < FRAMES_MAX or self._stopped)
            self._items.append(item)
            self._changed.notify_all()

    async def _run(self) -> None:
        try:
            await self._run_until_end()
        except errors.Error as error:
            self._end = error
        except Exception as error:  # A mistake of this library must not leave the program waiting.
            self._end = errors.make(grpc.StatusCode.INTERNAL, f"the subscription failed: {error!r}")
        finally:
            self._session.detach(self)
            if self._member is not None:
                self._member.stop()
                self._session.remove_member(self._member)
            self._ended = True
            self._changed.notify_all()

    async def _run_until_end(self) -> None:
        session, generation = await self._session.ensure()
        first = True
        while not self._stopped:
            attempt = Attempt(self._wish.ready_timeout)
            try:
                if not first:
                    session, generation = await self._session.renew(generation)
                first = False
                await self._run_stream(session, attempt)
                error = errors.make(grpc.StatusCode.UNAVAILABLE, "the server ended the stream")
            except errors.Error as failed:
                error = failed
            if self._stopped:
                return
            told: List[Item] = []
            delay = self._feed.after(error, attempt, told)
            await self._push(told)
            if delay is not None:
                await self._changed.wait_for(lambda: self._stopped, delay)

    async def _run_stream(self, session: str, attempt: Attempt) -> None:
        watch = None
        try:
            call = self._call = self._session.stub.Subscribe(self._feed.request(session, self._session.rooms))
            watch = _Watch(call)
            await self._read_frames(call, watch, attempt)
        except grpc.RpcError as error:
            raise errors.from_grpc(error) from None
        except asyncio.CancelledError:
            if watch is not None and watch.expired:
                raise attempt.expired() from None
            if not self._stopped:
                raise
        except grpc.aio.UsageError:
            raise errors.closed() from None  # What grpc says of a closed channel.
        finally:
            if self._call is not None:
                self._call.cancel()
                self._call = None
            if watch is not None:
                watch.stop()
            if self._member is not None:
                self._member.on_stream_end()
            if attempt.live:
                self._session.add_live_streams(-1)

    async def _read_frames(self, call: Any, watch: _Watch, attempt: Attempt) -> None:
        while not self._stopped:
            watch.deadline = attempt.deadline()
            if not attempt.live or attempt.leave_at < math.inf:
                watch.look()
            frame = await call.read()
            # A program that is slow to take frames is no silence of the server.
            watch.deadline = math.inf
            if frame is grpc.aio.EOF:
                return
            was_live = attempt.live
            items = self._feed.on_frame(frame, attempt)
            if attempt.live and not was_live:
                await self._on_live(frame.ready)
            elif self._member is not None:
                for kind, what, _ in items:
                    if kind == "messages":
                        self._member.on_messages(what)
            await self._push(items)

    async def _on_live(self, ready: pb.Ready) -> None:
        self._session.add_live_streams(1)
        if self._member is not None:
            await self._member.on_ready()
        if not self._live:
            self._session.add_rooms(self._wish.request.rooms)
        self._id = ready.subscription_id
        self._live = True
        self._changed.notify_all()
