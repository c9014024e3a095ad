"""What a cell of the match files says: names, numbers and lists, or a sentence that says what to write instead.

Full-width signs and digits count as their ASCII forms, and space may stand around every name, number and sign.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from talentbank.competencies.catalogue import category_lexicon, city_lexicon, competency_lexicon
from talentbank.engine.competency import MAX_LEVEL, Requirement
from talentbank.engine.wording import fold
from talentbank.errors import Invalid
from talentbank.exchange.tables import plain, shown
from talentbank.extensions import lazy_gettext as _l

MOST_SEATS = 100_000
MOST_SALARY = 1_000
"""In 10k RMB a year; what is above was written in RMB."""
RMB = 10_000

KEPT = 4096
"""Cells and items that are remembered: the same few stand in thousands of rows."""

NUMBER = re.compile(r"[+-]?(?:[0-9]{1,12}\.?[0-9]{0,12}|\.[0-9]{1,12})")
"""Short enough that decimal arithmetic on it is exact."""
CLAIM = re.compile(r"(?P<name>[^:]*[^:\s])\s*:(?P<level>[^:]*)")
REQUIREMENT = re.compile(r"(?P<name>[^:]*[^:\s])\s*:(?P<level>[^:*!]*)(?:\*(?P<weight>[^:*!]*))?(?P<must_have>!?)")


def identity(text: str) -> str:
    """An id as it was written, so that results can be joined with the file that it came from."""
    if not text.strip():
        raise Invalid(_l("there is no id; give each row one of its own"))
    if "\n" in text or "\r" in text:
        raise Invalid(_l("the id %(id)s has a line break in it; write it on one line", id=shown(text)))
    return text


@lru_cache(KEPT)
def categories(text: str) -> frozenset[str]:
    """Codes of the categories in a list, empty for any."""
    return frozenset(category(name) for name in _listed(text))


@lru_cache(KEPT)
def cities(text: str) -> frozenset[str]:
    """The cities in a list, empty for any."""
    return frozenset(city(name) for name in _listed(text))


@lru_cache(KEPT)
def category(text: str) -> str:
    """The code of one category."""
    if not text.strip():
        raise Invalid(_l("there is no category; name one"))
    lexicon = category_lexicon()
    code = lexicon.find(text)
    if code is None:
        nearest = ", ".join(lexicon.nearest(text))
        raise Invalid(_l("%(name)s is no category; the nearest are %(nearest)s", name=shown(text), nearest=nearest))
    return code


@lru_cache(KEPT)
def city(text: str) -> str:
    """The code of a city that the bank knows; any other city is its own name, with or without 市."""
    name = fold(text)
    if not name:
        raise Invalid(_l("there is no city in %(text)s; name one", text=shown(text)))
    return city_lexicon().find(text) or name.removesuffix("市") or name


@lru_cache(KEPT)
def competency(text: str) -> str:
    """The code of a competency that the catalogue names."""
    lexicon = competency_lexicon()
    code = lexicon.find(text)
    if code is None:
        nearest = ", ".join(lexicon.nearest(text))
        raise Invalid(
            _l(
                "the competency %(name)s is not in the catalogue; the nearest are %(nearest)s",
                name=shown(text),
                nearest=nearest,
            )
        )
    return code


@lru_cache(KEPT)
def floor_salary(text: str) -> int:
    """The least salary that a student takes, in whole RMB a year; an empty cell is none."""
    return _salary(text) if text.strip() else 0


@lru_cache(KEPT)
def top_salary(text: str) -> int:
    """The most that a position pays, in whole RMB a year."""
    salary = _salary(text)
    if salary == 0:
        raise Invalid(_l("the salary is 0; write what the position pays at most, in 10k RMB a year, such as 8.5"))
    return salary


@lru_cache(KEPT)
def headcount(text: str) -> int:
    """The seats of a position."""
    seats = _whole(text)
    if seats is None or not 1 <= seats <= MOST_SEATS:
        raise Invalid(
            _l("%(text)s is no headcount; write a whole number from 1 to %(most)s", text=shown(text), most=MOST_SEATS)
        )
    return seats


def levels(text: str) -> dict[str, int]:
    """Levels by competency, out of `Platform Ops:4; Data Analysis:3`."""
    found: dict[str, int] = {}
    for item in _listed(text):
        name, code, level = _claim(item)
        if code in found:
            raise Invalid(_l("the competency %(name)s is named twice; keep one", name=shown(name)))
        found[code] = level
    return found


@lru_cache(KEPT)
def _claim(item: str) -> tuple[str, str, int]:
    """A competency's name as it stands there, its code and the level."""
    parts = CLAIM.fullmatch(item)
    if parts is None:
        raise Invalid(
            _l("%(item)s is no competency with its level; write it as in Data Analysis:3", item=shown(item))
        )
    name: str = parts["name"]
    return name, competency(name), _level(parts["level"], 0, name)


def requirements(text: str) -> tuple[Requirement, ...]:
    """Requirements out of `Data Analysis:3*2!; Copywriting:2`: level, relative weight (1 if left out), must-have."""
    found: dict[str, Requirement] = {}
    for item in _listed(text):
        name, requirement = _requirement(item)
        if requirement.competency in found:
            raise Invalid(_l("the requirement %(name)s stands there twice; keep one", name=shown(name)))
        found[requirement.competency] = requirement
    if not found:
        raise Invalid(_l("there are no requirements; write at least one, as in Data Analysis:3"))
    return tuple(found.values())


@lru_cache(KEPT)
def _requirement(item: str) -> tuple[str, Requirement]:
    """A requirement, with its competency's name as it stands there."""
    parts = REQUIREMENT.fullmatch(item)
    if parts is None:
        raise Invalid(
            _l(
                "%(item)s is no requirement; write it as in Data Analysis:3, Data Analysis:3*2 (weight 2)"
                " or Data Analysis:3*2! (must-have)",
                item=shown(item),
            )
        )
    name: str = parts["name"]
    return name, Requirement(
        competency=competency(name),
        level=_level(parts["level"], 1, name),
        weight=_weight(parts["weight"], name),
        must_have=bool(parts["must_have"]),
    )


def _listed(text: str) -> list[str]:
    return [item for part in plain(text).split(";") if (item := part.strip())]


def _number(text: str) -> Decimal | None:
    digits = plain(text)
    return Decimal(digits) if NUMBER.fullmatch(digits) else None


def _whole(text: str) -> int | None:
    """A whole number, also as 3.0, which is how a spreadsheet may keep it."""
    number = _number(text)
    return int(number) if number is not None and number == int(number) else None


def _level(text: str, least: int, name: str) -> int:
    level = _whole(text)
    if level is None or not least <= level <= MAX_LEVEL:
        raise Invalid(
            _l(
                "%(text)s is no level of %(name)s; write a whole number from %(least)s to %(most)s",
                text=shown(text.strip()),
                name=shown(name),
                least=least,
                most=MAX_LEVEL,
            )
        )
    return level


def _weight(text: str | None, name: str) -> float:
    if text is None:
        return 1.0
    weight = _number(text)
    if weight is None or weight <= 0:
        raise Invalid(
            _l(
                "%(text)s is no weight of %(name)s; write a number above 0",
                text=shown(text.strip()),
                name=shown(name),
            )
        )
    return float(weight)


def _salary(text: str) -> int:
    """10k RMB a year in whole RMB, exactly."""
    number = _number(text)
    salary = None if number is None else number * RMB
    if salary is None or salary != int(salary) or not 0 <= salary <= MOST_SALARY * RMB:
        raise Invalid(
            _l(
                "%(text)s is no salary in 10k RMB a year; write a number from 0 to %(most)s with at most four"
                " decimals, such as 8.5",
                text=shown(text),
                most=MOST_SALARY,
            )
        )
    return int(salary)
