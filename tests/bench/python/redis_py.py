"""redis-py: ROLE ADDRESS COUNT [RATE]"""

import sys
import time

import redis
from common import PLAIN, Span, age, paced, stamped, tell, tell_ages, wait_for_go

_PIPELINE = 1000


def hear(client: "redis.Redis[bytes]", count: int) -> None:
    messages = client.pubsub(ignore_subscribe_messages=True)
    messages.subscribe("BENCH")
    messages.get_message(timeout=10)
    wait_for_go()
    heard = 0
    span = None
    for message in messages.listen():
        if span is None:
            span = Span()
        heard += len(message["data"]) == len(PLAIN)
        if heard == count:
            span.tell()
            break


def publish(client: "redis.Redis[bytes]", count: int) -> None:
    wait_for_go()
    span = Span()
    pipeline = client.pipeline(transaction=False)
    for number in range(1, count + 1):
        pipeline.publish("BENCH", PLAIN)
        if number % _PIPELINE == 0:
            pipeline.execute()
    pipeline.execute()
    span.tell()


def ages(client: "redis.Redis[bytes]", count: int) -> None:
    messages = client.pubsub(ignore_subscribe_messages=True)
    messages.subscribe("BENCH")
    messages.get_message(timeout=10)
    wait_for_go()
    found = []
    for message in messages.listen():
        found.append(age(message["data"]))
        if len(found) == count:
            break
    tell_ages(found)


def pace(client: "redis.Redis[bytes]", count: int, rate: int) -> None:
    pipeline = client.pipeline(transaction=False)
    wait_for_go()
    for due in paced(rate, count):
        for each in due:
            pipeline.publish("BENCH", stamped(each))
        pipeline.execute()
        time.sleep(0.001)
    tell(cpu=time.process_time())


if __name__ == "__main__":
    role, address, *numbers = sys.argv[1:]
    host, _, port = address.rpartition(":")
    globals()[role](redis.Redis(host, int(port)), *map(int, numbers))
