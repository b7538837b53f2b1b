"""Processes that fork, with clients of Python against a real nmqd."""

import contextlib
import os
import pickle
import subprocess
import sys
import threading
import time
import unittest
from typing import Any, Callable, List

import nmq
from cases import SECONDS, ServerOfClass

# What must be at once is there long before; the time-outs of the clients are longer.
_AT_ONCE = 5


def in_child(function: Callable[[], Any]) -> Any:
    """What function() returns in a forked child, or the exception that it raises."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            result = function()
        except BaseException as error:  # Whatever it is, the parent judges.
            result = (type(error).__name__, str(error))
        os.write(writer, pickle.dumps(result))
        os._exit(0)
    os.close(writer)
    timer = threading.Timer(SECONDS, os.kill, (pid, 9))
    timer.start()
    with open(reader, "rb") as pipe:
        data = pipe.read()
    timer.cancel()
    os.waitpid(pid, 0)
    if not data:
        raise AssertionError("the child hung")
    return pickle.loads(data)


class Forks(ServerOfClass):
    def publish_anew(self) -> bytes:
        with nmq.connect(self.server.address) as client, client.subscribe("child") as messages:
            client.publish("child", "E", "from the child")
            return messages.receive(SECONDS).payload

    def test_the_parents_client_says_in_the_child_at_once_that_it_is_the_parents(self) -> None:
        client = self.connect()
        messages = client.subscribe("DB")
        for use in (
            lambda: client.publish("DB", "E"),
            lambda: client.request("DB", "E"),
            lambda: client.join("a"),
            lambda: client.leave("a"),
            lambda: client.subscribe("DB"),
            lambda: client.client_id,
            lambda: client.rooms,
            lambda: list(client.registry.rooms()),
            lambda: next(client.registry.watch()),
            lambda: messages.receive(SECONDS),
            lambda: next(messages),
            lambda: messages.id,
        ):
            start = time.monotonic()
            name, said = in_child(use)
            self.assertEqual(name, "FailedPrecondition")
            self.assertIn(f"the client was made in process {os.getpid()}, before it forked this one,", said)
            self.assertIn("fork first, then connect in each process", said)
            self.assertLess(time.monotonic() - start, _AT_ONCE)

    def test_closing_the_parents_client_in_the_child_leaves_it_to_the_parent(self) -> None:
        client = self.connect()
        messages = client.subscribe("DB")

        def close() -> str:
            messages.close()
            client.close()
            return "closed"

        self.assertEqual(in_child(close), "closed")
        client.publish("DB", "E", "still here")
        self.assertEqual(messages.receive(SECONDS).payload, b"still here")

    def test_a_client_of_the_child_is_refused_at_once_while_the_parent_has_one_which_goes_on(self) -> None:
        client = self.connect()
        messages = client.subscribe("DB")
        stop = threading.Event()
        failed: List[nmq.Error] = []

        def publish() -> None:
            try:
                while not stop.is_set():
                    client.publish("busy", "E")
            except nmq.Error as error:
                failed.append(error)

        threads = [threading.Thread(target=publish) for _ in range(3)]
        with contextlib.ExitStack() as stack:
            for thread in threads:
                thread.start()
                stack.callback(thread.join)
            stack.callback(stop.set)
            for number in range(10):
                start = time.monotonic()
                name, said = in_child(self.publish_anew)
                self.assertEqual(name, "FailedPrecondition")
                self.assertIn(f"process {os.getpid()} had made a client before it forked this one", said)
                self.assertIn("fork first, then connect in each process", said)
                self.assertLess(time.monotonic() - start, _AT_ONCE)
                client.publish("DB", "E", str(number))
                self.assertEqual(messages.receive(SECONDS).payload, str(number).encode())
        self.assertEqual(failed, [])

    def test_workers_of_a_pool_that_connect_after_the_fork_each_have_a_client(self) -> None:
        with self.connect().subscribe("pool") as messages:
            self.run_program(_POOL)
            heard = sorted(int(messages.receive(SECONDS).payload) for _ in range(30))
        self.assertEqual(heard, list(range(30)))

    def test_an_error_comes_whole_from_a_worker_of_a_pool(self) -> None:
        said = self.run_program(_FAILING_POOL)
        self.assertEqual(said.strip(), "NotFound NAMESPACE_NOT_FOUND NOT_FOUND")

    def run_program(self, program: str) -> str:
        """What it prints; in a process of its own, for this one has made clients."""
        command = [sys.executable, "-c", program, self.server.address]
        return subprocess.run(command, timeout=SECONDS, check=True, stdout=subprocess.PIPE, text=True).stdout


_POOL = """
import multiprocessing, sys, nmq

def start():
    global client
    client = nmq.connect(sys.argv[1])

def work(number):
    client.publish("pool", "E", str(number))

with multiprocessing.get_context("fork").Pool(3, start) as pool:
    # The parent may connect, too, once it has forked.
    with nmq.connect(sys.argv[1]) as mine:
        mine.publish("other", "E")
        pool.map(work, range(30), chunksize=1)
"""
_FAILING_POOL = """
import multiprocessing, sys, nmq

def work(namespace):
    nmq.connect(sys.argv[1], namespace=namespace)

with multiprocessing.get_context("fork").Pool(1) as pool:
    try:
        pool.map(work, ["nowhere"])
    except nmq.Error as error:
        print(type(error).__name__, error.reason, error.code.name)
"""


if __name__ == "__main__":
    unittest.main()
