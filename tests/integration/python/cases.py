"""What the tests of the client for Python have in common: a server, for a class of tests or for each, and its clients."""

from __future__ import annotations

import unittest
from typing import Any, ClassVar

import nmq
import nmq.aio
from nmqd import Nmqd

# Longer than anything takes; a test that needs it fails.
SECONDS = 60


class _Case(unittest.TestCase):
    config: ClassVar[str] = ""
    # Of every client.
    options: ClassVar[dict[str, Any]] = {}
    server: Nmqd

    def connect(self, **options: Any) -> nmq.Client:
        client = nmq.connect(self.server.address, **{**self.options, **options})
        self.addCleanup(client.close)
        return client


class ServerOfClass(_Case):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = Nmqd(cls.config)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()
        super().tearDownClass()


class ServerOfTest(_Case):
    def setUp(self) -> None:
        super().setUp()
        self.server = Nmqd(self.config)
        self.addCleanup(self.server.close)


class AsyncServerOfTest(unittest.IsolatedAsyncioTestCase):
    config: ClassVar[str] = ""

    async def asyncSetUp(self) -> None:
        self.server = Nmqd(self.config)
        self.addCleanup(self.server.close)

    async def connect(self, **options: Any) -> nmq.aio.Client:
        client = await nmq.aio.connect(self.server.address, **options)
        self.addAsyncCleanup(client.close)
        return client
