"""Keeps what a group delivered to a subscription, while it waits there."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Iterable, Optional, Sequence

from . import errors
from ._stubs import message_pb2, message_queue_pb2 as pb, registry_pb2
from .calls import Pages
from .holds import DEADLINE_DEFAULT, Extensions, Holds, chunks, extension
from .options import Options
from .session import Session

_log = logging.getLogger("nmq")


def log_overdue(count: int, request: pb.SubscribeRequest, holds: Holds) -> None:
    _log.warning(
        "group %s of queue %s: %d messages were given to the program and not acknowledged in %g s: the group takes them "
        "back; acknowledge them, or extend() the time, or give nmq.group() a longer ack_deadline. At most %d messages "
        "(credit_messages) are unacknowledged at a time",
        request.group.name,
        request.patterns[0].queue,
        count,
        holds.deadline,
        request.group.credit_messages,
    )


class Deadline:
    """How the deadline of a request's group is found out, in seconds."""

    def __init__(self, options: Options, request: pb.SubscribeRequest) -> None:
        self._options = options
        self._queue = request.patterns[0].queue
        self._group = request.group
        # None: the server must be asked.
        self.known: Optional[float] = None
        if request.group.HasField("ack_deadline"):
            self.known = request.group.ack_deadline.ToTimedelta().total_seconds()

    def pages(self, registry: Any) -> Pages[registry_pb2.GroupInfo]:
        request = registry_pb2.ListGroupsRequest(namespace=self._options.namespace, queue=self._queue)
        return Pages(registry.ListGroups, request, "groups", self._options.timeout)

    def of(self, groups: Iterable[registry_pb2.GroupInfo]) -> float:
        for group in groups:
            if group.options.name == self._group.name:
                return group.options.ack_deadline.ToTimedelta().total_seconds() or DEADLINE_DEFAULT
        return DEADLINE_DEFAULT

    def log_unknown(self, error: errors.Error) -> None:
        _log.warning(
            "the deadline of group %s of queue %s is taken for %g s: %s",
            self._group.name,
            self._queue,
            DEADLINE_DEFAULT,
            error,
        )


class Member:
    """A thread of its own extends what waits, and gives the program the whole deadline for what it was given.

    Thread-safe.
    """

    def __init__(self, session: Session, request: pb.SubscribeRequest) -> None:
        self._session = session
        self._request = request
        self.queue = request.patterns[0].queue
        self.group = request.group.name
        self._holds = Holds(time.monotonic())
        self._changed = threading.Condition()
        # Is held while extensions are under way, which nothing that the program says may overtake.
        self._asking = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._keep, name="nmq group", daemon=True)

    def on_ready(self) -> None:
        """Learns the group's deadline; before the first message."""
        deadline = Deadline(self._session.options, self._request)
        seconds = deadline.known
        if seconds is None:
            try:
                seconds = deadline.of(self._session.list(deadline.pages(self._session.registry)))
            except errors.Error as error:
                deadline.log_unknown(error)
        with self._changed:
            self._holds.deadline = seconds or DEADLINE_DEFAULT
            if not self._thread.is_alive() and not self._stopped:
                self._thread.start()

    def on_messages(self, messages: Iterable[message_pb2.Message]) -> None:
        with self._changed:
            self._holds.add(messages, time.monotonic())

    def on_stream_end(self) -> None:
        with self._changed:
            self._holds.drop_all()

    def hand_out(self, message: message_pb2.Message) -> bool:
        """Whether the program may have it: not if the group took it back meanwhile."""
        now = time.monotonic()
        with self._changed:
            may = self._holds.hand_out(message, now)
        if may is not None:
            return may
        with self._asking:
            asked = time.monotonic()
            noted = self._extend([extension((message.delivery, message.sequence), self._holds.deadline)])
            with self._changed:
                return self._holds.on_asked(message, noted, asked)

    def settle(self, acknowledgements: Sequence[pb.Acknowledgement]) -> None:
        """Before the program's words go out."""
        with self._asking, self._changed:
            self._holds.settle(acknowledgements)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def join(self) -> None:
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _keep(self) -> None:
        while True:
            with self._changed:
                look_at = time.monotonic() + self._holds.look_after
                self._changed.wait_for(lambda: self._stopped, look_at - time.monotonic())
                if self._stopped:
                    return
            with self._asking:
                asked = time.monotonic()
                with self._changed:
                    extensions = self._holds.due(asked)
                self._carry_out(extensions, asked)

    def _carry_out(self, extensions: Extensions, asked: float) -> None:
        if extensions.overdue:
            log_overdue(extensions.overdue, self._request, self._holds)
        if not extensions.acknowledgements:
            return
        complete = self._extend(extensions.acknowledgements)
        with self._changed:
            self._holds.on_extended(extensions, complete, asked)

    def _extend(self, acknowledgements: Sequence[pb.Acknowledgement]) -> bool:
        """Whether the server noted all of them."""
        timeout = min(self._session.options.timeout, max(1.0, self._holds.look_after))
        try:
            for some in chunks(acknowledgements, self._session.connected.limits.batch_messages):
                if self._session.say(self.queue, self.group, some, timeout).not_pending > 0:
                    return False
        except errors.Error as error:
            _log.debug("group %s of queue %s: not extended: %s", self.group, self.queue, error)
            return False
        return True
