"""Who is there, in which rooms, listening to what."""

from . import arguments, errors
from ._stubs import registry_pb2 as pb

import grpc

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


class Registry:
    """Read-only lists, as client.registry. Each list is an iterator that asks for the next page when it needs it, of
    `page_size` entries (0: as many as the server likes). `namespace` is the client's own if not given.

    Thread-safe.
    """

    def __init__(self, session, timeout):
        self._session = session
        self._stub = session.registry
        self._timeout = timeout

    @arguments.checked(page_size=_PAGE_SIZE)
    def namespaces(self, page_size=0):
        return self._pages(self._stub.ListNamespaces, pb.ListNamespacesRequest(page_size=page_size), "namespaces")

    @arguments.checked(queue=arguments.text, **_LIST)
    def queues(self, queue="", *, namespace=None, page_size=0):
        """Queues that the name or pattern matches; all if empty."""
        request = pb.ListQueuesRequest(namespace=self._space(namespace), queue=queue, page_size=page_size)
        return self._pages(self._stub.ListQueues, request, "queues")

    @arguments.checked(room=arguments.text, **_LIST)
    def rooms(self, room="", *, namespace=None, page_size=0):
        """Rooms that the name or pattern matches; all if empty."""
        request = pb.ListRoomsRequest(namespace=self._space(namespace), room=room, page_size=page_size)
        return self._pages(self._stub.ListRooms, request, "rooms")

    @arguments.checked(**CLIENTS, **_LIST)
    def clients(self, *, room="", queue="", event="", labels=None, name="", namespace=None, page_size=0):
        """Clients in this room that hear this queue and event and have these labels and this name."""
        filter_ = pb.ClientFilter(room=room, queue=queue, event=event, labels=labels or {}, name=name)
        request = pb.ListClientsRequest(namespace=self._space(namespace), filter=filter_, page_size=page_size)
        return self._pages(self._stub.ListClients, request, "clients")

    @arguments.checked(client_id=arguments.text, queue=arguments.text, event=arguments.text, **_LIST)
    def subscriptions(self, *, client_id="", queue="", event="", namespace=None, page_size=0):
        request = pb.ListSubscriptionsRequest(
            namespace=self._space(namespace), client_id=client_id, queue=queue, event=event, page_size=page_size
        )
        return self._pages(self._stub.ListSubscriptions, request, "subscriptions")

    @arguments.checked(queue=arguments.text, **_LIST)
    def groups(self, queue="", *, namespace=None, page_size=0):
        """Groups of this queue, a name; of all queues if empty."""
        request = pb.ListGroupsRequest(namespace=self._space(namespace), queue=queue, page_size=page_size)
        return self._pages(self._stub.ListGroups, request, "groups")

    @arguments.checked(name_prefix=arguments.text, page_size=_PAGE_SIZE)
    def metrics(self, name_prefix="", *, page_size=0):
        """What the server counts and measures, of names that begin so."""
        request = pb.ListMetricsRequest(name_prefix=name_prefix, page_size=page_size)
        return self._pages(self._stub.ListMetrics, request, "metrics")

    @arguments.checked(client_id=arguments.filled_text, namespace=arguments.text)
    def client(self, client_id, *, namespace=None):
        request = pb.GetClientRequest(namespace=self._space(namespace), client_id=client_id)
        return self._call(self._stub.GetClient, request).client

    @arguments.checked(**CLIENTS, namespace=arguments.text)
    def count_clients(self, *, room="", queue="", event="", labels=None, name="", namespace=None):
        filter_ = pb.ClientFilter(room=room, queue=queue, event=event, labels=labels or {}, name=name)
        request = pb.CountClientsRequest(namespace=self._space(namespace), filter=filter_)
        return self._call(self._stub.CountClients, request).count

    @arguments.checked(after_revision=arguments.whole(), namespace=arguments.text)
    def watch(self, after_revision=None, *, namespace=None):
        """An endless iterator of WatchResponse; the first says that the watch is live."""
        request = pb.WatchRequest(namespace=self._space(namespace))
        if after_revision is not None:
            request.after_revision = after_revision
        return self._changes(request)

    def _changes(self, request):
        self._session.check_process()
        call = self._stub.Watch(request)
        try:
            yield from call
        except grpc.RpcError as error:
            raise errors.from_grpc(error) from None
        finally:
            call.cancel()

    def _space(self, namespace):
        return self._session.options.namespace if namespace is None else namespace

    def _call(self, rpc, request):
        return self._session.call(rpc, lambda _: request, self._timeout, repeatable=True, with_session=False)

    def _pages(self, rpc, request, field):
        while True:
            page = self._call(rpc, request)
            yield from getattr(page, field)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
