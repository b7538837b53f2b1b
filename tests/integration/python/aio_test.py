"""nmq.aio against a real nmqd."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any, List

import nmq
import nmq.aio
from cases import SECONDS, AsyncServerOfTest
from nmqd import Nmqd

_CONFIG = """
limits { page_default: 2 page_max: 3 batch_messages: 50 }
namespace {
  name: "default"
  automatic_queues: true
  queue { name: "log" durability: DURABILITY_DURABLE event: "E" }
  queue { name: "ORDERS" durability: DURABILITY_DURABLE }
}
"""


class Aio(AsyncServerOfTest):
    config = _CONFIG


class Clients(Aio):
    async def test_a_client_enters_its_namespace_and_leaves_it(self) -> None:
        watcher = await self.connect()
        async with nmq.aio.connect(self.server.address, name="tester") as client:
            self.assertEqual((await watcher.registry.client(client.client_id)).name, "tester")
            self.assertTrue(client.session)
            self.assertEqual(client.limits.batch_messages, 50)
        with self.assertRaises(nmq.NotFound) as caught:
            await watcher.registry.client(client.client_id)
        self.assertEqual(caught.exception.reason, "CLIENT_NOT_FOUND")

    async def test_a_closed_client_is_of_no_more_use(self) -> None:
        client = await self.connect()
        await client.close()
        await client.close()
        with self.assertRaises(nmq.Cancelled):
            await client.publish("events", "E")

    async def test_a_session_inside_its_lease_is_the_same_client_with_its_rooms(self) -> None:
        first = await self.connect(lease=60)
        self.assertEqual(await first.join("lobby", "hall"), {"lobby": 1, "hall": 1})
        self.assertEqual(await first.leave("hall"), {"hall": 0})
        await first.close(leave=False)
        second = await self.connect(session=first.session)
        self.assertEqual((second.resumed, second.client_id, second.rooms), (True, first.client_id, ["lobby"]))

    async def test_a_short_lease_is_kept_without_a_stream(self) -> None:
        client = await self.connect(lease=5)
        watcher = await self.connect()
        await asyncio.sleep(6)  # The time is what is tested.
        self.assertEqual((await watcher.registry.client(client.client_id)).id, client.client_id)

    async def test_a_server_that_is_not_there_is_unavailable_and_the_error_says_what_to_do(self) -> None:
        gone = Nmqd()
        gone.close()
        with self.assertRaises(nmq.Unavailable) as caught:
            await nmq.aio.connect(gone.address, wait_for_server=0)
        self.assertIn("check that nmqd runs", str(caught.exception))

    async def test_a_wrong_call_is_told_at_once_in_the_same_words_as_without_asyncio(self) -> None:
        client = await self.connect()
        with self.assertRaises(TypeError) as caught:
            _ = client.publish("DB", "E", rooms="kitchen")
        self.assertIn("rooms: 'kitchen' is a str, not a list of names", str(caught.exception))
        with self.assertRaises(TypeError):
            client.subscribe("DB", room="kitchen")  # type: ignore[call-arg]
        with self.assertRaises(TypeError):
            nmq.aio.connect(self.server.address, name_space="x")

    async def test_many_callers_of_a_client_that_is_not_connected_connect_it_once(self) -> None:
        client = nmq.aio.Client(self.server.address)
        self.addAsyncCleanup(client.close)
        await asyncio.gather(*(client.publish("many", "E") for _ in range(20)))
        self.assertEqual(await client.registry.count_clients(), 1)

    async def test_a_call_that_is_cancelled_ends_and_the_client_goes_on(self) -> None:
        client = await self.connect()
        async with client.subscribe("ask"):
            question = asyncio.ensure_future(client.request("ask", "Q", timeout=SECONDS))
            while (await client.registry.client(client.client_id)).counters.published_messages == 0:
                await asyncio.sleep(0.01)
            question.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await question
        await client.publish("ask", "E")


class Messages(Aio):
    async def test_what_is_published_is_heard_in_the_rooms(self) -> None:
        one, two = await self.connect(), await self.connect()
        async with one.subscribe("news", rooms=["r"]) as inside, two.subscribe("news") as outside:
            await two.publish("news", "E", "for the room", rooms=["r"])
            await two.publish("news", "E", json={"for": "all"})
            self.assertEqual((await inside.receive(SECONDS)).payload, b"for the room")
            self.assertEqual((await inside.receive(SECONDS)).payload, b'{"for": "all"}')
            self.assertEqual((await outside.receive(SECONDS)).payload, b'{"for": "all"}')

    async def test_answers_come_back(self) -> None:
        asker, answerer = await self.connect(), await self.connect()
        async with answerer.subscribe("ask") as questions:

            async def answer() -> None:
                async for question in questions:
                    await answerer.reply(question, question.payload.upper())

            task = asyncio.ensure_future(answer())
            response = await asker.request("ask", "Q", "hello", timeout=SECONDS)
        self.assertEqual([each.payload for each in response.answers], [b"HELLO"])
        await task

    async def test_receive_gives_up_when_its_time_is_over_and_loses_nothing(self) -> None:
        client = await self.connect()
        async with client.subscribe("quiet") as messages:
            with self.assertRaises(TimeoutError):
                await messages.receive(0.01)
            await client.publish("quiet", "E", "1")
            self.assertEqual((await messages.receive(SECONDS)).payload, b"1")

    async def test_a_cancelled_reader_loses_nothing(self) -> None:
        client = await self.connect()
        async with client.subscribe("quiet") as messages:
            reader = asyncio.ensure_future(messages.receive())
            await asyncio.sleep(0)
            reader.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await reader
            await client.publish("quiet", "E", "1")
            self.assertEqual((await messages.receive(SECONDS)).payload, b"1")

    async def test_closing_the_client_ends_a_loop_that_waits(self) -> None:
        client = await self.connect()
        messages = await client.subscribe("waiting")
        heard: List[nmq.Message] = []

        async def read() -> None:
            async for message in messages:
                heard.append(message)

        reader = asyncio.ensure_future(read())
        await asyncio.sleep(0)
        await client.close()
        await asyncio.wait_for(reader, SECONDS)
        self.assertEqual(heard, [])

    async def test_a_subscription_that_the_server_refuses_raises_its_error(self) -> None:
        client = await self.connect()
        await client.publish("far", "E")
        with self.assertRaises(nmq.OutOfRange):
            await client.subscribe("far", start=nmq.start_at_sequence(9))


class Lists(Aio):
    async def test_lists_go_on_from_page_to_page(self) -> None:
        client = await self.connect()
        await client.join("l.1", "l.2", "l.3", "other")
        self.assertEqual([room.name async for room in client.registry.rooms("l.*", page_size=1)], ["l.1", "l.2", "l.3"])
        self.assertEqual([queue.name async for queue in client.registry.queues()], ["ORDERS", "log"])

    async def test_a_watch_tells_of_those_that_come(self) -> None:
        client = await self.connect()
        watch = client.registry.watch()
        self.assertFalse((await watch.__anext__()).changes)
        other = await self.connect()
        self.assertEqual((await watch.__anext__()).changes[0].client_id, other.client_id)

    async def test_a_queue_is_made_changed_purged_and_deleted(self) -> None:
        client = await self.connect()
        made = await client.admin.create_queue("q", events=["E"], retention=nmq.retention(messages=5))
        self.assertEqual((list(made.queue.events), made.queue.retention.messages), (["E"], 5))
        await client.publish("q", "E")
        self.assertEqual((await client.admin.purge_queue("q")).messages, 1)
        await client.admin.delete_queue("q")
        self.assertEqual([queue.name async for queue in client.registry.queues("q")], [])


class Restarts(Aio):
    async def test_a_durable_queue_loses_and_doubles_nothing_when_the_server_is_killed(self) -> None:
        client = await self.connect(wait_for_server=SECONDS, timeout=SECONDS)
        states: List[nmq.State] = []

        async def note(state: nmq.State, _: object) -> None:
            states.append(state)

        async with client.subscribe("log", on_state=note) as messages:
            for number in range(100):
                await client.publish("log", "E", str(number))
            heard = [(await messages.receive(SECONDS)).payload for _ in range(50)]
            self.server.kill()
            self.server.start()
            for number in range(100, 200):
                await client.publish("log", "E", str(number))
            heard += [(await messages.receive(SECONDS)).payload for _ in range(150)]
        self.assertEqual(heard, [str(number).encode() for number in range(200)])
        self.assertEqual(states, [nmq.State.CONNECTED, nmq.State.RECONNECTING, nmq.State.CONNECTED])

    async def test_a_live_queue_tells_of_the_gap_when_the_server_is_killed(self) -> None:
        client = await self.connect(wait_for_server=SECONDS, timeout=SECONDS)
        gaps: List[nmq.Gap] = []
        async with client.subscribe("live", on_gap=gaps.append) as messages:
            await client.publish("live", "E")
            await messages.receive(SECONDS)
            self.server.kill()
            self.server.start()
            await client.publish("live", "E", "after")
            self.assertEqual((await messages.receive(SECONDS)).payload, b"after")
        self.assertEqual([(gap.queue, gap.first) for gap in gaps], [("live", 2)])


class Groups(Aio):
    def join(self, client: nmq.aio.Client, **options: Any) -> nmq.aio.Subscription:
        return client.subscribe("ORDERS", group=nmq.group("billing", **options))

    async def fill(self, client: nmq.aio.Client, count: int, **options: Any) -> None:
        async with self.join(client, **options):
            pass
        for number in range(count):
            await client.publish("ORDERS", "E", str(number))

    async def test_a_hundred_jobs_that_take_longer_together_than_the_deadline_are_each_done_once(self) -> None:
        client = await self.connect()
        options = {"ack_deadline": 1, "attempts_max": 1, "credit_messages": 100}
        await self.fill(client, 100, **options)
        heard = []
        async with self.join(client, **options) as messages:
            async for message in messages:
                await asyncio.sleep(0.05)  # The work.
                heard.append((int(message.payload), message.attempt))
                self.assertEqual(await messages.done(message), 1)
                if len(heard) == 100:
                    break
            (group,) = [each async for each in client.registry.groups("ORDERS")]
        self.assertEqual(heard, [(number, 0) for number in range(100)])
        self.assertEqual((group.floor_sequence, group.pending_messages, group.waiting_messages), (100, 0, 0))

    async def test_what_waited_when_the_server_was_killed_is_handed_out_once(self) -> None:
        client = await self.connect(wait_for_server=SECONDS, timeout=SECONDS)
        await self.fill(client, 10)
        async with self.join(client) as messages:
            heard = [await messages.receive(SECONDS)]
            await messages.done(heard[0])
            self.server.kill()
            self.server.start()
            await client.publish("ORDERS", "E", "end")
            while heard[-1].payload != b"end":
                heard.append(await messages.receive(SECONDS))
        self.assertEqual(sorted(each.payload for each in heard), sorted([b"end", *(b"%d" % n for n in range(10))]))

    async def test_what_became_of_a_message_can_be_said_in_every_way(self) -> None:
        client = await self.connect()
        await self.fill(client, 4)
        async with self.join(client) as messages:
            one, two, three, four = [await messages.receive(SECONDS) for _ in range(4)]
            self.assertEqual(await messages.done(one), 1)
            self.assertEqual(await messages.extend(two, 60), 1)
            self.assertEqual(await messages.terminate(three, "no such order"), 1)
            self.assertEqual((await client.acknowledge("ORDERS", "billing", nmq.done(two))).noted, 1)
            self.assertEqual(await messages.retry_after(four), 1)
            again = await messages.receive(SECONDS)
        self.assertEqual((again.payload, again.attempt), (b"3", 2))


class Publishers(Aio):
    async def test_messages_arrive_in_order_and_their_futures_know_where(self) -> None:
        client = await self.connect()
        async with client.subscribe("log") as messages:
            async with client.publisher() as publisher:
                futures = [await publisher.add(nmq.make_message("log", "E", str(number))) for number in range(500)]
                result = await publisher.flush(SECONDS)
                self.assertEqual((result.accepted, result.refused, result.unknown), (500, 0, 0))
            heard = [await messages.receive(SECONDS) for _ in range(500)]
        self.assertEqual([int(each.payload) for each in heard], list(range(500)))
        self.assertEqual([(await each).sequence for each in futures], [each.sequence for each in heard])

    async def test_a_message_is_published_by_its_parts_as_by_the_whole(self) -> None:
        client = await self.connect()
        async with client.subscribe("log") as messages, client.publisher() as publisher:
            await publisher.publish("log", "E", "plain")
            where = await publisher.publish("log", "E", json={"id": 1}, key="k")
            heard = [await messages.receive(SECONDS) for _ in range(2)]
        self.assertEqual([(each.payload, each.key) for each in heard], [(b"plain", ""), (b'{"id": 1}', "k")])
        self.assertEqual((await where).sequence, 2)

    async def test_a_lone_message_is_sent_at_once(self) -> None:
        client = await self.connect()
        async with client.publisher() as publisher:
            self.assertEqual((await (await publisher.add(nmq.make_message("log", "E")))).sequence, 1)

    async def test_leaving_the_context_raises_what_no_flush_told(self) -> None:
        client = await self.connect()
        with self.assertRaises(nmq.NotFound):
            async with client.publisher() as publisher:
                await publisher.add(nmq.make_message("log", "NOT_DECLARED"))

    async def test_after_a_restart_of_the_server_what_was_not_answered_may_be_there_and_the_rest_is(self) -> None:
        client = await self.connect(backoff=nmq.Backoff(initial=0.01, max=0.1))
        async with client.publisher(batch_messages=5, window=2, give_up_after=SECONDS) as publisher:
            futures = []
            for number in range(300):
                futures.append(await publisher.add(nmq.make_message("log", "E", str(number))))
                if number == 150:
                    await futures[0]
                    self.server.kill()
                    self.server.start()
            result = await publisher.flush(SECONDS)
        self.assertEqual((result.accepted + result.unknown, result.refused), (300, 0))
        self.assertLessEqual(result.unknown, 10)
        async with client.subscribe("log", start=nmq.start_earliest()) as messages:
            heard = [int((await messages.receive(SECONDS)).payload) for _ in range(result.accepted)]
        self.assertEqual(heard, sorted(set(heard)))

    async def test_a_session_that_the_server_forgot_is_made_anew_and_no_message_is_lost(self) -> None:
        client, operator = await self.connect(name="publisher"), await self.connect()
        async with client.publisher(batch_messages=5) as publisher:
            await (await publisher.add(nmq.make_message("log", "E", "0")))
            await operator.admin.disconnect_clients(name="publisher")
            for number in range(1, 50):
                await publisher.add(nmq.make_message("log", "E", str(number)))
            result = await publisher.flush(SECONDS)
        self.assertEqual((result.accepted, result.refused, result.unknown), (50, 0, 0))

    async def test_what_waits_is_bounded_and_told_when_the_publisher_is_stopped(self) -> None:
        client = await self.connect(backoff=nmq.Backoff(initial=0.01, max=0.1))
        publisher = await client.publisher(batch_messages=1, window=1, give_up_after=SECONDS)
        self.server.pause()
        self.addCleanup(self.server.resume)
        first = await publisher.add(nmq.make_message("log", "E"))
        second = await publisher.add(nmq.make_message("log", "E"))
        third = asyncio.ensure_future(publisher.add(nmq.make_message("log", "E")))
        await asyncio.sleep(0.1)
        self.assertFalse(third.done())
        publisher.stop()
        with self.assertRaises(nmq.Cancelled):
            await third
        await asyncio.wait({first, second}, timeout=SECONDS)
        self.assertIn("may have been taken or not", str(first.exception()))
        self.assertIn("the message was not sent", str(second.exception()))


if __name__ == "__main__":
    unittest.main()
