"""How long to wait before trying again."""

from __future__ import annotations

import dataclasses
import random
from typing import Callable, Iterator

from . import arguments


@dataclasses.dataclass(frozen=True)
class Backoff:
    """A random time below initial * factor^attempts, at most max; seconds."""

    initial: float = 0.1
    max: float = 5.0
    factor: float = 2.0

    def __post_init__(self) -> None:
        arguments.number(0, above=True)("initial", self.initial)
        arguments.number(0, above=True)("max", self.max)
        arguments.number(1, unit="")("factor", self.factor)

    def delays(self, fraction: Callable[[], float] = random.random) -> Iterator[float]:
        """An endless iterator of such times. `fraction` gives numbers from 0 up to 1."""
        bound = min(self.max, self.initial)
        while True:
            yield bound * fraction()
            bound = min(self.max, bound * self.factor)
