"""What nmq.Subscription and nmq.aio.Subscription begin with."""

from __future__ import annotations

import collections
from typing import Any, Callable, Deque, Generic, List, Optional, Protocol, TypeVar

from . import errors
from ._stubs import message_pb2, message_queue_pb2 as pb
from .client_calls import Wish
from .feed import Feed, Handed, Item
from .options import Options


class Optioned(Protocol):
    """A session of either kind."""

    options: Options


S = TypeVar("S", bound=Optioned)
M = TypeVar("M")


class SubscriptionBase(Generic[S, M]):
    """`make_member` makes the subscription's part in a group, if it has one."""

    def __init__(self, session: S, wish: Wish, make_member: Callable[[S, pb.SubscribeRequest], M]) -> None:
        self._session = session
        self._wish = wish
        self._feed = Feed(session.options, wish)  # by what reads
        self._messages: Deque[message_pb2.Message] = collections.deque()  # of the frame that is being handed out
        self._handed = Handed(self._feed.in_group, self._messages)
        self._items: Deque[Item] = collections.deque()
        self._live = False
        self._stopped = False
        self._ended = False
        self._end: Optional[errors.Error] = None
        self._call: Any = None
        self._id = ""
        self._member: Optional[M] = make_member(session, wish.request) if self._feed.in_group else None

    @property
    def positions(self) -> List[message_pb2.QueuePosition]:
        """The last position of each queue that the program was given, for start_after() in another run."""
        return self._handed.positions()
