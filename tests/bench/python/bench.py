#!/usr/bin/python3
"""Runs the programs in turn and prints what they reached: see README.md.

    bench.py --nmqd=PROGRAM --stubs=FOLDER [--rounds=5] [--only=hear,publish] [--systems="nmq sync,redis-py"] [--short]
             [--table=FILE] [--json=FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, Dict, List, Tuple

_FOLDER = pathlib.Path(__file__).resolve().parent
_SECONDS = 120
_RATE = 20_000


class Server:
    """nmqd or redis-server, on a free port."""

    def __init__(self, kind: str, nmqd: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench")
        if kind == "redis":
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            self.address = f"127.0.0.1:{port}"
            command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder.name]
            command += ["--client-output-buffer-limit", "pubsub 0 0 0", "--appendonly", "no"]
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            self._wait(port)
            return
        command = [nmqd, "--listen=127.0.0.1:0", f"--data_dir={self._folder.name}/data"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().split("grpc=")[1].split()[0]

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def _wait(self, port: int) -> None:
        until = time.monotonic() + _SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)


class Program:
    """One that waits to be told to go."""

    def __init__(self, file: str, *arguments: object) -> None:
        command = [sys.executable, str(_FOLDER / file), *map(str, arguments)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.result()

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> Dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        said: Dict[str, Any] = json.loads(line)
        return said

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def hear(file: str, source: str, server: Server, count: int) -> Dict[str, float]:
    subscriber = Program(file, "hear", server.address, count)
    publisher = Program(source, "publish", server.address, count)
    publisher.go()
    publisher.result()
    publisher.end()
    subscriber.go()
    took = subscriber.result()
    subscriber.end()
    return {"messages/s": count / took["seconds"], "cpu us": took["cpu"] / count * 1e6}


def publish(file: str, _: str, server: Server, count: int) -> Dict[str, float]:
    publisher = Program(file, "publish", server.address, count)
    publisher.go()
    took = publisher.result()
    publisher.end()
    return {"messages/s": count / took["seconds"], "cpu us": took["cpu"] / count * 1e6}


def latency(file: str, _: str, server: Server, count: int) -> Dict[str, float]:
    paced = min(count, 5 * _RATE)
    subscriber = Program(file, "ages", server.address, paced)
    publisher = Program(file, "pace", server.address, paced, _RATE)
    subscriber.go()
    publisher.go()
    ages, done = subscriber.result(), publisher.result()
    for each in (publisher, subscriber):
        each.end()
    cpu = (ages["cpu"] + done["cpu"]) / paced * 1e6
    return {"p50 ms": ages["p50"] * 1000, "p99 ms": ages["p99"] * 1000, "cpu us": cpu}


Case = Callable[[str, str, Server, int], Dict[str, float]]
_CASES: Dict[str, Case] = {"hear": hear, "publish": publish, "latency": latency}
# The program, that which publishes for its subscribers, and the server.
_SYSTEMS: Dict[str, Tuple[str, str, str]] = {
    "nmq sync": ("nmq_sync.py", "nmq_sync.py", "nmq"),
    "nmq aio": ("nmq_aio.py", "nmq_sync.py", "nmq"),
    "redis-py": ("redis_py.py", "redis_py.py", "redis"),
}


def table(figures: Dict[str, Dict[str, Dict[str, List[float]]]]) -> str:
    lines = []
    for case, systems in figures.items():
        for measure in next(iter(systems.values())):
            medians = {system: statistics.median(rounds[measure]) for system, rounds in systems.items()}
            for system, median in medians.items():
                rounds = systems[system][measure]
                spread = f"{min(rounds):,.2f} to {max(rounds):,.2f}" if measure != "messages/s" else f"{min(rounds):,.0f} to {max(rounds):,.0f}"
                shown = f"{median:,.2f}" if measure != "messages/s" else f"{median:,.0f}"
                ratio = f"{median / medians['redis-py']:.2f}" if "redis-py" in medians else ""
                lines.append(f"{case:8} {measure:10} {system:9} {shown:>12} ({spread})  {ratio}")
    return "\n".join(["case     measure    system          median (range of the rounds)  to redis-py", *lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nmqd", required=True)
    parser.add_argument("--stubs", required=True, help="what generate.sh made, a folder with nmq/v1")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(_CASES))
    parser.add_argument("--systems", default=",".join(_SYSTEMS))
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--short", action="store_true", help="whether it works; no figures")
    parser.add_argument("--table")
    parser.add_argument("--json")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = options.stubs
    if options.short:
        options.rounds, options.count = 1, 2000
    figures: Dict[str, Dict[str, Dict[str, List[float]]]] = {}
    for _ in range(options.rounds):
        for case in options.only.split(","):
            for system in options.systems.split(","):
                file, source, kind = _SYSTEMS[system]
                with Server(kind, options.nmqd) as server:
                    found = _CASES[case](file, source, server, options.count)
                for measure, value in found.items():
                    figures.setdefault(case, {}).setdefault(system, {}).setdefault(measure, []).append(value)
    if options.short:
        print("ok")
        return
    print(table(figures), end="")
    if options.table:
        pathlib.Path(options.table).write_text(table(figures), encoding="utf-8")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
