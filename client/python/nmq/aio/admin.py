"""Changes what the server keeps: namespaces, queues, groups, and who is where."""

from __future__ import annotations

from typing import Any

from ..admin import AdminCalls
from ..calls import awaited


class Admin:
    """As nmq.Admin, with await."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._calls = AdminCalls(session.admin, session.options)

    create_namespace = awaited(AdminCalls.create_namespace)
    update_namespace = awaited(AdminCalls.update_namespace)
    delete_namespace = awaited(AdminCalls.delete_namespace)
    create_queue = awaited(AdminCalls.create_queue)
    update_queue = awaited(AdminCalls.update_queue)
    delete_queue = awaited(AdminCalls.delete_queue)
    purge_queue = awaited(AdminCalls.purge_queue)
    create_group = awaited(AdminCalls.create_group)
    delete_group = awaited(AdminCalls.delete_group)
    pause_group = awaited(AdminCalls.pause_group)
    resume_group = awaited(AdminCalls.resume_group)
    seek_group = awaited(AdminCalls.seek_group)
    redrive_dead_letters = awaited(AdminCalls.redrive_dead_letters)
    move_clients = awaited(AdminCalls.move_clients)
    disconnect_clients = awaited(AdminCalls.disconnect_clients)
