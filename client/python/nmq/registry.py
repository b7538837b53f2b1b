"""Who is there, in which rooms, listening to what."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional, TypeVar

from . import arguments
from ._stubs import registry_pb2 as pb
from .calls import Call, Changes, Pages, blocking, listed, streamed
from .options import Options

T = TypeVar("T")
_PAGE_SIZE = arguments.whole(0, arguments.UINT32_MAX)
# Of every list.
_LIST = {"namespace": arguments.text, "page_size": _PAGE_SIZE}
CLIENTS = {
    "room": arguments.text,
    "queue": arguments.text,
    "event": arguments.text,
    "labels": arguments.texts,
    "name": arguments.text,
}


def _client(response: pb.GetClientResponse) -> pb.ClientInfo:
    return response.client


def _explained(response: pb.ExplainResponse) -> pb.ExplainResponse:
    return response


def _count(response: pb.CountClientsResponse) -> int:
    return response.count


class RegistryCalls:
    """What a Registry asks."""

    def __init__(self, stub: Any, options: Options) -> None:
        self._stub = stub
        self._options = options

    @arguments.checked(page_size=_PAGE_SIZE)
    def namespaces(self, page_size: int = 0) -> Pages[pb.NamespaceInfo]:
        return self._pages(self._stub.ListNamespaces, pb.ListNamespacesRequest(page_size=page_size), "namespaces")

    @arguments.checked(queue=arguments.text, **_LIST)
    def queues(self, queue: str = "", *, namespace: Optional[str] = None, page_size: int = 0) -> Pages[pb.QueueInfo]:
        """Queues that the name or pattern matches; all if empty."""
        request = pb.ListQueuesRequest(namespace=self._space(namespace), queue=queue, page_size=page_size)
        return self._pages(self._stub.ListQueues, request, "queues")

    @arguments.checked(room=arguments.text, **_LIST)
    def rooms(self, room: str = "", *, namespace: Optional[str] = None, page_size: int = 0) -> Pages[pb.RoomInfo]:
        """Rooms that the name or pattern matches; all if empty."""
        request = pb.ListRoomsRequest(namespace=self._space(namespace), room=room, page_size=page_size)
        return self._pages(self._stub.ListRooms, request, "rooms")

    @arguments.checked(**CLIENTS, **_LIST)
    def clients(self, *, room: str = "", queue: str = "", event: str = "", labels: Optional[Mapping[str, str]] = None, name: str = "", namespace: Optional[str] = None, page_size: int = 0) -> Pages[pb.ClientInfo]:
        """Clients in this room that hear this queue and event and have these labels and this name."""
        filter_ = pb.ClientFilter(room=room, queue=queue, event=event, labels=labels or {}, name=name)
        request = pb.ListClientsRequest(namespace=self._space(namespace), filter=filter_, page_size=page_size)
        return self._pages(self._stub.ListClients, request, "clients")

    @arguments.checked(client_id=arguments.text, queue=arguments.text, event=arguments.text, **_LIST)
    def subscriptions(self, *, client_id: str = "", queue: str = "", event: str = "", namespace: Optional[str] = None, page_size: int = 0) -> Pages[pb.SubscriptionInfo]:
        request = pb.ListSubscriptionsRequest(
            namespace=self._space(namespace), client_id=client_id, queue=queue, event=event, page_size=page_size
        )
        return self._pages(self._stub.ListSubscriptions, request, "subscriptions")

    @arguments.checked(queue=arguments.text, **_LIST)
    def groups(self, queue: str = "", *, namespace: Optional[str] = None, page_size: int = 0) -> Pages[pb.GroupInfo]:
        """Groups of this queue, a name; of all queues if empty."""
        request = pb.ListGroupsRequest(namespace=self._space(namespace), queue=queue, page_size=page_size)
        return self._pages(self._stub.ListGroups, request, "groups")

    @arguments.checked(name_prefix=arguments.text, page_size=_PAGE_SIZE)
    def metrics(self, name_prefix: str = "", *, page_size: int = 0) -> Pages[pb.Metric]:
        """What the server counts and measures, of names that begin so."""
        request = pb.ListMetricsRequest(name_prefix=name_prefix, page_size=page_size)
        return self._pages(self._stub.ListMetrics, request, "metrics")

    @arguments.checked(client_id=arguments.filled_text, namespace=arguments.text)
    def client(self, client_id: str, *, namespace: Optional[str] = None) -> Call[pb.ClientInfo]:
        request = pb.GetClientRequest(namespace=self._space(namespace), client_id=client_id)
        return self._call(self._stub.GetClient, request, _client)

    @arguments.checked(**CLIENTS, namespace=arguments.text)
    def count_clients(self, *, room: str = "", queue: str = "", event: str = "", labels: Optional[Mapping[str, str]] = None, name: str = "", namespace: Optional[str] = None) -> Call[int]:
        filter_ = pb.ClientFilter(room=room, queue=queue, event=event, labels=labels or {}, name=name)
        request = pb.CountClientsRequest(namespace=self._space(namespace), filter=filter_)
        return self._call(self._stub.CountClients, request, _count)

    @arguments.checked(right=arguments.word(pb.Right, "right"), queue=arguments.text, room=arguments.text, identity=arguments.text, namespace=arguments.text)
    def explain(self, right: pb.Right = pb.RIGHT_UNSPECIFIED, *, queue: str = "", room: str = "", identity: str = "", namespace: Optional[str] = None) -> Call[pb.ExplainResponse]:
        """Who one is to the server and what one may do, and whether one has this right, an nmq.Right, for the queue and
        the room."""
        request = pb.ExplainRequest(right=right, namespace=self._space(namespace), queue=queue, room=room, identity=identity)
        return self._call(self._stub.Explain, request, _explained)

    @arguments.checked(after_revision=arguments.whole(), namespace=arguments.text)
    def watch(self, after_revision: Optional[int] = None, *, namespace: Optional[str] = None) -> Changes[pb.WatchResponse]:
        """An endless iterator of WatchResponse; the first says that the watch is live."""
        request = pb.WatchRequest(namespace=self._space(namespace))
        if after_revision is not None:
            request.after_revision = after_revision
        return Changes(self._stub.Watch, request)

    def _space(self, namespace: Optional[str]) -> str:
        return self._options.namespace if namespace is None else namespace

    def _pages(self, rpc: Any, request: Any, field: str) -> Pages[Any]:
        return Pages(rpc, request, field, self._options.timeout)

    def _call(self, rpc: Any, request: Any, answer: Callable[[Any], T]) -> Call[T]:
        return Call(rpc, lambda _: request, self._options.timeout, repeatable=True, with_session=False, answer=answer)


class Registry:
    """Read-only lists, as client.registry. Each list is an iterator that asks for the next page when it needs it, of
    `page_size` entries (0: as many as the server likes). `namespace` is the client's own if not given.

    Thread-safe.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._calls = RegistryCalls(session.registry, session.options)

    namespaces = listed(RegistryCalls.namespaces)
    queues = listed(RegistryCalls.queues)
    rooms = listed(RegistryCalls.rooms)
    clients = listed(RegistryCalls.clients)
    subscriptions = listed(RegistryCalls.subscriptions)
    groups = listed(RegistryCalls.groups)
    metrics = listed(RegistryCalls.metrics)
    client = blocking(RegistryCalls.client)
    count_clients = blocking(RegistryCalls.count_clients)
    explain = blocking(RegistryCalls.explain)
    watch = streamed(RegistryCalls.watch)
