"""Waiting for what other coroutines change."""

from __future__ import annotations

import asyncio
import time
from typing import Callable, List, Optional


class Changed:
    """As a threading.Condition, without a lock: of one event loop."""

    def __init__(self) -> None:
        self._waiters: List[asyncio.Future[None]] = []

    def notify_all(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_for(self, predicate: Callable[[], object], timeout: Optional[float] = None) -> bool:
        """Whether it came true within so many seconds."""
        if predicate():
            return True
        loop = asyncio.get_running_loop()
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            waiter = loop.create_future()
            self._waiters.append(waiter)
            left = None if until is None else max(until - time.monotonic(), 0.0)
            timer = None if left is None else loop.call_later(left, _wake, waiter)
            try:
                await waiter
            finally:
                if timer is not None:
                    timer.cancel()
            if predicate():
                return True
            if until is not None and time.monotonic() >= until:
                return False


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
