"""The connection of a client, and its place in the namespace, which it keeps or takes anew."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from typing import Any, Callable, Iterable, Iterator, List, Optional, Protocol, Sequence, Set, Tuple, TypeVar

import grpc

from . import errors, place, tls, token
from ._stubs import message_queue_pb2 as pb
from .calls import Attempts, Call, Changes, Pages
from .forks import OfOneProcess
from .options import Options
from .place import Place

T = TypeVar("T")


class Stoppable(Protocol):
    """A subscription or publisher."""

    def stop(self) -> None:
        ...


class GroupMember(Protocol):
    """A subscription's part in a group."""

    queue: str
    group: str

    def settle(self, acknowledgements: Sequence[pb.Acknowledgement]) -> None:
        ...


def _channel(options: Options) -> Any:
    arguments = place.channel_arguments(options)
    credentials = tls.credentials(options)
    if credentials is None:
        channel = grpc.insecure_channel(options.target, arguments)
    else:
        channel = grpc.secure_channel(options.target, credentials, arguments)
    return token.show(channel, options.token)


class Watch:
    """Calls `cancel` when `deadline` is over. Only a deadline that comes nearer needs Session.wake()."""

    def __init__(self, cancel: Callable[[], Any]) -> None:
        self.cancel = cancel
        self.deadline = math.inf
        self.expired = False


class Session(OfOneProcess):
    """Thread-safe. A thread of its own connects, so that several callers that lost the session connect once, and keeps
    the lease while no stream does."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.options = options
        self._channel = _channel(options)
        stubs = place.Stubs(self._channel)
        self.stub, self.registry, self.admin = stubs.message_queue, stubs.registry, stubs.admin
        self.publish_stream = stubs.publish_stream
        self._changed = threading.Condition()
        self._place = Place(options)
        # How many sessions there were; 0 before the first.
        self._generation = 0
        self._attempts = 0
        self._last_error: Optional[errors.Error] = None
        self._wanted = False
        self._stopped = False
        self._live_streams = 0
        self._watches: Set[Watch] = set()
        self._attached: Set[Stoppable] = set()
        self._members: Set[GroupMember] = set()
        self._thread = threading.Thread(target=self._keep_connected, name="nmq session", daemon=True)

    @property
    def connected(self) -> pb.ConnectResponse:
        """The last answer to Connect; empty before."""
        self.check_process()
        with self._changed:
            return self._place.connected

    @property
    def rooms(self) -> List[str]:
        self.check_process()
        with self._changed:
            return sorted(self._place.rooms)

    @property
    def stopped(self) -> bool:
        return self._stopped

    def ensure(self, deadline: float = math.inf) -> Tuple[str, int]:
        """(session, generation), connecting if nobody has; tries for options.wait_for_server."""
        until = min(deadline, time.monotonic() + self.options.wait_for_server)
        for delay in self.options.backoff.delays():
            try:
                return self.renew(0, deadline)
            except errors.Unavailable:
                left = until - time.monotonic()
                if left <= 0 or not self.sleep(min(delay, left)):
                    raise
        raise AssertionError("delays have no end")

    def renew(self, seen: int, deadline: float = math.inf) -> Tuple[str, int]:
        """(session, generation) of a later generation than `seen`: connects unless another caller has meanwhile."""
        self.check_process()
        with self._changed:
            if not self._stopped and self._generation <= seen:
                self._wanted = True
                if not self._thread.is_alive():
                    self._thread.start()
                self._changed.notify_all()
            attempts = self._attempts
            while True:
                if self._stopped:
                    raise errors.closed()
                if self._generation > seen:
                    return self._place.connected.session, self._generation
                if self._attempts > attempts and self._last_error is not None:
                    raise self._last_error
                left = deadline - time.monotonic()
                if left <= 0:
                    raise errors.make(grpc.StatusCode.DEADLINE_EXCEEDED, f"no answer from {self.options.target}")
                self._changed.wait(None if left == math.inf else left)

    def invoke(self, rpc: Any, request: Any, timeout: float, wait_for_ready: bool = False) -> Any:
        """One attempt."""
        self.check_process()
        try:
            return rpc(request, timeout=timeout, wait_for_ready=wait_for_ready)
        except grpc.RpcError as error:
            if self._stopped:
                raise errors.closed() from None
            raise self._place.explain(errors.from_grpc(error)) from None
        except ValueError:
            # What grpc says of a closed channel.
            raise errors.closed() from None

    def acknowledge(
        self, queue: str, group: str, acknowledgements: Sequence[pb.Acknowledgement]
    ) -> pb.AcknowledgeResponse:
        """What the program says; the members of the group hear of it first."""
        self.check_process()
        with self._changed:
            members = [each for each in self._members if (each.queue, each.group) == (queue, group)]
        for member in members:
            member.settle(acknowledgements)
        return self.say(queue, group, acknowledgements, self.options.timeout)

    def say(
        self, queue: str, group: str, acknowledgements: Sequence[pb.Acknowledgement], timeout: float
    ) -> pb.AcknowledgeResponse:
        """To say it twice does no harm."""

        def request(session: str) -> pb.AcknowledgeRequest:
            return pb.AcknowledgeRequest(session=session, queue=queue, group=group, acknowledgements=acknowledgements)

        call: Call[pb.AcknowledgeResponse] = Call(self.stub.Acknowledge, request, timeout, repeatable=True)
        return self.perform(call)

    def perform(self, call: Call[T]) -> T:
        """Attempts it anew where that makes sense."""
        attempts = Attempts(self.options, call)
        while True:
            session, generation = self.ensure(attempts.deadline) if call.with_session else ("", 0)
            try:
                return call.answer(self.invoke(call.rpc, call.make_request(session), attempts.left(), True))
            except errors.Error as error:
                delay = attempts.after(error)
                if delay is not None and not self.sleep(delay):
                    raise
            if delay is None:
                self.renew(generation, attempts.deadline)

    def list(self, pages: Pages[T]) -> Iterator[T]:
        while True:
            page = self.perform(pages.call())
            yield from getattr(page, pages.field)
            if not page.next_page_token:
                return
            pages.request.page_token = page.next_page_token

    def stream(self, changes: Changes[T]) -> Iterator[T]:
        self.check_process()
        call = changes.rpc(changes.request)
        try:
            yield from call
        except grpc.RpcError as error:
            raise errors.from_grpc(error) from None
        finally:
            call.cancel()

    def sleep(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """False if the session was stopped or `until()` meanwhile; wake() makes it look."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or until(), seconds)
            return not self._stopped and not until()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    @contextlib.contextmanager
    def watch(self, cancel: Callable[[], Any]) -> Iterator[Watch]:
        """A Watch for as long as the block runs."""
        watch = Watch(cancel)
        with self._changed:
            self._watches.add(watch)
        try:
            yield watch
        finally:
            with self._changed:
                self._watches.discard(watch)

    def add_rooms(self, rooms: Iterable[str]) -> None:
        with self._changed:
            self._place.rooms.update(rooms)

    def remove_rooms(self, rooms: Iterable[str]) -> None:
        self.check_process()
        with self._changed:
            self._place.rooms.difference_update(rooms)

    def add_live_streams(self, count: int) -> None:
        with self._changed:
            self._live_streams += count

    def attach(self, subscription: Stoppable) -> None:
        """Its stop() is called when the session stops; until detach()."""
        self.check_process()
        with self._changed:
            if not self._stopped:
                self._attached.add(subscription)
                return
        subscription.stop()

    def detach(self, subscription: Stoppable) -> None:
        with self._changed:
            self._attached.discard(subscription)

    def add_member(self, member: GroupMember) -> None:
        with self._changed:
            self._members.add(member)

    def remove_member(self, member: GroupMember) -> None:
        with self._changed:
            self._members.discard(member)

    def stop(self, leave: bool) -> None:
        """Ends everything; leaves the namespace if asked. The second call does nothing, nor does one in a
        forked child: the client is the parent's."""
        if self.is_inherited:
            return
        with self._changed:
            if self._stopped:
                return
            self._stopped = True
            attached = list(self._attached)
            session = self._place.connected.session if self._generation > 0 else ""
            self._changed.notify_all()
        for subscription in attached:
            subscription.stop()
        if leave and session:
            with contextlib.suppress(grpc.RpcError):
                self.stub.Disconnect(pb.DisconnectRequest(session=session), timeout=place.DISCONNECT_TIMEOUT)
        self._channel.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _keep_connected(self) -> None:
        while self._wait_for_work():
            error: Optional[errors.Error] = None
            try:
                self._connect()
            except errors.Error as failed:
                error = failed
            with self._changed:
                self._attempts += 1
                if error is None and (self._wanted or self._place.fresh):
                    self._generation += 1
                    self._place.fresh = False
                self._wanted = False
                self._last_error = error
                self._changed.notify_all()

    def _wait_for_work(self) -> bool:
        """True when it is time to connect, False when the session is stopped. Looks after the watches meanwhile."""
        started = time.monotonic()
        while True:
            with self._changed:
                now = time.monotonic()
                renew_at = started + self._renew_after()
                wake_at = min([renew_at] + [watch.deadline for watch in self._watches])
                if not self._stopped and not self._wanted and now < wake_at:
                    self._changed.wait(None if wake_at == math.inf else wake_at - now)
                if self._stopped:
                    return False
                now = time.monotonic()
                expired = [watch for watch in self._watches if watch.deadline <= now]
                for watch in expired:
                    watch.deadline = math.inf
                    watch.expired = True
                if self._wanted or now >= renew_at and self._live_streams == 0:
                    return True
                if now >= renew_at:
                    started = now
            for watch in expired:
                watch.cancel()

    def _renew_after(self) -> float:
        if self._generation == 0:
            return math.inf
        after = self._place.renew_after
        return after if self._last_error is None else min(after, self.options.backoff.max)

    def _connect(self) -> None:
        timeout = self.options.connect_timeout
        with self._changed:
            request = self._place.request()
        try:
            response = self.invoke(self.stub.Connect, request, timeout, self._place.wait_for_ready)
        except errors.Error as error:
            told = self._place.on_failed(error)
            raise told from (None if told is error else error)
        with self._changed:
            join = self._place.on_connected(response)
        if join is not None:
            self.invoke(self.stub.Join, join, timeout)
            with self._changed:
                self._place.on_joined()
