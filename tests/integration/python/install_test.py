"""The client for Python as pip installs it, from a copy of what the repository has."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from typing import Any

from nmqd import Nmqd

_ROOT = pathlib.Path(__file__).parents[3]
_SECONDS = 300
_PROGRAM = """
import sys, nmq
with nmq.connect(sys.argv[1]) as client, client.subscribe("DB") as messages:
    client.publish("DB", "CREATE", "installed")
    print(messages.receive(60).payload.decode(), nmq.__file__)
"""


def _run(*command: Any, **options: Any) -> str:
    done = subprocess.run(command, check=True, timeout=_SECONDS, stdout=subprocess.PIPE, text=True, **options)
    return str(done.stdout)


class Installed(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="install")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        # Without the generated code, as in a fresh clone.
        for part in ("client/python", "proto", "third_party/googleapis"):
            ignored = shutil.ignore_patterns("v1" if part == "client/python" else "", "_googleapis", "__pycache__")
            shutil.copytree(_ROOT / part, self.folder / part, ignore=ignored)

    def pip(self, *arguments: Any) -> None:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        offline = ["--no-index", "--no-build-isolation", "--no-deps"]
        environment = {**os.environ, "PYTHONPATH": "", "PIP_ROOT_USER_ACTION": "ignore"}
        _run(*pip, *arguments, *offline, self.folder / "client/python", cwd=self.folder, env=environment)

    def test_what_pip_installs_publishes_and_hears(self) -> None:
        self.pip("install", "--target", self.folder / "site")
        server = Nmqd()
        self.addCleanup(server.close)
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "site")}
        said = _run(sys.executable, "-c", _PROGRAM, server.address, cwd=self.folder, env=environment)
        self.assertEqual(said.split(), ["installed", str(self.folder / "site/nmq/__init__.py")])

    def test_a_wheel_has_the_generated_code_and_the_types(self) -> None:
        self.pip("wheel", "--wheel-dir", self.folder / "wheels")
        (wheel,) = (self.folder / "wheels").glob("nmq-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        for name in (
            "nmq/aio/client.py",
            "nmq/py.typed",
            "nmq/v1/admin_pb2_grpc.py",
            "nmq/v1/message_pb2.py",
            "nmq/v1/message_pb2.pyi",
            "nmq/_googleapis/google/rpc/status_pb2.py",
        ):
            self.assertIn(name, names)


if __name__ == "__main__":
    unittest.main()
