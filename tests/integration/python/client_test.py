"""The Python client against a real nmqd."""

import contextlib
import datetime
import threading
import unittest
from typing import Any, List

import grpc

import nmq
from cases import SECONDS, ServerOfClass, ServerOfTest
from nmqd import Nmqd

_CONFIG = """
limits { payload_bytes: 65536 page_default: 2 page_max: 3 }
namespace {
  name: "shop"
  queue { name: "DB" event: "CREATE" event: "DELETE" }
}
namespace {
  name: "default"
  queue { name: "log" durability: DURABILITY_DURABLE }
}
"""


class Server(ServerOfClass):
    config = _CONFIG

    def payloads(self, subscription: nmq.Subscription, count: int) -> List[str]:
        return [subscription.receive(SECONDS).payload.decode() for _ in range(count)]


class Sessions(Server):
    def test_a_client_has_an_id_a_session_and_limits(self) -> None:
        client = self.connect(name="tester")
        self.assertTrue(client.client_id)
        self.assertTrue(client.session)
        self.assertEqual(client.limits.payload_bytes, 65536)

    def test_a_session_inside_its_lease_is_the_same_client_with_its_rooms(self) -> None:
        first = self.connect(lease=60)
        first.join("lobby")
        first.close(leave=False)
        second = self.connect(session=first.session)
        self.assertTrue(second.resumed)
        self.assertEqual(second.client_id, first.client_id)
        self.assertEqual(second.rooms, ["lobby"])

    def test_an_unknown_session_makes_a_new_client(self) -> None:
        client = self.connect(session="no-such-session")
        self.assertFalse(client.resumed)

    def test_closing_leaves_the_namespace(self) -> None:
        watcher = self.connect()
        with nmq.connect(self.server.address) as client:
            gone = client.client_id
        with self.assertRaises(nmq.NotFound) as caught:
            watcher.registry.client(gone)
        self.assertEqual(caught.exception.reason, "CLIENT_NOT_FOUND")

    def test_a_closed_client_is_of_no_more_use(self) -> None:
        client = self.connect()
        client.close()
        client.close()
        with self.assertRaises(nmq.Cancelled):
            client.publish("events", "E")

    def test_a_server_that_is_not_there_is_unavailable_and_the_error_says_what_to_do(self) -> None:
        gone = Nmqd()
        gone.close()
        with self.assertRaises(nmq.Unavailable) as caught:
            nmq.connect(gone.address, wait_for_server=0)
        self.assertIn("check that nmqd runs", str(caught.exception))

    def test_waiting_for_a_server_that_is_not_there_ends_with_what_was_wrong_at_first(self) -> None:
        gone = Nmqd()
        gone.close()
        with self.assertRaises(nmq.Unavailable) as caught:
            nmq.connect(gone.address, wait_for_server=0.5, connect_timeout=0.5)
        self.assertIn(f"no answer from {gone.address} in 0.5 s, and at first: ", str(caught.exception))
        self.assertIn("refused", str(caught.exception))

    def test_an_undeclared_namespace_is_refused_with_its_reason(self) -> None:
        with self.assertRaises(nmq.NotFound) as caught:
            nmq.connect(self.server.address, namespace="nowhere")
        self.assertEqual(caught.exception.reason, "NAMESPACE_NOT_FOUND")
        self.assertEqual(caught.exception.code, grpc.StatusCode.NOT_FOUND)


class Rooms(Server):
    def test_join_and_leave_answer_with_the_members(self) -> None:
        one, other = self.connect(), self.connect()
        self.assertEqual(one.join("a", "b"), {"a": 1, "b": 1})
        self.assertEqual(other.join("a"), {"a": 2})
        self.assertEqual(one.leave("a"), {"a": 1})
        self.assertEqual(one.rooms, ["b"])

    def test_a_room_hears_what_is_for_it_and_others_do_not(self) -> None:
        inside, outside, publisher = self.connect(), self.connect(), self.connect()
        with inside.subscribe("news", rooms=["r"]) as in_room, outside.subscribe("news") as out:
            publisher.publish("news", "E", "for the room", rooms=["r"])
            publisher.publish("news", "E", "for all")
            self.assertEqual(self.payloads(in_room, 2), ["for the room", "for all"])
            self.assertEqual(self.payloads(out, 1), ["for all"])

    def test_excepted_rooms_clients_and_the_publisher_hear_nothing(self) -> None:
        one, two, me = self.connect(), self.connect(), self.connect()
        two.join("quiet")
        with one.subscribe("x") as at_one, two.subscribe("x") as at_two, me.subscribe("x") as at_me:
            me.publish("x", "E", "not in quiet", except_rooms=["quiet"])
            me.publish("x", "E", "not one", except_clients=[one.client_id])
            me.publish("x", "E", "not me", except_publisher=True)
            me.publish("x", "E", "only two", clients=[two.client_id])
            me.publish("x", "E", "end")
            self.assertEqual(self.payloads(at_one, 3), ["not in quiet", "not me", "end"])
            self.assertEqual(self.payloads(at_two, 4), ["not one", "not me", "only two", "end"])
            self.assertEqual(self.payloads(at_me, 3), ["not in quiet", "not one", "end"])


class Messages(Server):
    def test_everything_that_a_publisher_says_arrives(self) -> None:
        client = self.connect()
        with client.subscribe("full") as messages:
            result = client.publish(
                "full", "E", bytes(range(256)), key="k", content_type="a/b", headers={"h": "v"}, count_matches=True
            )
            message = messages.receive(SECONDS)
        self.assertEqual(result.matched, 1)
        self.assertEqual((message.id, message.epoch, message.sequence), (result.id, result.epoch, result.sequence))
        self.assertEqual(message.payload, bytes(range(256)))
        self.assertEqual((message.key, message.content_type, dict(message.headers)), ("k", "a/b", {"h": "v"}))
        self.assertEqual(message.publisher, client.client_id)

    def test_json_is_encoded(self) -> None:
        client = self.connect()
        with client.subscribe("json") as messages:
            client.publish("json", "E", json={"id": 77})
            message = messages.receive(SECONDS)
        self.assertEqual((message.payload, message.content_type), (b'{"id": 77}', "application/json"))

    def test_a_client_that_only_publishes_need_not_enter_the_namespace(self) -> None:
        with nmq.Client(self.server.address, publish_with_session=False) as publisher:
            publisher.publish("anonymous", "E")
            self.assertEqual(publisher.client_id, "")

    def test_the_same_request_id_is_taken_once(self) -> None:
        client = self.connect()
        first = client.publish("once", "E", request_id="1")
        again = client.publish("once", "E", request_id="1")
        self.assertFalse(first.duplicate)
        self.assertTrue(again.duplicate)
        self.assertEqual(again.sequence, first.sequence)

    def test_an_expected_last_sequence_that_is_not_the_last_is_refused(self) -> None:
        client = self.connect()
        client.publish("chain", "E", expected_last_sequence=0)
        with self.assertRaises(nmq.FailedPrecondition) as caught:
            client.publish("chain", "E", expected_last_sequence=0)
        self.assertEqual(caught.exception.reason, "SEQUENCE_MISMATCH")
        self.assertEqual(caught.exception.metadata["bound"], "1")

    def test_a_message_can_wait_for_its_time(self) -> None:
        client = self.connect()
        with client.subscribe("later") as messages:
            now = datetime.datetime.now(datetime.timezone.utc)
            later = now + datetime.timedelta(seconds=1)
            expires = now + datetime.timedelta(seconds=SECONDS)
            late = client.publish("later", "E", "late", deliver_at=later, expire_at=expires)
            self.assertEqual(late.sequence, 0)
            client.publish("later", "E", "first")
            self.assertEqual(self.payloads(messages, 2), ["first", "late"])

    def test_a_payload_at_the_limit_is_taken_and_one_above_is_refused(self) -> None:
        client = self.connect()
        client.publish("large", "E", bytes(65536))
        with self.assertRaises(nmq.ResourceExhausted) as caught:
            client.publish("large", "E", bytes(65537))
        self.assertEqual(caught.exception.reason, "LIMIT_EXCEEDED")
        self.assertIn("65536", caught.exception.message)

    def test_an_event_that_is_not_declared_is_refused_with_what_to_do(self) -> None:
        client = self.connect(namespace="shop")
        with self.assertRaises(nmq.NotFound) as caught:
            client.publish("DB", "UPDATE")
        self.assertEqual(caught.exception.reason, "EVENT_NOT_FOUND")
        self.assertIn("declare it", caught.exception.hint)


class Questions(Server):
    def test_answers_come_back(self) -> None:
        asker, answerer = self.connect(), self.connect()
        questions = answerer.subscribe("ask")

        def answer() -> None:
            question = questions.receive(SECONDS)
            answerer.reply(question, question.payload.upper())

        thread = threading.Thread(target=answer)
        thread.start()
        self.addCleanup(thread.join)
        response = asker.request("ask", "Q", "hello", timeout=SECONDS)
        self.assertTrue(response.complete)
        self.assertEqual([a.payload for a in response.answers], [b"HELLO"])

    def test_an_answer_may_be_an_error(self) -> None:
        asker, answerer = self.connect(), self.connect()
        questions = answerer.subscribe("fail")
        thread = threading.Thread(
            target=lambda: answerer.reply(questions.receive(SECONDS), error="no such record")
        )
        thread.start()
        self.addCleanup(thread.join)
        response = asker.request("fail", "Q", timeout=SECONDS)
        self.assertIn("no such record", str(nmq.from_status(response.answers[0].error)))

    def test_nobody_listens(self) -> None:
        with self.assertRaises(nmq.Unavailable) as caught:
            self.connect().request("silence", "Q")
        self.assertEqual(caught.exception.reason, "NOBODY_LISTENS")


class Lists(Server):
    def test_lists_go_on_from_page_to_page(self) -> None:
        with contextlib.ExitStack() as stack:
            clients = [
                stack.enter_context(nmq.connect(self.server.address, labels={"kind": "many"})) for _ in range(7)
            ]
            listed = list(clients[0].registry.clients(labels={"kind": "many"}))
            self.assertEqual(sorted(c.id for c in listed), sorted(c.client_id for c in clients))
            self.assertEqual(clients[0].registry.count_clients(labels={"kind": "many"}), 7)

    def test_rooms_queues_and_subscriptions_are_listed(self) -> None:
        client = self.connect()
        client.join("l.1", "l.2", "l.3", "other")
        with client.subscribe("listed", "E") as subscription:
            self.assertEqual([r.name for r in client.registry.rooms("l.*", page_size=1)], ["l.1", "l.2", "l.3"])
            (listed,) = client.registry.subscriptions(client_id=client.client_id)
            self.assertEqual(listed.id, subscription.id)
        self.assertEqual([n.name for n in client.registry.namespaces()], ["default", "shop"])
        self.assertEqual([q.name for q in client.registry.queues(namespace="shop")], ["DB"])

    def test_groups_and_metrics_are_listed(self) -> None:
        client = self.connect()
        with client.subscribe("log", group="readers"):
            (group,) = client.registry.groups("log")
            self.assertEqual((group.queue, group.options.name, group.members), ("log", "readers", 1))
        metrics = [metric.name for metric in client.registry.metrics("nmq_", page_size=2)]
        self.assertGreater(len(metrics), 2)
        self.assertEqual([name for name in metrics if not name.startswith("nmq_")], [])

    def test_a_watch_tells_of_who_comes(self) -> None:
        client = self.connect()
        watch = client.registry.watch()
        self.assertFalse(next(watch).changes)
        other = self.connect()
        changes = next(watch).changes
        watch.close()
        self.assertEqual(changes[0].client_id, other.client_id)


class Starts(Server):
    def test_subscriptions_start_where_they_are_told(self) -> None:
        client = self.connect()
        for number in range(1, 6):
            client.publish("start", "E", str(number))
        for start, heard in (
            (nmq.start_earliest(), ["1", "2", "3", "4", "5"]),
            (nmq.start_last(2), ["4", "5"]),
            (nmq.start_at_sequence(4), ["4", "5"]),
        ):
            with client.subscribe("start", start=start) as messages:
                self.assertEqual(self.payloads(messages, len(heard)), heard)

    def test_positions_of_one_subscription_are_where_the_next_one_starts(self) -> None:
        client = self.connect()
        for number in range(1, 6):
            client.publish("go-on", "E", str(number))
        with client.subscribe("go-on", start=nmq.start_earliest()) as messages:
            self.assertEqual(self.payloads(messages, 2), ["1", "2"])
            positions = messages.positions
        with client.subscribe("go-on", start=nmq.start_after(positions)) as messages:
            self.assertEqual(self.payloads(messages, 3), ["3", "4", "5"])

    def test_a_position_that_is_not_reached_is_refused(self) -> None:
        client = self.connect()
        client.publish("far", "E")
        with self.assertRaises(nmq.OutOfRange) as caught:
            client.subscribe("far", start=nmq.start_at_sequence(9))
        self.assertEqual(caught.exception.reason, "POSITION_NOT_REACHED")

    def test_several_patterns_are_one_subscription(self) -> None:
        client = self.connect()
        with client.subscribe(patterns=[("p.*", "A"), ("q", "B")]) as messages:
            client.publish("p.1", "A", "1")
            client.publish("p.1", "B", "2")
            client.publish("q", "B", "3")
            self.assertEqual(self.payloads(messages, 2), ["1", "3"])

    def test_headers_choose_what_is_heard(self) -> None:
        client = self.connect()
        with client.subscribe("filtered", headers={"kind": "a", "more": None}) as messages:
            all_headers = {"1": {"kind": "b", "more": ""}, "2": {"kind": "a"}, "3": {"kind": "a", "more": "x"}}
            for payload, headers in all_headers.items():
                client.publish("filtered", "E", payload, headers=headers)
            self.assertEqual(self.payloads(messages, 1), ["3"])

    def test_a_closed_subscription_ends_its_loop(self) -> None:
        client = self.connect()
        heard = []
        subscription = client.subscribe("loop")
        client.publish("loop", "E", "only")
        for message in subscription:
            heard.append(message.payload)
            subscription.close()
        self.assertEqual(heard, [b"only"])

    def test_receive_gives_up_when_its_time_is_over(self) -> None:
        with self.connect().subscribe("quiet") as messages, self.assertRaises(TimeoutError):
            messages.receive(timeout=0.01)

    def test_closing_the_client_ends_a_loop_that_waits(self) -> None:
        client = self.connect()
        subscription = client.subscribe("waiting")
        thread = threading.Thread(target=lambda: list(subscription))
        thread.start()
        client.close()
        thread.join(SECONDS)
        self.assertFalse(thread.is_alive())


class Restarts(ServerOfTest):
    config = _CONFIG
    options = {"wait_for_server": SECONDS, "timeout": SECONDS}

    def setUp(self) -> None:
        super().setUp()
        self.gaps: List[nmq.Gap] = []
        self.states: List[nmq.State] = []

    def subscribe(self, client: nmq.Client, queue: str, **options: Any) -> nmq.Subscription:
        return client.subscribe(
            queue, on_gap=self.gaps.append, on_state=lambda state, error: self.states.append(state), **options
        )

    def test_a_durable_queue_loses_and_doubles_nothing_when_the_server_is_killed(self) -> None:
        client = self.connect()
        with self.subscribe(client, "log") as messages:
            for number in range(200):
                client.publish("log", "E", str(number))
            heard = [messages.receive(SECONDS).payload for _ in range(100)]
            self.server.kill()
            self.server.start()
            for number in range(200, 400):
                client.publish("log", "E", str(number))
            heard += [messages.receive(SECONDS).payload for _ in range(300)]
        self.assertEqual(heard, [str(number).encode() for number in range(400)])
        self.assertEqual(self.gaps, [])
        self.assertEqual(self.states, [nmq.State.CONNECTED, nmq.State.RECONNECTING, nmq.State.CONNECTED])

    def test_a_live_queue_tells_of_the_gap_when_the_server_is_killed(self) -> None:
        client = self.connect()
        with self.subscribe(client, "live") as messages:
            before = client.publish("live", "E", "before")
            self.assertEqual(messages.receive(SECONDS).payload, b"before")
            self.server.kill()
            self.server.start()
            after = client.publish("live", "E", "after")
            self.assertEqual(messages.receive(SECONDS).payload, b"after")
        (gap,) = self.gaps
        self.assertNotEqual(before.epoch, after.epoch)
        self.assertEqual((gap.queue, gap.epoch, gap.first), ("live", before.epoch, before.sequence + 1))
        self.assertEqual(gap.reason, nmq.GapReason.Value("GAP_REASON_EPOCH_CHANGED"))

    def test_a_gap_that_nobody_hears_of_is_logged(self) -> None:
        client = self.connect()
        with client.subscribe("live") as messages:
            client.publish("live", "E")
            messages.receive(SECONDS)
            self.server.kill()
            self.server.start()
            client.publish("live", "E")
            with self.assertLogs("nmq", "WARNING") as logged:
                messages.receive(SECONDS)
        self.assertIn("messages of queue live are missing from 2 on", logged.output[0])

    def test_rooms_are_joined_again_after_a_restart(self) -> None:
        client, publisher = self.connect(), self.connect()
        client.join("joined")
        with self.subscribe(client, "log", rooms=["asked"]) as messages:
            old = client.client_id
            self.server.kill()
            self.server.start()
            publisher.publish("log", "E", "end")
            self.assertEqual(messages.receive(SECONDS).payload, b"end")
            self.assertNotEqual(client.client_id, old)
            publisher.publish("log", "E", "1", rooms=["joined"])
            publisher.publish("log", "E", "2", rooms=["asked"])
            self.assertEqual([messages.receive(SECONDS).payload for _ in range(2)], [b"1", b"2"])

    def test_a_subscription_moves_on_when_the_server_drains(self) -> None:
        client = self.connect()
        with self.subscribe(client, "log") as messages:
            client.publish("log", "E", "before")
            self.server.stop()
            self.server.start()
            client.publish("log", "E", "after")
            self.assertEqual([messages.receive(SECONDS).payload for _ in range(2)], [b"before", b"after"])
        self.assertEqual(self.gaps, [])

    def test_closing_does_not_wait_for_a_server_that_is_gone(self) -> None:
        client = self.connect()
        subscription = self.subscribe(client, "log")
        self.server.kill()
        client.close()
        self.assertEqual(list(subscription), [])


if __name__ == "__main__":
    unittest.main()
