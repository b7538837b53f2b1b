"""What a member of a group has in its hands; the deadline is 4 seconds, so a look is due every second."""

import unittest
from typing import List, Tuple

import nmq
from nmq import groups
from nmq.holds import Holds


def message(sequence: int, delivery: int = 1) -> nmq.Message:
    return nmq.Message(queue="Q", sequence=sequence, delivery=delivery)


class Held(unittest.TestCase):
    def setUp(self) -> None:
        self.holds = Holds(0)
        self.holds.deadline = 4.0

    def said(self, now: float) -> List[Tuple[int, int, float]]:
        """(first, last, seconds) of what is due."""
        due = self.holds.due(now)
        self.holds.on_extended(due, True, now)
        return [(each.first, each.last, each.extend.ToTimedelta().total_seconds()) for each in due.acknowledgements]

    def test_what_waits_is_extended_for_the_whole_deadline_in_ranges(self) -> None:
        self.holds.add([message(1), message(2), message(4), message(5, delivery=2)], 0)
        self.assertEqual(self.said(1), [(1, 2, 4), (4, 0, 4), (5, 0, 4)])
        self.assertEqual(self.said(2), [(1, 2, 4), (4, 0, 4), (5, 0, 4)])

    def test_the_deadline_starts_when_the_program_is_given_a_message(self) -> None:
        self.holds.add([message(1)], 0)
        self.assertEqual(self.said(1), [(1, 0, 4)])
        self.assertTrue(self.holds.hand_out(message(1), 1.5))
        self.assertEqual(self.said(2), [(1, 0, 3.5)])
        self.assertEqual(self.said(3), [], "the rest of the time is the program's own")

    def test_a_fast_program_costs_nothing(self) -> None:
        self.holds.add([message(1)], 0)
        self.assertTrue(self.holds.hand_out(message(1), 0.1))
        self.holds.settle([groups.done(message(1))])
        self.assertEqual(self.said(1), [])

    def test_what_was_not_extended_in_time_must_be_asked_for(self) -> None:
        self.holds.add([message(1), message(2)], 0)
        for now in (1, 2, 3, 4):
            self.holds.on_extended(self.holds.due(now), False, now)
        self.assertIsNone(self.holds.hand_out(message(1), 4.5))
        self.assertTrue(self.holds.on_asked(message(1), True, 4.5))
        self.assertIsNone(self.holds.hand_out(message(2), 4.5))
        self.assertFalse(self.holds.on_asked(message(2), False, 4.5))

    def test_after_a_stall_nothing_is_certain_nor_what_arrives_then(self) -> None:
        self.holds.add([message(1)], 0)
        self.holds.add([message(2)], 10)
        self.assertIsNone(self.holds.hand_out(message(1), 10))
        self.assertIsNone(self.holds.hand_out(message(2), 10))

    def test_what_a_lost_stream_had_delivered_is_not_handed_out(self) -> None:
        self.holds.add([message(1)], 0)
        self.holds.drop_all()
        self.assertFalse(self.holds.hand_out(message(1), 0))

    def test_work_that_outlived_its_stream_is_done_for_the_delivery_that_came_again(self) -> None:
        self.holds.add([message(1)], 0)
        self.holds.hand_out(message(1), 0)
        self.holds.drop_all()
        self.holds.add([message(1, delivery=7)], 1)
        done = groups.done(message(1))
        self.holds.settle([done])
        self.assertEqual(done.delivery, 7)
        self.assertFalse(self.holds.hand_out(message(1, delivery=7), 1))

    def test_what_the_program_gave_back_itself_is_another_delivery(self) -> None:
        self.holds.add([message(1)], 0)
        self.holds.hand_out(message(1), 0)
        self.holds.settle([groups.retry_after(message(1), 0)])
        self.holds.add([message(1, delivery=7)], 1)
        late = groups.done(message(1))
        self.holds.settle([late])
        self.assertEqual(late.delivery, 1)
        self.assertTrue(self.holds.hand_out(message(1, delivery=7), 1))

    def test_a_range_settles_all_in_it(self) -> None:
        self.holds.add([message(1), message(2), message(3), message(4)], 0)
        self.holds.settle([groups.done(message(1), message(3))])
        self.assertEqual(self.said(1), [(4, 0, 4)])

    def test_what_the_program_keeps_for_longer_than_the_deadline_is_counted_once(self) -> None:
        self.holds.add([message(1)], 0)
        self.holds.hand_out(message(1), 0)
        overdue = []
        for now in range(1, 7):
            due = self.holds.due(now)
            self.holds.on_extended(due, True, now)
            overdue.append(due.overdue)
        self.assertEqual(overdue, [0, 0, 0, 1, 0, 0])


if __name__ == "__main__":
    unittest.main()
