"""What callers hand in, checked at once: a TypeError or ValueError names the argument, its value and what is allowed.

A check takes (name, value) and returns the value to use. An argument that is left at its default is not checked.
"""

from __future__ import annotations

import datetime
import functools
import inspect
import json
import math
import os
from typing import Any, Callable, Dict, Iterable, Iterator, List, Tuple, TypeVar, Union, cast

Check = Callable[[str, Any], Any]
F = TypeVar("F", bound=Callable[..., Any])

UINT32_MAX = 2**32 - 1
UINT64_MAX = 2**64 - 1
# The longest time that the protocol and the locks of Python both take: 68 years.
_SECONDS_MAX = float(2**31 - 1)
_SHOWN_MAX = 60


def shown(value: Any) -> str:
    """The value for a message, in a few words."""
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."


def checked(**checks: Check) -> Callable[[F], F]:
    """A decorator: calls with options that the function does not have are refused, and what is handed in as an argument
    of one of these names passes its check."""

    def decorate(function: F) -> F:
        parameters = list(inspect.signature(function).parameters.values())
        options = {p.name for p in parameters if p.kind is not p.VAR_POSITIONAL and p.name != "self"}
        unknown = set(checks) - options
        if unknown:
            raise AssertionError(f"{function.__qualname__} has no {unknown}")
        # Of those that stand without their names.
        positional = [(p.name, checks.get(p.name), p.default) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        defaults = {p.name: p.default for p in parameters}

        def check_first(arguments: Tuple[Any, ...]) -> List[Any]:
            first = [
                value if check is None or value is default else check(name, value)
                for (name, check, default), value in zip(positional, arguments)
            ]
            return first if len(first) == len(arguments) else first + list(arguments[len(first) :])

        def check_named(named: Dict[str, Any]) -> Dict[str, Any]:
            for name, value in named.items():
                if name not in options:
                    shown_options = [p.name for p in parameters if p.name in options]
                    raise unknown_option(function.__name__, name, value, shown_options)
                check = checks.get(name)
                if check is not None and value is not defaults[name]:
                    named[name] = check(name, value)
            return named

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            return function(*check_first(arguments), **(check_named(named) if named else named))

        @functools.wraps(function)
        async def call_async(*arguments: Any, **named: Any) -> Any:
            return await function(*check_first(arguments), **check_named(named))

        made: Any = call_async if inspect.iscoroutinefunction(function) else call
        return cast(F, made)

    return decorate


def unknown_option(function: str, name: str, value: Any, options: Iterable[str]) -> TypeError:
    return TypeError(f"{function}() has no option {name}={shown(value)}; it has {', '.join(options)}")


def text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _no(name, value, "a str")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name}: {shown(value)} cannot be written as UTF-8: character {error.start}") from None
    return value


def filled_text(name: str, value: Any) -> str:
    said = text(name, value)
    if said == "":
        raise ValueError(f"{name}: '' names nothing; give a name, or leave it out")
    return said


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _no(name, value, "True or False")
    return value


def whole(low: int = 0, high: int = UINT64_MAX) -> Check:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _no(name, value, f"a whole number from {low} to {high}")
        if not low <= value <= high:
            raise ValueError(f"{name}: {shown(value)} is out of range; {low} to {high} is allowed")
        return value

    return check


def number(low: float, high: float = _SECONDS_MAX, above: bool = False, unit: str = " seconds") -> Check:
    """With `above`, `low` itself is not allowed."""
    allowed = f"{'more than ' if above else ''}{low:g} to {high:.10g}{unit}"

    def check(name: str, value: Any) -> Union[int, float]:
        if isinstance(value, datetime.timedelta):
            raise TypeError(f"{name}: {shown(value)} is a timedelta; give a number of seconds: its total_seconds()")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _no(name, value, f"a number, {allowed}")
        if not (math.isfinite(value) and low <= value <= high) or above and value == low:
            raise ValueError(f"{name}: {shown(value)} is out of range; {allowed} is allowed")
        return value

    return check


def names(name: str, value: Any) -> List[str]:
    """A list of texts, from any iterable but a text."""
    return [text(f"{name}[{index}]", each) for index, each in enumerate(_iterated(name, value, "names"))]


def narrowing(name: str, value: Any) -> List[str]:
    """As names(), of those who may hear a message: a list without any would let everyone hear it."""
    listed = names(name, value)
    if not listed:
        raise ValueError(f"{name}: [] names nobody; name at least one, or leave {name} out for everyone")
    return listed


def patterns(name: str, value: Any) -> List[Tuple[str, str]]:
    listed = list(_iterated(name, value, "(queue, event)"))
    if not listed:
        raise ValueError(f"{name}: [] names no queue; name at least one as (queue, event), or leave {name} out")
    for index, each in enumerate(listed):
        if not isinstance(each, (tuple, list)) or len(each) != 2:
            raise _no(f"{name}[{index}]", each, "a pair (queue, event)")
        for part, said in zip(("queue", "event"), each):
            text(f"{name}[{index}] {part}", said)
    return listed


def texts(name: str, value: Any) -> Dict[str, str]:
    """A dict of texts."""
    return _texts(name, value, text)


def header_filters(name: str, value: Any) -> Dict[str, Any]:
    """A dict of texts, or None for any value."""
    return _texts(name, value, lambda where, said: None if said is None else text(where, said))


def moment(name: str, value: Any) -> datetime.datetime:
    if not isinstance(value, datetime.datetime):
        raise _no(name, value, "a datetime.datetime")
    return value


def payload(name: str, value: Any) -> Union[str, bytes, bytearray, memoryview]:
    if isinstance(value, str):
        return text(name, value)
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise _no(name, value, "bytes or str; json= takes other values")
    return value


def json_text(name: str, value: Any) -> bytes:
    """Refuses what other languages cannot read: NaN and infinity."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{name}: {shown(value)} is no JSON: {error}; dicts with str keys, lists, str, int, finite float, bool and "
            "None are allowed"
        ) from None


def instance(*types: type, what: str = "") -> Check:
    what = what or " or ".join(each.__name__ for each in types)

    def check(name: str, value: Any) -> Any:
        if not isinstance(value, types):
            raise _no(name, value, what)
        return value

    return check


def function(name: str, value: Any) -> Any:
    if not callable(value):
        raise _no(name, value, "a function")
    return value


def path(name: str, value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise _no(name, value, "a path")
    return str(os.fspath(value))


def word(enum: Any, prefix: str) -> Check:
    """A value of an enum of the protocol, whose names begin with `prefix`."""
    allowed = ", ".join(f"nmq.{prefix.title()}.{each}" for each in enum.keys())

    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _no(name, value, f"one of {allowed}")
        if value not in enum.values():
            raise ValueError(f"{name}: {shown(value)} is not one of {allowed}")
        return value

    return check


def _texts(name: str, value: Any, check: Check) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise _no(name, value, "a dict of str")
    for key, said in value.items():
        text(f"a name in {name}", key)
        check(f"{name}[{shown(key)}]", said)
    return value


def _iterated(name: str, value: Any, of: str) -> Iterator[Any]:
    if isinstance(value, (str, bytes)):
        kind = type(value).__name__
        raise TypeError(f"{name}: {shown(value)} is a {kind}, not a list of {of}; write [{shown(value)}]")
    try:
        return iter(value)
    except TypeError:
        raise _no(name, value, f"a list of {of}") from None


def _no(name: str, value: Any, wanted: str) -> TypeError:
    return TypeError(f"{name}: {shown(value)} is a {type(value).__name__}, not {wanted}")
