"""Names of things, Chinese or English, to the catalogue's codes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rapidfuzz import fuzz, process


def fold(text: str) -> str:
    """Text as it is compared: full-width forms and case made equal, runs of white space and signs as one."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("&", " and ")
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())


class Lexicon:
    """A vocabulary of codes, each with its names; every name leads to one code."""

    def __init__(self, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
        """entries: (code, names), the first name being the one that suggestions show.

        Raises ValueError if a name would lead to two codes.
        """
        self._code_of: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        for code, names in entries:
            for name in [*names, code]:
                folded = fold(name)
                if folded and self._code_of.setdefault(folded, code) != code:
                    raise ValueError(f"{name!r} names both {self._code_of[folded]} and {code}")
                self._shown.setdefault(folded, name)

    def find(self, text: str) -> str | None:
        """The code that this text names exactly, but for case, width and spacing; None if there is none."""
        return self._code_of.get(fold(text))

    def nearest(self, text: str, count: int = 3) -> list[str]:
        """The names closest to a text, one a code, best first: what to suggest for an unknown name."""
        ranked = process.extract(fold(text), list(self._code_of), scorer=fuzz.WRatio, limit=None)
        names: dict[str, str] = {}
        for folded, _, _ in ranked:
            names.setdefault(self._code_of[folded], self._shown[folded])
        return list(names.values())[:count]
