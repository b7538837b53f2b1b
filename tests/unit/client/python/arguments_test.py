"""Calls that are wrong in themselves are refused before anything is sent, with the argument, its value and what is right."""

import datetime
import unittest
from typing import Any, Callable, List, Tuple, Type

import nmq as typed

# Without types, as those who make such mistakes.
nmq: Any = typed

# Nobody is there: what is not refused at once, is refused for that.
_CLIENT = nmq.Client("127.0.0.1:1", wait_for_server=0, connect_timeout=0.5, timeout=0.5)
_MESSAGE = nmq.Message(queue="Q", sequence=1, delivery=1, reply_to="r")


def _publish(**options: Any) -> Callable[[], Any]:
    return lambda: _CLIENT.publish("DB", "E", **options)


def _subscribe(**options: Any) -> Callable[[], Any]:
    return lambda: _CLIENT.subscribe("DB", **options)


def _connect(**options: Any) -> Callable[[], Any]:
    return lambda: nmq.Client("127.0.0.1:1", **options)


def _group(**options: Any) -> Callable[[], Any]:
    return lambda: nmq.group("g", **options)


# The call, its error, and what the error says.
_TYPES = [
    (_subscribe(rooms="audit"), "rooms: 'audit' is a str, not a list of names; write ['audit']"),
    (_subscribe(rooms=5), "rooms: 5 is a int, not a list of names"),
    (_subscribe(rooms=["a", 5]), "rooms[1]: 5 is a int, not a str"),
    (_subscribe(patterns="DB"), "patterns: 'DB' is a str, not a list of (queue, event)"),
    (_subscribe(patterns=["DB"]), "patterns[0]: 'DB' is a str, not a pair (queue, event)"),
    (_subscribe(patterns=[("DB", 1)]), "patterns[0] event: 1 is a int, not a str"),
    (_subscribe(start="latest"), "start: 'latest' is a str, not what nmq.start_new(), start_earliest()"),
    (_subscribe(overflow="drop-oldest"), "overflow: 'drop-oldest' is a str, not one of nmq.Overflow.OVERFLOW_UNSPECIFIED,"),
    (_subscribe(overflow_messages="1"), "overflow_messages: '1' is a str, not a whole number from 0 to"),
    (_subscribe(headers=["a"]), "headers: ['a'] is a list, not a dict of str"),
    (_subscribe(headers={"a": 1}), "headers['a']: 1 is a int, not a str"),
    (_subscribe(group=5), "group: 5 is a int, not a name or nmq.group(...)"),
    (_subscribe(on_gap="x"), "on_gap: 'x' is a str, not a function"),
    (_subscribe(ready_timeout="1"), "ready_timeout: '1' is a str, not a number"),
    (_subscribe(room="audit"), "subscribe() has no option room='audit'; it has queue, event, patterns, rooms,"),
    (lambda: _CLIENT.subscribe({"queue": "DB"}), "queue: {'queue': 'DB'} is a dict, not a str"),
    (_publish(rooms="audit"), "rooms: 'audit' is a str, not a list of names"),
    (_publish(clients="c"), "clients: 'c' is a str, not a list of names"),
    (_publish(except_rooms="a"), "except_rooms: 'a' is a str, not a list of names"),
    (_publish(except_clients=b"a"), "except_clients: b'a' is a bytes, not a list of names"),
    (_publish(except_publisher="no"), "except_publisher: 'no' is a str, not True or False"),
    (_publish(room="kitchen"), "publish() has no option room='kitchen'; it has queue, event, payload,"),
    (_publish(payload=5), "payload: 5 is a int, not bytes or str; json= takes other values"),
    (_publish(json={1, 2}), "json: {1, 2} is no JSON"),
    (_publish(headers={"a": 1}), "headers['a']: 1 is a int, not a str"),
    (_publish(headers={1: "a"}), "a name in headers: 1 is a int, not a str"),
    (_publish(key=1), "key: 1 is a int, not a str"),
    (_publish(deliver_at=5), "deliver_at: 5 is a int, not a datetime.datetime"),
    (_publish(timeout=datetime.timedelta(1)), "timeout: datetime.timedelta(days=1) is a timedelta; give a number of seconds"),
    (_publish(expected_last_sequence=True), "expected_last_sequence: True is a bool, not a whole number"),
    (lambda: _CLIENT.publish("DB", 5), "event: 5 is a int, not a str"),
    (lambda: _CLIENT.request("DB", "E", rooms="a"), "rooms: 'a' is a str, not a list of names"),
    (lambda: _CLIENT.request("DB", "E", replies=1), "request() has no option replies=1; it has queue,"),
    (lambda: _CLIENT.reply("r", "x"), "question: 'r' is a str, not a message"),
    (lambda: _CLIENT.reply(_MESSAGE, error=5), "error: 5 is a int, not an exception or a str"),
    (lambda: _CLIENT.join(["a", "b"]), "rooms[0]: ['a', 'b'] is a list, not a str"),
    (lambda: _CLIENT.leave(1), "rooms[0]: 1 is a int, not a str"),
    (lambda: _CLIENT.acknowledge("Q", "g", _MESSAGE), "acknowledgements[0]: queue: \"Q\""),
    (_connect(name=5), "name: 5 is a int, not a str"),
    (_connect(labels={"a": 1}), "labels['a']: 1 is a int, not a str"),
    (_connect(lease="5s"), "lease: '5s' is a str, not a number"),
    (_connect(backoff=1), "backoff: 1 is a int, not Backoff"),
    (_connect(tls_ca=5), "tls_ca: 5 is a int, not a path"),
    (_connect(credentials="x"), "credentials: 'x' is a str, not ChannelCredentials"),
    (_connect(name_space="x"), "connect() has no option name_space='x'; it has server, namespace, name,"),
    (lambda: nmq.connect(50051), "server: 50051 is a int, not a str"),
    (_group(rooms="audit"), "rooms: 'audit' is a str, not a list of names"),
    (_group(by_key="yes"), "by_key: 'yes' is a str, not True or False"),
    (_group(deadline=3), "group() has no option deadline=3; it has name, ack_deadline,"),
    (lambda: nmq.done("m"), "message: 'm' is a str, not a message"),
    (lambda: nmq.terminate(_MESSAGE, 5), "reason: 5 is a int, not a str"),
    (lambda: nmq.start_last("10"), "messages: '10' is a str, not a whole number from 1 to 1000000"),
    (lambda: nmq.start_at_time(5), "time: 5 is a int, not a datetime.datetime"),
    (lambda: nmq.start_after([("q", 1)]), "positions[0]: ('q', 1) is a tuple, not a QueuePosition or (queue, epoch, sequence)"),
    (lambda: _CLIENT.registry.clients(labels="a"), "labels: 'a' is a str, not a dict of str"),
    (lambda: _CLIENT.registry.rooms(page="a"), "rooms() has no option page='a'; it has room, namespace, page_size"),
    (lambda: _CLIENT.registry.watch("1"), "after_revision: '1' is a str, not a whole number"),
    (lambda: _CLIENT.close(leave="no"), "leave: 'no' is a str, not True or False"),
]
_VALUES = [
    (_publish(rooms=[]), "rooms: [] names nobody; name at least one, or leave rooms out for everyone"),
    (_publish(clients=[]), "clients: [] names nobody; name at least one, or leave clients out for everyone"),
    (_publish(rooms=iter(())), "rooms: [] names nobody"),
    (_publish(rooms=["a"], clients=set()), "clients: [] names nobody"),
    (_subscribe(patterns=[]), "patterns: [] names no queue"),
    (_subscribe(patterns=[("A", "B")], event="C"), "patterns and event: give one of them"),
    (_subscribe(group=""), "group: '' names nothing"),
    (_subscribe(overflow=77), "overflow: 77 is not one of nmq.Overflow.OVERFLOW_UNSPECIFIED"),
    (_subscribe(overflow_messages=-1), "overflow_messages: -1 is out of range; 0 to 18446744073709551615 is allowed"),
    (_subscribe(ready_timeout=float("nan")), "ready_timeout: nan is out of range; more than 0 to 2147483647 seconds"),
    (_publish(json=float("nan")), "json: nan is no JSON"),
    (_publish(json={"a": [float("inf")]}), "json: {'a': [inf]} is no JSON"),
    (_publish(json="\ud800"), "json: '\\ud800' is no JSON"),
    (_publish(payload="\ud800"), "payload: '\\ud800' cannot be written as UTF-8"),
    (_publish(payload="a", json=1), "payload and json: give one of them"),
    (_publish(timeout=0), "timeout: 0 is out of range; more than 0"),
    (_publish(timeout=float("inf")), "timeout: inf is out of range"),
    (_publish(expected_last_sequence=-1), "expected_last_sequence: -1 is out of range"),
    (lambda: _CLIENT.request("DB", "E", timeout=-1), "timeout: -1 is out of range; 0.001 to 3600 seconds is allowed"),
    (lambda: _CLIENT.request("DB", "E", request_id="1"), "request_id: '1' is not for questions"),
    (lambda: _CLIENT.reply(nmq.Message(), "x"), "question: nobody asked"),
    (_connect(timeout=-1), "timeout: -1 is out of range"),
    (_connect(lease=float("nan")), "lease: nan is out of range"),
    (_connect(wait_for_server=-1), "wait_for_server: -1 is out of range; 0 to"),
    (lambda: nmq.Backoff(initial=0), "initial: 0 is out of range"),
    (lambda: nmq.Backoff(factor=0.5), "factor: 0.5 is out of range; 1 to"),
    (_group(ack_deadline=0.5), "ack_deadline: 0.5 is out of range; 1 to 43200 seconds is allowed"),
    (_group(attempts_max=1001), "attempts_max: 1001 is out of range; 0 to 1000 is allowed"),
    (_group(backoff=3601), "backoff: 3601 is out of range; 0 to 3600 seconds is allowed"),
    (_group(credit_bytes=-1), "credit_bytes: -1 is out of range"),
    (lambda: nmq.group(""), "name: '' names nothing"),
    (lambda: nmq.extend(_MESSAGE, 0), "seconds: 0 is out of range; 1 to 43200 seconds is allowed"),
    (lambda: nmq.retry_after(_MESSAGE, -1), "seconds: -1 is out of range; 0 to 43200 seconds is allowed"),
    (lambda: nmq.start_last(0), "messages: 0 is out of range; 1 to 1000000 is allowed"),
    (lambda: nmq.start_at_sequence(0), "sequence: 0 is out of range; 1 to"),
    (lambda: _CLIENT.registry.queues(page_size=-1), "page_size: -1 is out of range; 0 to 4294967295 is allowed"),
]


class Arguments(unittest.TestCase):
    def check(self, kind: Type[Exception], cases: List[Tuple[Callable[[], Any], str]]) -> None:
        for call, said in cases:
            with self.subTest(said):
                with self.assertRaises(kind) as caught:
                    call()
                self.assertIn(said, str(caught.exception))

    def test_wrong_types_and_unknown_options_are_type_errors_that_say_what_is_right(self) -> None:
        self.check(TypeError, _TYPES)

    def test_wrong_values_are_value_errors_that_say_what_is_right(self) -> None:
        self.check(ValueError, _VALUES)

    def test_an_error_is_short_however_long_the_value(self) -> None:
        with self.assertRaises(TypeError) as caught:
            _CLIENT.subscribe("DB", rooms="x" * 10_000)
        self.assertLess(len(str(caught.exception)), 250)


class Audiences(unittest.TestCase):
    def test_nobody_excepted_is_no_mistake(self) -> None:
        message = nmq.make_message("DB", "E", rooms=["a"], except_rooms=[], except_clients=())
        self.assertEqual(list(message.audience.rooms), ["a"])

    def test_any_iterable_of_names_is_a_list(self) -> None:
        message = nmq.make_message("DB", "E", rooms=(name for name in "ab"), clients={"c"})
        self.assertEqual((list(message.audience.rooms), list(message.audience.clients)), (["a", "b"], ["c"]))


if __name__ == "__main__":
    unittest.main()
