"""The Python client against an nmqd that serves TLS."""

import os
import subprocess
import tempfile
import unittest
from typing import Any

import nmq
from nmqd import Nmqd

_SECONDS = 60


class Tls(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="tls")
        self.addCleanup(folder.cleanup)
        self._folder = folder.name
        self._openssl("ca", "-subj", "/CN=tests")
        self._openssl("own", "-CA", self.file("ca.pem"), "-CAkey", self.file("ca.key"), "-subj", "/CN=localhost",
                      "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")

    def file(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _openssl(self, name: str, *arguments: str) -> None:
        """NAME.pem and NAME.key."""
        made = ["-keyout", self.file(f"{name}.key"), "-out", self.file(f"{name}.pem"), "-days", "1"]
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
        subprocess.run(["openssl", "req", "-x509", *key, *made, *arguments], check=True, capture_output=True)

    def serve(self, *flags: str) -> Nmqd:
        server = Nmqd(
            "",
            "--transport=http2",
            f"--tls_certificate={self.file('own.pem')}",
            f"--tls_key={self.file('own.key')}",
            *flags,
        )
        self.addCleanup(server.close)
        return server

    def expect_served(self, server: Nmqd, **options: Any) -> None:
        with nmq.connect(server.address, **options) as client, client.subscribe("DB", "*") as messages:
            client.publish("DB", "CREATE", b"x" * 100_000)
            self.assertEqual(messages.receive(_SECONDS).payload, b"x" * 100_000)

    def test_a_client_with_the_ca_publishes_and_hears(self) -> None:
        self.expect_served(self.serve(), tls_ca=self.file("ca.pem"))

    def test_a_client_in_plain_text_is_refused(self) -> None:
        server = self.serve()
        with self.assertRaises(nmq.Unavailable):
            nmq.connect(server.address, wait_for_server=0)

    def test_a_client_has_a_certificate_if_the_server_asks_for_one(self) -> None:
        server = self.serve(f"--tls_client_ca={self.file('ca.pem')}")
        with self.assertRaises(nmq.Unavailable):
            nmq.connect(server.address, wait_for_server=0, tls_ca=self.file("ca.pem"))
        files = {name: self.file(file) for name, file in
                 (("tls_ca", "ca.pem"), ("tls_certificate", "own.pem"), ("tls_key", "own.key"))}
        self.expect_served(server, **files)

    def test_a_file_of_no_use_is_said_at_once(self) -> None:
        ca, own, ca_key, own_key = (self.file(name) for name in ("ca.pem", "own.pem", "ca.key", "own.key"))
        none = self.file("none.pem")
        no_pair = f"tls_key: {ca_key}: is not the key of the first certificate in {own}; name the pair"
        for files, why in (
            ({"tls_ca": ca_key}, f"tls_ca: {ca_key}: has no certificate; name a PEM file with certificates"),
            ({"tls_ca": none}, f"tls_ca: {none}: No such file or directory; name a PEM file"),
            ({"tls_certificate": own, "tls_key": ca_key}, no_pair),
            ({"tls_certificate": own_key, "tls_key": own_key}, f"tls_certificate: {own_key}: has no certificate"),
            ({"tls_certificate": own, "tls_key": ca}, f"tls_key: {ca}: has no private key"),
            ({"tls_certificate": own}, "tls_certificate needs tls_key"),
        ):
            # No server is there.
            with self.subTest(files), self.assertRaises(nmq.InvalidArgument) as raised:
                nmq.connect("127.0.0.1:1", wait_for_server=0, **files)
            self.assertIn(why, str(raised.exception))


if __name__ == "__main__":
    unittest.main()
