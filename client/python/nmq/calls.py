"""Calls that are described once, and carried out by threads that wait (nmq) or by coroutines (nmq.aio)."""

from __future__ import annotations

import dataclasses
import functools
import time
from typing import TYPE_CHECKING, Any, AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Generic, Iterator, Optional, TypeVar

from . import errors
from .options import Options

if TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


def _as_it_is(response: Any) -> Any:
    return response


@dataclasses.dataclass(frozen=True)
class Call(Generic[T]):
    """A call with one answer."""

    rpc: Any  # of the stub
    make_request: Callable[[str], Any]  # of the session
    timeout: float
    # May be carried out twice.
    repeatable: bool
    with_session: bool = True
    # What the caller gets of the response.
    answer: Callable[[Any], T] = _as_it_is


@dataclasses.dataclass(frozen=True)
class Pages(Generic[T]):
    """A call for each page of a list."""

    rpc: Any
    request: Any
    field: str
    timeout: float

    def call(self) -> Call[Any]:
        return Call(self.rpc, lambda _: self.request, self.timeout, repeatable=True, with_session=False)


@dataclasses.dataclass(frozen=True)
class Changes(Generic[T]):
    """A call with an endless stream of answers."""

    rpc: Any
    request: Any


class Attempts:
    """Which failed attempts of a call are worth another one."""

    def __init__(self, options: Options, call: Call[Any]) -> None:
        self.deadline = time.monotonic() + call.timeout
        self._call = call
        self._renewed = False
        self._delays = options.backoff.delays()

    def left(self) -> float:
        return max(self.deadline - time.monotonic(), 0.001)

    def after(self, error: errors.Error) -> Optional[float]:
        """How long to wait; None: renew the session instead. Raises the error if there is no point."""
        if errors.is_session_lost(error) and self._call.with_session and not self._renewed:
            self._renewed = True
            return None
        again = errors.is_refused_for_now(error) or self._call.repeatable and isinstance(error, errors.Unavailable)
        delay = max(next(self._delays), error.retry_after or 0.0)
        if not again or time.monotonic() + delay >= self.deadline:
            raise error
        return delay


# A client, Registry or Admin has `_session`, which carries out, and `_calls`, which describes.


def _carried_out(how: str, describe: Any) -> Any:
    @functools.wraps(describe)
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        return getattr(self._session, how)(describe(self._calls, *arguments, **named))

    return call


def blocking(describe: Callable[Concatenate[S, P], Call[T]]) -> Callable[Concatenate[Any, P], T]:
    made: Callable[Concatenate[Any, P], T] = _carried_out("perform", describe)
    return made


def awaited(describe: Callable[Concatenate[S, P], Call[T]]) -> Callable[Concatenate[Any, P], Awaitable[T]]:
    """A wrong argument is told by the call, not by awaiting it."""
    made: Callable[Concatenate[Any, P], Awaitable[T]] = _carried_out("perform", describe)
    return made


def listed(describe: Callable[Concatenate[S, P], Pages[T]]) -> Callable[Concatenate[Any, P], Iterator[T]]:
    made: Callable[Concatenate[Any, P], Iterator[T]] = _carried_out("list", describe)
    return made


def listed_async(describe: Callable[Concatenate[S, P], Pages[T]]) -> Callable[Concatenate[Any, P], AsyncIterator[T]]:
    made: Callable[Concatenate[Any, P], AsyncIterator[T]] = _carried_out("list", describe)
    return made


def streamed(
    describe: Callable[Concatenate[S, P], Changes[T]]
) -> Callable[Concatenate[Any, P], Generator[T, None, None]]:
    made: Callable[Concatenate[Any, P], Generator[T, None, None]] = _carried_out("stream", describe)
    return made


def streamed_async(
    describe: Callable[Concatenate[S, P], Changes[T]]
) -> Callable[Concatenate[Any, P], AsyncGenerator[T, None]]:
    made: Callable[Concatenate[Any, P], AsyncGenerator[T, None]] = _carried_out("stream", describe)
    return made
