"""How far a subscription has come in each queue."""

import dataclasses

from ._stubs import message_pb2, message_queue_pb2 as pb


@dataclasses.dataclass
class _Entry:
    epoch: int
    sequence: int
    # A gap has said that `epoch` is over.
    over: bool = False
    # The (epoch, sequence) of another epoch that `ready` named.
    following: tuple = None


class Positions:
    """Follows the frames of a subscription over all its streams, tells what was there before, and says where to go on.

    Not thread-safe.
    """

    def __init__(self):
        self._entries = {}

    def on_first_ready(self, ready, start):
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

    def on_resumed_ready(self, ready):
        """A `ready` of a stream that was asked to go on at resume(). Moves nothing that was asked for: the gap or
        message that tells of it has yet to come, and the stream may break before."""
        for position in ready.positions:
            entry = self._entries.get(position.queue)
            if entry is None:
                self._entries[position.queue] = _Entry(position.epoch, position.sequence)
            elif entry.epoch != position.epoch:
                entry.following = (position.epoch, position.sequence)

    def on_position(self, queue, epoch, sequence):
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

    def on_gap(self, gap):
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

    def list(self):
        return [
            message_pb2.QueuePosition(queue=queue, epoch=entry.epoch, sequence=entry.sequence)
            for queue, entry in sorted(self._entries.items())
        ]

    def resume(self):
        """Where to go on; also without any position, for what is not listed is heard from its beginning."""
        return pb.StartPosition(resume=pb.Resume(positions=self.list()))
