"""What a member of a group has in its hands, and how it keeps the group from taking that back."""

from __future__ import annotations

import dataclasses
import math
from typing import Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ._stubs import message_pb2, message_queue_pb2 as pb

# What a member has unacknowledged at the most if the program does not say: enough to hide the way to the server, and
# little enough that other members find work.
CREDIT_MESSAGES = 16
# The group's, if neither the program nor the server says, in seconds.
DEADLINE_DEFAULT = 30.0
# The shortest time that the protocol allows for an extension, in seconds.
_EXTENSION_MIN = 1.0
# Of the deadline: from one look to the next, and the silence after which nothing is certain any more.
_LOOK = 0.25
_STALLED = 0.5

# Entries of a request if the server names no limit.
_REQUEST_MAX = 1000

Key = Tuple[int, int]


@dataclasses.dataclass
class _Hold:
    """A message: (delivery, sequence) is its key."""

    # Until then no other member gets it; minus infinity: only the server knows.
    until: float
    # When the program was given it.
    handed: Optional[float] = None
    # The program has the whole deadline from then on.
    kept: bool = False


@dataclasses.dataclass
class Extensions:
    """What is to be asked of the server: for how long which messages are kept."""

    acknowledgements: List[pb.Acknowledgement]
    waiting: List[Key]
    handed: List[Key]
    # Those that the program has had for longer than the deadline.
    overdue: int = 0


class Holds:
    """The deadline of a message starts anew when the program is given it; until then it is extended as often as needed.

    Times are those of a monotonic clock, in seconds. Not thread-safe.
    """

    def __init__(self, now: float) -> None:
        self.deadline = DEADLINE_DEFAULT
        self._held: Dict[Key, _Hold] = {}
        # Those that the program had when a stream was lost.
        self._at_work: Set[Key] = set()
        self._looked = now
        # What arrives before may have been on its way while this process stood still.
        self._unsure_until = -math.inf

    @property
    def look_after(self) -> float:
        """How long to wait before the next due()."""
        return self.deadline * _LOOK

    def add(self, messages: Iterable[message_pb2.Message], now: float) -> None:
        """The server has delivered these."""
        self._notice_stall(now)
        until = -math.inf if now < self._unsure_until else now + self.deadline
        for message in messages:
            self._held[message.delivery, message.sequence] = _Hold(until)

    def drop_all(self) -> None:
        """The stream is gone: the group gives everything to others, or anew."""
        self._at_work = {key for key, hold in self._held.items() if hold.handed is not None}
        self._held.clear()

    def hand_out(self, message: message_pb2.Message, now: float) -> Optional[bool]:
        """Whether the program may have it; None: ask the server, for the whole deadline, and tell on_asked()."""
        self._notice_stall(now)
        hold = self._held.get((message.delivery, message.sequence))
        if hold is None:
            return False
        if now >= hold.until:
            return None
        hold.handed = now
        return True

    def on_asked(self, message: message_pb2.Message, noted: bool, asked: float) -> bool:
        """Whether the program may have it."""
        key = message.delivery, message.sequence
        hold = self._held.get(key)
        if hold is None or not noted:
            self._held.pop(key, None)
            return False
        hold.until, hold.handed, hold.kept = asked + self.deadline, asked, True
        return True

    def due(self, now: float) -> Extensions:
        """To be called every `look_after` seconds."""
        self._notice_stall(now)
        self._looked = now
        waiting: List[Key] = []
        handed: List[Key] = []
        overdue = []
        for key, hold in self._held.items():
            if hold.handed is None:
                if hold.until > now:
                    waiting.append(key)
            elif not hold.kept:
                handed.append(key)
            elif now >= hold.until:
                overdue.append(key)
        for key in overdue:
            del self._held[key]
        acknowledgements = _runs(waiting, self.deadline)
        for key in handed:
            left = (self._held[key].handed or now) + self.deadline - now
            acknowledgements += _runs([key], max(left, _EXTENSION_MIN))
        return Extensions(acknowledgements, waiting, handed, len(overdue))

    def on_extended(self, extensions: Extensions, complete: bool, asked: float) -> None:
        """What was due() is noted, all of it or not."""
        for key in extensions.waiting:
            hold = self._held.get(key)
            if hold is not None and hold.handed is None:
                hold.until = asked + self.deadline if complete else -math.inf
        for key in extensions.handed:
            hold = self._held.get(key)
            if hold is not None and hold.handed is not None:
                hold.kept = True
                hold.until = max(hold.handed + self.deadline, asked + _EXTENSION_MIN)

    def settle(self, acknowledgements: Sequence[pb.Acknowledgement]) -> None:
        """The program says what became of these: the library has nothing more to do with them. Where one came again
        over another stream while the program was at work on it, and waits, that delivery is the one that is meant."""
        for each in acknowledgements:
            last = each.last or each.first
            if each.delivery != 0 and last == each.first:
                key = each.delivery, each.first
                if self._held.pop(key, None) is None and key in self._at_work:
                    self._at_work.discard(key)
                    each.delivery = self._take_waiting(each.first) or each.delivery
                continue
            for key in [key for key in self._held if each.first <= key[1] <= last and each.delivery in (0, key[0])]:
                del self._held[key]

    def _take_waiting(self, sequence: int) -> Optional[int]:
        for key, hold in self._held.items():
            if key[1] == sequence and hold.handed is None:
                del self._held[key]
                return key[0]
        return None

    def _notice_stall(self, now: float) -> None:
        if now - self._looked <= self.deadline * _STALLED:
            return
        self._looked = now
        self._unsure_until = now + self.deadline
        for hold in self._held.values():
            if hold.handed is None:
                hold.until = -math.inf


def extension(key: Key, seconds: float, last: int = 0) -> pb.Acknowledgement:
    made = pb.Acknowledgement(first=key[1], last=last, delivery=key[0])
    made.extend.FromNanoseconds(round(seconds * 1e9))
    return made


def chunks(acknowledgements: Sequence[pb.Acknowledgement], limit: int) -> Iterable[Sequence[pb.Acknowledgement]]:
    """Those of one request each; limit: that of the server, or 0 if it is not known."""
    limit = limit or _REQUEST_MAX
    for first in range(0, len(acknowledgements), limit):
        yield acknowledgements[first : first + limit]


def _runs(keys: List[Key], seconds: float) -> List[pb.Acknowledgement]:
    """Sequences that follow each other, of one delivery, are one entry."""
    made: List[pb.Acknowledgement] = []
    for key in sorted(keys):
        if made and made[-1].delivery == key[0] and (made[-1].last or made[-1].first) + 1 == key[1]:
            made[-1].last = key[1]
        else:
            made.append(extension(key, seconds))
    return made
