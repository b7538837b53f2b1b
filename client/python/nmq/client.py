"""A client in one namespace, over one connection."""

import dataclasses
import os

import grpc

from . import arguments, errors
from ._stubs import message_pb2, message_queue_pb2 as pb
from .admin import Admin
from .backoff import Backoff
from .groups import MESSAGE, group as group_options
from .publisher import Publisher
from .registry import Registry
from .session import Session
from .subscription import Subscription


@dataclasses.dataclass(frozen=True)
class Options:
    """How to connect; all times in seconds."""

    # HOST:PORT, or any other target that gRPC knows.
    server: str = ""
    # "default" if empty.
    namespace: str = ""
    # What to call the client; its id if empty.
    name: str = ""
    # Facts to find the client by.
    labels: dict = dataclasses.field(default_factory=dict)
    # How long the client outlives a lost connection; the server's default if None.
    lease: float = None
    # The session of an earlier client, to be that client again if its lease still runs.
    session: str = ""
    # Bounds one attempt to reach the server.
    connect_timeout: float = 3.0
    # How long connecting keeps trying while the server cannot be reached or drains. Zero: one attempt.
    wait_for_server: float = 3.0
    # Bounds a call, attempts included.
    timeout: float = 10.0
    # Between attempts.
    backoff: Backoff = Backoff()
    # PEM files for TLS: the CAs that servers are checked against, and this client's certificate with its private key,
    # for servers that ask for one. Plain text if none is named, here or by NMQ_TLS_CA, NMQ_TLS_CERTIFICATE, NMQ_TLS_KEY.
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    # grpc.ChannelCredentials instead of these files.
    credentials: grpc.ChannelCredentials = None
    # Publishes as this client. If False, messages carry no publisher, and a client that only publishes never enters
    # the namespace.
    publish_with_session: bool = True

    def __post_init__(self):
        for name, check in _OPTIONS.items():
            value = getattr(self, name)
            if value is not None:
                check(name, value)


_TIMEOUT = arguments.number(0, above=True)
_OPTIONS = {
    "server": arguments.text,
    "namespace": arguments.text,
    "name": arguments.text,
    "labels": arguments.texts,
    "lease": _TIMEOUT,
    "session": arguments.text,
    "connect_timeout": _TIMEOUT,
    "wait_for_server": arguments.number(0),
    "timeout": _TIMEOUT,
    "backoff": arguments.instance(Backoff),
    "tls_ca": arguments.path,
    "tls_certificate": arguments.path,
    "tls_key": arguments.path,
    "credentials": arguments.instance(grpc.ChannelCredentials),
    "publish_with_session": arguments.flag,
}
# A message's, as make_message() takes it.
_MESSAGE = {
    "queue": arguments.text,
    "event": arguments.text,
    "payload": arguments.payload,
    "json": arguments.json_text,
    "rooms": arguments.narrowing,
    "clients": arguments.narrowing,
    "except_rooms": arguments.names,
    "except_clients": arguments.names,
    "except_publisher": arguments.flag,
    "headers": arguments.texts,
    "key": arguments.text,
    "content_type": arguments.text,
    "request_id": arguments.text,
    "deliver_at": arguments.moment,
    "expire_at": arguments.moment,
}
_ACKNOWLEDGEMENT = arguments.instance(pb.Acknowledgement, what="what nmq.done() and the like return")


def connect(server="", **options):
    """A client that has entered its namespace. `options` are the fields of Options."""
    client = Client(server, **options)
    try:
        client.connect()
    except BaseException:
        client.close()
        raise
    return client


class Client:
    """Connects with the first call that needs it. The server forgets a client whose lease ran out, and all clients when
    it restarts: then the library connects anew, joins the rooms again and repeats the call; client_id is another one.

    Thread-safe. A context manager: leaving it closes the client.
    """

    def __init__(self, server="", **options):
        for name in options:
            if name not in _OPTIONS:
                raise arguments.unknown_option("connect", name, options[name], _OPTIONS)
        server = server or os.environ.get("NMQ_SERVER", "127.0.0.1:50051")
        for name in ("tls_ca", "tls_certificate", "tls_key"):
            options.setdefault(name, os.environ.get(f"NMQ_{name.upper()}", ""))
        self._session = Session(Options(server=server, **options))
        self.registry = Registry(self._session, self._session.options.timeout)
        self.admin = Admin(self._session, self._session.options.timeout)

    def connect(self):
        """Enters the namespace; Unavailable if the server cannot be reached for options.wait_for_server."""
        self._session.ensure()

    @property
    def client_id(self):
        """What the server calls this client; empty before it is connected."""
        return self._session.connected.client_id

    @property
    def session(self):
        """The secret handle of this client, for `session` of a later client."""
        return self._session.connected.session

    @property
    def resumed(self):
        """Whether the last connecting found the client of the session again."""
        return self._session.connected.resumed

    @property
    def limits(self):
        """What the server bounds: limits_pb2.Limits."""
        return self._session.connected.limits

    @property
    def rooms(self):
        """The rooms that the client is in, in order."""
        return self._session.rooms

    def join(self, *rooms):
        """Enters rooms, all or none; {room: clients in it}. What is published afterwards is heard."""
        rooms = arguments.names("rooms", rooms)
        response = self._call(self._session.stub.Join, lambda s: pb.JoinRequest(session=s, rooms=rooms))
        self._session.add_rooms(rooms)
        return {count.room: count.members for count in response.rooms}

    def leave(self, *rooms):
        """Leaves rooms; {room: clients that remain}."""
        rooms = arguments.names("rooms", rooms)
        self._session.remove_rooms(rooms)
        response = self._call(self._session.stub.Leave, lambda s: pb.LeaveRequest(session=s, rooms=rooms))
        return {count.room: count.members for count in response.rooms}

    @arguments.checked(
        **_MESSAGE, expected_last_sequence=arguments.whole(), count_matches=arguments.flag, timeout=_TIMEOUT
    )
    def publish(
        self,
        queue,
        event,
        payload=b"",
        *,
        json=None,
        rooms=None,
        clients=None,
        except_rooms=(),
        except_clients=(),
        except_publisher=False,
        headers=None,
        key="",
        content_type="",
        request_id="",
        deliver_at=None,
        expire_at=None,
        expected_last_sequence=None,
        count_matches=False,
        timeout=None,
    ):
        """Publishes a message, as make_message() makes it; returns a PublishResponse, which
        means that the queue holds it.

        Repeats itself only when the message cannot have been taken, or if it has a request_id. So Unavailable without
        a reason, and DeadlineExceeded, may mean that the message was taken and the answer was lost.
        """
        audience = _audience(rooms, clients, except_rooms, except_clients, except_publisher)
        payload, content_type = _encode(payload, json, content_type)
        made = _make(queue, event, payload, audience, headers, key, content_type, request_id, deliver_at, expire_at)

        def request(session):
            return pb.PublishRequest(
                session=session,
                namespace=self._session.options.namespace,
                message=made,
                count_matches=count_matches,
                expected_last_sequence=expected_last_sequence,
            )

        return self._publish(self._session.stub.Publish, request, timeout, repeatable=bool(made.request_id))

    @arguments.checked(**_MESSAGE, timeout=arguments.number(0.001, 3600), replies_max=arguments.whole())
    def request(
        self,
        queue,
        event,
        payload=b"",
        *,
        timeout=5.0,
        replies_max=0,
        json=None,
        rooms=None,
        clients=None,
        except_rooms=(),
        except_clients=(),
        except_publisher=False,
        headers=None,
        key="",
        content_type="",
        request_id="",
        deliver_at=None,
        expire_at=None,
    ):
        """Asks whoever hears the message, and waits for the answers: a RequestResponse. Unavailable, reason
        NOBODY_LISTENS, if nobody hears it; not `complete` if answers are missing."""
        for name, value in (("request_id", request_id), ("deliver_at", deliver_at)):
            if value:
                raise ValueError(f"{name}: {arguments.shown(value)} is not for questions: each is asked anew, at once")
        audience = _audience(rooms, clients, except_rooms, except_clients, except_publisher)
        payload, content_type = _encode(payload, json, content_type)
        made = _make(queue, event, payload, audience, headers, key, content_type, "", None, expire_at)

        def request(session):
            asked = pb.RequestRequest(
                session=session, namespace=self._session.options.namespace, message=made, replies_max=replies_max
            )
            asked.timeout.FromNanoseconds(round(timeout * 1e9))
            return asked

        # The server answers when the time is over; the call itself may take a little longer.
        return self._publish(self._session.stub.Request, request, timeout + self._session.options.timeout, False)

    @arguments.checked(
        question=MESSAGE,
        payload=arguments.payload,
        json=arguments.json_text,
        content_type=arguments.text,
        headers=arguments.texts,
        error=arguments.instance(Exception, str, what="an exception or a str"),
    )
    def reply(self, question, payload=b"", *, json=None, content_type="", headers=None, error=None):
        """Answers a message that has `reply_to`, once. `error` is an exception or a text: why there is no answer."""
        if not question.reply_to:
            raise ValueError("question: nobody asked: the message has no reply_to")
        payload, content_type = _encode(payload, json, content_type)

        def request(session):
            answer = pb.ReplyRequest(
                session=session,
                reply_to=question.reply_to,
                payload=payload,
                content_type=content_type,
                headers=headers or {},
            )
            if error is not None:
                code = error.code if isinstance(error, errors.Error) else grpc.StatusCode.UNKNOWN
                answer.error.code, answer.error.message = code.value[0], str(error)
            return answer

        self._call(self._session.stub.Reply, request, repeatable=False)

    @arguments.checked(
        queue=arguments.text,
        event=arguments.text,
        patterns=arguments.patterns,
        rooms=arguments.names,
        start=arguments.instance(
            pb.StartPosition,
            what="what nmq.start_new(), start_earliest(), start_last(), start_at_sequence(), start_at_time() or "
            "start_after() return",
        ),
        overflow=arguments.word(pb.Overflow, "overflow"),
        overflow_messages=arguments.whole(),
        headers=arguments.header_filters,
        group=arguments.instance(str, pb.GroupOptions, what="a name or nmq.group(...)"),
        on_gap=arguments.function,
        on_state=arguments.function,
        ready_timeout=_TIMEOUT,
    )
    def subscribe(
        self,
        queue="**",
        event="",
        *,
        patterns=None,
        rooms=(),
        start=None,
        overflow=pb.OVERFLOW_UNSPECIFIED,
        overflow_messages=0,
        headers=None,
        group=None,
        on_gap=None,
        on_state=None,
        ready_timeout=10.0,
    ):
        """Starts to hear messages: a Subscription, an iterator. Returns when it is live.

        queue and event are names or patterns: `*` stands for one token, a trailing `**` for the rest, an empty event
        for every event. patterns: more than one, as (queue, event), in place of them. rooms are joined in the same
        step. start: start_earliest() and the like. headers: only messages with all of these headers, {name: value, or
        None for any}. group: a name, or group(name, ...): shares one durable queue with the other members; each message
        must be acknowledged, and may come again, as `attempt` says then. on_gap(Gap) hears of messages that will not
        come; without it they are logged as a warning. on_state(State, Error or None) hears of lost and regained
        connections.
        """
        if patterns is not None and (queue, event) != ("**", ""):
            raise ValueError("patterns and queue, patterns and event: give one of them, patterns as (queue, event)")
        request = pb.SubscribeRequest(
            patterns=[pb.Pattern(queue=q, event=e) for q, e in patterns or [(queue, event)]],
            rooms=rooms,
            start=start,
            overflow=overflow,
            overflow_messages=overflow_messages,
            headers=[pb.HeaderFilter(name=name, value=value) for name, value in (headers or {}).items()],
            group=group_options(arguments.filled_text("group", group)) if isinstance(group, str) else group,
        )
        return Subscription(self._session, request, ready_timeout, on_gap, on_state).start()

    @arguments.checked(
        batch_messages=arguments.whole(1, 100_000),
        batch_bytes=arguments.whole(1, 256 << 20),
        window=arguments.whole(1, 1000),
        give_up_after=arguments.number(0),
    )
    def publisher(self, *, batch_messages=1000, batch_bytes=1 << 20, window=4, give_up_after=10.0):
        """The fast way in: a Publisher, for many messages, in batches of up to batch_messages and batch_bytes, `window`
        of them unanswered at a time. give_up_after: how long it tries to reach the server, in seconds."""
        return Publisher(self._session, batch_messages, batch_bytes, window, give_up_after).start()

    @arguments.checked(queue=arguments.text, group=arguments.filled_text)
    def acknowledge(self, queue, group, *acknowledgements):
        """Says what became of messages that a group of a queue delivered: done(), retry_after(), extend(), terminate(),
        many at a time. Returns an AcknowledgeResponse, when the server has noted it."""
        for index, each in enumerate(acknowledgements):
            _ACKNOWLEDGEMENT(f"acknowledgements[{index}]", each)
        return self._session.acknowledge(queue, group, acknowledgements)

    @arguments.checked(leave=arguments.flag)
    def close(self, leave=True):
        """Ends all subscriptions and leaves the namespace; returns within a second or so even if the server is gone.
        With leave=False the server keeps the client for its lease, so that another one may take its `session`."""
        self._session.stop(leave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _call(self, rpc, request, repeatable=True):
        return self._session.call(rpc, request, self._session.options.timeout, repeatable)

    def _publish(self, rpc, request, timeout, repeatable):
        options = self._session.options
        timeout = options.timeout if timeout is None else timeout
        return self._session.call(rpc, request, timeout, repeatable, options.publish_with_session)


@arguments.checked(**_MESSAGE)
def make_message(
    queue,
    event,
    payload=b"",
    *,
    json=None,
    rooms=None,
    clients=None,
    except_rooms=(),
    except_clients=(),
    except_publisher=False,
    headers=None,
    key="",
    content_type="",
    request_id="",
    deliver_at=None,
    expire_at=None,
):
    """A message for the members of `rooms` and for `clients` (ids), for everyone if neither is given; minus the
    excepted ones. Empty rooms or clients are a ValueError: they would widen to everyone.
    payload: bytes or str; or `json`, anything that json.dumps takes. deliver_at and expire_at: when it
    enters its queue, and from when on it is not delivered any more; datetime.datetime, naive ones taken for UTC."""
    audience = _audience(rooms, clients, except_rooms, except_clients, except_publisher)
    payload, content_type = _encode(payload, json, content_type)
    return _make(queue, event, payload, audience, headers, key, content_type, request_id, deliver_at, expire_at)


def _make(queue, event, payload, audience, headers, key, content_type, request_id, deliver_at, expire_at):
    message = message_pb2.Message(
        queue=queue,
        event=event,
        payload=payload,
        audience=audience,
        headers=headers,
        key=key,
        content_type=content_type,
        request_id=request_id,
    )
    if deliver_at is not None:
        message.deliver_at.FromDatetime(deliver_at)
    if expire_at is not None:
        message.expire_at.FromDatetime(expire_at)
    return message


def _audience(rooms, clients, except_rooms, except_clients, except_publisher):
    """None stands for everyone."""
    if not (rooms or clients or except_rooms or except_clients or except_publisher):
        return None
    return message_pb2.Audience(
        rooms=rooms,
        clients=clients,
        except_rooms=except_rooms,
        except_clients=except_clients,
        except_publisher=except_publisher,
    )


def _encode(payload, json, content_type):
    """`json` is JSON already."""
    if json is not None:
        if len(payload) > 0:
            raise ValueError("payload and json: give one of them")
        return json, content_type or "application/json"
    return payload.encode() if isinstance(payload, str) else bytes(payload), content_type
