"""The Python clients against an nmqd that asks who calls."""

import asyncio
import hashlib
import os
import tempfile
import unittest
from typing import Any, Dict

import nmq
import nmq.aio
from nmqd import Nmqd

_SECONDS = 60
_TOKEN = "nmq_abcdefgh_" + "s" * 32
_KEPT = "abcdefgh.salt." + hashlib.sha256(b"salt" + b"s" * 32).hexdigest()
_RIGHTS = "right: RIGHT_CONNECT right: RIGHT_PUBLISH right: RIGHT_SUBSCRIBE"
_FILE = f"""identity {{ name: 'api' token: '{_KEPT}' }}
grant {{ identity: 'api' namespace: 'default' {_RIGHTS} }}
"""


class Token(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="token")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "access.textproto")
        with open(path, "w", encoding="utf-8") as file:
            file.write(_FILE)
        self.server = Nmqd("", f"--access={path}")
        self.addCleanup(self.server.close)

    def expect_served(self, **options: Any) -> None:
        with nmq.connect(self.server.address, **options) as client, client.subscribe("DB", "*") as messages:
            client.publish("DB", "CREATE", b"hello")
            self.assertEqual(messages.receive(_SECONDS).payload, b"hello")
            with client.publisher() as publisher:
                publisher.publish("DB", "CREATE", b"again").result(_SECONDS)
            self.assertEqual(messages.receive(_SECONDS).payload, b"again")
            with self.assertRaises(nmq.PermissionDenied):
                list(client.registry.queues())

    def test_a_client_with_a_token_is_served_as_far_as_it_may(self) -> None:
        self.expect_served(token=_TOKEN)

    def test_the_token_may_be_in_the_environment(self) -> None:
        os.environ["NMQ_TOKEN"] = _TOKEN
        self.addCleanup(os.environ.pop, "NMQ_TOKEN")
        self.expect_served()

    def test_a_token_from_a_file_may_end_with_a_line_end_and_one_that_is_none_is_not_shown(self) -> None:
        self.expect_served(token=_TOKEN + "\n")
        for wrong in (_TOKEN + " x", "nmq_s\u00e9cret_x", "nmq_a\nb"):
            with self.assertRaises(nmq.InvalidArgument) as raised:
                nmq.connect(self.server.address, token=wrong)
            self.assertNotIn("nmq_", str(raised.exception))

    def test_others_are_told_why_they_are_not(self) -> None:
        cases: Dict[str, Dict[str, str]] = {"is missing": {}, "is of nobody": {"token": _TOKEN + "a"}}
        for said, options in cases.items():
            with self.assertRaisesRegex(nmq.Unauthenticated, said):
                nmq.connect(self.server.address, wait_for_server=0, **options)

    def test_a_client_of_asyncio_shows_it_too(self) -> None:
        async def run() -> bytes:
            async with nmq.aio.connect(self.server.address, token=_TOKEN) as client:
                async with client.subscribe("DB", "*") as messages:
                    await client.publish("DB", "CREATE", b"hello")
                    message = await messages.receive(_SECONDS)
                    return bytes(message.payload)

        self.assertEqual(asyncio.run(run()), b"hello")


if __name__ == "__main__":
    unittest.main()
