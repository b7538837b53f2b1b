"""A live subscription, as Client.subscribe() returns it."""

from __future__ import annotations

import math
import threading
import time
from typing import Any, Callable, List, Optional, Sequence

import grpc

from . import arguments, errors, groups
from ._stubs import message_pb2, message_queue_pb2 as pb
from .client_calls import Wish
from .feed import FRAMES_MAX, Attempt, Item
from .member import Member
from .session import Session, Watch
from .subscription_base import SubscriptionBase


class Subscription(SubscriptionBase[Session, Member]):
    """An iterator of the messages. A lost connection is no end: the subscription reconnects with backoff and resumes
    after the last position of each queue, so that every message or a gap arrives, and none twice. Iterating ends after
    close(), and raises errors.Error when the server refuses to go on.

    A thread reads ahead, a few frames. on_gap and on_state are called by the thread that iterates, in their place
    between the messages.

    A member of a group says of each message what became of it, with done() and the like; messages may come again then,
    and out of order, for it is the group that remembers. The time for each, the group's ack_deadline, begins when the
    program is given it: what waits here is extended, and what was taken back all the same is not handed out.

    For one iterating thread; close() and what acknowledges may be called by any, also inside a callback. A context
    manager: leaving it closes.
    """

    def __init__(self, session: Session, wish: Wish) -> None:
        super().__init__(session, wish, Member)
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="nmq subscription", daemon=True)

    def start(self) -> Subscription:
        """Returns when the subscription is live; raises the server's refusal."""
        self._session.attach(self)
        if self._member is not None:
            self._session.add_member(self._member)
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._live or self._ended)
            if not self._live:
                raise self._end or errors.closed()
        return self

    @property
    def id(self) -> str:
        """The id that the Registry shows, of the present stream."""
        self._session.check_process()
        with self._changed:
            return self._id

    def done(self, *messages: message_pb2.Message) -> int:
        """The work on these is done. How many of them the group still waited for."""
        return self._acknowledge(messages, groups.done)

    def retry_after(self, message: message_pb2.Message, seconds: float = 0) -> int:
        """Not done: to be delivered again, to any member, after this time at the earliest. As done() otherwise."""
        return self._acknowledge([message], lambda each: groups.retry_after(each, seconds))

    def extend(self, message: message_pb2.Message, seconds: float) -> int:
        """Still at work: the group waits for this long, from now. As done() otherwise."""
        return self._acknowledge([message], lambda each: groups.extend(each, seconds))

    def terminate(self, message: message_pb2.Message, reason: str) -> int:
        """Nobody can do it: a dead letter, with this reason. As done() otherwise."""
        return self._acknowledge([message], lambda each: groups.terminate(each, reason))

    def __iter__(self) -> Subscription:
        return self

    def __next__(self) -> message_pb2.Message:
        if self._messages and self._member is None and not self._stopped:
            self._session.check_process()
            return self._messages.popleft()
        message = self._next(math.inf)
        if message is None:
            raise StopIteration
        return message

    @arguments.checked(timeout=arguments.number(0))
    def receive(self, timeout: Optional[float] = None) -> message_pb2.Message:
        """The next message. TimeoutError if none comes for `timeout` seconds, Cancelled after close()."""
        message = self._next(math.inf if timeout is None else time.monotonic() + timeout)
        if message is None:
            raise errors.Cancelled(grpc.StatusCode.CANCELLED, "the subscription is closed")
        return message

    def close(self) -> None:
        """Ends the subscription and waits for its threads."""
        self.stop()
        if self._session.is_inherited:
            return
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        if self._member is not None:
            self._member.join()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stop(self) -> None:
        """As close(), without waiting."""
        if self._session.is_inherited:
            return
        with self._changed:
            self._stopped = True
            call = self._call
            self._changed.notify_all()
        if call is not None:
            call.cancel()
        if self._member is not None:
            self._member.stop()
        self._session.wake()

    def _acknowledge(
        self, messages: Sequence[message_pb2.Message], make: Callable[[message_pb2.Message], pb.Acknowledgement]
    ) -> int:
        if self._member is None:
            raise ValueError("the subscription is no member of a group: subscribe(group=...)")
        if not messages:
            return 0
        made = [make(message) for message in messages]
        return self._session.acknowledge(messages[0].queue, self._member.group, made).noted

    # What the program's thread does.

    def _next(self, deadline: float) -> Optional[message_pb2.Message]:
        self._session.check_process()
        while not self._stopped:
            if self._messages:
                message = self._messages.popleft()
                if self._member is None or self._member.hand_out(message):
                    return message
                continue
            item = self._pop(deadline)
            if item is None:
                break
            state = self._handed.on_item(item)
            if state is not None:
                self._wish.on_state(*state)
            elif item[0] == "gap":
                self._wish.on_gap(item[1])
        if self._end is not None and not self._stopped:
            raise self._end
        return None

    def _pop(self, deadline: float) -> Optional[Item]:
        """None at the end."""
        with self._changed:
            while not self._items:
                if self._ended or self._stopped:
                    return None
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError("no message came")
                self._changed.wait(None if left == math.inf else left)
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    # What the reading thread does.

    def _push(self, items: Sequence[Item]) -> None:
        for item in items:
            with self._changed:
                # What a group delivers is bounded by the member's credit, and the time of each runs.
                self._changed.wait_for(lambda: len(self._items) < FRAMES_MAX or self._member or self._stopped)
                self._items.append(item)
                self._changed.notify_all()

    def _run(self) -> None:
        end: Optional[errors.Error] = None
        try:
            self._run_until_end()
        except errors.Error as error:
            end = error
        except Exception as error:  # A mistake of this library must not leave the program waiting.
            end = errors.make(grpc.StatusCode.INTERNAL, f"the subscription failed: {error!r}")
        self._session.detach(self)
        if self._member is not None:
            self._member.stop()
            self._session.remove_member(self._member)
        with self._changed:
            self._ended = True
            self._end = end
            self._changed.notify_all()

    def _run_until_end(self) -> None:
        session, generation = self._session.ensure()
        first = True
        while not self._stopped:
            attempt = Attempt(self._wish.ready_timeout)
            try:
                if not first:
                    session, generation = self._session.renew(generation)
                first = False
                self._run_stream(session, attempt)
                error = errors.make(grpc.StatusCode.UNAVAILABLE, "the server ended the stream")
            except errors.Error as failed:
                error = failed
            if self._stopped:
                return
            told: List[Item] = []
            delay = self._feed.after(error, attempt, told)
            self._push(told)
            if delay is not None:
                self._session.sleep(delay, lambda: self._stopped)

    def _run_stream(self, session: str, attempt: Attempt) -> None:
        call: Any = None
        try:
            with self._session.watch(self._cancel) as watch:
                call = self._session.stub.Subscribe(self._feed.request(session, self._session.rooms))
                with self._changed:
                    self._call = call
                if self._stopped:
                    call.cancel()
                self._read_frames(call, watch, attempt)
        except grpc.RpcError as error:
            raise attempt.expired() if watch.expired else errors.from_grpc(error) from None
        except ValueError:
            raise errors.closed() from None  # What grpc says of a closed channel.
        finally:
            with self._changed:
                self._call = None
            if call is not None:
                call.cancel()
            if self._member is not None:
                self._member.on_stream_end()
            if attempt.live:
                self._session.add_live_streams(-1)

    def _cancel(self) -> None:
        with self._changed:
            call = self._call
        if call is not None:
            call.cancel()

    def _read_frames(self, call: Any, watch: Watch, attempt: Attempt) -> None:
        frames = iter(call)
        while True:
            watch.deadline = attempt.deadline()
            if not attempt.live or attempt.leave_at < math.inf:
                self._session.wake()
            frame = next(frames, None)
            # A program that is slow to take frames is no silence of the server.
            watch.deadline = math.inf
            if frame is None:
                return
            was_live = attempt.live
            items = self._feed.on_frame(frame, attempt)
            if attempt.live and not was_live:
                self._on_live(frame.ready)
            elif self._member is not None:
                for kind, what, _ in items:
                    if kind == "messages":
                        self._member.on_messages(what)
            self._push(items)

    def _on_live(self, ready: pb.Ready) -> None:
        self._session.add_live_streams(1)
        if self._member is not None:
            self._member.on_ready()
        if not self._live:
            self._session.add_rooms(self._wish.request.rooms)
        with self._changed:
            self._id = ready.subscription_id
            self._live = True
            self._changed.notify_all()
