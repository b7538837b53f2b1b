"""Groups: subscriptions that share the work of a durable queue, and what they say of its messages. Times in seconds."""

from __future__ import annotations

from typing import Any, Iterable, Optional

from . import arguments
from ._stubs import message_pb2, message_queue_pb2 as pb

# What the protocol allows, in seconds.
DEADLINE = arguments.number(1, 12 * 3600)
RETRY_AFTER = arguments.number(0, 12 * 3600)
MESSAGE = arguments.instance(message_pb2.Message, what="a message")


@arguments.checked(
    name=arguments.filled_text,
    ack_deadline=DEADLINE,
    attempts_max=arguments.whole(0, 1000),
    backoff=arguments.number(0, 3600),
    backoff_max=arguments.number(0, 12 * 3600),
    by_key=arguments.flag,
    rooms=arguments.names,
    dead_letter_queue=arguments.text,
    credit_messages=arguments.whole(),
    credit_bytes=arguments.whole(),
)
def group(
    name: str,
    *,
    ack_deadline: Optional[float] = None,
    attempts_max: int = 0,
    backoff: Optional[float] = None,
    backoff_max: Optional[float] = None,
    by_key: bool = False,
    rooms: Iterable[str] = (),
    dead_letter_queue: str = "",
    credit_messages: int = 0,
    credit_bytes: int = 0,
) -> pb.GroupOptions:
    """The GroupOptions of a group, for subscribe(group=...); what is not given is as the server has it, or as the group
    has it already. credit_messages: how many this member has unacknowledged at the most; 16 if not given."""
    options = pb.GroupOptions(
        name=name,
        attempts_max=attempts_max,
        by_key=by_key,
        rooms=rooms,
        dead_letter_queue=dead_letter_queue,
        credit_messages=credit_messages,
        credit_bytes=credit_bytes,
    )
    for field, seconds in [("ack_deadline", ack_deadline), ("backoff", backoff), ("backoff_max", backoff_max)]:
        if seconds is not None:
            _set(getattr(options, field), seconds)
    return options


@arguments.checked(message=MESSAGE, last=MESSAGE)
def done(message: message_pb2.Message, last: Optional[message_pb2.Message] = None) -> pb.Acknowledgement:
    """The work is done: that of one message, or of all from it to `last`, which the subscription was given with the same
    `delivery`. This names the delivery, as the others here do: once another member has the message, nothing is noted."""
    return _of(message, last=message.sequence if last is None else last.sequence, done=True)


@arguments.checked(message=MESSAGE, seconds=RETRY_AFTER)
def retry_after(message: message_pb2.Message, seconds: float) -> pb.Acknowledgement:
    """Not done: to be delivered again, after this time at the earliest."""
    acknowledgement = _of(message)
    _set(acknowledgement.retry_after, seconds)
    return acknowledgement


@arguments.checked(message=MESSAGE, seconds=DEADLINE)
def extend(message: message_pb2.Message, seconds: float) -> pb.Acknowledgement:
    """Still at work: the group waits for this long, from now."""
    acknowledgement = _of(message)
    _set(acknowledgement.extend, seconds)
    return acknowledgement


@arguments.checked(message=MESSAGE, reason=arguments.text)
def terminate(message: message_pb2.Message, reason: str) -> pb.Acknowledgement:
    """Nobody can do it: a dead letter, with this reason."""
    return _of(message, terminate=reason)


def _of(message: message_pb2.Message, **fields: Any) -> pb.Acknowledgement:
    return pb.Acknowledgement(first=message.sequence, delivery=message.delivery, **fields)


def _set(duration: Any, seconds: float) -> None:
    # A duration of zero is one, too.
    duration.SetInParent()
    duration.FromNanoseconds(round(seconds * 1e9))
