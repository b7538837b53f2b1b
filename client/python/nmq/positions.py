"""How far a subscription has come in each queue."""

from __future__ import annotations

import dataclasses
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from ._stubs import message_pb2, message_queue_pb2 as pb


@dataclasses.dataclass
class _Entry:
    epoch: int
    sequence: int
    # A gap has said that `epoch` is over.
    over: bool = False
    # The (epoch, sequence) of another epoch that `ready` named.
    following: Optional[Tuple[int, int]] = None


class Positions:
    """Follows the frames of a subscription over all its streams, tells what was there before, and says where to go on.

    Not thread-safe.
    """

    def __init__(self) -> None:
        self._entries: Dict[str, _Entry] = {}

    def on_first_ready(self, ready: pb.Ready, start: pb.StartPosition) -> None:
        """A `ready` of the first stream, which was asked to begin at `start`."""
        for position in ready.positions:
            sequence = position.sequence
            # The server may begin later than asked and say so with a gap, which may never arrive.
            if start.WhichOneof("position") == "sequence" and start.sequence > 0:
                sequence = min(sequence, start.sequence - 1)
            self._entries[position.queue] = _Entry(position.epoch, sequence)
        for asked in start.resume.positions:
            entry = self._entries.get(asked.queue)
            self._entries[asked.queue] = resumed = _Entry(asked.epoch, asked.sequence)
            if entry is not None and entry.epoch != asked.epoch:
                resumed.following = (entry.epoch, entry.sequence)

    def on_resumed_ready(self, ready: pb.Ready) -> None:
        """A `ready` of a stream that was asked to go on at resume(). Moves nothing that was asked for: the gap or
        message that tells of it has yet to come, and the stream may break before."""
        for position in ready.positions:
            entry = self._entries.get(position.queue)
            if entry is None:
                self._entries[position.queue] = _Entry(position.epoch, position.sequence)
            elif entry.epoch != position.epoch:
                entry.following = (position.epoch, position.sequence)

    def on_position(self, queue: str, epoch: int, sequence: int) -> Tuple[bool, Optional[pb.Gap]]:
        """A message or a heartbeat's position: (is it new, the gap before it that no gap announced or None)."""
        entry = self._entries.get(queue)
        if entry is not None and entry.epoch == epoch:
            if sequence <= entry.sequence:
                return False, None
            entry.sequence = sequence
            return True, None
        self._entries[queue] = _Entry(epoch, sequence)
        if entry is None or entry.over:
            return True, None
        return True, pb.Gap(
            queue=queue, epoch=entry.epoch, first=entry.sequence + 1, reason=pb.GAP_REASON_EPOCH_CHANGED
        )

    def on_next(self, messages: Sequence[message_pb2.Message]) -> Optional[Dict[str, Tuple[int, int]]]:
        """Messages of one queue that follow each other without a hole, and follow what was there: where the queue is after
        them. None if they are others: on_messages() looks at each."""
        first, last = messages[0], messages[-1]
        entry = self._entries.get(last.queue)
        if entry is None or entry.epoch != first.epoch or entry.epoch != last.epoch:
            return None
        if first.sequence <= entry.sequence or last.sequence - first.sequence != len(messages) - 1:
            return None
        entry.sequence = last.sequence
        return {last.queue: (entry.epoch, entry.sequence)}

    def on_messages(
        self, messages: Iterable[message_pb2.Message]
    ) -> Iterator[Tuple[List[message_pb2.Message], Dict[str, Tuple[int, int]], Optional[pb.Gap]]]:
        """Those that are new, in parts: (the messages, where their queues are after them, a gap that follows them)."""
        fresh: List[message_pb2.Message] = []
        queue: Optional[str] = None
        queues: List[str] = []
        entry: Optional[_Entry] = None
        for message in messages:
            if message.queue != queue:
                queue = message.queue
                queues.append(queue)
                entry = self._entries.get(queue)
            sequence = message.sequence
            if entry is not None and entry.epoch == message.epoch:
                if sequence > entry.sequence:
                    entry.sequence = sequence
                    fresh.append(message)
                continue
            before = entry
            _, lost = self.on_position(queue, message.epoch, sequence)
            entry = self._entries[queue]
            if lost is not None:
                ends = self._ends(queues)
                if before is not None:
                    ends[queue] = before.epoch, before.sequence
                yield fresh, ends, lost
                fresh = []
            fresh.append(message)
        yield fresh, self._ends(queues), None

    def _ends(self, queues: Iterable[str]) -> Dict[str, Tuple[int, int]]:
        return {queue: (self._entries[queue].epoch, self._entries[queue].sequence) for queue in queues}

    def on_gap(self, gap: pb.Gap) -> bool:
        """False if the gap was handed on before."""
        entry = self._entries.get(gap.queue)
        if entry is None:
            if gap.last > 0:
                self._entries[gap.queue] = _Entry(gap.epoch, gap.last)
            return True
        if gap.reason == pb.GAP_REASON_EPOCH_CHANGED:
            if gap.epoch != entry.epoch:
                return True
            known, entry.over = entry.over, True
            if entry.following is not None:
                self._entries[gap.queue] = _Entry(*entry.following)
            return not known
        if gap.epoch != entry.epoch:
            self._entries[gap.queue] = _Entry(gap.epoch, gap.last)
            return True
        if 0 < gap.last <= entry.sequence:
            return False
        entry.sequence = max(entry.sequence, gap.last)
        return True

    def list(self) -> List[message_pb2.QueuePosition]:
        return [
            message_pb2.QueuePosition(queue=queue, epoch=entry.epoch, sequence=entry.sequence)
            for queue, entry in sorted(self._entries.items())
        ]

    def resume(self) -> pb.StartPosition:
        """Where to go on; also without any position, for what is not listed is heard from its beginning."""
        return pb.StartPosition(resume=pb.Resume(positions=self.list()))
