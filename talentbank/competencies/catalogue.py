"""The catalogue as seeds/ has it: read without a database, for the `match` command and to fill the tables."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from talentbank.config import SEEDS
from talentbank.engine.wording import Lexicon
from talentbank.extensions import lazy_gettext as _l


class Category(StrEnum):
    """The four categories of CBEC talent (DESIGN.md, section 3)."""

    OPERATIONS = "operations"
    DESIGN = "design"
    SUPPLY_CHAIN = "supply_chain"
    OTHERS = "others"

    @property
    def label(self) -> str:
        return str(CATEGORY_LABELS[self])


CATEGORY_LABELS = {
    Category.OPERATIONS: _l("Operations"),
    Category.DESIGN: _l("Design"),
    Category.SUPPLY_CHAIN: _l("Supply Chain"),
    Category.OTHERS: _l("Others"),
}

CATEGORY_NAMES = {
    Category.OPERATIONS: ("Operations", "运营"),
    Category.DESIGN: ("Design", "设计"),
    Category.SUPPLY_CHAIN: ("Supply Chain", "供应链"),
    Category.OTHERS: ("Others", "其他", "Other"),
}
"""Every name that a file may give a category."""


@dataclass(frozen=True, slots=True)
class CompetencySeed:
    """An entry of seeds/competencies.csv; no category means that it belongs to all."""

    code: str
    category: Category | None
    name_zh: str
    name_en: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CitySeed:
    """An entry of seeds/cities.csv."""

    code: str
    name_zh: str
    name_en: str


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def competencies() -> tuple[CompetencySeed, ...]:
    """The seeded competencies in the catalogue's order."""
    return tuple(
        CompetencySeed(
            code=row["code"],
            category=Category(row["category"]) if row["category"] else None,
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            aliases=tuple(filter(None, row["aliases"].split(";"))),
        )
        for row in _rows(SEEDS / "competencies.csv")
    )


@cache
def cities() -> tuple[CitySeed, ...]:
    """The seeded cities in the order that lists show."""
    return tuple(CitySeed(**row) for row in _rows(SEEDS / "cities.csv"))


def _lexicon(entries: Callable[[], list[tuple[str, tuple[str, ...]]]]) -> Callable[[], Lexicon]:
    return cache(lambda: Lexicon(entries()))


competency_lexicon = _lexicon(lambda: [(c.code, (c.name_en, c.name_zh, *c.aliases)) for c in competencies()])
"""Competencies by code, Chinese or English name, or alias."""
city_lexicon = _lexicon(lambda: [(c.code, (c.name_en, c.name_zh, f"{c.name_zh}市")) for c in cities()])
"""Cities by code or name, with or without 市."""
category_lexicon = _lexicon(lambda: [(c.value, names) for c, names in CATEGORY_NAMES.items()])
"""Categories by code or name."""
