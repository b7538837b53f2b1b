"""What the programs have in common: what they are told, and what they say."""

from __future__ import annotations

import json
import struct
import sys
import time
from typing import Any, Iterator, List

PAYLOAD_BYTES = 128
_TIME = struct.Struct("<d")
_PADDING = bytes(PAYLOAD_BYTES - _TIME.size)
PLAIN = bytes(PAYLOAD_BYTES)


def tell(**said: Any) -> None:
    print(json.dumps(said), flush=True)


def wait_for_go() -> None:
    """The rest is measured."""
    tell(ready=True)
    sys.stdin.readline()


class Span:
    """The time that something took, and the CPU that this process took meanwhile."""

    def __init__(self) -> None:
        self._start, self._cpu = time.monotonic(), time.process_time()

    def tell(self) -> None:
        tell(seconds=time.monotonic() - self._start, cpu=time.process_time() - self._cpu)


def stamped(due: float) -> bytes:
    return _TIME.pack(due) + _PADDING


def age(payload: bytes) -> float:
    return time.monotonic() - _TIME.unpack_from(payload)[0]


def paced(rate: int, count: int) -> Iterator[List[float]]:
    """When messages are due, those that are by now at a time; the caller waits a millisecond in between."""
    start = time.monotonic()
    sent = 0
    while sent < count:
        due = min(count, int((time.monotonic() - start) * rate) + 1)
        if due > sent:
            yield [start + number / rate for number in range(sent, due)]
            sent = due
        else:
            yield []


def tell_ages(ages: List[float]) -> None:
    ages.sort()
    tell(p50=ages[len(ages) // 2], p99=ages[len(ages) * 99 // 100], cpu=time.process_time())
