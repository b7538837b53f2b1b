"""The real server, in a process of its own, that tests start, kill and start again."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import tempfile
import threading
from typing import Callable

_READY = "nmqd ready grpc="
_START_SECONDS = 60


class Nmqd:
    """On a free port; keeps its port and its data when it is started again."""

    def __init__(self, config: str = "", *flags: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nmqd")
        self._config = os.path.join(self._folder.name, "nmqd.textproto")
        with open(self._config, "w", encoding="utf-8") as file:
            file.write(config)
        self._flags = flags
        self.address = "127.0.0.1:0"
        self._process = self._started()

    def start(self) -> None:
        self._process = self._started()

    def _started(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [
                os.environ["NMQD"],
                f"--listen={self.address}",
                f"--config={self._config}",
                f"--data_dir={self._folder.name}/data",
                "--drain_grace=1s",
                *self._flags,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        lines: queue.Queue[str] = queue.Queue()
        assert process.stdout is not None
        output = process.stdout
        threading.Thread(target=lambda: lines.put(output.readline()), daemon=True).start()
        line = lines.get(timeout=_START_SECONDS)
        if not line.startswith(_READY):
            raise RuntimeError(f"nmqd is not ready: {line!r}")
        self.address = line[len(_READY) :].split()[0]
        return process

    def kill(self) -> None:
        """As kill -9."""
        self._end(self._process.kill)

    def stop(self) -> None:
        """Lets it drain."""
        self._end(self._process.terminate)

    def pause(self) -> None:
        """It is there, and does nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def resume(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        if self._process.poll() is None:
            self.kill()
        self._folder.cleanup()

    def _end(self, how: Callable[[], None]) -> None:
        how()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
