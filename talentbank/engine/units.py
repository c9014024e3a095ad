"""Credits, hours and times of a day as people read them."""

from __future__ import annotations

from decimal import Decimal


def credits_text(hundredths: int) -> str:
    """Hundredths of a credit as credits: 1.25 for 125."""
    return f"{Decimal(hundredths) / 100:.2f}"


def hours_text(minutes: int) -> str:
    """Minutes as hours with at most two decimals: 7.5 for 450."""
    return f"{minutes / 60:.2f}".rstrip("0").rstrip(".")


def clock(minutes: int) -> str:
    """Minutes after midnight as a time of day: 09:30 for 570."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
