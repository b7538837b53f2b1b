#!/usr/bin/env bash
# Checks the types of the module nmq and of a folder with tests of it, by mypy --strict. Run by bazel.
#
#   python_types_test.sh FOLDER
set -euo pipefail

export MYPYPATH=$PWD/client/python:$PWD/$1
exec /usr/bin/mypy --config-file client/python/pyproject.toml --cache-dir "$TEST_TMPDIR/mypy" client/python/nmq "$1"/*.py
