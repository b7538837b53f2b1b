"""Where a subscription starts."""

from __future__ import annotations

import datetime
from typing import Any, Iterable, Tuple, Union

from . import arguments
from ._stubs import message_pb2, message_queue_pb2 as pb


def start_new() -> pb.StartPosition:
    """With what is published from now on."""
    return pb.StartPosition()


def start_earliest() -> pb.StartPosition:
    """From the oldest message that each queue holds."""
    return pb.StartPosition(earliest=True)


@arguments.checked(messages=arguments.whole(1, 1_000_000))
def start_last(messages: int) -> pb.StartPosition:
    """With the last messages, so many of each queue."""
    return pb.StartPosition(last=messages)


@arguments.checked(sequence=arguments.whole(1))
def start_at_sequence(sequence: int) -> pb.StartPosition:
    """From this sequence on, in each queue's present epoch."""
    return pb.StartPosition(sequence=sequence)


@arguments.checked(time=arguments.moment)
def start_at_time(time: datetime.datetime) -> pb.StartPosition:
    """With what was published at this datetime.datetime or later; naive ones are taken for UTC."""
    start = pb.StartPosition()
    start.time.FromDatetime(time)
    return start


def start_after(
    positions: Iterable[Union[message_pb2.QueuePosition, Tuple[str, int, int]]]
) -> pb.StartPosition:
    """After a subscription's `positions`: message_pb2.QueuePosition or (queue, epoch, sequence)."""
    resume = pb.Resume()
    for index, position in enumerate(positions):
        resume.positions.append(_position(f"positions[{index}]", position))
    return pb.StartPosition(resume=resume)


def _position(name: str, value: Any) -> message_pb2.QueuePosition:
    if isinstance(value, message_pb2.QueuePosition):
        return value
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        wanted = "a QueuePosition or (queue, epoch, sequence)"
        raise TypeError(f"{name}: {arguments.shown(value)} is a {type(value).__name__}, not {wanted}")
    return message_pb2.QueuePosition(
        queue=arguments.text(f"{name} queue", value[0]),
        epoch=arguments.whole()(f"{name} epoch", value[1]),
        sequence=arguments.whole()(f"{name} sequence", value[2]),
    )
