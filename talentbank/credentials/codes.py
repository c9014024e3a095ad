"""Codes by which transcripts and credentials are found: hard to guess, easy to read off paper."""

from __future__ import annotations

import re
import secrets

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 signs, without those that are taken for one another on paper (0 and O, 1 and I)."""
GROUPS, SIGNS = 6, 4
"""24 signs of 5 bits each: 120 bits."""


def new_code() -> str:
    """A code nobody has: «7KQX-…», six groups of four."""
    return _grouped("".join(secrets.choice(ALPHABET) for _ in range(GROUPS * SIGNS)))


def read_code(text: str) -> str:
    """The code in what somebody typed or pasted, also a whole address, as codes are kept; empty if there is none."""
    bare = re.sub(r"[\s\-‐-―]", "", text.strip().rstrip("/").rpartition("/")[2]).upper()
    return _grouped(bare) if len(bare) == GROUPS * SIGNS and set(bare) <= set(ALPHABET) else ""


def _grouped(bare: str) -> str:
    return "-".join(bare[at : at + SIGNS] for at in range(0, len(bare), SIGNS))
