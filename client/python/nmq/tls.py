"""The files for TLS, as gRPC takes them."""

from __future__ import annotations

import pathlib
import ssl
from typing import Any

import grpc

from . import errors
from .options import Options


def credentials(options: Options) -> Any:
    """Those given, or by the files; None for plain text. InvalidArgument names the file that is of no use, and says why."""
    files = {name: getattr(options, name) for name in ("tls_ca", "tls_key", "tls_certificate")}
    if options.credentials is not None:
        return options.credentials
    if not any(files.values()):
        return grpc.ssl_channel_credentials() if options.secure else None
    if bool(options.tls_key) != bool(options.tls_certificate):
        raise errors.make(grpc.StatusCode.INVALID_ARGUMENT, "tls_certificate needs tls_key, and tls_key needs it")
    contents = [_read(name, file) if file else None for name, file in files.items()]
    for name in ("tls_ca", "tls_certificate"):
        if files[name]:
            _check_certificates(name, files[name])
    if options.tls_key:
        _check_pair(options.tls_certificate, options.tls_key)
    return grpc.ssl_channel_credentials(*contents)


def _wrong(name: str, file: str, why: str) -> errors.Error:
    return errors.make(grpc.StatusCode.INVALID_ARGUMENT, f"{name}: {file}: {why}")


def _read(name: str, file: str) -> bytes:
    try:
        return pathlib.Path(file).read_bytes()
    except OSError as error:
        raise _wrong(name, file, f"{error.strerror}; name a PEM file that can be read") from None


def _check_certificates(name: str, file: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError as error:
        if error.reason in ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE"):
            raise _wrong(name, file, "has no certificate; name a PEM file with certificates") from None
        raise _wrong(name, file, f"a certificate cannot be read: {error.reason}; make the file anew") from None


def _check_pair(certificate: str, key: str) -> None:
    try:
        # With an empty password, nobody is asked for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            why = f"is not the key of the first certificate in {certificate}; name the pair that belongs together"
        else:
            why = "has no private key that can be read without a password; name a PEM file with the certificate's key"
        raise _wrong("tls_key", key, why) from None
