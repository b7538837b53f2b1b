"""How long to wait before trying again."""

import dataclasses
import random


@dataclasses.dataclass(frozen=True)
class Backoff:
    """A random time below initial * factor^attempts, at most max; seconds."""

    initial: float = 0.1
    max: float = 5.0
    factor: float = 2.0

    def delays(self, fraction=random.random):
        """An endless iterator of such times. `fraction` gives numbers from 0 up to 1."""
        bound = min(self.max, self.initial)
        while True:
            yield bound * fraction()
            bound = min(self.max, bound * self.factor)
