"""nmq's client for Python: enter a namespace, join rooms, publish, and hear what others publish.

    with nmq.connect("127.0.0.1:50051") as client:
        with client.subscribe("DB", "*") as messages:
            client.publish("DB", "CREATE", "record 17")
            for message in messages:
                print(message.event, message.payload)

Messages, gaps and answers are the protocol's own types, of proto/nmq/v1.
"""

from ._stubs import message_pb2, message_queue_pb2, registry_pb2
from . import aio
from .admin import Admin, retention
from .backoff import Backoff
from .batches import FlushResult, Published
from .client import Client, connect
from .client_calls import State
from .errors import (
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    Error,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    from_status,
)
from .groups import done, extend, group, retry_after, terminate
from .messages import make_message
from .options import Options
from .publisher import Publisher
from .registry import Registry
from .starts import (
    start_after,
    start_at_sequence,
    start_at_time,
    start_earliest,
    start_last,
    start_new,
)
from .subscription import Subscription

Message = message_pb2.Message
QueuePosition = message_pb2.QueuePosition
Gap = message_queue_pb2.Gap
GapReason = message_queue_pb2.GapReason
Overflow = message_queue_pb2.Overflow
Durability = registry_pb2.Durability
Right = registry_pb2.Right

__all__ = [
    "Admin",
    "aio",
    "Backoff",
    "Cancelled",
    "Client",
    "connect",
    "DataLoss",
    "DeadlineExceeded",
    "done",
    "Durability",
    "Error",
    "extend",
    "FailedPrecondition",
    "FlushResult",
    "from_status",
    "Gap",
    "GapReason",
    "group",
    "InvalidArgument",
    "make_message",
    "Message",
    "NotFound",
    "Options",
    "OutOfRange",
    "Overflow",
    "PermissionDenied",
    "Published",
    "Publisher",
    "QueuePosition",
    "Registry",
    "ResourceExhausted",
    "retention",
    "retry_after",
    "Right",
    "start_after",
    "start_at_sequence",
    "start_at_time",
    "start_earliest",
    "start_last",
    "start_new",
    "State",
    "Subscription",
    "terminate",
    "Unauthenticated",
    "Unavailable",
]
