"""The code that generate.sh makes of the .proto files.

google.rpc is not part of Debian's protobuf: it comes from beside the stubs if no other package has it.
"""

import os

import google

try:
    from google.rpc import error_details_pb2, status_pb2
except ImportError:
    google.__path__.append(os.path.join(os.path.dirname(__file__), "_googleapis", "google"))
    from google.rpc import error_details_pb2, status_pb2

from nmq.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    limits_pb2,
    message_pb2,
    message_queue_pb2,
    message_queue_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
)

__all__ = [
    "admin_pb2",
    "admin_pb2_grpc",
    "error_details_pb2",
    "limits_pb2",
    "message_pb2",
    "message_queue_pb2",
    "message_queue_pb2_grpc",
    "registry_pb2",
    "registry_pb2_grpc",
    "status_pb2",
]
