"""The one door to numba: compiled once a machine, kept in __pycache__, and run without the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a function on arrays and numbers when it is first called."""
    try:
        return cast(F, njit(cache=True, nogil=True)(function))
    except RuntimeError:  # nowhere that can be written: each process compiles for itself then
        return cast(F, njit(nogil=True)(function))
