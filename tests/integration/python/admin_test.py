"""Admin of the Python client against a real nmqd."""

import unittest
from typing import Any, Callable, List, Tuple

import nmq
from cases import SECONDS, ServerOfTest


class Admin(ServerOfTest):
    def setUp(self) -> None:
        super().setUp()
        self.client = self.connect()
        self.admin = self.client.admin

    def make_queue(self) -> None:
        self.admin.create_queue("ORDERS", durability=nmq.Durability.DURABILITY_DURABLE)

    def test_a_namespace_is_made_changed_and_deleted(self) -> None:
        self.assertFalse(self.admin.create_namespace("shop").namespace.automatic_queues)
        self.assertTrue(self.admin.update_namespace("shop", automatic_queues=True).namespace.automatic_queues)
        self.connect(namespace="shop").publish("new", "E")
        self.admin.delete_namespace("shop")
        self.assertEqual([each.name for each in self.client.registry.namespaces()], ["default"])

    def test_a_queue_is_made_changed_purged_and_deleted(self) -> None:
        made = self.admin.create_queue("q", events=["E", "F"], retention=nmq.retention(messages=5, age=60)).queue
        self.assertEqual((list(made.events), made.retention.messages, made.retention.age.seconds), (["E", "F"], 5, 60))
        self.assertEqual(list(self.admin.update_queue("q", events=[]).queue.events), [])
        for _ in range(3):
            self.client.publish("q", "G")
        self.assertEqual(self.admin.purge_queue("q", up_to_sequence=2).messages, 2)
        self.assertEqual(self.admin.purge_queue("q").messages, 1)
        self.admin.delete_queue("q")
        self.assertEqual([each.name for each in self.client.registry.queues("q")], [])

    def test_a_group_is_made_paused_set_back_and_deleted(self) -> None:
        self.make_queue()
        self.client.publish("ORDERS", "E", "1")
        self.admin.create_group("ORDERS", nmq.group("billing", attempts_max=3), start=nmq.start_earliest())
        self.assertTrue(self.admin.pause_group("ORDERS", "billing").group.paused)
        with self.client.subscribe("ORDERS", group="billing") as messages:
            with self.assertRaises(TimeoutError):
                messages.receive(0.2)
            self.assertFalse(self.admin.resume_group("ORDERS", "billing").group.paused)
            messages.done(messages.receive(SECONDS))
            self.admin.seek_group("ORDERS", "billing", nmq.start_earliest())
            self.assertEqual(messages.receive(SECONDS).payload, b"1")
        self.admin.delete_group("ORDERS", "billing")
        self.assertEqual(list(self.client.registry.groups("ORDERS")), [])

    def test_dead_letters_are_tried_again(self) -> None:
        self.make_queue()
        with self.client.subscribe("ORDERS", group="billing") as messages:
            self.client.publish("ORDERS", "E", "1")
            messages.terminate(messages.receive(SECONDS), "no such order")
            self.assertEqual(self.admin.redrive_dead_letters("ORDERS.dead").messages, 1)
            self.assertEqual(messages.receive(SECONDS).payload, b"1")

    def test_clients_are_moved_and_disconnected(self) -> None:
        other = self.connect(name="other")
        self.assertEqual(self.admin.move_clients(name="other", join=["a", "b"]).clients, 1)
        self.assertEqual([each.id for each in self.client.registry.clients(room="a")], [other.client_id])
        self.assertEqual(self.admin.disconnect_clients(room="a", reason="tidying up").clients, 1)
        self.assertEqual(self.client.registry.count_clients(name="other"), 0)
        may = self.client.registry.explain(nmq.Right.RIGHT_PUBLISH, queue="DB")
        self.assertTrue(may.allowed)
        self.assertEqual(may.identity, "", "the server asks nobody")

    def test_nobody_is_disconnected_without_saying_whom(self) -> None:
        with self.assertRaises(nmq.InvalidArgument):
            self.admin.disconnect_clients()
        self.assertEqual(self.client.registry.count_clients(), 1)

    def test_wrong_arguments_are_refused_at_once(self) -> None:
        admin: Any = self.admin  # Without types, as those who make such mistakes.
        wrong: List[Tuple[Callable[[], Any], str]] = [
            (lambda: admin.create_queue("q", durability="durable"), "durability: 'durable' is a str, not one of nmq.Dur"),
            (lambda: admin.create_queue("q", events="E"), "events: 'E' is a str, not a list of names"),
            (lambda: admin.move_clients(name="x", join="a"), "join: 'a' is a str, not a list of names"),
            (lambda: admin.disconnect_clients(rooms="a"), "disconnect_clients() has no option rooms='a'"),
            (lambda: admin.seek_group("q", "g", "earliest"), "start: 'earliest' is a str, not what nmq.start_new()"),
        ]
        for call, said in wrong:
            with self.subTest(said), self.assertRaises(TypeError) as caught:
                call()
            self.assertIn(said, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
