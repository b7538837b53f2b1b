"""Runs the cases with Python's generated stubs: client.py ADDRESS. Over TLS with NMQ_TLS_CA and NMQ_TOKEN."""

import os
import pathlib
import sys

import grpc
from google.protobuf import json_format

import cases
from nmq import errors
from nmq._stubs import message_queue_pb2, message_queue_pb2_grpc, registry_pb2, registry_pb2_grpc


def _plain(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def _failed(error):
    failed = errors.from_grpc(error)
    return cases.Failed(failed.code.name, failed.reason, str(failed))


class _Stream:
    def __init__(self, call):
        self._call = call

    def frame(self):
        try:
            return _plain(next(self._call))
        except grpc.RpcError as error:
            raise _failed(error) from None

    def cancel(self):
        self._call.cancel()


class _Stubs:
    def __init__(self, channel):
        self._stubs = (message_queue_pb2_grpc.MessageQueueStub(channel), registry_pb2_grpc.RegistryStub(channel))

    def unary(self, method, request, deadline):
        rpc, message = self._prepare(method, request)
        try:
            return _plain(rpc(message, timeout=deadline))
        except grpc.RpcError as error:
            raise _failed(error) from None

    def open(self, method, request):
        rpc, message = self._prepare(method, request)
        return _Stream(rpc(message, timeout=cases.SECONDS))

    def _prepare(self, method, request):
        module = message_queue_pb2 if hasattr(message_queue_pb2, method + "Request") else registry_pb2
        rpc = next(getattr(stub, method) for stub in self._stubs if hasattr(stub, method))
        return rpc, json_format.ParseDict(request, getattr(module, method + "Request")())


def _connect(address):
    options = [("grpc.max_receive_message_length", -1)]
    if "NMQ_TLS_CA" not in os.environ:
        return grpc.insecure_channel(address, options)
    authority = grpc.ssl_channel_credentials(pathlib.Path(os.environ["NMQ_TLS_CA"]).read_bytes())
    token = grpc.access_token_call_credentials(os.environ["NMQ_TOKEN"])
    return grpc.secure_channel(address, grpc.composite_channel_credentials(authority, token), options)


with _connect(sys.argv[1]) as connection:
    cases.run(_Stubs(connection), "python")
