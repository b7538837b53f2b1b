"""What a case means, for clients that are written in Python.

A transport has unary(method, request, deadline) and open(method, request), a stream with frame() and cancel(). Requests
and answers are in protobuf's JSON form. Both raise Failed for an error of the server, and LeftOut for what the client
cannot do.
"""

import base64
import json
import os
import re

SECONDS = 60
_TRIES = 10000


class Failed(Exception):
    def __init__(self, code, reason, message=""):
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason = code, reason


class LeftOut(Exception):
    """Why."""


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


class _Case:
    def __init__(self, transport, name):
        self._transport = transport
        self._variables = {"n": name}
        self._streams = {}
        self._pending = {}

    def run(self, steps):
        try:
            for step in steps:
                self._step(_fill(step, self._variables))
        finally:
            for stream in self._streams.values():
                stream.cancel()

    def _step(self, step):
        if "call" in step:
            self._call(step)
        elif "open" in step:
            self._streams[step["open"]] = self._transport.open(step["method"], step["request"])
            self._pending[step["open"]] = []
        elif "frame" in step:
            _check(step["expect"], self._streams[step["frame"]].frame())
        elif "messages" in step:
            pending = self._pending[step["messages"]]
            while len(pending) < len(step["expect"]):
                frame = self._streams[step["messages"]].frame()
                _check({"batch": {}}, frame)
                pending += frame["batch"]["messages"]
            _check(step["expect"], pending)
        elif "cancel" in step:
            self._streams[step["cancel"]].cancel()
        else:
            self._expect_error(step["error"], self._streams[step["end"]].frame)

    def _call(self, step):
        def call():
            return self._transport.unary(step["call"], step["request"], step.get("deadline", SECONDS))

        if "error" in step:
            self._expect_error(step["error"], call)
            return
        for tries in range(_TRIES):
            response = call()
            try:
                _check(step.get("expect", {}), response)
                break
            except AssertionError:
                if "until" not in step or tries == _TRIES - 1:
                    raise
        for variable, field in step.get("save", {}).items():
            self._variables[variable] = response[field]

    def _expect_error(self, expected, call):
        try:
            call()
        except Failed as failed:
            _check(expected, [failed.code, failed.reason], "error")
            return
        raise AssertionError(f"no error, but {expected} was expected")


def run(transport, language):
    """Prints a line a case: "ok NAME", "failed NAME: why" or "left out NAME: why"."""
    with open(os.path.join(os.path.dirname(__file__), "cases.json"), encoding="utf-8") as file:
        cases = json.load(file)
    for number, case in enumerate(cases):
        try:
            _Case(transport, f"{language}-{number}").run(case["steps"])
            print(f"ok {case['name']}", flush=True)
        except LeftOut as left_out:
            print(f"left out {case['name']}: {left_out}", flush=True)
        except Exception as error:
            print(f"failed {case['name']}: {error}", flush=True)
