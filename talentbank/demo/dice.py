"""Choices out of one seeded sequence, the same on every machine.

Only `random.Random.random` is drawn on, whose sequence Python promises to keep; whole numbers are made of it here.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Choices out of one seeded sequence."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  (made-up data, no secret)

    def below(self, count: int) -> int:
        """A whole number from 0 to count − 1."""
        return int(self._random.random() * count)

    def happens(self, share: float) -> bool:
        """Whether something happens that happens in this share of cases."""
        return self._random.random() < share

    def one_of(self, values: Sequence[T]) -> T:
        """One of the values."""
        return values[self.below(len(values))]

    def some_of(self, values: Sequence[T], count: int) -> list[T]:
        """So many of the values, in a shuffled order (Fisher and Yates)."""
        left = list(values)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]
