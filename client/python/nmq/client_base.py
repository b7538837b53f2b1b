"""What nmq.Client and nmq.aio.Client say of their place in the namespace."""

from __future__ import annotations

from typing import Generic, List, Protocol, TypeVar

from ._stubs import limits_pb2, message_queue_pb2 as pb


class Placed(Protocol):
    """A session of either kind."""

    @property
    def connected(self) -> pb.ConnectResponse:
        ...

    @property
    def rooms(self) -> List[str]:
        ...


S = TypeVar("S", bound=Placed)


class ClientBase(Generic[S]):
    _session: S

    @property
    def client_id(self) -> str:
        """What the server calls this client; empty before it is connected."""
        return self._session.connected.client_id

    @property
    def session(self) -> str:
        """The secret handle of this client, for `session` of a later client."""
        return self._session.connected.session

    @property
    def resumed(self) -> bool:
        """Whether the last connecting found the client of the session again."""
        return self._session.connected.resumed

    @property
    def limits(self) -> limits_pb2.Limits:
        """What the server bounds: limits_pb2.Limits."""
        return self._session.connected.limits

    @property
    def rooms(self) -> List[str]:
        """The rooms that the client is in, in order."""
        return self._session.rooms
