"""A client in one namespace, over one connection."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable

from . import arguments
from ._stubs import message_queue_pb2 as pb
from .admin import Admin
from .calls import blocking
from .client_base import ClientBase
from .client_calls import Acknowledging, Batching, ClientCalls, Wish
from .options import make as make_options
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
        return Subscription(self._session, describe(self._calls, *arguments, **named)).start()

    return call


def _publishing(describe: Callable[Concatenate[ClientCalls, P], Batching]) -> Callable[Concatenate[Client, P], Publisher]:
    @functools.wraps(describe)
    def call(self: Client, /, *arguments: P.args, **named: P.kwargs) -> Publisher:
        return Publisher(self._session, describe(self._calls, *arguments, **named)).start()

    return call


def _acknowledging(
    describe: Callable[Concatenate[ClientCalls, P], Acknowledging]
) -> Callable[Concatenate[Client, P], pb.AcknowledgeResponse]:
    @functools.wraps(describe)
    def call(self: Client, /, *arguments: P.args, **named: P.kwargs) -> pb.AcknowledgeResponse:
        said = describe(self._calls, *arguments, **named)
        return self._session.acknowledge(said.queue, said.group, said.acknowledgements)

    return call


def connect(server: str = "", **options: Any) -> Client:
    """A client that has entered its namespace. `options` are the fields of Options."""
    client = Client(server, **options)
    try:
        client.connect()
    except BaseException:
        client.close()
        raise
    return client


class Client(ClientBase[Session]):
    """Connects with the first call that needs it. The server forgets a client whose lease ran out, and all clients when
    it restarts: then the library connects anew, joins the rooms again and repeats the call; client_id is another one.

    Thread-safe. A context manager: leaving it closes the client.
    """

    def __init__(self, server: str = "", **options: Any) -> None:
        self._session = Session(make_options("connect", server, options))
        self._calls = ClientCalls(self._session.stub, self._session.options, self._session)
        self.registry = Registry(self._session)
        self.admin = Admin(self._session)

    def connect(self) -> None:
        """Enters the namespace; Unavailable if the server cannot be reached for options.wait_for_server."""
        self._session.ensure()

    join = blocking(ClientCalls.join)
    leave = blocking(ClientCalls.leave)
    publish = blocking(ClientCalls.publish)
    request = blocking(ClientCalls.request)
    reply = blocking(ClientCalls.reply)
    acknowledge = _acknowledging(ClientCalls.acknowledge)
    subscribe = _subscribing(ClientCalls.subscribe)
    publisher = _publishing(ClientCalls.publisher)

    @arguments.checked(leave=arguments.flag)
    def close(self, leave: bool = True) -> None:
        """Ends all subscriptions and leaves the namespace; returns within a second or so even if the server is gone.
        With leave=False the server keeps the client for its lease, so that another one may take its `session`."""
        self._session.stop(leave)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
