"""A client's place in the namespace: what is asked of the server to get and to keep it."""

from __future__ import annotations

from typing import Any, List, Optional, Set, Tuple, Union

import grpc

from . import address, errors
from ._stubs import admin_pb2_grpc, message_queue_pb2 as pb, message_queue_pb2_grpc, registry_pb2_grpc
from .options import Options

# How long leaving may take, in seconds.
DISCONNECT_TIMEOUT = 1.0


def channel_arguments(options: Options) -> List[Tuple[str, Union[int, str]]]:
    seconds = {
        "grpc.initial_reconnect_backoff_ms": options.backoff.initial,
        # Despite its name the bound of one attempt to connect.
        "grpc.min_reconnect_backoff_ms": options.connect_timeout,
        "grpc.max_reconnect_backoff_ms": options.backoff.max,
        # Servers refuse clients that ping more often than every 10 s.
        "grpc.keepalive_time_ms": 20.0,
        "grpc.keepalive_timeout_ms": 10.0,
    }
    arguments: List[Tuple[str, Union[int, str]]] = [(name, int(each * 1000)) for name, each in seconds.items()]
    # One connection for each client, an idle stream is pinged as long as it lives, and the server decides how large
    # messages are.
    arguments += [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]
    # gRPC would send what is for this machine to the proxy of http_proxy, too.
    if address.is_local(options.target):
        arguments.append(("grpc.enable_http_proxy", 0))
    return arguments


class Stubs:
    """Of a channel of grpc or grpc.aio."""

    def __init__(self, channel: Any) -> None:
        untyped: Any = (message_queue_pb2_grpc, registry_pb2_grpc, admin_pb2_grpc)
        self.message_queue = untyped[0].MessageQueueStub(channel)
        self.registry = untyped[1].RegistryStub(channel)
        self.admin = untyped[2].AdminStub(channel)
        # Its requests are bytes already.
        self.publish_stream = channel.stream_stream(
            "/nmq.v1.MessageQueue/PublishStream",
            request_serializer=None,
            response_deserializer=pb.PublishStreamResponse.FromString,
        )


class Place:
    """Not thread-safe."""

    def __init__(self, options: Options) -> None:
        self._options = options
        # The last answer to Connect; empty before.
        self.connected = pb.ConnectResponse(session=options.session)
        self.rooms: Set[str] = set()
        # A new client has taken the place of the old one, and has yet to join its rooms.
        self.fresh = False
        self._rejoin = False
        self._attempts = 0
        proxy = address.proxy(options.target)
        self._through = f" through the proxy {proxy}" if proxy else ""
        # What gRPC said of an attempt that did not wait for the connection.
        self._unreached = ""

    @property
    def wait_for_ready(self) -> bool:
        """The first attempt tells at once that nobody is there. The later ones wait for the connection: gRPC only makes
        one while somebody waits for it."""
        return self._attempts > 0

    @property
    def renew_after(self) -> float:
        """Seconds; without a live stream the server hears of the client so often."""
        return float(self.connected.lease.ToTimedelta().total_seconds()) / 3

    def request(self) -> pb.ConnectRequest:
        options = self._options
        request = pb.ConnectRequest(
            namespace=options.namespace, name=options.name, labels=options.labels, session=self.connected.session
        )
        if options.lease is not None:
            request.lease.FromNanoseconds(round(options.lease * 1e9))
        return request

    def on_connected(self, response: pb.ConnectResponse) -> Optional[pb.JoinRequest]:
        """What is to be asked next, if anything; then on_joined()."""
        self._attempts += 1
        self._unreached = ""
        self.connected = response
        if not response.resumed:
            self.fresh = True
            self._rejoin = bool(self.rooms)
        elif not self._rejoin:
            # An operator may have moved the client meanwhile.
            self.rooms = set(response.rooms)
        if not self._rejoin:
            return None
        return pb.JoinRequest(session=response.session, rooms=sorted(self.rooms))

    def on_joined(self) -> None:
        self._rejoin = False

    def explain(self, error: errors.Error) -> errors.Error:
        """The error, with the proxy that may be to blame."""
        blamed = isinstance(error, (errors.Unavailable, errors.DeadlineExceeded)) and not error.reason
        if not self._through or not blamed:
            return error
        return errors.make(error.code, f"no answer from {self._options.target}{self._through}: {error.message}")

    def on_failed(self, error: errors.Error) -> errors.Error:
        """What to tell the program of an attempt to connect that failed so."""
        self._attempts += 1
        if isinstance(error, errors.Unavailable):
            self._unreached = "" if error.reason else error.message
        elif isinstance(error, errors.DeadlineExceeded):
            # An attempt that waits for the connection is not told why there is none.
            why = f", and at first: {self._unreached}" if self._unreached else ""
            seconds = self._options.connect_timeout
            said = f"no answer from {self._options.target}{self._through} in {seconds} s{why}"
            return errors.make(grpc.StatusCode.UNAVAILABLE, said)
        return error
