#!/usr/bin/env bash
# Runs unittest files of Python with the module nmq. Run by bazel.
#
#   python_test.sh FOLDER
set -euo pipefail

export NMQD=$PWD/server/nmqd
export PYTHONPATH=$PWD/client/python:$PWD/$1
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -m unittest discover --start-directory "$1" --pattern '*_test.py'
