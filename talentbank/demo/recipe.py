"""The demo bank's contents, composed from one seed out of the paper's figures: the same on every machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from talentbank.competencies import catalogue
from talentbank.competencies.catalogue import Category
from talentbank.demo import words
from talentbank.demo.dice import Dice
from talentbank.engine.competency import MAX_LEVEL, Candidate, Opening, Requirement
from talentbank.insight import figures

SEED = 2025
ENTERPRISES = int(figures.baseline()["park_enterprises"].value)
UNIVERSITIES = int(figures.baseline()["universities"].value)
STUDENTS = int(figures.baseline()["professionals_trained"].value)

HEADCOUNTS = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5)
COHORTS = (2025, 2026, 2026, 2027, 2027, 2028)
LEANINGS = ("operations",) * 9 + ("design",) * 6 + ("supply_chain",) + ("others",) * 4
"""What students lean to: fewer to the supply chain than it needs, so that rounds have something to tell."""
READY = 0.34
"""The share of students who were trained up to what positions ask for; with chance matches some 35 % in all."""


@dataclass(frozen=True, slots=True)
class DemoPosition:
    """A position; enterprise is an index, salaries are in RMB a year, requirements (code, level, weight, must)."""

    enterprise: int
    title_zh: str
    title_en: str
    description: str
    category: str
    city: str
    headcount: int
    min_salary: int
    max_salary: int
    requirements: tuple[tuple[str, int, float, bool], ...]

    def opening(self, index: int) -> Opening:
        """The position as the engine sees it."""
        requirements = tuple(Requirement(*row) for row in self.requirements)
        return Opening(str(index), self.category, self.city, self.headcount, self.max_salary, requirements)


@dataclass(frozen=True, slots=True)
class DemoStudent:
    """A student; university is an index, levels are (competency code, claimed, verified)."""

    name: str
    name_latin: str
    university: int
    cohort: int
    major_zh: str
    major_en: str
    categories: tuple[str, ...]
    cities: tuple[str, ...]
    min_salary: int
    levels: tuple[tuple[str, int, int], ...]

    def candidate(self, index: int) -> Candidate:
        """The student as the engine sees one."""
        return Candidate(
            id=str(index),
            categories=frozenset(self.categories),
            cities=frozenset(self.cities),
            min_salary=self.min_salary,
            claimed={code: claimed for code, claimed, _ in self.levels},
            verified={code: verified for code, _, verified in self.levels},
        )


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of the demo bank but its sign-ins; names are (Chinese, English)."""

    enterprises: tuple[tuple[str, str], ...]
    universities: tuple[tuple[str, str], ...]
    positions: tuple[DemoPosition, ...]
    students: tuple[DemoStudent, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the contents as canonical JSON."""
        return digest_of(asdict(self))


def digest_of(contents: dict[str, Any]) -> str:
    """SHA-256 of contents as canonical JSON."""
    text = json.dumps(contents, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def compose(seed: int = SEED) -> Recipe:
    """The demo bank of a seed."""
    dice = Dice(seed)
    positions = _positions(dice)
    return Recipe(
        enterprises=tuple(words.enterprise_names()[:ENTERPRISES]),
        universities=tuple(words.university_names()[:UNIVERSITIES]),
        positions=tuple(positions),
        students=tuple(_students(dice)),
    )


def _core(category: str) -> list[str]:
    return [c.code for c in catalogue.competencies() if c.category == category]


def _common() -> list[str]:
    return [c.code for c in catalogue.competencies() if c.category is None]


def _positions(dice: Dice) -> list[DemoPosition]:
    """Positions until each category's seats are given out; every enterprise gets one before any gets another."""
    made = []
    titles = words.rows("titles")
    for demand in figures.demand():
        left = demand.shortage
        while left:
            headcount = min(left, dice.one_of(HEADCOUNTS))
            left -= headcount
            made.append((demand, headcount, dice.one_of([t for t in titles if t["category"] == demand.category])))
    positions = []
    for place, (demand, headcount, title) in enumerate(dice.some_of(made, len(made))):
        # The first enterprise is the one that visitors sign in as: it shall have more than one to look at.
        enterprise = place if place < ENTERPRISES else max(0, dice.below(ENTERPRISES + 3) - 3)
        low, high = _salary(dice, demand)
        positions.append(
            DemoPosition(
                enterprise=enterprise,
                title_zh=title["title_zh"],
                title_en=title["title_en"],
                description=title["work_zh"],
                category=demand.category.value,
                city=_city(dice),
                headcount=headcount,
                min_salary=low,
                max_salary=high,
                requirements=tuple(_requirements(dice, demand.category)),
            )
        )
    return positions


def _salary(dice: Dice, demand: figures.Demand) -> tuple[int, int]:
    """A range inside of the category's, in half steps of 10k RMB, at least one step wide."""
    bottom, top = round(demand.min_salary * 10_000), round(demand.max_salary * 10_000)
    steps = (top - bottom) // 5_000
    low = dice.below(steps)
    high = low + 1 + dice.below(steps - low)
    return bottom + low * 5_000, bottom + high * 5_000


def _city(dice: Dice) -> str:
    cities = [city.code for city in catalogue.cities()]
    return cities[0] if dice.happens(0.7) else dice.one_of(cities[1:])


def _requirements(dice: Dice, category: str) -> list[tuple[str, int, float, bool]]:
    """Both core competencies, a must-have each but for some, and two or three of the common ones."""
    asked = [(code, 3 + dice.below(2), 2.0 + dice.below(2), True) for code in _core(category)]
    if dice.happens(0.3):
        code, level, weight, _ = asked[1]
        asked[1] = (code, level, weight, dice.happens(0.5) and level > 3)
    common = dice.some_of(_common(), 2 + dice.below(2))
    return asked + [(code, 2 + dice.below(3), 1.0, False) for code in common]


def _students(dice: Dice) -> list[DemoStudent]:
    names = dice.some_of(words.person_names(), STUDENTS)
    majors = words.rows("majors")
    cities = [city.code for city in catalogue.cities()]
    students = [_star(names[0], majors)]
    for place, (name, latin) in enumerate(names[1:], start=1):
        lean = dice.one_of(LEANINGS)
        major = dice.one_of([m for m in majors if m["category"] == lean])
        also = [c.value for c in Category if c != lean and dice.happens(0.15)]
        students.append(
            DemoStudent(
                name=name,
                name_latin=latin,
                university=place % UNIVERSITIES,
                cohort=dice.one_of(COHORTS),
                major_zh=major["name_zh"],
                major_en=major["name_en"],
                categories=tuple(sorted([lean, *also])),
                cities=tuple(_accepted_cities(dice, cities)),
                min_salary=(11 + dice.below(8)) * 5_000,
                levels=tuple(_levels(dice, lean, ready=dice.happens(READY))),
            )
        )
    return students


def _accepted_cities(dice: Dice, cities: list[str]) -> list[str]:
    if dice.happens(0.3):
        return []
    return sorted([cities[0], *(city for city in cities[1:] if dice.happens(0.35))])


def _levels(dice: Dice, lean: str, *, ready: bool) -> list[tuple[str, int, int]]:
    """Levels of the core competencies one leans to, of most common ones, and of a few of other categories."""
    levels = []
    for competency in catalogue.competencies():
        if competency.category == lean:
            claimed = 3 + dice.below(3) if ready else dice.below(3)
        elif competency.category is None:
            claimed = 1 + dice.below(4) if dice.happens(0.8) else 0
        else:
            claimed = 1 + dice.below(2) if dice.happens(0.15) else 0
        if claimed:
            proven = max(1, claimed - dice.below(3)) if dice.happens(0.4) else 0
            levels.append((competency.code, claimed, min(MAX_LEVEL, proven)))
    return levels


def _star(name: tuple[str, str], majors: list[dict[str, str]]) -> DemoStudent:
    """The student whom visitors sign in as: strong in operations, so that there is an offer to look at."""
    major = next(m for m in majors if m["category"] == Category.OPERATIONS)
    core = [(code, 4, 4) for code in _core(Category.OPERATIONS)]
    common = [(code, 3, 2) for code in _common()]
    return DemoStudent(
        name=name[0],
        name_latin=name[1],
        university=0,
        cohort=2026,
        major_zh=major["name_zh"],
        major_en=major["name_en"],
        categories=(Category.OPERATIONS.value,),
        cities=(),
        min_salary=70_000,
        levels=tuple(core + common),
    )
