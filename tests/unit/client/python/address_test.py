"""Where a server is, as people write it."""

import os
import unittest
from unittest import mock

import nmq
from nmq import address

_UNDERSTOOD = [
    ("127.0.0.1:50051", "127.0.0.1:50051", False),
    ("localhost", "localhost:50051", False),
    ("nmq.example", "nmq.example:50051", False),
    ("::1", "[::1]:50051", False),
    ("[::1]", "[::1]:50051", False),
    ("[::1]:7", "[::1]:7", False),
    ("[fe80::1%eth0]:7", "[fe80::1%eth0]:7", False),
    ("http://nmq.example:7", "nmq.example:7", False),
    ("http://[::1]:7/", "[::1]:7", False),
    ("http://nmq.example", "nmq.example:80", False),
    ("https://nmq.example", "nmq.example:443", True),
    ("https://nmq.example:7", "nmq.example:7", True),
    ("unix:/run/nmq.sock", "unix:/run/nmq.sock", False),
    ("dns:///nmq.example:7", "dns:///nmq.example:7", False),
]
_REFUSED = [
    ("127.0.0.1:99999", "server: '127.0.0.1:99999': '99999' is no port: 1 to 65535 is allowed; write HOST:PORT"),
    ("127.0.0.1:0", "'0' is no port"),
    ("localhost:", "'' is no port"),
    ("localhost:http", "'http' is no port"),
    (":50051", "no address; write HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051"),
    ("local host:1", "no address"),
    ("1:2:3", "no address"),
    ("[1.2.3.4]:5", "no address"),
    ("nats://nmq.example:4222", "nats:// is not known here; write HOST:PORT"),
    ("http://nmq.example:7/shop", "more than a host and a port"),
    ("http://me@nmq.example:7", "more than a host and a port"),
    ("/run/nmq.sock", "no address"),
]
_NO_PROXY = {"grpc_proxy": "", "https_proxy": "", "http_proxy": "", "no_grpc_proxy": "", "no_proxy": ""}


class Addresses(unittest.TestCase):
    def test_what_people_write_is_understood(self) -> None:
        for written, target, secure in _UNDERSTOOD:
            with self.subTest(written):
                self.assertEqual(address.target(written), (target, secure))

    def test_what_is_no_address_is_refused_by_name(self) -> None:
        for written, said in _REFUSED:
            with self.subTest(written), self.assertRaises(ValueError) as caught:
                nmq.Client(written)
            self.assertIn(said, str(caught.exception))

    def test_a_wrong_address_of_the_environment_is_refused_alike(self) -> None:
        with mock.patch.dict(os.environ, {"NMQ_SERVER": "127.0.0.1:99999"}), self.assertRaises(ValueError) as caught:
            nmq.Client()
        self.assertIn("'99999' is no port", str(caught.exception))


class Proxies(unittest.TestCase):
    def proxy(self, target: str, **environment: str) -> object:
        with mock.patch.dict(os.environ, {**_NO_PROXY, **environment}):
            return address.proxy(target)

    def test_what_is_on_this_machine_has_none(self) -> None:
        for target in ("127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1", "unix:/x", "dns:///localhost:1", "ipv4:127.0.0.1:1"):
            with self.subTest(target):
                self.assertIsNone(self.proxy(target, http_proxy="http://p:3128"))

    def test_other_addresses_have_that_of_the_environment_in_the_order_of_grpc(self) -> None:
        self.assertIsNone(self.proxy("nmq.example:1"))
        self.assertEqual(self.proxy("nmq.example:1", http_proxy="http://p:1"), "http://p:1, which http_proxy names")
        self.assertEqual(
            self.proxy("nmq.example:1", http_proxy="http://p:1", grpc_proxy="http://p:2"),
            "http://p:2, which grpc_proxy names",
        )

    def test_no_proxy_excepts_hosts_by_their_ends(self) -> None:
        self.assertIsNone(self.proxy("nmq.example:1", http_proxy="http://p:1", no_proxy="other, .example"))
        self.assertIsNotNone(self.proxy("nmq.test:1", http_proxy="http://p:1", no_proxy="other, .example"))


if __name__ == "__main__":
    unittest.main()
