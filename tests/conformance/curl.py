"""Runs the cases with `buf curl`, which knows the API from the server's reflection alone: curl.py ADDRESS."""

import base64
import json
import os
import re
import signal
import subprocess
import sys

import cases
from nmq._stubs import error_details_pb2, message_queue_pb2

_QUEUE = message_queue_pb2.DESCRIPTOR.services_by_name["MessageQueue"].methods_by_name


def _snake(value):
    """buf writes names in protobuf's camel case; those of the cases are as in the .proto files."""
    if isinstance(value, dict):
        return {re.sub("[A-Z]", lambda big: "_" + big[0].lower(), key): _snake(entry) for key, entry in value.items()}
    return [_snake(entry) for entry in value] if isinstance(value, list) else value


def _failed(text):
    error = json.loads(text)
    info = error_details_pb2.ErrorInfo()
    for detail in error.get("details", []):
        if detail["type"] == "google.rpc.ErrorInfo":
            info.ParseFromString(base64.b64decode(detail["value"] + "=="))
    code = {"canceled": "CANCELLED"}.get(error["code"], error["code"].upper())
    return cases.Failed(code, info.reason, error["message"])


class _Curl:
    def __init__(self, address):
        self._address = address

    def start(self, method, request):
        service = "MessageQueue" if method in _QUEUE else "Registry"
        if "NMQ_TLS_CA" in os.environ:
            scheme = "https"
            how = ["--cacert", os.environ["NMQ_TLS_CA"], "--header", f"authorization: Bearer {os.environ['NMQ_TOKEN']}"]
        else:
            scheme = "http"
            how = ["--http2-prior-knowledge"]
        url = f"{scheme}://{self._address}/nmq.v1.{service}/{method}"
        command = ["buf", "curl", *how, "--protocol", "grpc", "--data", "@-", url]
        pipe = subprocess.PIPE
        # npm's buf starts the real one: a group of their own, to be ended together.
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        process.stdin.write(json.dumps(request))
        process.stdin.close()
        process.stdin = None
        return process

    def unary(self, method, request, deadline):
        if deadline < cases.SECONDS:
            raise cases.LeftOut("buf curl sets no deadline")
        process = self.start(method, request)
        answer, error = process.communicate(timeout=deadline)
        if process.returncode != 0:
            raise _failed(error)
        return _snake(json.loads(answer))

    def open(self, method, request):
        return _Stream(self.start(method, request))


class _Stream:
    def __init__(self, process):
        self._process = process

    def frame(self):
        lines = []
        # Each answer ends with a brace in the first column.
        while not lines or lines[-1] not in ("}\n", "{}\n"):
            line = self._process.stdout.readline()
            if not line:
                raise _failed(self._process.communicate()[1])
            lines.append(line)
        return _snake(json.loads("".join(lines)))

    def cancel(self):
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)


cases.run(_Curl(sys.argv[1]), "buf")
