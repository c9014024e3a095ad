"""Levels that seats ask for and students have, counted by level: no database."""

from __future__ import annotations

from collections.abc import Mapping


def mean(seats: Mapping[int, int]) -> float:
    """The mean level of seats, each counted once. ValueError without a seat."""
    everything = sum(seats.values())
    if not everything:
        raise ValueError("nobody asks for it")
    return sum(level * count for level, count in seats.items()) / everything


def whole(level: float) -> int:
    """A mean level as a level: rounded, a half upwards."""
    return int(level + 0.5)


def reaching(people: Mapping[int, int], level: int) -> int:
    """How many have a level or a higher one."""
    return sum(count for had, count in people.items() if had >= level)
