"""Keeps what a group delivered to a subscription, while it waits there."""

from __future__ import annotations

import logging
import threading
import time
from typing import Iterable, Sequence

from . import errors
from ._stubs import message_pb2, message_queue_pb2 as pb, registry_pb2
from .holds import DEADLINE_DEFAULT, Extensions, Holds, extension
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


def chunks(acknowledgements: Sequence[pb.Acknowledgement], limit: int) -> Iterable[Sequence[pb.Acknowledgement]]:
    for first in range(0, len(acknowledgements), limit):
        yield acknowledgements[first : first + limit]


def deadline_of(groups: Iterable[registry_pb2.GroupInfo], name: str) -> float:
    """Of the group of this name, in seconds."""
    for group in groups:
        if group.options.name == name:
            return group.options.ack_deadline.ToTimedelta().total_seconds() or DEADLINE_DEFAULT
    return DEADLINE_DEFAULT


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
        if self._request.group.HasField("ack_deadline"):
            deadline = self._request.group.ack_deadline.ToTimedelta().total_seconds()
        else:
            deadline = self._ask_deadline()
        with self._changed:
            self._holds.deadline = deadline
            self._changed.notify_all()
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

    def _ask_deadline(self) -> float:
        request = registry_pb2.ListGroupsRequest(namespace=self._session.options.namespace, queue=self.queue)
        found = []
        try:
            while True:
                page = self._session.invoke(self._session.registry.ListGroups, request, self._session.options.timeout)
                found.extend(page.groups)
                request.page_token = page.next_page_token
                if not page.next_page_token:
                    break
        except errors.Error as error:
            _log.warning("the deadline of group %s of queue %s is taken for %g s: %s", self.group, self.queue, DEADLINE_DEFAULT, error)
        return deadline_of(found, self.group)

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
            limit = self._session.connected.limits.batch_messages or 1000
            for some in chunks(acknowledgements, limit):
                response = self._session.say(self.queue, self.group, some, timeout)
                if response.not_pending > 0:
                    return False
        except errors.Error as error:
            _log.debug("group %s of queue %s: not extended: %s", self.group, self.queue, error)
            return False
        return True
