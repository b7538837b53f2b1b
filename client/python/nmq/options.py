"""How a client connects."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Dict, Optional

import grpc

from . import address, arguments, errors
from .backoff import Backoff
from .token import Token, is_token


@dataclasses.dataclass(frozen=True)
class Options:
    """How to connect; all times in seconds."""

    # HOST:PORT, HOST for port 50051, http://HOST:PORT, https://HOST:PORT for TLS, unix:PATH, or another target of gRPC.
    server: str = ""
    # "default" if empty.
    namespace: str = ""
    # What to call the client; its id if empty.
    name: str = ""
    # Facts to find the client by.
    labels: Dict[str, str] = dataclasses.field(default_factory=dict)
    # How long the client outlives a lost connection; the server's default if None.
    lease: Optional[float] = None
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
    # Says who calls, to a server that asks; NMQ_TOKEN if empty. It goes as it is over a connection without TLS. A
    # function that returns one, at once and on any thread, is asked for each call, so that it can be renewed: streams
    # that end because their token has expired begin again with the new one.
    token: Token = dataclasses.field(default="", repr=False)
    # grpc.ChannelCredentials instead of the files for TLS.
    credentials: Optional[Any] = None
    # Publishes as this client. If False, messages carry no publisher, and a client that only publishes never enters
    # the namespace.
    publish_with_session: bool = True

    def __post_init__(self) -> None:
        for name, check in OPTIONS.items():
            value = getattr(self, name)
            if value is not None:
                check(name, value)

    @property
    def target(self) -> str:
        """The server, as gRPC calls it."""
        return address.target(self.server)[0]

    @property
    def secure(self) -> bool:
        """Whether the server's address asks for TLS."""
        return address.target(self.server)[1]


def _server(name: str, value: Any) -> str:
    if arguments.text(name, value):
        address.target(value)
    return str(value)


def _token(name: str, value: Any) -> Token:
    """What is wrong has nothing of the token."""
    if not callable(value) and not (isinstance(value, str) and is_token(value)):
        raise errors.make(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"{name}: has a space, a line end or another byte that no token has; give what nmq token printed",
        )
    made: Token = value
    return made


TIMEOUT = arguments.number(0, above=True)
OPTIONS = {
    "server": _server,
    "namespace": arguments.text,
    "name": arguments.text,
    "labels": arguments.texts,
    "lease": TIMEOUT,
    "session": arguments.text,
    "connect_timeout": TIMEOUT,
    "wait_for_server": arguments.number(0),
    "timeout": TIMEOUT,
    "backoff": arguments.instance(Backoff),
    "tls_ca": arguments.path,
    "tls_certificate": arguments.path,
    "tls_key": arguments.path,
    "token": _token,
    "credentials": arguments.instance(grpc.ChannelCredentials),
    "publish_with_session": arguments.flag,
}


def make(function: str, server: str, options: Dict[str, Any]) -> Options:
    """What `function` was called with; the environment says the rest."""
    for name in options:
        if name not in OPTIONS:
            raise arguments.unknown_option(function, name, options[name], OPTIONS)
    server = server or os.environ.get("NMQ_SERVER", "") or f"127.0.0.1:{address.PORT_DEFAULT}"
    for name in ("namespace", "tls_ca", "tls_certificate", "tls_key", "token"):
        options.setdefault(name, os.environ.get(f"NMQ_{name.upper()}", ""))
    return Options(server=server, **options)
