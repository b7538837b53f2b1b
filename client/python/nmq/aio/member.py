"""Keeps what a group delivered to a subscription, while it waits there."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Iterable, Optional, Sequence

from .. import errors
from .._stubs import message_pb2, message_queue_pb2 as pb, registry_pb2
from ..calls import Pages
from ..holds import Extensions, Holds, chunks, extension
from ..member import Deadline, log_overdue
from .changed import Changed
from .session import Session

_log = logging.getLogger("nmq")


class Member:
    """As nmq.member.Member, with a task instead of a thread."""

    def __init__(self, session: Session, request: pb.SubscribeRequest) -> None:
        self._session = session
        self._request = request
        self.queue = request.patterns[0].queue
        self.group = request.group.name
        self._holds = Holds(time.monotonic())
        self._changed = Changed()
        # Is held while extensions are under way, which nothing that the program says may overtake.
        self._asking = asyncio.Lock()
        self._stopped = False
        self._task: Optional[asyncio.Task[None]] = None

    async def on_ready(self) -> None:
        """Learns the group's deadline; before the first message."""
        deadline = Deadline(self._session.options, self._request)
        if deadline.known is None:
            pages: Pages[registry_pb2.GroupInfo] = deadline.pages(self._session.registry)
            try:
                self._holds.deadline = deadline.of([each async for each in self._session.list(pages)])
            except errors.Error as error:
                deadline.log_unknown(error)
        else:
            self._holds.deadline = deadline.known
        if self._task is None and not self._stopped:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    def on_messages(self, messages: Iterable[message_pb2.Message]) -> None:
        self._holds.add(messages, time.monotonic())

    def on_stream_end(self) -> None:
        self._holds.drop_all()

    async def hand_out(self, message: message_pb2.Message) -> bool:
        """Whether the program may have it: not if the group took it back meanwhile."""
        may = self._holds.hand_out(message, time.monotonic())
        if may is not None:
            return may
        async with self._asking:
            asked = time.monotonic()
            noted = await self._extend([extension((message.delivery, message.sequence), self._holds.deadline)])
            return self._holds.on_asked(message, noted, asked)

    async def settle(self, acknowledgements: Sequence[pb.Acknowledgement]) -> None:
        """Before the program's words go out."""
        async with self._asking:
            self._holds.settle(acknowledgements)

    def stop(self) -> None:
        self._stopped = True
        self._changed.notify_all()

    async def join(self) -> None:
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _keep(self) -> None:
        while not await self._changed.wait_for(lambda: self._stopped, self._holds.look_after):
            async with self._asking:
                asked = time.monotonic()
                await self._carry_out(self._holds.due(asked), asked)

    async def _carry_out(self, extensions: Extensions, asked: float) -> None:
        if extensions.overdue:
            log_overdue(extensions.overdue, self._request, self._holds)
        if extensions.acknowledgements:
            complete = await self._extend(extensions.acknowledgements)
            self._holds.on_extended(extensions, complete, asked)

    async def _extend(self, acknowledgements: Sequence[pb.Acknowledgement]) -> bool:
        """Whether the server noted all of them."""
        timeout = min(self._session.options.timeout, max(1.0, self._holds.look_after))
        try:
            for some in chunks(acknowledgements, self._session.connected.limits.batch_messages):
                if (await self._session.say(self.queue, self.group, some, timeout)).not_pending > 0:
                    return False
        except errors.Error as error:
            _log.debug("group %s of queue %s: not extended: %s", self.group, self.queue, error)
            return False
        return True
