"""Where a server is, as people write it; and the proxy in between, if there is one."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import Optional, Tuple
from urllib.parse import urlsplit

from . import arguments

PORT_DEFAULT = 50051
# What gRPC takes besides HOST:PORT.
_SCHEMES = ("dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "xds:")
_PORT_MAX = 65535
_URL_PORTS = {"http": 80, "https": 443}
_WANTED = "write HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051"
# In the order in which gRPC looks for them.
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")


def target(server: str) -> Tuple[str, bool]:
    """(what gRPC calls it, whether it asks for TLS). ValueError says what is wrong with it."""
    if server.startswith(_SCHEMES):
        return server, False
    if "://" not in server:
        return _host_and_port(server, server, PORT_DEFAULT), False
    url = urlsplit(server)
    if url.scheme not in _URL_PORTS:
        raise _no(server, f"{url.scheme}:// is not known here; {_WANTED}")
    if url.path.strip("/") or url.query or url.fragment or "@" in url.netloc:
        raise _no(server, f"more than a host and a port; {_WANTED}, and give the namespace as an option")
    return _host_and_port(server, url.netloc, _URL_PORTS[url.scheme]), url.scheme == "https"


def _host_and_port(server: str, text: str, port_default: int) -> str:
    host, port = text, str(port_default)
    if text.count(":") > 1 and not text.startswith("["):
        host = f"[{text}]"
    elif ":" in text and not text.endswith("]"):
        host, _, port = text.rpartition(":")
    if not _is_host(host):
        raise _no(server, f"no address; {_WANTED}")
    if not re.fullmatch("[0-9]+", port) or not 0 < int(port) <= _PORT_MAX:
        raise _no(server, f"{arguments.shown(port)} is no port: 1 to {_PORT_MAX} is allowed; {_WANTED}")
    return f"{host}:{port}"


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return re.fullmatch("[A-Za-z0-9._-]+", host) is not None
    try:
        ipaddress.IPv6Address(host[1:-1].partition("%")[0])
    except ValueError:
        return False
    return host.endswith("]")


def is_local(target_: str) -> bool:
    """A proxy cannot be meant for this."""
    if target_.startswith(("unix:", "unix-abstract:", "vsock:")):
        return True
    host = re.sub(r"^(dns|ipv4|ipv6):(//[^/]*/)?", "", target_).rpartition(":")[0].strip("[]")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy(target_: str) -> Optional[str]:
    """The proxy that gRPC takes for it, and which variable names it; None if there is none."""
    if is_local(target_):
        return None
    host = target_.rpartition(":")[0]
    for name in ("no_grpc_proxy", "no_proxy"):
        if os.environ.get(name):
            if any(each.strip() and host.endswith(each.strip()) for each in os.environ[name].split(",")):
                return None
            break
    for name in _PROXIES:
        if os.environ.get(name):
            return f"{os.environ[name]}, which {name} names"
    return None


def _no(server: str, why: str) -> ValueError:
    return ValueError(f"server: {arguments.shown(server)}: {why}")
