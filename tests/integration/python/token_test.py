"""The Python clients against an nmqd that asks who calls."""

import asyncio
import hashlib
import os
import tempfile
import time
import unittest
from typing import Any, Dict

import nmq
import nmq.aio
from nmqd import Nmqd

_SECONDS = 60
_TOKEN = "nmq_abcdefgh_" + "s" * 32
_SECOND = "nmq_second_" + "s" * 32
_HASH = hashlib.sha256(b"salt" + b"s" * 32).hexdigest()
_RIGHTS = "right: RIGHT_CONNECT right: RIGHT_PUBLISH right: RIGHT_SUBSCRIBE"


def _write(path: str, *ids: str) -> None:
    """With these tokens for the identity, by their IDs."""
    tokens = " ".join(f"token: '{each}.salt.{_HASH}'" for each in ids)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(f"identity {{ name: 'api' {tokens} }}\n")
        file.write(f"grant {{ identity: 'api' namespace: 'default' {_RIGHTS} }}\n")
    os.rename(path + ".new", path)


class Token(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="token")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "access.textproto")
        _write(self.path, "abcdefgh", "second")
        self.server = Nmqd("", f"--access={self.path}")
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

    def test_a_subscription_begins_again_with_a_newer_token(self) -> None:
        present = _TOKEN
        with nmq.connect(self.server.address, token=lambda: present) as client, client.subscribe("DB", "*") as messages:
            present = _SECOND
            _write(self.path, "second")
            time.sleep(4)
            with nmq.connect(self.server.address, token=_SECOND) as other:
                other.publish("DB", "CREATE", b"after")
            self.assertEqual(messages.receive(_SECONDS).payload, b"after")
            with self.assertRaises(nmq.Unauthenticated):
                nmq.connect(self.server.address, token=_TOKEN, wait_for_server=0)

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
