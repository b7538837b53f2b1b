"""The Publisher of the Python client against a real nmqd."""

import datetime
import threading
import unittest
from typing import Any, List

import nmq
from cases import SECONDS, ServerOfTest

_CONFIG = """
limits { payload_bytes: 65536 batch_messages: 50 }
namespace { name: "default" queue { name: "log" durability: DURABILITY_DURABLE event: "E" } }
"""


class Publishers(ServerOfTest):
    config = _CONFIG
    options = {"backoff": nmq.Backoff(initial=0.01, max=0.1)}

    def setUp(self) -> None:
        super().setUp()
        self.client = self.connect()

    def test_messages_arrive_in_order_and_their_futures_know_where(self) -> None:
        with self.client.subscribe("log") as messages:
            with self.client.publisher() as publisher:
                futures = [publisher.add(nmq.make_message("log", "E", str(number))) for number in range(500)]
                result = publisher.flush(SECONDS)
                self.assertEqual((result.accepted, result.refused, result.unknown), (500, 0, 0))
            heard = [messages.receive(SECONDS) for _ in range(500)]
        self.assertEqual([int(each.payload) for each in heard], list(range(500)))
        self.assertEqual([each.result(0).sequence for each in futures], [each.sequence for each in heard])

    def test_a_message_is_published_by_its_parts_as_by_the_whole(self) -> None:
        with self.client.subscribe("log") as messages, self.client.publisher() as publisher:
            futures = [publisher.publish("log", "E", "plain") for _ in range(2)]
            futures.append(publisher.publish("log", "E", json={"id": 1}, key="k"))
            heard = [messages.receive(SECONDS) for _ in range(3)]
        self.assertEqual([(each.payload, each.key) for each in heard], [(b"plain", "")] * 2 + [(b'{"id": 1}', "k")])
        self.assertEqual([each.result(0).sequence for each in futures], [1, 2, 3])

    def test_a_lone_message_is_sent_at_once(self) -> None:
        with self.client.publisher() as publisher:
            self.assertEqual(publisher.add(nmq.make_message("log", "E")).result(SECONDS).sequence, 1)

    def test_messages_of_several_threads_all_arrive(self) -> None:
        with self.client.publisher(batch_messages=3, window=1) as publisher:

            def add() -> None:
                for _ in range(100):
                    publisher.add(nmq.make_message("log", "E"))

            threads = [threading.Thread(target=add) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(publisher.flush(SECONDS).accepted, 400)
        (queue,) = self.client.registry.queues("log")
        self.assertEqual(queue.last_sequence, 400)

    def test_a_refused_message_has_the_servers_error_and_the_next_ones_go_on(self) -> None:
        publisher = self.client.publisher(batch_messages=1)
        bad = publisher.add(nmq.make_message("log", "NOT_DECLARED"))
        good = publisher.add(nmq.make_message("log", "E"))
        self.assertEqual(good.result(SECONDS).sequence, 1)
        self.assertEqual(getattr(bad.exception(SECONDS), "reason"), "EVENT_NOT_FOUND")
        result = publisher.close()
        self.assertEqual((result.accepted, result.refused, getattr(result.error, "reason")), (1, 1, "EVENT_NOT_FOUND"))

    def test_leaving_the_context_raises_what_no_flush_told(self) -> None:
        with self.assertRaises(nmq.NotFound), self.client.publisher() as publisher:
            publisher.add(nmq.make_message("log", "NOT_DECLARED"))

    def test_what_was_there_before_and_what_comes_later_is_told(self) -> None:
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        self.client.publish("log", "E", request_id="1")
        with self.client.publisher() as publisher:
            publisher.add(nmq.make_message("log", "E"))
            again = publisher.add(nmq.make_message("log", "E", request_id="1"))
            delayed = publisher.add(nmq.make_message("log", "E", deliver_at=later))
            last = publisher.add(nmq.make_message("log", "E"))
        self.assertEqual((again.result(0).duplicate, again.result(0).sequence), (True, 1))
        self.assertEqual((delayed.result(0).sequence, last.result(0).sequence), (0, 3))

    def test_after_a_restart_of_the_server_what_was_not_answered_may_be_there_and_the_rest_is(self) -> None:
        with self.client.publisher(batch_messages=5, window=2, give_up_after=SECONDS) as publisher:
            futures = []
            for number in range(300):
                futures.append(publisher.add(nmq.make_message("log", "E", str(number))))
                if number == 150:
                    futures[0].result(SECONDS)
                    self.server.kill()
                    self.server.start()
            result = publisher.flush(SECONDS)
        self.assertEqual((result.accepted + result.unknown, result.refused), (300, 0))
        self.assertLessEqual(result.unknown, 10)
        unknown = [str(each.exception(0)) for each in futures if each.exception(0) is not None]
        self.assertEqual([each for each in unknown if "may have been taken or not" not in each], [])
        with self.client.subscribe("log", start=nmq.start_earliest()) as messages:
            heard = [int(messages.receive(SECONDS).payload) for _ in range(result.accepted)]
        self.assertEqual(heard, sorted(set(heard)))

    def test_a_session_that_the_server_forgot_is_made_anew_and_no_message_is_lost(self) -> None:
        client = self.connect(name="publisher")
        with client.publisher(batch_messages=5) as publisher:
            publisher.add(nmq.make_message("log", "E", "0")).result(SECONDS)
            self.client.admin.disconnect_clients(name="publisher")
            for number in range(1, 50):
                publisher.add(nmq.make_message("log", "E", str(number)))
            result = publisher.flush(SECONDS)
        self.assertEqual((result.accepted, result.refused, result.unknown), (50, 0, 0))
        with self.client.subscribe("log", start=nmq.start_earliest()) as messages:
            self.assertEqual([int(messages.receive(SECONDS).payload) for _ in range(50)], list(range(50)))

    def test_without_a_server_a_message_is_not_sent_and_its_future_says_so(self) -> None:
        publisher = self.client.publisher(give_up_after=0.2)
        self.server.kill()
        # By this one the publisher notices.
        self.assertIsInstance(publisher.add(nmq.make_message("log", "E")).exception(SECONDS), nmq.Unavailable)
        future = publisher.add(nmq.make_message("log", "E"))
        self.assertIn("the message was not sent", str(future.exception(SECONDS)))
        result = publisher.close()
        self.assertEqual((result.accepted, result.refused, result.unknown), (0, 1, 1))

    def test_what_waits_is_bounded(self) -> None:
        publisher = self.client.publisher(batch_messages=1, window=1, give_up_after=SECONDS)
        self.server.kill()
        # By this one the publisher notices.
        publisher.add(nmq.make_message("log", "E")).exception(SECONDS)
        added: List[Any] = []

        def add() -> None:
            try:
                for _ in range(10):
                    added.append(publisher.add(nmq.make_message("log", "E")))
            except nmq.Cancelled as error:
                added.append(error)

        thread = threading.Thread(target=add)
        thread.start()
        thread.join(1)
        self.assertEqual((thread.is_alive(), len(added)), (True, 1), "a second one waits")
        publisher.stop()
        thread.join()
        self.assertEqual(len(added), 2)
        self.assertIn("the message was not sent", str(added[0].exception(SECONDS)))
        self.assertIsInstance(added[1], nmq.Cancelled)

    def test_what_is_unanswered_at_the_close_may_have_been_taken_or_not_and_its_future_says_so(self) -> None:
        publisher = self.client.publisher()
        publisher.add(nmq.make_message("log", "E")).result(SECONDS)
        self.server.pause()
        future = publisher.add(nmq.make_message("log", "E"))
        result = publisher.close(0.2)
        self.server.resume()
        self.assertEqual((result.accepted, result.refused, result.unknown), (1, 0, 1))
        self.assertIn("may have been taken or not", str(future.exception(0)))

    def test_a_callback_that_would_wait_for_itself_is_told_so(self) -> None:
        told: List[str] = []

        def flush(_: object) -> None:
            try:
                publisher.flush()
            except RuntimeError as error:
                told.append(str(error))

        with self.client.publisher() as publisher:
            # The callback is there before the answer.
            self.server.pause()
            publisher.add(nmq.make_message("log", "E")).add_done_callback(flush)
            self.server.resume()
        self.assertEqual(len(told), 1)
        self.assertIn("call them elsewhere", told[0])

    def test_closing_the_client_ends_its_publishers(self) -> None:
        publisher = self.client.publisher()
        publisher.add(nmq.make_message("log", "E")).result(SECONDS)
        self.client.close()
        with self.assertRaises(nmq.Cancelled):
            publisher.add(nmq.make_message("log", "E"))

    def test_what_is_no_message_is_refused(self) -> None:
        with self.client.publisher() as publisher, self.assertRaises(TypeError):
            publisher.add("text")  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()
