"""Runs the cases with Python's generated stubs: client.py ADDRESS. Prints a line a case, "ok NAME" or "failed NAME: why".
"""

import base64
import json
import os
import re
import sys

import grpc
from google.protobuf import json_format

from nmq import errors
from nmq._stubs import message_queue_pb2, message_queue_pb2_grpc, registry_pb2, registry_pb2_grpc

_SECONDS = 60


def _fill(value, variables):
    if isinstance(value, dict):
        return {key: _fill(entry, variables) for key, entry in value.items()}
    if isinstance(value, list):
        return [_fill(entry, variables) for entry in value]
    if not isinstance(value, str):
        return value
    large = re.fullmatch(r"\$\{bytes:(\d+)\}", value)
    if large:
        return base64.b64encode((bytes(range(256)) * (int(large[1]) // 256 + 1))[: int(large[1])]).decode()
    return re.sub(r"\$\{(\w+)\}", lambda match: variables[match[1]], value)


def _check(expected, actual, where=""):
    """What is expected must be there; a default may be left out."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            raise AssertionError(f"{where} is missing")
        for key, value in expected.items():
            _check(value, actual.get(key), f"{where}.{key}")
    elif isinstance(expected, list) and expected:
        if actual is None or len(actual) != len(expected):
            raise AssertionError(f"{where} is {actual}, not {len(expected)} entries")
        for index, value in enumerate(expected):
            _check(value, actual[index], f"{where}[{index}]")
    elif expected in (None, False, "", "0", []):
        if actual not in (None, False, "", "0", []):
            raise AssertionError(f"{where} is {actual!r:.80}, not {expected!r:.80}")
    elif actual != expected:
        raise AssertionError(f"{where} is {actual!r:.80}, not {expected!r:.80}")


class Case:
    def __init__(self, channel, name):
        self._stubs = (message_queue_pb2_grpc.MessageQueueStub(channel), registry_pb2_grpc.RegistryStub(channel))
        self._variables = {"n": name}
        self._streams = {}
        self._pending = {}

    def run(self, steps):
        try:
            for step in steps:
                self._step(_fill(step, self._variables))
        finally:
            for call in self._streams.values():
                call.cancel()

    def _step(self, step):
        if "call" in step:
            self._call(step)
        elif "open" in step:
            rpc, request = self._prepare(step["method"], step["request"])
            self._streams[step["open"]] = rpc(request, timeout=_SECONDS)
            self._pending[step["open"]] = []
        elif "frame" in step:
            _check(step["expect"], self._frame(step["frame"]))
        elif "messages" in step:
            pending = self._pending[step["messages"]]
            while len(pending) < len(step["expect"]):
                frame = self._frame(step["messages"])
                _check({"batch": {}}, frame)
                pending += frame["batch"]["messages"]
            _check(step["expect"], pending)
        elif "cancel" in step:
            self._streams[step["cancel"]].cancel()
        else:
            self._expect_error(step["error"], lambda: self._frame(step["end"]))

    def _prepare(self, method, request):
        module = message_queue_pb2 if hasattr(message_queue_pb2, method + "Request") else registry_pb2
        rpc = next(getattr(stub, method) for stub in self._stubs if hasattr(stub, method))
        return rpc, json_format.ParseDict(request, getattr(module, method + "Request")())

    def _call(self, step):
        rpc, request = self._prepare(step["call"], step["request"])
        if "error" in step:
            self._expect_error(step["error"], lambda: rpc(request, timeout=step.get("deadline", _SECONDS)))
            return
        for tries in range(10000):
            response = json_format.MessageToDict(rpc(request, timeout=_SECONDS), preserving_proto_field_name=True)
            try:
                _check(step.get("expect", {}), response)
                break
            except AssertionError:
                if "until" not in step or tries == 9999:
                    raise
        for variable, field in step.get("save", {}).items():
            self._variables[variable] = response[field]

    def _frame(self, stream):
        return json_format.MessageToDict(next(self._streams[stream]), preserving_proto_field_name=True)

    def _expect_error(self, expected, call):
        try:
            call()
        except grpc.RpcError as error:
            failed = errors.from_grpc(error)
            _check(expected, [failed.code.name, failed.reason], "error")
            return
        raise AssertionError(f"no error, but {expected} was expected")


def main():
    with open(os.path.join(os.path.dirname(__file__), "cases.json"), encoding="utf-8") as file:
        cases = json.load(file)
    with grpc.insecure_channel(sys.argv[1], [("grpc.max_receive_message_length", -1)]) as channel:
        for number, case in enumerate(cases):
            try:
                Case(channel, f"python-{number}").run(case["steps"])
                print(f"ok {case['name']}", flush=True)
            except (AssertionError, grpc.RpcError, json_format.Error) as error:
                print(f"failed {case['name']}: {error}", flush=True)


main()
