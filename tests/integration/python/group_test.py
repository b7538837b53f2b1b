"""Groups of the Python client against a real nmqd."""

import signal
import subprocess
import sys
import threading
import unittest
from typing import Any, List, Optional, Tuple

import nmq
from cases import SECONDS, ServerOfTest

_CONFIG = 'namespace { name: "default" queue { name: "ORDERS" durability: DURABILITY_DURABLE } }'
# The longest ack_deadline: nothing is taken back before a test is over.
_FOREVER = 12 * 3600


class Groups(ServerOfTest):
    """The queue is empty at first."""

    config = _CONFIG
    options = {"backoff": nmq.Backoff(initial=0.01, max=0.1), "wait_for_server": SECONDS}

    def setUp(self) -> None:
        super().setUp()
        self.client = self.connect()

    def join(self, client: Optional[nmq.Client] = None, **options: Any) -> nmq.Subscription:
        options.setdefault("ack_deadline", _FOREVER)
        group = nmq.group("billing", **options)
        return (client or self.client).subscribe("ORDERS", group=group)

    def publish(self, *payloads: str) -> List[int]:
        return [self.client.publish("ORDERS", "E", payload).sequence for payload in payloads]

    def receive(self, messages: nmq.Subscription) -> nmq.Message:
        return messages.receive(SECONDS)

    def test_each_message_goes_to_one_member(self) -> None:
        with self.join(credit_messages=1) as one, self.join(credit_messages=1) as two:
            self.publish("1", "2")
            heard = {self.receive(one).payload, self.receive(two).payload}
        self.assertEqual(heard, {b"1", b"2"})

    def test_what_is_done_does_not_come_again(self) -> None:
        self.join().close()
        self.publish("1", "2", "3")
        with self.join() as messages:
            first, second = self.receive(messages), self.receive(messages)
            self.assertEqual(messages.done(first, second), 2)
            self.assertEqual(messages.done(first), 0, "it was done before")
        with self.join(self.connect()) as messages:
            self.assertEqual(self.receive(messages).payload, b"3")

    def test_a_group_can_be_just_a_name(self) -> None:
        with self.client.subscribe("ORDERS", group="plain") as messages:
            self.publish("1")
            message = self.receive(messages)
            self.assertEqual((message.payload, message.attempt), (b"1", 0))
            self.assertEqual(messages.done(message), 1)

    def test_what_is_to_be_tried_again_comes_again(self) -> None:
        with self.join() as messages:
            self.publish("1")
            messages.retry_after(self.receive(messages), 0)
            again = self.receive(messages)
            self.assertEqual((again.payload, again.attempt), (b"1", 2))

    def test_what_nobody_can_do_is_a_dead_letter(self) -> None:
        with self.join() as messages, self.client.subscribe("ORDERS.dead", start=nmq.start_earliest()) as dead:
            (sequence,) = self.publish("1")
            self.assertEqual(messages.terminate(self.receive(messages), "no such order"), 1)
            letter = self.receive(dead)
        self.assertEqual(letter.payload, b"1")
        self.assertEqual((letter.dead_letter.queue, letter.dead_letter.sequence), ("ORDERS", sequence))
        self.assertEqual(letter.dead_letter.reason, "no such order")

    def test_who_needs_longer_says_so(self) -> None:
        with self.join(ack_deadline=3) as messages:
            self.publish("1", "2")
            first = self.receive(messages)
            self.assertEqual(messages.extend(first, _FOREVER), 1)
            self.assertEqual(self.receive(messages).payload, b"2")
            # Its time is over, that of the first is not.
            again = self.receive(messages)
            self.assertEqual((again.payload, again.attempt), (b"2", 2))
            self.assertEqual(messages.done(first), 1)

    def test_many_are_acknowledged_at_once(self) -> None:
        with self.join() as messages:
            self.publish("1", "2", "3", "4")
            one, two, three, four = (self.receive(messages) for _ in range(4))
            never = type(four)(sequence=four.sequence + 1, delivery=four.delivery)
            response = self.client.acknowledge(
                "ORDERS", "billing", nmq.done(one, two), nmq.extend(three, 5), nmq.done(never)
            )
        self.assertEqual((response.noted, response.not_pending), (3, 1))

    def test_who_comes_too_late_does_not_take_the_work_from_another(self) -> None:
        slow, other = self.join(credit_messages=1), self.join(self.connect(), credit_messages=1)
        with other:
            with slow:
                self.publish("1", "2")
                late = self.receive(slow)
                other.done(self.receive(other))
            again = self.receive(other)
            self.assertEqual((again.payload, again.attempt), (late.payload, 2))
            self.assertNotEqual(again.delivery, late.delivery)
            for said in (
                nmq.retry_after(late, 0),
                nmq.extend(late, _FOREVER),
                nmq.terminate(late, "too late"),
                nmq.done(late),
            ):
                response = self.client.acknowledge("ORDERS", "billing", said)
                self.assertEqual((response.noted, response.not_pending), (0, 1), said)
            self.assertEqual(other.done(again), 1)

    def test_what_a_member_that_left_had_not_done_goes_to_another(self) -> None:
        one, two = self.join(credit_messages=1), self.join(self.connect(), credit_messages=1)
        with two:
            with one:
                self.publish("1", "2")
                heard = [self.receive(one), self.receive(two)]
                two.done(heard[1])
            again = self.receive(two)
        self.assertEqual((again.payload, again.attempt), (heard[0].payload, 2))

    def test_a_member_goes_on_after_the_server_was_killed(self) -> None:
        with self.join() as messages:
            self.publish("1", "2")
            messages.done(self.receive(messages))
            self.receive(messages)
            self.server.kill()
            self.server.start()
            self.publish("3")
            heard = {self.receive(messages).payload, self.receive(messages).payload}
        self.assertEqual(heard, {b"2", b"3"})

    def test_outside_groups_there_is_nothing_to_acknowledge(self) -> None:
        with self.client.subscribe("ORDERS") as messages:
            self.publish("1")
            with self.assertRaises(ValueError):
                messages.done(self.receive(messages))

    def test_a_group_that_is_another_one_is_refused(self) -> None:
        with self.join(attempts_max=3), self.assertRaises(nmq.FailedPrecondition) as caught:
            self.join(attempts_max=4)
        self.assertEqual(caught.exception.reason, "OTHER_GROUP")

    def work_off(self, jobs: int, seconds: float, **options: Any) -> List[Tuple[int, int]]:
        """What a worker that takes so long for each job is given: [(payload, attempt)]."""
        options["attempts_max"] = 1
        self.join(**options).close()
        with self.client.publisher() as publisher:
            for number in range(jobs):
                publisher.add(nmq.make_message("ORDERS", "E", str(number)))
        heard = []
        with self.join(**options) as messages:
            for message in messages:
                threading.Event().wait(seconds)  # The work.
                heard.append((int(message.payload), message.attempt))
                messages.done(message)
                (group,) = self.client.registry.groups("ORDERS")
                if group.lag_messages + group.pending_messages + group.waiting_messages == 0:
                    break
        return heard

    def dead_letters(self) -> List[int]:
        return [queue.last_sequence for queue in self.client.registry.queues("ORDERS.dead")]

    def test_a_hundred_jobs_that_take_longer_together_than_the_deadline_are_each_done_once(self) -> None:
        self.assertEqual(self.work_off(100, 0.05, ack_deadline=1, credit_messages=100), [(number, 0) for number in range(100)])
        self.assertIn(self.dead_letters(), ([], [0]))

    def test_by_default_jobs_that_take_nearly_the_deadline_are_each_done_once(self) -> None:
        self.assertEqual(self.work_off(6, 0.8, ack_deadline=2), [(number, 0) for number in range(6)])
        self.assertIn(self.dead_letters(), ([], [0]))

    def test_by_default_a_member_fetches_a_few_and_leaves_the_rest_to_others(self) -> None:
        self.join().close()
        self.publish(*map(str, range(20)))
        with self.join() as slow:
            self.receive(slow)
            with self.join(self.connect()) as other:
                self.assertEqual(self.receive(other).payload, b"16")

    def test_what_was_taken_back_while_the_process_stood_still_is_not_handed_out(self) -> None:
        self.join(ack_deadline=1).close()
        self.publish("1", "2", "3")
        worker = subprocess.Popen(
            [sys.executable, "-c", _WORKER, self.server.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert worker.stdin is not None and worker.stdout is not None
        self.addCleanup(worker.communicate)
        self.addCleanup(worker.kill)
        self.assertEqual(worker.stdout.readline().strip(), "1")
        worker.send_signal(signal.SIGSTOP)
        with self.join(self.connect(), ack_deadline=1) as other:
            taken = []
            for _ in range(3):
                taken.append(self.receive(other))
                other.done(taken[-1])
        self.publish("end")
        worker.send_signal(signal.SIGCONT)
        worker.stdin.write("go on\n")
        worker.stdin.flush()
        self.assertEqual(sorted(message.payload for message in taken), [b"1", b"2", b"3"])
        self.assertEqual(worker.stdout.readline().strip(), "end")

    def test_what_waited_when_the_server_was_killed_is_handed_out_once(self) -> None:
        with self.join() as messages:
            self.publish(*map(str, range(10)))
            heard = [self.receive(messages)]
            messages.done(heard[0])
            self.server.kill()
            self.server.start()
            self.publish("end")
            while heard[-1].payload != b"end":
                heard.append(self.receive(messages))
        self.assertEqual(sorted(message.payload for message in heard), sorted([b"end", *(b"%d" % n for n in range(10))]))

    def test_a_program_that_forgets_to_acknowledge_is_told_so(self) -> None:
        with self.join(ack_deadline=1) as messages, self.assertLogs("nmq", "WARNING") as logged:
            self.publish("1")
            self.receive(messages)
            self.assertEqual(self.receive(messages).attempt, 2)
            self.receive(messages)
        self.assertIn("group billing of queue ORDERS: 1 messages were given to the program and not", logged.output[0])


_WORKER = """
import sys, nmq

client = nmq.connect(sys.argv[1])
messages = client.subscribe("ORDERS", group=nmq.group("billing", ack_deadline=1))
for message in messages:
    print(message.payload.decode(), flush=True)
    if message.payload == b"1":
        sys.stdin.readline()
    elif message.payload == b"end":
        break
"""

if __name__ == "__main__":
    unittest.main()
