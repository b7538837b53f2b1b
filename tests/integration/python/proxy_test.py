"""A proxy in the environment, and clients of Python."""

import os
import subprocess
import sys
import unittest

from cases import SECONDS, ServerOfClass

_CONNECT = """
import asyncio, sys, nmq, nmq.aio

options = {"wait_for_server": 0.5, "connect_timeout": 0.5}

async def connect():
    async with nmq.aio.connect(sys.argv[2], **options) as client:
        print(client.client_id != "")

try:
    if sys.argv[1] == "aio":
        asyncio.run(connect())
    elif sys.argv[1] == "publish":
        with nmq.Client(sys.argv[2], publish_with_session=False) as client:
            client.publish("DB", "E", timeout=1)
    else:
        with nmq.connect(sys.argv[2], **options) as client:
            print(client.client_id != "")
except nmq.Error as error:
    print(error)
"""


class Proxies(ServerOfClass):
    def say(self, kind: str, server: str) -> str:
        """What connecting says where a proxy is named that is not there."""
        environment = {**os.environ, "http_proxy": "http://127.0.0.1:1", "no_proxy": ""}
        command = [sys.executable, "-c", _CONNECT, kind, server]
        return subprocess.run(
            command, env=environment, timeout=SECONDS, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()

    def test_what_is_on_this_machine_is_reached_without_it(self) -> None:
        port = self.server.address.rpartition(":")[2]
        for kind in ("sync", "aio"):
            for server in (self.server.address, f"localhost:{port}", f"http://127.0.0.1:{port}"):
                with self.subTest((kind, server)):
                    self.assertEqual(self.say(kind, server), "True")

    def test_what_is_elsewhere_goes_through_it_and_the_error_names_it(self) -> None:
        for kind in ("sync", "aio"):
            with self.subTest(kind):
                said = self.say(kind, "192.0.2.1:50051")
                self.assertIn("192.0.2.1:50051 through the proxy http://127.0.0.1:1, which http_proxy names", said)

    def test_so_does_that_of_a_client_that_only_publishes(self) -> None:
        said = self.say("publish", "192.0.2.1:50051")
        self.assertIn("192.0.2.1:50051 through the proxy http://127.0.0.1:1, which http_proxy names", said)


if __name__ == "__main__":
    unittest.main()
