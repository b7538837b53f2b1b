"""What went wrong: one exception for each status code, with the server's reason and what can be done about it."""

from __future__ import annotations

from typing import Any, Dict, Optional

import grpc
from google.protobuf.message import DecodeError

from ._stubs import error_details_pb2, status_pb2

_DETAILS = "grpc-status-details-bin"

_HINT_OF_REASON = {
    "INVALID_FIELD": "correct the field that the message names",
    "LIMIT_EXCEEDED": "stay within the bound that the message names, or raise it in nmqd's configuration",
    "NAMESPACE_NOT_FOUND": "declare the namespace in nmqd's configuration",
    "QUEUE_NOT_FOUND": "declare the queue in nmqd's configuration, or allow automatic_queues",
    "EVENT_NOT_FOUND": "use an event that the queue declares, or declare it in nmqd's configuration",
    "CLIENT_NOT_FOUND": "the client has left; list the namespace's clients",
    "SESSION_UNKNOWN": "connect again",
    "SESSION_EXPIRED": "connect again, and more often than the lease",
    "OTHER_NAMESPACE": "leave `namespace` out, or connect to that namespace",
    "SEQUENCE_MISMATCH": "somebody was faster: read what came meanwhile, then expect metadata['bound']",
    "NOBODY_LISTENS": "start somebody who answers, then ask again",
    "QUESTION_ABANDONED": "ask again when the server is back",
    "QUESTION_NOT_FOUND": "too late: nobody waits for this answer any more",
    "ALREADY_ANSWERED": "answer each question once",
    "POSITION_NOT_REACHED": "start from a position that the queue has given out",
    "REVISION_NOT_HELD": "list again, then watch from the list's revision",
    "REVISION_NOT_REACHED": "list again, then watch from the list's revision",
    "SLOW_SUBSCRIBER": "read faster, or choose another overflow policy",
    "FORKED": "fork first, then connect in each process; or start processes by spawn instead of fork",
    "DRAINING": "try again in a moment: the server restarts",
}
_HINT_OF_CODE: Dict[Any, str] = {
    grpc.StatusCode.UNAVAILABLE: (
        "check that nmqd runs at this address, with TLS if and only if the client uses it, then try again"
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: "the call may have been carried out all the same; check, or allow more time",
    grpc.StatusCode.UNIMPLEMENTED: "the server is older than this client, or no nmqd",
    grpc.StatusCode.UNAUTHENTICATED: "connect with credentials",
}


class Error(Exception):
    """A refused or failed call.

    code: a grpc.StatusCode. message: a sentence that names the field or limit, its value and the bound.
    reason: an UPPER_SNAKE word for programs, empty if the server named none. metadata: its facts, a dict of str.
    retry_after: seconds to wait before trying again, None if waiting does not help. hint: what to do.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        reason: str = "",
        metadata: Optional[Dict[str, str]] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.metadata = metadata or {}
        self.retry_after = retry_after

    def __reduce__(self) -> Any:
        # For multiprocessing, which hands exceptions from process to process.
        return type(self), (self.code, self.message, self.reason, self.metadata, self.retry_after)

    @property
    def hint(self) -> str:
        return _HINT_OF_REASON.get(self.reason, "") or _HINT_OF_CODE.get(self.code, "")

    def __str__(self) -> str:
        kind = self.code.name + (f", {self.reason}" if self.reason else "")
        return f"{self.message} ({kind})" + (f"; {self.hint}" if self.hint else "")


class InvalidArgument(Error):
    """Something in the request is wrong in itself."""


class NotFound(Error):
    """What the request names is not there."""


class FailedPrecondition(Error):
    """The request does not fit the present state."""


class OutOfRange(Error):
    """A position that is not, or no longer, there."""


class ResourceExhausted(Error):
    """A limit is reached, or a subscriber was too slow."""


class Unavailable(Error):
    """The server cannot be reached or shuts down, or nobody listens. It may have carried the call out if no reason is
    given."""


class PermissionDenied(Error):
    """Not this caller's right."""


class Unauthenticated(Error):
    """No or bad credentials."""


class DataLoss(Error):
    """The server's storage is damaged, or it sent what cannot be read."""


class DeadlineExceeded(Error):
    """The time was over; the server may have carried the call out."""


class Cancelled(Error):
    """The client was closed meanwhile."""


_CLASS_OF_CODE = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRange,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.DATA_LOSS: DataLoss,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: Cancelled,
}
_CODE_OF_NUMBER = {code.value[0]: code for code in grpc.StatusCode}


def make(code: grpc.StatusCode, message: str, status: Optional[status_pb2.Status] = None) -> Error:
    """An Error of `code`, with what the google.rpc.Status `status` says besides."""
    reason = ""
    metadata: Dict[str, str] = {}
    retry_after: Optional[float] = None
    for detail in status.details if status is not None else ():
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info) and info.domain == "nmq":
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    return _CLASS_OF_CODE.get(code, Error)(code, message, reason, metadata, retry_after)


def from_grpc(error: Any) -> Error:
    """The Error that a grpc.RpcError stands for."""
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS:
            try:
                status.ParseFromString(value)
            except DecodeError:
                # Other servers may put anything there; the code and message stand for themselves.
                status = status_pb2.Status()
    return make(error.code(), error.details() or "", status)


def from_status(status: status_pb2.Status) -> Optional[Error]:
    """The Error in a google.rpc.Status, such as an answer's `error`; None if it is OK."""
    if status.code == 0:
        return None
    return make(_CODE_OF_NUMBER.get(status.code, grpc.StatusCode.UNKNOWN), status.message, status)


def closed() -> Error:
    return Cancelled(grpc.StatusCode.CANCELLED, "the client is closed")


def forked(why: str) -> Error:
    return FailedPrecondition(grpc.StatusCode.FAILED_PRECONDITION, why, "FORKED")


def is_session_lost(error: Error) -> bool:
    """Whether to connect anew, once. What was shown of who calls may be over, too, and a newer token at hand."""
    if isinstance(error, Unauthenticated):
        return error.reason in ("CREDENTIALS_EXPIRED", "CREDENTIALS_REVOKED")
    return isinstance(error, NotFound) and error.reason in ("SESSION_UNKNOWN", "SESSION_EXPIRED")


def is_refused_for_now(error: Error) -> bool:
    """The server's own refusal, after which nothing has been carried out."""
    return (
        isinstance(error, Unavailable)
        and error.reason != ""
        and error.reason not in ("NOBODY_LISTENS", "QUESTION_ABANDONED")
    )


def is_passing(error: Error) -> bool:
    """Whether a stream that ended so is worth another try."""
    if error.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED):
        return True
    if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return error.reason != "SLOW_SUBSCRIBER" and bool(error.retry_after)
    # Proxies and torn connections end calls so; the server itself would name a reason.
    torn = (
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    )
    return error.code in torn and not error.reason
