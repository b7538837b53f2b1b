"""nmq's client for Python: enter a namespace, join rooms, publish, and hear what others publish.

    with nmq.connect("127.0.0.1:50051") as client:
        with client.subscribe("DB", "*") as messages:
            client.publish("DB", "CREATE", "record 17")
            for message in messages:
                print(message.event, message.payload)

Messages, gaps and answers are the protocol's own types, of proto/nmq/v1.
"""

from ._stubs import message_pb2, message_queue_pb2, registry_pb2
from .admin import Admin, retention
from .backoff import Backoff
from .client import Client, Options, connect, make_message
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
from .publisher import FlushResult, Published, Publisher
from .registry import Registry
from .subscription import (
    State,
    Subscription,
    start_after,
    start_at_sequence,
    start_at_time,
    start_earliest,
    start_last,
    start_new,
)

Message = message_pb2.Message
QueuePosition = message_pb2.QueuePosition
Gap = message_queue_pb2.Gap
GapReason = message_queue_pb2.GapReason
Overflow = message_queue_pb2.Overflow
Durability = registry_pb2.Durability
