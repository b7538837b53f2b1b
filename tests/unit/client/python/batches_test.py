"""How messages stand in a batch, and the futures of its messages."""

import concurrent.futures
import threading
import unittest
from typing import Any, List

import nmq
from nmq import batches
from nmq._stubs import message_queue_pb2 as pb
from nmq.futures import BatchFuture, settle
from nmq.messages import Payload


class Entries(unittest.TestCase):
    def test_a_plain_message_is_encoded_as_protobuf_does_whatever_its_size(self) -> None:
        for size in (0, 1, 100, 127, 128, 16_000, 16_383, 16_384, 70_000, 3_000_000):
            payload = bytes([size % 251]) * size
            message = nmq.make_message("QUEUE", "EVENT", payload)
            for _ in range(2):
                made = batches.plain_entry("QUEUE", "EVENT", payload)
                self.assertEqual(made, batches.entry(message), size)
                self.assertEqual(made.data, pb.PublishStreamRequest(messages=[message]).SerializeToString(), size)

    def test_other_payloads_are_as_make_message_takes_them(self) -> None:
        payloads: List[Payload] = ["grüße", bytearray(b"12"), memoryview(b"34")]
        for payload in payloads:
            for _ in range(2):
                made = batches.plain_entry("Q", "E", payload)
                self.assertEqual(made, batches.entry(nmq.make_message("Q", "E", payload)))

    def test_what_is_no_message_is_refused_also_where_one_like_it_was_made_before(self) -> None:
        wrong: Any = batches.plain_entry
        wrong("Q", "E", b"")
        for arguments in ((5, "E"), ("Q", 5), ("Q", ["E"]), ("Q", "E", 5), ("Q", "E", [1])):
            with self.subTest(arguments), self.assertRaises(TypeError):
                wrong(*arguments)


class Futures(unittest.TestCase):
    def setUp(self) -> None:
        shared = threading.Condition()
        self.futures = [BatchFuture(shared) for _ in range(3)]
        self.results = [batches.Published("Q", 1, number, False, 0) for number in range(3)]

    def test_they_come_true_together(self) -> None:
        first = self.futures[0]
        with self.assertRaises(concurrent.futures.TimeoutError):
            first.result(0)
        self.assertFalse(first.cancel())
        found: List[batches.Published] = []
        waiting = threading.Thread(target=lambda: found.append(self.futures[2].result()))
        waiting.start()
        settle(self.futures, self.results, None)
        waiting.join()
        self.assertEqual([future.result(0) for future in self.futures], self.results)
        self.assertEqual(found, [self.results[2]])

    def test_they_are_known_to_what_waits_for_several(self) -> None:
        waiting = threading.Thread(target=concurrent.futures.wait, args=(self.futures,))
        waiting.start()
        settle(self.futures, self.results, None)
        waiting.join()
        done = {future.result() for future in concurrent.futures.as_completed(self.futures)}
        self.assertEqual(done, set(self.results))

    def test_the_error_of_a_batch_is_that_of_each(self) -> None:
        told: List[object] = []
        self.futures[1].add_done_callback(lambda future: told.append(future.exception()))
        error = ValueError("refused")
        settle(self.futures, (), error)
        self.assertEqual([future.exception(0) for future in self.futures], [error] * 3)
        self.assertEqual(told, [error])


if __name__ == "__main__":
    unittest.main()
