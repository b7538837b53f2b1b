"""A client in one namespace, over one connection, for asyncio."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable, Coroutine

from .. import arguments
from .._stubs import message_queue_pb2 as pb
from ..calls import awaited
from ..client_base import ClientBase
from ..client_calls import Acknowledging, Batching, ClientCalls, Wish
from ..options import make as make_options
from .admin import Admin
from .opened import Opened
from .publisher import Publisher
from .registry import Registry
from .session import Session
from .subscription import Subscription

if TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    P = ParamSpec("P")


def _subscribing(describe: Callable[Concatenate[ClientCalls, P], Wish]) -> Callable[Concatenate[Client, P], Subscription]:
    @functools.wraps(describe)
    def call(self: Client, /, *arguments: P.args, **named: P.kwargs) -> Subscription:
        return Subscription(self._session, describe(self._calls, *arguments, **named))

    return call


def _publishing(describe: Callable[Concatenate[ClientCalls, P], Batching]) -> Callable[Concatenate[Client, P], Publisher]:
    @functools.wraps(describe)
    def call(self: Client, /, *arguments: P.args, **named: P.kwargs) -> Publisher:
        return Publisher(self._session, describe(self._calls, *arguments, **named))

    return call


def _acknowledging(
    describe: Callable[Concatenate[ClientCalls, P], Acknowledging]
) -> Callable[Concatenate[Client, P], Coroutine[Any, Any, pb.AcknowledgeResponse]]:
    @functools.wraps(describe)
    def call(self: Client, /, *arguments: P.args, **named: P.kwargs) -> Coroutine[Any, Any, pb.AcknowledgeResponse]:
        said = describe(self._calls, *arguments, **named)
        return self._session.acknowledge(said.queue, said.group, said.acknowledgements)

    return call


def connect(server: str = "", **options: Any) -> Client:
    """A client that has entered its namespace, by `async with` or `await`. `options` are the fields of nmq.Options."""
    return Client(server, **options)


class Client(Opened, ClientBase[Session]):
    """As nmq.Client, of the event loop that runs when it is made. subscribe() and publisher() are opened by `async with` or
    `await`."""

    def __init__(self, server: str = "", **options: Any) -> None:
        self._session = Session(make_options("connect", server, options))
        self._calls = ClientCalls(self._session.stub, self._session.options, self._session)
        self.registry = Registry(self._session)
        self.admin = Admin(self._session)

    async def start(self) -> None:
        """As connect(); closes the client if that fails."""
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise

    async def connect(self) -> None:
        """Enters the namespace; Unavailable if the server cannot be reached for options.wait_for_server."""
        await self._session.ensure()

    join = awaited(ClientCalls.join)
    leave = awaited(ClientCalls.leave)
    publish = awaited(ClientCalls.publish)
    request = awaited(ClientCalls.request)
    reply = awaited(ClientCalls.reply)
    acknowledge = _acknowledging(ClientCalls.acknowledge)
    subscribe = _subscribing(ClientCalls.subscribe)
    publisher = _publishing(ClientCalls.publisher)

    @arguments.checked(leave=arguments.flag)
    async def close(self, leave: bool = True) -> None:
        """Ends all subscriptions and leaves the namespace; returns within a second or so even if the server is gone.
        With leave=False the server keeps the client for its lease, so that another one may take its `session`."""
        await self._session.stop(leave)

    async def __aexit__(self, *_: object) -> None:
        await self.close()
