"""nmq: ROLE ADDRESS COUNT [RATE]"""

import sys
import time

import nmq
from common import PLAIN, Span, age, paced, stamped, tell, tell_ages, wait_for_go


def hear(client: nmq.Client, count: int) -> None:
    with client.subscribe("BENCH") as messages:
        wait_for_go()
        heard = 0
        span = None
        for message in messages:
            if span is None:
                span = Span()
            heard += len(message.payload) == len(PLAIN)
            if heard == count:
                span.tell()
                break


def publish(client: nmq.Client, count: int) -> None:
    wait_for_go()
    span = Span()
    with client.publisher() as publisher:
        for _ in range(count):
            publisher.publish("BENCH", "E", PLAIN)
    span.tell()


def ages(client: nmq.Client, count: int) -> None:
    with client.subscribe("BENCH") as messages:
        wait_for_go()
        found = []
        for message in messages:
            found.append(age(message.payload))
            if len(found) == count:
                break
    tell_ages(found)


def pace(client: nmq.Client, count: int, rate: int) -> None:
    with client.publisher() as publisher:
        wait_for_go()
        for due in paced(rate, count):
            for each in due:
                publisher.publish("BENCH", "E", stamped(each))
            time.sleep(0.001)
    tell(cpu=time.process_time())


if __name__ == "__main__":
    role, address, *numbers = sys.argv[1:]
    with nmq.connect(address) as connected:
        globals()[role](connected, *map(int, numbers))
