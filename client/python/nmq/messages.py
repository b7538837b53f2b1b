"""Messages, as programs make them."""

from __future__ import annotations

import datetime
from typing import Any, Iterable, Mapping, Optional, Tuple, Union

from . import arguments
from ._stubs import message_pb2

Payload = Union[bytes, str, bytearray, memoryview]

# A message's, as make_message() takes it.
MESSAGE = {
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


@arguments.checked(**MESSAGE)
def make_message(
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
) -> message_pb2.Message:
    """A message for the members of `rooms` and for `clients` (ids), for everyone if neither is given; minus the
    excepted ones. Empty rooms or clients are a ValueError: they would widen to everyone.
    payload: bytes or str; or `json`, anything that json.dumps takes. deliver_at and expire_at: when it
    enters its queue, and from when on it is not delivered any more; datetime.datetime, naive ones taken for UTC."""
    to = audience(rooms, clients, except_rooms, except_clients, except_publisher)
    content, content_type = encode(payload, json, content_type)
    return make(queue, event, content, to, headers, key, content_type, request_id, deliver_at, expire_at)


def make(
    queue: str,
    event: str,
    payload: bytes,
    to: Optional[message_pb2.Audience],
    headers: Optional[Mapping[str, str]],
    key: str,
    content_type: str,
    request_id: str,
    deliver_at: Optional[datetime.datetime],
    expire_at: Optional[datetime.datetime],
) -> message_pb2.Message:
    message = message_pb2.Message(
        queue=queue,
        event=event,
        payload=payload,
        audience=to,
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


def audience(
    rooms: Optional[Iterable[str]],
    clients: Optional[Iterable[str]],
    except_rooms: Iterable[str],
    except_clients: Iterable[str],
    except_publisher: bool,
) -> Optional[message_pb2.Audience]:
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


def encode(payload: Payload, json: Any, content_type: str) -> Tuple[bytes, str]:
    """`json` is JSON already."""
    if json is not None:
        if len(payload) > 0:
            raise ValueError("payload and json: give one of them")
        return bytes(json), content_type or "application/json"
    return payload.encode() if isinstance(payload, str) else bytes(payload), content_type
