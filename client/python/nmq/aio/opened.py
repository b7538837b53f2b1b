"""What is opened by `async with`, or by `await`."""

from __future__ import annotations

from typing import Any, Generator, TypeVar

T = TypeVar("T", bound="Opened")


class Opened:
    """A client, subscription or publisher."""

    async def start(self) -> None:
        raise NotImplementedError

    async def _open(self: T) -> T:
        await self.start()
        return self

    def __await__(self: T) -> Generator[Any, None, T]:
        return self._open().__await__()

    async def __aenter__(self: T) -> T:
        return await self._open()
