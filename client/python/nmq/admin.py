"""Changes what the server keeps: namespaces, queues, groups, and who is where."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional, Union

from . import arguments
from ._stubs import admin_pb2 as pb, message_queue_pb2, registry_pb2
from .calls import Call, blocking
from .options import Options
from .registry import CLIENTS

_WHERE = {"namespace": arguments.text}
_QUEUE = {"name": arguments.filled_text, **_WHERE}
_GROUP = {"queue": arguments.filled_text, "group": arguments.filled_text, **_WHERE}
_KEPT = {
    "events": arguments.names,
    "retention": arguments.instance(registry_pb2.Retention, what="what nmq.retention() returns"),
}
_START = arguments.instance(
    message_queue_pb2.StartPosition,
    what="what nmq.start_new(), start_earliest(), start_at_sequence() or start_at_time() return",
)


@arguments.checked(messages=arguments.whole(1), bytes=arguments.whole(1), age=arguments.number(0, above=True))
def retention(
    *, messages: Optional[int] = None, bytes: Optional[int] = None, age: Optional[float] = None
) -> registry_pb2.Retention:
    """What a queue holds at the most; the server's limits where nothing is given. age in seconds."""
    made = registry_pb2.Retention(messages=messages, bytes=bytes)
    if age is not None:
        made.age.FromNanoseconds(round(age * 1e9))
    return made


class AdminCalls:
    """What an Admin asks."""

    def __init__(self, stub: Any, options: Options) -> None:
        self._stub = stub
        self._options = options

    @arguments.checked(name=arguments.filled_text, automatic_queues=arguments.flag)
    def create_namespace(self, name: str, *, automatic_queues: bool = False) -> Call[pb.CreateNamespaceResponse]:
        """automatic_queues: publishing to an unknown queue makes it."""
        return self._call(
            self._stub.CreateNamespace, pb.CreateNamespaceRequest(name=name, automatic_queues=automatic_queues)
        )

    @arguments.checked(name=arguments.filled_text, automatic_queues=arguments.flag)
    def update_namespace(
        self, name: str, *, automatic_queues: Optional[bool] = None,
    ) -> Call[pb.UpdateNamespaceResponse]:
        request = pb.UpdateNamespaceRequest(name=name)
        if automatic_queues is not None:
            request.automatic_queues = automatic_queues
        return self._call(self._stub.UpdateNamespace, request)

    @arguments.checked(name=arguments.filled_text)
    def delete_namespace(self, name: str) -> Call[pb.DeleteNamespaceResponse]:
        """With its queues; its clients are disconnected."""
        return self._call(self._stub.DeleteNamespace, pb.DeleteNamespaceRequest(name=name))

    @arguments.checked(**_QUEUE, durability=arguments.word(registry_pb2.Durability, "durability"), **_KEPT)
    def create_queue(
        self,
        name: str,
        *,
        durability: registry_pb2.Durability = registry_pb2.DURABILITY_UNSPECIFIED,
        events: Iterable[str] = (),
        retention: Optional[registry_pb2.Retention] = None,
        namespace: Optional[str] = None,
    ) -> Call[pb.CreateQueueResponse]:
        """durability: nmq.Durability; live if not given. events: those it accepts; any if empty."""
        request = pb.CreateQueueRequest(
            namespace=self._space(namespace), name=name, durability=durability, events=events, retention=retention
        )
        return self._call(self._stub.CreateQueue, request)

    @arguments.checked(**_QUEUE, **_KEPT)
    def update_queue(
        self,
        name: str,
        *,
        events: Optional[Iterable[str]] = None,
        retention: Optional[registry_pb2.Retention] = None,
        namespace: Optional[str] = None,
    ) -> Call[pb.UpdateQueueResponse]:
        """What is not given stays as it was; events=[] accepts any."""
        request = pb.UpdateQueueRequest(
            namespace=self._space(namespace),
            name=name,
            events=None if events is None else pb.EventList(names=events),
            retention=retention,
        )
        return self._call(self._stub.UpdateQueue, request)

    @arguments.checked(**_QUEUE)
    def delete_queue(self, name: str, *, namespace: Optional[str] = None) -> Call[pb.DeleteQueueResponse]:
        """With its messages and groups."""
        return self._call(self._stub.DeleteQueue, pb.DeleteQueueRequest(namespace=self._space(namespace), name=name))

    @arguments.checked(**_QUEUE, up_to_sequence=arguments.whole(1))
    def purge_queue(
        self, name: str, *, up_to_sequence: Optional[int] = None, namespace: Optional[str] = None,
    ) -> Call[pb.PurgeQueueResponse]:
        """Gives its messages up, those up to a sequence or all."""
        request = pb.PurgeQueueRequest(namespace=self._space(namespace), name=name, up_to_sequence=up_to_sequence)
        return self._call(self._stub.PurgeQueue, request)

    @arguments.checked(
        queue=arguments.filled_text,
        group=arguments.instance(str, message_queue_pb2.GroupOptions, what="a name or nmq.group(...)"),
        events=arguments.names,
        start=_START,
        **_WHERE,
    )
    def create_group(
        self,
        queue: str,
        group: Union[str, message_queue_pb2.GroupOptions],
        *,
        events: Iterable[str] = (),
        start: Optional[message_queue_pb2.StartPosition] = None,
        namespace: Optional[str] = None,
    ) -> Call[pb.CreateGroupResponse]:
        """group: a name, or nmq.group(name, ...). events: names or patterns; all if empty. start: with new messages if
        not given."""
        options = message_queue_pb2.GroupOptions(name=group) if isinstance(group, str) else group
        request = pb.CreateGroupRequest(
            namespace=self._space(namespace), queue=queue, options=options, events=events, start=start
        )
        return self._call(self._stub.CreateGroup, request)

    @arguments.checked(**_GROUP)
    def delete_group(self, queue: str, group: str, *, namespace: Optional[str] = None) -> Call[pb.DeleteGroupResponse]:
        """Its members' streams end."""
        return self._of_group(self._stub.DeleteGroup, pb.DeleteGroupRequest, queue, group, namespace)

    @arguments.checked(**_GROUP)
    def pause_group(self, queue: str, group: str, *, namespace: Optional[str] = None) -> Call[pb.PauseGroupResponse]:
        """Nothing is delivered until it is resumed."""
        return self._of_group(self._stub.PauseGroup, pb.PauseGroupRequest, queue, group, namespace)

    @arguments.checked(**_GROUP)
    def resume_group(self, queue: str, group: str, *, namespace: Optional[str] = None) -> Call[pb.ResumeGroupResponse]:
        return self._of_group(self._stub.ResumeGroup, pb.ResumeGroupRequest, queue, group, namespace)

    @arguments.checked(**_GROUP, start=_START)
    def seek_group(
        self, queue: str, group: str, start: message_queue_pb2.StartPosition, *, namespace: Optional[str] = None,
    ) -> Call[pb.SeekGroupResponse]:
        """Sets it to another place; what was pending is forgotten."""
        request = pb.SeekGroupRequest(namespace=self._space(namespace), queue=queue, group=group, start=start)
        return self._call(self._stub.SeekGroup, request)

    @arguments.checked(queue=arguments.filled_text, messages_max=arguments.whole(1), **_WHERE)
    def redrive_dead_letters(
        self, queue: str, *, messages_max: Optional[int] = None, namespace: Optional[str] = None,
    ) -> Call[pb.RedriveDeadLettersResponse]:
        """Publishes dead letters anew where they come from, the oldest first; all, or so many."""
        request = pb.RedriveDeadLettersRequest(
            namespace=self._space(namespace), queue=queue, messages_max=messages_max
        )
        return self._call(self._stub.RedriveDeadLetters, request)

    @arguments.checked(join=arguments.names, leave=arguments.names, all=arguments.flag, **CLIENTS, **_WHERE)
    def move_clients(
        self,
        *,
        join: Iterable[str] = (),
        leave: Iterable[str] = (),
        all: bool = False,
        room: str = "",
        queue: str = "",
        event: str = "",
        labels: Optional[Mapping[str, str]] = None,
        name: str = "",
        namespace: Optional[str] = None,
    ) -> Call[pb.MoveClientsResponse]:
        """Makes the clients that match, or all, join and leave rooms."""
        request = pb.MoveClientsRequest(
            namespace=self._space(namespace),
            filter=registry_pb2.ClientFilter(room=room, queue=queue, event=event, labels=labels, name=name),
            all=all,
            join=join,
            leave=leave,
        )
        return self._call(self._stub.MoveClients, request)

    @arguments.checked(all=arguments.flag, reason=arguments.text, **CLIENTS, **_WHERE)
    def disconnect_clients(
        self,
        *,
        all: bool = False,
        reason: str = "",
        room: str = "",
        queue: str = "",
        event: str = "",
        labels: Optional[Mapping[str, str]] = None,
        name: str = "",
        namespace: Optional[str] = None,
    ) -> Call[pb.DisconnectClientsResponse]:
        """Ends the streams and sessions of the clients that match, or of all."""
        request = pb.DisconnectClientsRequest(
            namespace=self._space(namespace),
            filter=registry_pb2.ClientFilter(room=room, queue=queue, event=event, labels=labels, name=name),
            all=all,
            reason=reason,
        )
        return self._call(self._stub.DisconnectClients, request)

    def _of_group(self, rpc: Any, request: Any, queue: str, group: str, namespace: Optional[str]) -> Call[Any]:
        return self._call(rpc, request(namespace=self._space(namespace), queue=queue, group=group))

    def _space(self, namespace: Optional[str]) -> str:
        return self._options.namespace if namespace is None else namespace

    def _call(self, rpc: Any, request: Any) -> Call[Any]:
        return Call(rpc, lambda _: request, self._options.timeout, repeatable=False, with_session=False)


class Admin:
    """As client.admin. Answers are those of proto/nmq/v1/admin.proto. `namespace` is the client's own if not given.

    Nothing here repeats itself when it may have been carried out: Unavailable without a reason, and DeadlineExceeded,
    may mean that it was. What the configuration file declares is refused, reason DECLARED.

    Thread-safe.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._calls = AdminCalls(session.admin, session.options)

    create_namespace = blocking(AdminCalls.create_namespace)
    update_namespace = blocking(AdminCalls.update_namespace)
    delete_namespace = blocking(AdminCalls.delete_namespace)
    create_queue = blocking(AdminCalls.create_queue)
    update_queue = blocking(AdminCalls.update_queue)
    delete_queue = blocking(AdminCalls.delete_queue)
    purge_queue = blocking(AdminCalls.purge_queue)
    create_group = blocking(AdminCalls.create_group)
    delete_group = blocking(AdminCalls.delete_group)
    pause_group = blocking(AdminCalls.pause_group)
    resume_group = blocking(AdminCalls.resume_group)
    seek_group = blocking(AdminCalls.seek_group)
    redrive_dead_letters = blocking(AdminCalls.redrive_dead_letters)
    move_clients = blocking(AdminCalls.move_clients)
    disconnect_clients = blocking(AdminCalls.disconnect_clients)
