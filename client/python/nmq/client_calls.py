"""What a client says, as calls that nmq and nmq.aio carry out."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import logging
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Protocol, Sequence, Tuple, Union

import grpc

from . import arguments, errors, groups, messages
from ._stubs import message_pb2, message_queue_pb2 as pb
from .calls import Call
from .holds import CREDIT_MESSAGES
from .messages import MESSAGE, Payload
from .options import TIMEOUT, Options

_log = logging.getLogger("nmq")
_ACKNOWLEDGEMENT = arguments.instance(pb.Acknowledgement, what="what nmq.done() and the like return")


class State(enum.Enum):
    """What on_state hears of: live; the stream is gone, for the error given, and is made anew."""

    CONNECTED = 1
    RECONNECTING = 2


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a subscription is to hear, and how."""

    request: pb.SubscribeRequest
    ready_timeout: float
    on_gap: Callable[[pb.Gap], Any]
    on_state: Callable[[State, Optional[errors.Error]], Any]


@dataclasses.dataclass(frozen=True)
class Batching:
    """How a publisher makes its batches, as Client.publisher() is told."""

    batch_messages: int
    batch_bytes: int
    window: int
    give_up_after: float


@dataclasses.dataclass(frozen=True)
class Acknowledging:
    """What became of messages of a group."""

    queue: str
    group: str
    acknowledgements: Sequence[pb.Acknowledgement]


def log_gap(gap: pb.Gap) -> None:
    _log.warning(
        "messages of queue %s are missing from %d on (%s): %s",
        gap.queue,
        gap.first,
        pb.GapReason.Name(gap.reason),
        gap.count if gap.HasField("count") else "an unknown number",
    )


def _ignore_state(state: State, error: Optional[errors.Error]) -> None:
    pass


class RoomKeeper(Protocol):
    """A session, which knows the rooms of its client."""

    def add_rooms(self, rooms: Iterable[str]) -> None:
        ...

    def remove_rooms(self, rooms: Iterable[str]) -> None:
        ...


class ClientCalls:
    """Of a session, whose stub is given."""

    def __init__(self, stub: Any, options: Options, session: RoomKeeper) -> None:
        self._stub = stub
        self._options = options
        self._session = session

    def join(self, *rooms: str) -> Call[Dict[str, int]]:
        """Enters rooms, all or none; {room: clients in it}. What is published afterwards is heard."""
        names = arguments.names("rooms", rooms)

        def joined(response: pb.JoinResponse) -> Dict[str, int]:
            self._session.add_rooms(names)
            return {count.room: count.members for count in response.rooms}

        request = lambda session: pb.JoinRequest(session=session, rooms=names)  # noqa: E731
        return Call(self._stub.Join, request, self._options.timeout, True, answer=joined)

    def leave(self, *rooms: str) -> Call[Dict[str, int]]:
        """Leaves rooms; {room: clients that remain}."""
        names = arguments.names("rooms", rooms)

        def request(session: str) -> pb.LeaveRequest:
            # Also if the session was lost: the new client does not join them.
            self._session.remove_rooms(names)
            return pb.LeaveRequest(session=session, rooms=names)

        def left(response: pb.LeaveResponse) -> Dict[str, int]:
            return {count.room: count.members for count in response.rooms}

        return Call(self._stub.Leave, request, self._options.timeout, True, answer=left)

    @arguments.checked(
        **MESSAGE, expected_last_sequence=arguments.whole(), count_matches=arguments.flag, timeout=TIMEOUT
    )
    def publish(
        self,
        queue: str,
        event: str,
        payload: Payload = b"",
        *,
        json: Any = None,
        rooms: Optional[Iterable[str]] = None,
        clients: Optional[Iterable[str]] = None,
        except_rooms: Iterable[str] = (),
        except_clients: Iterable[str] = (),
        except_publisher: bool = False,
        headers: Optional[Mapping[str, str]] = None,
        key: str = "",
        content_type: str = "",
        request_id: str = "",
        deliver_at: Optional[datetime.datetime] = None,
        expire_at: Optional[datetime.datetime] = None,
        expected_last_sequence: Optional[int] = None,
        count_matches: bool = False,
        timeout: Optional[float] = None,
    ) -> Call[pb.PublishResponse]:
        """Publishes a message, as make_message() makes it; returns a PublishResponse, which
        means that the queue holds it.

        Repeats itself only when the message cannot have been taken, or if it has a request_id. So Unavailable without
        a reason, and DeadlineExceeded, may mean that the message was taken and the answer was lost.
        """
        to = messages.audience(rooms, clients, except_rooms, except_clients, except_publisher)
        content, content_type = messages.encode(payload, json, content_type)
        made = messages.make(queue, event, content, to, headers, key, content_type, request_id, deliver_at, expire_at)

        def request(session: str) -> pb.PublishRequest:
            return pb.PublishRequest(
                session=session,
                namespace=self._options.namespace,
                message=made,
                count_matches=count_matches,
                expected_last_sequence=expected_last_sequence,
            )

        seconds = self._options.timeout if timeout is None else timeout
        with_session = self._options.publish_with_session
        return Call(self._stub.Publish, request, seconds, bool(made.request_id), with_session)

    @arguments.checked(**MESSAGE, timeout=arguments.number(0.001, 3600), replies_max=arguments.whole())
    def request(
        self,
        queue: str,
        event: str,
        payload: Payload = b"",
        *,
        timeout: float = 5.0,
        replies_max: int = 0,
        json: Any = None,
        rooms: Optional[Iterable[str]] = None,
        clients: Optional[Iterable[str]] = None,
        except_rooms: Iterable[str] = (),
        except_clients: Iterable[str] = (),
        except_publisher: bool = False,
        headers: Optional[Mapping[str, str]] = None,
        key: str = "",
        content_type: str = "",
        request_id: str = "",
        deliver_at: Optional[datetime.datetime] = None,
        expire_at: Optional[datetime.datetime] = None,
    ) -> Call[pb.RequestResponse]:
        """Asks whoever hears the message, and waits for the answers: a RequestResponse. Unavailable, reason
        NOBODY_LISTENS, if nobody hears it; not `complete` if answers are missing."""
        for name, value in (("request_id", request_id), ("deliver_at", deliver_at)):
            if value:
                raise ValueError(f"{name}: {arguments.shown(value)} is not for questions: each is asked anew, at once")
        to = messages.audience(rooms, clients, except_rooms, except_clients, except_publisher)
        content, content_type = messages.encode(payload, json, content_type)
        made = messages.make(queue, event, content, to, headers, key, content_type, "", None, expire_at)

        def request(session: str) -> pb.RequestRequest:
            asked = pb.RequestRequest(
                session=session, namespace=self._options.namespace, message=made, replies_max=replies_max
            )
            asked.timeout.FromNanoseconds(round(timeout * 1e9))
            return asked

        # The server answers when the time is over; the call itself may take a little longer.
        seconds = timeout + self._options.timeout
        return Call(self._stub.Request, request, seconds, False, self._options.publish_with_session)

    @arguments.checked(
        question=groups.MESSAGE,
        payload=arguments.payload,
        json=arguments.json_text,
        content_type=arguments.text,
        headers=arguments.texts,
        error=arguments.instance(Exception, str, what="an exception or a str"),
    )
    def reply(
        self,
        question: message_pb2.Message,
        payload: Payload = b"",
        *,
        json: Any = None,
        content_type: str = "",
        headers: Optional[Mapping[str, str]] = None,
        error: Union[Exception, str, None] = None,
    ) -> Call[None]:
        """Answers a message that has `reply_to`, once. `error` is an exception or a text: why there is no answer."""
        if not question.reply_to:
            raise ValueError("question: nobody asked: the message has no reply_to")
        content, content_type = messages.encode(payload, json, content_type)

        def request(session: str) -> pb.ReplyRequest:
            answer = pb.ReplyRequest(
                session=session,
                reply_to=question.reply_to,
                payload=content,
                content_type=content_type,
                headers=headers or {},
            )
            if error is not None:
                code = error.code if isinstance(error, errors.Error) else grpc.StatusCode.UNKNOWN
                answer.error.code, answer.error.message = code.value[0], str(error)
            return answer

        return Call(self._stub.Reply, request, self._options.timeout, False, answer=lambda _: None)

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
        ready_timeout=TIMEOUT,
    )
    def subscribe(
        self,
        queue: str = "**",
        event: str = "",
        *,
        patterns: Optional[Iterable[Tuple[str, str]]] = None,
        rooms: Iterable[str] = (),
        start: Optional[pb.StartPosition] = None,
        overflow: pb.Overflow = pb.OVERFLOW_UNSPECIFIED,
        overflow_messages: int = 0,
        headers: Optional[Mapping[str, Optional[str]]] = None,
        group: Union[str, pb.GroupOptions, None] = None,
        on_gap: Optional[Callable[[pb.Gap], Any]] = None,
        on_state: Optional[Callable[[State, Optional[errors.Error]], Any]] = None,
        ready_timeout: float = 10.0,
    ) -> Wish:
        """Starts to hear messages: a Subscription, an iterator, which is live then.

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
            group=groups.group(arguments.filled_text("group", group)) if isinstance(group, str) else group,
        )
        if request.HasField("group"):
            request.group.credit_messages = request.group.credit_messages or CREDIT_MESSAGES
        return Wish(request, ready_timeout, on_gap or log_gap, on_state or _ignore_state)

    @arguments.checked(
        batch_messages=arguments.whole(1, 100_000),
        batch_bytes=arguments.whole(1, 256 << 20),
        window=arguments.whole(1, 1000),
        give_up_after=arguments.number(0),
    )
    def publisher(
        self,
        *,
        batch_messages: int = 1000,
        batch_bytes: int = 1 << 20,
        window: int = 4,
        give_up_after: float = 10.0,
    ) -> Batching:
        """The fast way in: a Publisher, for many messages, in batches of up to batch_messages and batch_bytes, `window`
        of them unanswered at a time. give_up_after: how long it tries to reach the server, in seconds."""
        return Batching(batch_messages, batch_bytes, window, give_up_after)

    @arguments.checked(queue=arguments.text, group=arguments.filled_text)
    def acknowledge(self, queue: str, group: str, *acknowledgements: pb.Acknowledgement) -> Acknowledging:
        """Says what became of messages that a group of a queue delivered: done(), retry_after(), extend(), terminate(),
        many at a time. Returns an AcknowledgeResponse, when the server has noted it."""
        for index, each in enumerate(acknowledgements):
            _ACKNOWLEDGEMENT(f"acknowledgements[{index}]", each)
        return Acknowledging(queue, group, acknowledgements)
