"""What a fork means for clients: the child has none of their threads, and shares gRPC's connections with the parent.

A client that is used in a child would wait there for ever, and any use of gRPC in a child whose parent used gRPC can
hang, and disturb the parent's connections; so both are refused at once. gRPC's own support for forks
(GRPC_ENABLE_FORK_SUPPORT) is not relied on: while streams or calls are under way, fork() itself hangs now and then.
"""

from __future__ import annotations

import os

from . import errors


class _Process:
    """This process. Thread-safe by the lock of the interpreter."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        # A client was made here: gRPC has threads, which may outlive the client for a while.
        self.used = False
        # Why clients are refused here; empty if they are not.
        self.refusal = ""
        os.register_at_fork(after_in_child=self._on_fork)

    def _on_fork(self) -> None:
        if self.used and not self.refusal:
            self.refusal = f"process {self.pid} had made a client before it forked this one, {os.getpid()}"
        self.pid = os.getpid()


_PROCESS = _Process()


class OfOneProcess:
    """What must not be used in a process that was forked later."""

    def __init__(self) -> None:
        """FailedPrecondition in a child of a process that had made a client."""
        if _PROCESS.refusal:
            raise errors.forked(_PROCESS.refusal)
        self._pid = _PROCESS.pid
        _PROCESS.used = True

    @property
    def is_inherited(self) -> bool:
        return self._pid != _PROCESS.pid

    def check_process(self) -> None:
        """FailedPrecondition in a child; before a lock is taken, for its holder may be in the parent."""
        if self._pid != _PROCESS.pid:
            made = f"the client was made in process {self._pid}"
            raise errors.forked(f"{made}, before it forked this one, {_PROCESS.pid}")
