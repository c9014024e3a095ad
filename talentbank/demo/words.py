"""The made-up words that the demo bank's names are composed of, out of seeds/demo/."""

from __future__ import annotations

import csv

from talentbank.config import SEEDS


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one list of seeds/demo/."""
    with (SEEDS / "demo" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def enterprise_names() -> list[tuple[str, str]]:
    """Every enterprise name that the lists give, Chinese and English: a stem with a trade."""
    trades = rows("enterprise-trades")
    return [
        (f"示例{stem['name_zh']}{trade['name_zh']}", f"{stem['name_en']} {trade['name_en']} (example)")
        for trade in trades
        for stem in rows("enterprise-stems")
    ]


def university_names() -> list[tuple[str, str]]:
    """The universities, Chinese and English."""
    return [(row["name_zh"], row["name_en"]) for row in rows("universities")]


def person_names() -> list[tuple[str, str]]:
    """Every person that the lists give: the 示 («example») in the middle marks each as made up."""
    return [
        (f"{surname['name_zh']}示{given['name_zh']}", f"{surname['name_latin']} Shi{given['name_latin']}")
        for given in rows("given-names")
        for surname in rows("surnames")
    ]
