"""nmq.aio: ROLE ADDRESS COUNT [RATE]"""

import asyncio
import sys
import time

import nmq
import nmq.aio
from common import PLAIN, Span, age, paced, stamped, tell, tell_ages, wait_for_go


async def hear(client: nmq.aio.Client, count: int) -> None:
    async with client.subscribe("BENCH") as messages:
        wait_for_go()
        heard = 0
        span = None
        async for message in messages:
            if span is None:
                span = Span()
            heard += len(message.payload) == len(PLAIN)
            if heard == count:
                span.tell()
                break


async def publish(client: nmq.aio.Client, count: int) -> None:
    wait_for_go()
    span = Span()
    async with client.publisher() as publisher:
        for _ in range(count):
            await publisher.publish("BENCH", "E", PLAIN)
    span.tell()


async def ages(client: nmq.aio.Client, count: int) -> None:
    async with client.subscribe("BENCH") as messages:
        wait_for_go()
        found = []
        async for message in messages:
            found.append(age(message.payload))
            if len(found) == count:
                break
    tell_ages(found)


async def pace(client: nmq.aio.Client, count: int, rate: int) -> None:
    async with client.publisher() as publisher:
        wait_for_go()
        for due in paced(rate, count):
            for each in due:
                await publisher.publish("BENCH", "E", stamped(each))
            await asyncio.sleep(0.001)
    tell(cpu=time.process_time())


async def main() -> None:
    role, address, *numbers = sys.argv[1:]
    async with nmq.aio.connect(address) as client:
        await globals()[role](client, *map(int, numbers))


if __name__ == "__main__":
    asyncio.run(main())
