"""Builds the code of the .proto files into the package; the rest is in pyproject.toml."""

import pathlib
import subprocess

from setuptools import setup
from setuptools.command.build_py import build_py

_FOLDER = pathlib.Path(__file__).resolve().parent


class _BuildWithProtos(build_py):
    """Runs generate.sh where the repository is around. A source archive has the code in it."""

    def run(self):
        super().run()
        if (_FOLDER / "../../proto/nmq/v1").is_dir():
            subprocess.run([str(_FOLDER / "generate.sh"), str(pathlib.Path(self.build_lib).resolve())], check=True)


setup(cmdclass={"build_py": _BuildWithProtos})
