"""Where a subscription goes on, and what it takes for lost."""

import unittest
from typing import List, Tuple

from nmq._stubs import message_pb2, message_queue_pb2 as pb
from nmq.positions import Positions


def _ready(*positions: Tuple[str, int, int]) -> pb.Ready:
    return pb.Ready(positions=[message_pb2.QueuePosition(queue=q, epoch=e, sequence=s) for q, e, s in positions])


def _places(positions: Positions) -> List[Tuple[str, int, int]]:
    return [(p.queue, p.epoch, p.sequence) for p in positions.list()]


class PositionsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.positions = Positions()
        self.positions.on_first_ready(_ready(("q", 7, 3)), pb.StartPosition())

    def test_a_message_is_new_once(self) -> None:
        self.assertEqual(self.positions.on_position("q", 7, 4), (True, None))
        self.assertEqual(self.positions.on_position("q", 7, 4), (False, None))
        self.assertEqual(_places(self.positions), [("q", 7, 4)])

    def test_a_queue_that_was_made_later_is_followed(self) -> None:
        self.assertEqual(self.positions.on_position("new", 9, 1), (True, None))
        self.assertEqual(_places(self.positions), [("new", 9, 1), ("q", 7, 3)])

    def test_an_epoch_that_no_gap_announced_is_a_gap(self) -> None:
        new, lost = self.positions.on_position("q", 8, 1)
        self.assertTrue(new)
        assert lost is not None
        self.assertEqual((lost.epoch, lost.first, lost.reason), (7, 4, pb.GAP_REASON_EPOCH_CHANGED))

    def test_an_epoch_that_a_gap_announced_is_no_second_gap(self) -> None:
        self.positions.on_resumed_ready(_ready(("q", 8, 0)))
        gap = pb.Gap(queue="q", epoch=7, first=4, reason=pb.GAP_REASON_EPOCH_CHANGED)
        self.assertTrue(self.positions.on_gap(gap))
        self.assertEqual(self.positions.on_position("q", 8, 1), (True, None))

    def test_ready_moves_nothing_before_its_gap(self) -> None:
        self.positions.on_resumed_ready(_ready(("q", 8, 5)))
        self.assertEqual(_places(self.positions), [("q", 7, 3)])

    def test_a_gap_is_told_once(self) -> None:
        gap = pb.Gap(queue="q", epoch=7, first=4, last=6, reason=pb.GAP_REASON_NOT_HELD)
        self.assertTrue(self.positions.on_gap(gap))
        self.assertFalse(self.positions.on_gap(gap))
        self.assertEqual(self.positions.on_position("q", 7, 6), (False, None))

    def test_what_was_asked_for_stands_until_it_is_heard(self) -> None:
        positions = Positions()
        positions.on_first_ready(_ready(("q", 7, 9)), pb.StartPosition(sequence=3))
        self.assertEqual(_places(positions), [("q", 7, 2)])

    def test_an_asked_position_of_an_old_epoch_stands_until_its_gap(self) -> None:
        positions = Positions()
        asked = pb.Resume(positions=[message_pb2.QueuePosition(queue="q", epoch=6, sequence=2)])
        positions.on_first_ready(_ready(("q", 7, 0)), pb.StartPosition(resume=asked))
        self.assertEqual(_places(positions), [("q", 6, 2)])
        positions.on_gap(pb.Gap(queue="q", epoch=6, first=3, reason=pb.GAP_REASON_EPOCH_CHANGED))
        self.assertEqual(_places(positions), [("q", 7, 0)])

    def test_nothing_known_resumes_from_the_beginning_all_the_same(self) -> None:
        self.assertEqual(Positions().resume().WhichOneof("position"), "resume")


if __name__ == "__main__":
    unittest.main()
