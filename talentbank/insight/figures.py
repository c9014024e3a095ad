"""The paper's figures, out of seeds/: the baseline that the bank is measured against."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache

from talentbank.competencies.catalogue import Category, category_lexicon
from talentbank.config import SEEDS

SOURCE = "Zou & Xie, Building a Southwest Cross-Border E-Commerce Hub"


@dataclass(frozen=True, slots=True)
class Demand:
    """A category's demand in 2025: persons missing, and salaries in 10k RMB a year (Table 1)."""

    category: Category
    shortage: int
    min_salary: float
    max_salary: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the paper with its unit and meaning."""

    value: str
    unit: str
    meaning: str


@cache
def demand() -> tuple[Demand, ...]:
    """Table 1, a category each."""
    with (SEEDS / "demand-2025.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Demand(
                Category(category_lexicon().find(row["category"]) or ""),
                int(row["shortage_persons"]),
                float(row["salary_min_10k_rmb_per_year"]),
                float(row["salary_max_10k_rmb_per_year"]),
            )
            for row in csv.DictReader(file)
        )


@cache
def baseline() -> dict[str, Figure]:
    """The paper's other figures by name."""
    with (SEEDS / "baseline.csv").open(encoding="utf-8", newline="") as file:
        return {row["figure"]: Figure(row["value"], row["unit"], row["meaning"]) for row in csv.DictReader(file)}


def gap_goal() -> float:
    """The share of the gap that is to go, 0..1."""
    return -float(baseline()["talent_gap_goal"].value) / 100
