"""Shows a client's token with each call, over plain text, too, where gRPC has no credentials."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple, Union

import grpc

# A token, or what gives one for each call, at once and on any thread.
Token = Union[str, Callable[[], str]]

_Interceptor: Any = type(
    "_Interceptor",
    (
        grpc.UnaryUnaryClientInterceptor,
        grpc.UnaryStreamClientInterceptor,
        grpc.StreamUnaryClientInterceptor,
        grpc.StreamStreamClientInterceptor,
    ),
    {},
)


def is_token(text: str) -> bool:
    return all("!" <= each <= "~" for each in text.rstrip())


def _shown(metadata: Any, token: Token) -> List[Tuple[str, Any]]:
    # A file has a line end behind it.
    text = (token if isinstance(token, str) else token()).rstrip()
    # The server says what is missing.
    shown = [("authorization", f"Bearer {text}")] if text and is_token(text) else []
    return [*(metadata or ()), *shown]


class _Shower(_Interceptor):  # type: ignore[misc]
    def __init__(self, token: Token) -> None:
        self._token = token

    def _intercept(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(details._replace(metadata=_shown(details.metadata, self._token)), request)

    intercept_unary_unary = intercept_unary_stream = intercept_stream_unary = intercept_stream_stream = _intercept


def show(channel: Any, token: Token) -> Any:
    """`channel`, with `token` shown by each call if there is one."""
    return grpc.intercept_channel(channel, _Shower(token)) if token else channel


def aio_interceptors(token: Token) -> List[Any]:
    """The same for a channel of grpc.aio, which wants one of each kind."""
    import grpc.aio as aio

    def kind(base: Any, name: str) -> Any:
        async def intercept(_: Any, continuation: Any, details: Any, request: Any) -> Any:
            metadata = aio.Metadata(*_shown(details.metadata, token))
            return await continuation(details._replace(metadata=metadata), request)

        return type("_AioShower", (base,), {name: intercept})()

    if not token:
        return []
    return [
        kind(aio.UnaryUnaryClientInterceptor, "intercept_unary_unary"),
        kind(aio.UnaryStreamClientInterceptor, "intercept_unary_stream"),
        kind(aio.StreamUnaryClientInterceptor, "intercept_stream_unary"),
        kind(aio.StreamStreamClientInterceptor, "intercept_stream_stream"),
    ]
