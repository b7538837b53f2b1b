"""Who is there, in which rooms, listening to what."""

from __future__ import annotations

from typing import Any

from ..calls import awaited, listed_async, streamed_async
from ..registry import RegistryCalls


class Registry:
    """As nmq.Registry; each list is an iterator for `async for`."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._calls = RegistryCalls(session.registry, session.options)

    namespaces = listed_async(RegistryCalls.namespaces)
    queues = listed_async(RegistryCalls.queues)
    rooms = listed_async(RegistryCalls.rooms)
    clients = listed_async(RegistryCalls.clients)
    subscriptions = listed_async(RegistryCalls.subscriptions)
    groups = listed_async(RegistryCalls.groups)
    metrics = listed_async(RegistryCalls.metrics)
    client = awaited(RegistryCalls.client)
    count_clients = awaited(RegistryCalls.count_clients)
    explain = awaited(RegistryCalls.explain)
    watch = streamed_async(RegistryCalls.watch)
