"""The Python client against an nmqd that serves TLS."""

import os
import subprocess
import tempfile
import unittest

import nmq
from nmqd import Nmqd

_SECONDS = 60


class Tls(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tls")
        self.addCleanup(folder.cleanup)
        self._folder = folder.name
        self._openssl("ca", "-subj", "/CN=tests")
        self._openssl("own", "-CA", self.file("ca.pem"), "-CAkey", self.file("ca.key"), "-subj", "/CN=localhost",
                      "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")

    def file(self, name):
        return os.path.join(self._folder, name)

    def _openssl(self, name, *arguments):
        """NAME.pem and NAME.key."""
        made = ["-keyout", self.file(f"{name}.key"), "-out", self.file(f"{name}.pem"), "-days", "1"]
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
        subprocess.run(["openssl", "req", "-x509", *key, *made, *arguments], check=True, capture_output=True)

    def serve(self, *flags):
        server = Nmqd(
            "",
            "--transport=http2",
            f"--tls_certificate={self.file('own.pem')}",
            f"--tls_key={self.file('own.key')}",
            *flags,
        )
        self.addCleanup(server.close)
        return server

    def expect_served(self, server, **options):
        with nmq.connect(server.address, **options) as client, client.subscribe("DB", "*") as messages:
            client.publish("DB", "CREATE", b"x" * 100_000)
            self.assertEqual(messages.receive(_SECONDS).payload, b"x" * 100_000)

    def test_a_client_with_the_ca_publishes_and_hears(self):
        self.expect_served(self.serve(), tls_ca=self.file("ca.pem"))

    def test_a_client_in_plain_text_is_refused(self):
        server = self.serve()
        with self.assertRaises(nmq.Unavailable):
            nmq.connect(server.address, wait_for_server=0)

    def test_a_client_has_a_certificate_if_the_server_asks_for_one(self):
        server = self.serve(f"--tls_client_ca={self.file('ca.pem')}")
        with self.assertRaises(nmq.Unavailable):
            nmq.connect(server.address, wait_for_server=0, tls_ca=self.file("ca.pem"))
        files = {name: self.file(file) for name, file in
                 (("tls_ca", "ca.pem"), ("tls_certificate", "own.pem"), ("tls_key", "own.key"))}
        self.expect_served(server, **files)


if __name__ == "__main__":
    unittest.main()
